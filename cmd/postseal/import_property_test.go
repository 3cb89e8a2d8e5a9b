package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"html"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/postseal/postseal/rules/address"
)

// publishedList is a random list in the published form. Each organisation, kind
// and domain is in a cell of its own.
type publishedList struct {
	*rand.Rand
	header []string
	domain int // the column of the domains
	rows   [][]string
	crlf   bool

	doubtful bool         // it has a row that nobody can have meant to trust
	hidden   map[int]bool // rows that are hidden in the workbook
}

func newPublished(r *rand.Rand) *publishedList {
	p := &publishedList{Rand: r, header: []string{"Organisation Name", "System Type", "Domain name ", "DKIM"}, domain: 2, crlf: r.IntN(2) == 0}
	for i := range 15 + r.IntN(40) {
		name := fmt.Sprintf("made-up-%02d%s", i+r.IntN(4), []string{".nhs.uk", ".example", ".care.example", ".example.org"}[i%4])
		p.rows = append(p.rows, []string{fmt.Sprintf("Example Trust %d", i/3), "Microsoft 365", name, "Y"})
	}
	r.Shuffle(len(p.rows), func(i, j int) { p.rows[i], p.rows[j] = p.rows[j], p.rows[i] })
	for range r.IntN(4) { // swaps columns
		i, j := r.IntN(4), r.IntN(4)
		for _, row := range append(p.rows, p.header) {
			row[i], row[j] = row[j], row[i]
		}
	}
	p.domain = slices.Index(p.header, "Domain name ")
	return p
}

func (p *publishedList) domains() map[string]bool {
	set := make(map[string]bool)
	for i, row := range p.rows {
		if !p.hidden[i] {
			set[strings.ToLower(strings.TrimSpace(row[p.domain]))] = true
		}
	}
	return set
}

func (p *publishedList) eol() string {
	if p.crlf {
		return "\r\n"
	}
	return "\n"
}

// plain is the list without quotes.
func (p *publishedList) plain() []byte {
	lines := []string{strings.Join(p.header, ",")}
	for _, row := range p.rows {
		lines = append(lines, strings.Join(row, ","))
	}
	return []byte(strings.Join(lines, p.eol()) + p.eol())
}

// dirty is the same list with all the irregularities that the published list
// has had.
func (p *publishedList) dirty() []byte {
	lines := []string{strings.Join(p.header, ",") + strings.Repeat(",", p.IntN(2))}
	if p.IntN(3) == 0 {
		lines = slices.Insert(lines, 0, "List of accredited domains", "")
	}
	for _, row := range p.rows {
		var cells []string
		for i, cell := range row {
			switch {
			case i == p.domain && p.IntN(3) == 0:
				cell = strings.ToUpper(cell)
			case i != p.domain && p.IntN(5) == 0:
				cell = `"` + cell + `, Caf` + "\xe9" + ` ""North"""` // Windows-1252, a comma, quotes
			}
			if p.IntN(3) == 0 && !strings.HasPrefix(cell, `"`) {
				cell += strings.Repeat(" ", p.IntN(3)) + []string{"", "\t"}[p.IntN(2)]
			}
			cells = append(cells, cell)
		}
		lines = append(lines, strings.Join(cells, ","))
		if p.IntN(8) == 0 {
			lines = append(lines, []string{"", "   ", ",,,"}[p.IntN(3)])
		}
	}
	if p.IntN(2) == 0 {
		lines = append(lines, "")
	}
	return []byte(strings.Join(lines, p.eol()))
}

