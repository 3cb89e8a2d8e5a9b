package ooxml

import (
	"io"
	"strconv"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/markup"
	"github.com/postseal/postseal/milter/extract/document/sheet"
)

// book is what the sheets of a workbook share.
type book struct {
	job     *flow.Job
	shared  sheet.Strings
	formats []sheet.Format // of each cell style
}

// load reads what the sheets share.
func (b *book) load(parts []part) {
	for _, p := range parts {
		switch {
		case p.root == "sst":
			b.job.Fail(b.with(p, b.strings))
		case p.root == "styleSheet":
			b.job.Fail(b.with(p, b.styles))
		case isRecords(p, beginStrings), isRecords(p, beginStyles):
			b.job.Fail(b.with(p, b.binaryShared))
		}
	}
}

// strings reads the strings of all cells.
func (b *book) strings(r io.Reader) error {
	s := markup.New(r)
	for {
		switch s.Next() {
		case markup.None:
			return end(s)
		case markup.Text:
			if s.Parent(0) == "t" && s.Parent(1) != "rPh" {
				b.shared.Add(s.Text)
			}
		case markup.End:
			if s.Name == "si" {
				b.shared.End()
			}
		}
	}
}

// maxStyles bounds the cell styles. Excel has at most 65,490.
const maxStyles = 70_000

// styles reads the number formats of the cell styles.
func (b *book) styles(r io.Reader) error {
	s := markup.New(r)
	codes := make(map[int]sheet.Format)
	for {
		switch s.Next() {
		case markup.None:
			return end(s)
		case markup.Start:
			switch {
			case s.Name == "numFmt" && len(codes) < maxStyles:
				codes[s.Int("numFmtId", -1)] = sheet.NewFormat(s.Attr("formatCode"))
			case s.Name == "xf" && s.Parent(1) == "cellXfs" && len(b.formats) < maxStyles:
				id := s.Int("numFmtId", 0)
				format, ok := codes[id]
				if !ok {
					format = sheet.Builtin(id)
				}
				b.formats = append(b.formats, format)
			}
		}
	}
}

func (b *book) format(style int) sheet.Format {
	if style < 0 || style >= len(b.formats) {
		return sheet.Format{}
	}
	return b.formats[style]
}

// number returns what a cell with a number shows.
func (b *book) number(text string, style int) string {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return b.format(style).Show(v)
}
