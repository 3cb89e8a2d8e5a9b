package rules

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
)

// minDomainShare is the share of cells, in per cent, that must be domain
// names before a column is taken for the list's (the published list has once
// been read by the wrong column).
const minDomainShare = 90

// accredited adds the list of domains accredited to DCB1596: a CSV whose
// column is found by its header, each row an exact name.
func (l *loader) accredited(file string) {
	text, err := l.read(file)
	if err != nil {
		l.fault("%w: import the accredited list, or take rules.accredited out of the configuration", err)
		return
	}
	names, err := readAccredited(text)
	if err != nil {
		l.fault("%s: %w", file, err)
		return
	}
	info := &TableInfo{Name: "accredited", Source: "secure email standard DCB1596, accredited organisations"}
	for _, a := range names {
		l.table.add(&Row{Name: a.domain, Class: Secure, Note: a.organisation, Table: info, layer: accreditedLayer})
	}
}

type accreditedRow struct{ organisation, domain string }

// readAccredited returns the list's rows. Cells that are not domain names are
// left out, which trusts nobody, as long as they are few.
func readAccredited(text []byte) ([]accreditedRow, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	r.FieldsPerRecord = -1
	records, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("not a CSV file: %w", err)
	}
	if len(records) == 0 {
		return nil, errors.New("the file is empty: fetch the accredited list again")
	}
	domainColumn, organisationColumn := -1, -1
	for i, header := range records[0] {
		switch strings.ToLower(strings.Join(strings.Fields(header), " ")) {
		case "domain name", "domain":
			domainColumn = i
		case "organisation name", "organisation":
			organisationColumn = i
		}
	}
	if domainColumn < 0 {
		return nil, errors.New(`no column is headed "Domain name": fetch the accredited list again`)
	}
	var rows []accreditedRow
	cells := 0
	for _, record := range records[1:] {
		cell := strings.TrimSpace(at(record, domainColumn))
		if cell == "" {
			continue
		}
		cells++
		if name, err := NormalizeDomain(cell); err == nil && strings.Contains(name, ".") {
			rows = append(rows, accreditedRow{strings.TrimSpace(at(record, organisationColumn)), name})
		}
	}
	switch {
	case cells == 0:
		return nil, errors.New("the list has no rows: fetch the accredited list again")
	case len(rows)*100 < cells*minDomainShare:
		return nil, fmt.Errorf("only %d of %d cells below \"Domain name\" are domain names: fetch the accredited list again", len(rows), cells)
	}
	return rows, nil
}

func at(record []string, column int) string {
	if column < 0 || column >= len(record) {
		return ""
	}
	return record[column]
}