// workbook is the list as XLSX.
func (p *publishedList) workbook(t *testing.T) []byte {
	var sheet strings.Builder
	for i, row := range append([][]string{p.header}, p.rows...) {
		fmt.Fprintf(&sheet, "<row hidden=%q>", strconv.FormatBool(p.hidden[i-1]))
		for _, cell := range row {
			fmt.Fprintf(&sheet, `<c t="inlineStr"><is><t>%s</t></is></c>`, html.EscapeString(cell))
		}
		sheet.WriteString("</row>")
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, part := range [][2]string{
		{"xl/workbook.xml", `<workbook xmlns:r="r"><sheets><sheet name="List" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>`},
		{"xl/worksheets/sheet1.xml", "<worksheet><sheetData>" + sheet.String() + "</sheetData></worksheet>"},
	} {
		w, err := z.Create(part[0])
		if err == nil {
			_, err = w.Write([]byte(part[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// flip replaces some octets by others of the alphabet.
func (p *publishedList) flip(data []byte, alphabet string) []byte {
	for range 1 + p.IntN(6) {
		data[p.IntN(len(data))] = alphabet[p.IntN(len(alphabet))]
	}
	return data
}

// survives returns the domains of a damaged plain list without quotes. It
// parses the list in the simplest way.
func (p *publishedList) survives(data []byte) map[string]bool {
	set := make(map[string]bool)
	lines := lineEnd.Split(strings.TrimLeft(string(data), "\r\n ,"), -1)
	columns := strings.Count(lines[0], ",") + 1
	isFirst := true
	for _, line := range lines[1:] {
		cells := strings.Split(line, ",")
		if line != "" && isFirst {
			columns, isFirst = max(columns, len(cells)), false
		}
		isWider := strings.TrimSpace(strings.Join(cells[min(columns, len(cells)):], "")) != ""
		if len(cells) > p.domain && !isWider {
			cell := strings.ToLower(strings.TrimSpace(cells[p.domain]))
			name := strings.TrimSuffix(cell, ".")
			if domainShape.MatchString(cell) && (strings.HasSuffix(name, ".example") || address.IsInTheDNS("x."+name[strings.LastIndexByte(name, '.')+1:])) {
				set[name] = true
			}
		}
	}
	return set
}

var lineEnd = regexp.MustCompile(`\r*\n|\r`)

var domainShape = regexp.MustCompile(`^([a-z0-9_-]+\.)+[a-z][a-z0-9-]+\.?$`)

// damages make the imported file. want is the set of domains that may replace
// the list, or nil if the damage must be detected. sure means that the list can
// only be held for the size of the change or a doubtful row.
var damages = []struct {
	name string
	make func(t *testing.T, p *publishedList) (data []byte, want map[string]bool, sure bool)
}{
	{"none", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		return p.plain(), p.domains(), true
	}},
	{"dirt", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		return p.dirty(), p.domains(), true
	}},
	{"byte order mark", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		return append([]byte("\xef\xbb\xbf"), p.plain()...), p.domains(), true
	}},
	{"workbook", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		return p.workbook(t), p.domains(), true
	}},
	{"rows lost", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		p.rows = p.rows[:1+p.IntN(len(p.rows))]
		return p.plain(), p.domains(), true
	}},
	{"rows repeated", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		p.rows = append(p.rows, p.rows[:p.IntN(len(p.rows))]...)
		return p.plain(), p.domains(), true
	}},
	{"cut off", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		data := p.plain()
		data = data[:p.IntN(len(data))]
		last := data[bytes.LastIndexByte(data, '\n')+1:]
		if len(last) > 0 && bytes.Count(last, []byte(",")) < 3 {
			return data, nil, false
		}
		return data, p.survives(data), false
	}},
	{"octets changed", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		data := p.flip(p.plain(), "abcxyz019.-_@*; ,\r\n")
		return data, p.survives(data), false
	}},
	{"octets of a workbook changed", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		return p.flip(p.workbook(t), "\x00\x01PK\xff aZ"), p.domains(), false
	}},
	{"workbook cut off", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		data := p.workbook(t)
		return data[:p.IntN(len(data))], nil, false
	}},
	{"no header", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		_, data, _ := bytes.Cut(p.plain(), []byte("\n"))
		return data, nil, false
	}},
	{"headers over other columns", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		p.header = append(p.header[1:], p.header[0])
		return p.plain(), nil, false
	}},
	{"another delimiter", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		delimiter := []string{";", "\t", "|"}[p.IntN(3)]
		first := []string{"", "sep=" + delimiter + p.eol()}[p.IntN(2)]
		return []byte(first + strings.ReplaceAll(string(p.plain()), ",", delimiter)), p.domains(), true
	}},
	{"UTF-16", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		var data []byte
		for _, unit := range utf16.Encode([]rune(string(p.plain()))) {
			data = binary.LittleEndian.AppendUint16(data, unit)
		}
		return data, p.domains(), true
	}},
	{"UTF-16 cut off", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		var data []byte
		for _, unit := range utf16.Encode([]rune(string(p.plain()))) {
			data = binary.BigEndian.AppendUint16(data, unit)
		}
		return data[:2*p.IntN(len(data)/2)+1], nil, false
	}},
	{"compressed", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(p.plain())
		z.Close()
		return b.Bytes(), nil, false
	}},
	{"rows hidden", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		p.hidden = make(map[int]bool)
		for i := range p.rows {
			p.hidden[i] = i > 0 && p.IntN(6) == 0
		}
		return p.workbook(t), p.domains(), true
	}},
	{"consumer mail", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		p.rows[p.IntN(len(p.rows))][p.domain] = []string{"gmail.com", "Hotmail.co.uk", "btinternet.com "}[p.IntN(3)]
		p.doubtful = true
		return p.plain(), p.domains(), true
	}},
	{"another script", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		want := p.domains()
		p.rows = append(p.rows, slices.Clone(p.rows[0]))
		p.rows[0][p.domain] = "m\u0430de-up.example"
		return p.plain(), want, true
	}},
	{"a quote too many", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		data := p.plain()
		data[p.IntN(len(data)-2)] = '"' // not in a line end
		return data, nil, false
	}},
	{"a public suffix", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		p.rows[p.IntN(len(p.rows))][p.domain] = []string{"nhs.uk", "GOV.UK", "co.uk "}[p.IntN(3)]
		p.doubtful = true
		return p.plain(), p.domains(), true
	}},
	{"cells emptied", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) {
		for i := range p.rows {
			if i%5 == 0 {
				p.rows[i][p.domain] = ""
			}
		}
		return p.plain(), nil, false
	}},
	{"empty", func(t *testing.T, p *publishedList) ([]byte, map[string]bool, bool) { return nil, nil, false }},
}

