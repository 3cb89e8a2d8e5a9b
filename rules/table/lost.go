package table

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Lost is a row that covers a domain but does not decide its class.
type Lost struct {
	*Row
	Why string
}

// Lost returns the rows that cover a domain beside the one that decided: the
// strongest layer first, and in a layer the longest name first. decided is nil
// if no row could decide because the address may lead to another host.
func (t *Table) Lost(domain string, decided *Row, now time.Time) []Lost {
	var covering []*Row
	t.walk(domain, now, localLayer, &covering)
	slices.SortStableFunc(covering, func(a, b *Row) int { return cmp.Compare(a.layer, b.layer) })
	var lost []Lost
	for _, row := range covering {
		if decided == nil || row.layer != decided.layer || row.Name != decided.Name {
			lost = append(lost, Lost{row, row.lostTo(decided, now)})
		}
	}
	return lost
}

func (r *Row) lostTo(decided *Row, now time.Time) string {
	switch {
	case r.Expired(now):
		return "it expired on " + r.Expires.Format(time.DateOnly)
	case decided == nil:
		return "the address may lead to another host"
	case decided.layer != r.layer:
		return fmt.Sprintf("layer %s overrides layer %s", decided.layer, r.layer)
	}
	return fmt.Sprintf("the longer name %s overrides it", decided.Name)
}
