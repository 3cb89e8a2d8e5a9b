package table

import (
	"fmt"

	"github.com/postseal/postseal/rules/accredited"
)

// accredited adds the rows of the accredited list.
func (l *loader) accredited(file string) {
	text, err := l.read(file)
	if err != nil {
		l.fault("%w: run postseal import, or remove rules.accredited from the configuration", err)
		return
	}
	list, err := accredited.ReadImported(file, text)
	if err != nil {
		l.faults = append(l.faults, err)
		return
	}
	info := &Info{Name: "accredited", File: file, Source: "secure email standard DCB1596, accredited organisations"}
	for _, a := range list.Rows {
		row := &Row{Name: a.Domain, Class: Secure, Note: a.Organisation, Table: info, layer: accreditedLayer}
		if l.table.add(row) == nil && a.Accepted {
			l.table.listWarnings = append(l.table.listWarnings,
				row.warning(accredited.Doubt(a.Domain)+", and was imported with -accept", `to withdraw trust, give it a local row with class = "unknown"`))
		}
	}
	l.table.listWarnings = append(l.table.listWarnings, listWarnings(list, file)...)
}

// listWarnings returns warnings for what is ignored in a list that is in use.
func listWarnings(l accredited.List, file string) (found []Warning) {
	named := func(remarks []accredited.Remark, fault, remedy string) {
		for _, r := range remarks {
			found = append(found, Warning{file, fmt.Sprintf("row %d", r.Row), r.Text() + ": " + fault, remedy})
		}
	}
	for _, doubt := range l.Doubts {
		found = append(found, Warning{file, "the list", doubt, "import the published list with postseal import"})
	}
	named(l.Doubtful, "the row is ignored", "remove it, or import the list with -accept")
	named(l.LeftOut, "the row is left out", "correct or remove it, and import the list again")
	return found
}
