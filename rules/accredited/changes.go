package accredited

// Changes are the differences between two accredited lists. Each part is sorted
// by domain.
type Changes struct {
	Added   []Row
	Removed []Row
	Kept    []Row // as the new list has them
}

// Compare compares two lists that are sorted by domain.
func Compare(old, fresh []Row) Changes {
	var c Changes
	for len(old) > 0 || len(fresh) > 0 {
		switch {
		case len(old) == 0 || len(fresh) > 0 && fresh[0].Domain < old[0].Domain:
			c.Added, fresh = append(c.Added, fresh[0]), fresh[1:]
		case len(fresh) == 0 || old[0].Domain < fresh[0].Domain:
			c.Removed, old = append(c.Removed, old[0]), old[1:]
		default:
			c.Kept = append(c.Kept, fresh[0])
			old, fresh = old[1:], fresh[1:]
		}
	}
	return c
}

// Exceeds reports whether more than a percentage of the old list was removed,
// or added to it.
func (c Changes) Exceeds(percent int) bool {
	limit := percent * (len(c.Removed) + len(c.Kept))
	return 100*len(c.Removed) > limit || 100*len(c.Added) > limit
}
