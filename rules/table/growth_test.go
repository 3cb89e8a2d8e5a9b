//go:build !race

package table

import (
	"fmt"
	"testing"
	"time"

	"github.com/postseal/postseal/rules/growthtest"
)

// TestChecksOfLocalRowsGrow runs the checks that compare local rows with other
// rows. They are measured alone, because loading the rows costs much more and
// would hide the growth.
func TestChecksOfLocalRowsGrow(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	filled := func(n int) *Table {
		t := &Table{rows: make(map[string]*Row)}
		info := &Info{Name: ownDomains}
		for i := range n {
			t.add(&Row{Name: fmt.Sprintf("own%d.example", i), subdomains: true, Class: Local, Table: info, layer: localLayer})
		}
		t.add(&Row{Name: "gsi.gov.uk", Class: Closed, subdomains: true, Table: info, layer: retiredLayer})
		t.accredited.info, t.accredited.n = info, 1
		t.accredited.names.add("listed.nhs.uk", "")
		t.accredited.names.index()
		return t
	}
	t.Run("trust", func(t *testing.T) {
		growthtest.Linear(t, 1000, func(n int) func() {
			l := loader{table: filled(n)}
			return l.refuseWideTrust
		})
	})
	t.Run("unlisted", func(t *testing.T) {
		growthtest.Linear(t, 1000, func(n int) func() {
			filled := filled(n)
			return func() {
				for _, row := range filled.list {
					filled.isUnlisted(row.Name, now)
				}
			}
		})
	})
	t.Run("rows of files", func(t *testing.T) {
		growthtest.Linear(t, 1000, func(n int) func() {
			t := filled(n)
			return func() { t.Lint(now) }
		})
	})
}
