package similar

// OneEdit reports whether two texts differ by exactly one edit: one letter
// added, missing or replaced, or two neighbours exchanged.
func OneEdit[T comparable](a, b []T) bool {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) == 2 && len(b) == 2 {
		return a[0] == b[1] && a[1] == b[0]
	}
	return len(a) <= 1 && len(b) <= 1 && len(a)+len(b) > 0
}
