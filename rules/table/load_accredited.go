package table

import (
	"fmt"

	"github.com/postseal/postseal/rules/accredited"
)

// accreditedRows are the rows of the accredited list.
type accreditedRows struct {
	info  *Info // nil if there is no list
	n     int
	names nameSet // the names of the rows with their organisations, then those that only lookAlikes needs
}

// row makes a row.
func (a *accreditedRows) row(i int) *Row {
	name, organisation := a.names.at(i)
	return &Row{Name: name, Class: Secure, Note: organisation, Table: a.info, layer: accreditedLayer}
}

// find returns the row for exactly this name, or nil.
func (a *accreditedRows) find(name string) *Row {
	if i, found := a.names.find(name); found && i < a.n {
		return a.row(i)
	}
	return nil
}

// accredited adds the rows of the accredited list.
func (l *loader) accredited(file string) {
	text, err := l.read(file)
	if err != nil {
		l.fault("%w: run postseal import, or remove rules.accredited from the configuration", err)
		return
	}
	const most = 1 << 30 // nameSet counts octets in 32 bits
	if len(text) > most {
		l.fault("%s: the list has more than %d octets: run postseal import with today's list", file, most)
		return
	}
	rows := &l.table.accredited
	rows.info = &Info{Name: "accredited", File: file, Source: "secure email standard DCB1596, accredited organisations"}
	rows.names.text.Grow(len(text))
	ignored, err := accredited.Scan(file, text, func(a accredited.Row) {
		rows.names.add(a.Domain, a.Organisation)
		rows.n++
		if a.Accepted {
			row := &Row{Name: a.Domain, Table: rows.info}
			l.table.listWarnings = append(l.table.listWarnings,
				row.warning(accredited.Doubt(a.Domain)+", and was imported with -accept", `to withdraw trust, give it a local row with class = "unknown"`))
		}
	})
	if err != nil {
		l.faults = append(l.faults, err)
		return
	}
	for _, ignored := range ignored {
		l.table.listWarnings = append(l.table.listWarnings, Warning{
			file, fmt.Sprintf("row %d", ignored.Line), fmt.Sprintf("%q %s: the row is ignored", ignored.Domain, ignored.Why),
			"remove it, or import the list with -accept",
		})
	}
}