// TestImportYieldsOldOrNew checks a property: after an import of any list with
// any damage, the list in place is exactly the new one or, byte for byte, the
// old one.
func TestImportYieldsOldOrNew(t *testing.T) {
	const rounds = 10
	s := newSite(t)
	codes := make(map[int]int)
	for _, damage := range damages {
		for seed := range uint64(rounds) {
			where := fmt.Sprintf("%s, seed %d", damage.name, seed)
			p := newPublished(rand.New(rand.NewPCG(seed, 26)))
			old := append([]byte("Organisation Name,Domain name\n"), oldList(p)...)
			writeFile(t, s.list, old)
			before := importedDomains(t, old)
			var args []string
			accept := p.IntN(2) == 0
			if accept {
				args = []string{"-accept"}
			}
			data, want, sure := damage.make(t, p)
			code, _, stderr := s.importing(bytes.NewReader(data), append(args, "-")...)
			codes[code]++
			after := readFile(t, s.list)
			if code != exitDone && !bytes.Equal(after, old) {
				t.Fatalf("%s: code %d, and the list has changed:\n%s\n%s", where, code, after, stderr)
			}
			hold := want != nil && (p.doubtful || exceeds(before, want))
			switch {
			case code == exitDone && !maps.Equal(importedDomains(t, after), want):
				t.Fatalf("%s: from\n%s\ngot\n%s\nwant %v", where, data, after, want)
			case code == exitDone && hold && !accept, code == exitHeld && (accept || !hold):
				t.Fatalf("%s: code %d, accept %t, to be held %t: %s", where, code, accept, hold, stderr)
			case sure && code != exitDone && code != exitHeld, code == exitFailure && !strings.Contains(stderr, "the list is refused"):
				t.Fatalf("%s: code %d: %s\n%s", where, code, stderr, data)
			}
		}
	}
	for _, code := range []int{exitDone, exitFailure, exitHeld} {
		if codes[code] < rounds {
			t.Errorf("code %d came only %d times: the lists prove too little", code, codes[code])
		}
	}
}

// oldList is the random list with some other rows.
func oldList(p *publishedList) []byte {
	var rows []string
	oneIn := 3 + p.IntN(15)
	for _, domain := range slices.Sorted(maps.Keys(p.domains())) {
		if p.IntN(oneIn) > 0 {
			rows = append(rows, "Example Trust,"+domain+"\n")
		}
	}
	for i := range p.IntN(5) {
		rows = append(rows, fmt.Sprintf("Example Trust,zz-lapsed-%d.example\n", i))
	}
	return []byte(strings.Join(rows, ""))
}

// importedDomains reads the file that import writes.
func importedDomains(t *testing.T, list []byte) map[string]bool {
	header, body, _ := strings.Cut(string(list), "\n")
	if strings.TrimSuffix(header, ",Accepted with -accept") != "Organisation Name,Domain name" || !strings.HasSuffix(body, "\n") {
		t.Fatalf("not a whole list:\n%s", list)
	}
	set := make(map[string]bool)
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), ",yes"), ",no")
		set[line[strings.LastIndexByte(line, ',')+1:]] = true
	}
	return set
}

// exceeds reports whether more than a fifth of the old set is added or removed.
func exceeds(old, fresh map[string]bool) bool {
	gone, come := 0, 0
	for domain := range old {
		if !fresh[domain] {
			gone++
		}
	}
	for domain := range fresh {
		if !old[domain] {
			come++
		}
	}
	return 5*gone > len(old) || 5*come > len(old)
}
