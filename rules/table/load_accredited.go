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
	list, err := accredited.Read(file, text)
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
	for _, ignored := range list.Ignored {
		l.table.listWarnings = append(l.table.listWarnings, Warning{
			file, fmt.Sprintf("row %d", ignored.Line), fmt.Sprintf("%q %s: the row is ignored", ignored.Domain, ignored.Why),
			"remove it, or import the list with -accept",
		})
	}
}
