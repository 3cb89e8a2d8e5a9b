package ooxml

import (
	"bytes"
	"encoding/base64"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/markup"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// known are the roots of parts in which elements named t hold the text.
var known = map[string]bool{
	"document": true, "hdr": true, "ftr": true, "footnotes": true, "endnotes": true, "comments": true,
	"glossaryDocument": true, "numbering": true,
	"presentation": true, "sld": true, "sldLayout": true, "sldMaster": true, "notes": true, "notesMaster": true, "handoutMaster": true,
	"cmLst": true, "cmAuthorLst": true, "wsDr": true, "userShapes": true, "dataModel": true, "drawing": true,
	"chartSpace": true, "ThreadedComments": true, "wordDocument": true,
}

// story reads running text, of Word and of drawings.
type story struct {
	*markup.Scanner
	flow   *flow.Flow
	margin bool     // in a placeholder for a header or footer
	binary []byte   // base64
	files  [][]byte // what is embedded in a flat document
}

// readStory reads a part with running text.
func readStory(j *flow.Job, r io.Reader) error {
	w := &story{Scanner: markup.New(r), flow: j.Begin(detect.Body)}
	err := w.read()
	w.flow.Close()
	for _, file := range w.files {
		j.Open(bytes.NewReader(file), int64(len(file)))
	}
	return err
}

func (w *story) read() error {
	for {
		switch w.Next() {
		case markup.None:
			return end(w.Scanner)
		case markup.Start:
			w.start()
		case markup.Text:
			w.text()
		case markup.End:
			w.end()
		}
	}
}

// ReadFlat reads a document of Word that is one XML file.
func ReadFlat(j *flow.Job, r io.Reader) error { return readStory(j, r) }

func (w *story) text() {
	switch w.Parent(0) {
	case "t", "delText", "text", "v", "pt":
		w.flow.Words(w.Text)
	case "instrText", "delInstrText":
		w.flow.Aside()
		w.flow.Words(w.Text)
		w.flow.EndAside()
	case "binaryData", "binData":
		w.binary = append(w.binary, w.Text...)
	}
}

func (w *story) start() {
	switch w.Name {
	case "hdr", "ftr":
		w.flow.Turn(detect.Margin)
	case "tbl":
		w.flow.Table()
	case "tc":
		w.flow.Cell()
	case "gridBefore":
		w.flow.Skip(w.Int("val", 0))
	case "gridSpan":
		w.flow.Skip(w.Int("val", 1) - 1)
	case "txbxContent", "textbox":
		w.flow.Aside()
	case "tab":
		if parent := w.Parent(1); parent != "tabs" && parent != "tabLst" {
			w.flow.Tab()
		}
	case "ptab":
		w.flow.Tab()
	case "br", "cr":
		w.flow.Line()
	case "noBreakHyphen":
		w.flow.String("\u2011")
	case "sym":
		w.flow.String(symbol(w.Attr("char")))
	case "delText", "moveFrom":
		w.flow.Edit(flow.Deleted)
	case "ins", "moveTo":
		w.flow.Edit(flow.Inserted)
	case "docPr", "cNvPr":
		w.aside(w.Attr("descr"))
		w.aside(w.Attr("title"))
	case "ph":
		w.placeholder(w.Attr("type"))
	default:
		if name := shown[w.Name]; name != "" {
			w.aside(w.Attr(name))
		}
	}
}

// shown has the attributes that a reader sees, by their elements: the choices of
// forms, tooltips, WordArt of Word 2007, and numbers of lists.
var shown = map[string]string{
	"fldSimple": "instr", "textpath": "string", "listEntry": "val", "default": "val", "helpText": "val", "statusText": "val",
	"listItem": "displayText", "hyperlink": "tooltip", "hlinkClick": "tooltip", "hlinkHover": "tooltip", "lvlText": "val",
	"shape": "alt", "rect": "alt", "imagedata": "title", "section": "name",
}

func (w *story) end() {
	switch w.Name {
	case "hdr", "ftr":
		w.flow.Turn(detect.Body)
	case "binaryData", "binData":
		w.files = append(w.files, fromBase64(w.binary))
		w.binary = nil
	case "p", "text", "v", "pt", "comment":
		w.flow.Line()
	case "tr":
		w.flow.EndRow()
	case "tbl":
		w.flow.EndTable()
	case "txbxContent", "textbox":
		w.flow.EndAside()
	case "delText", "ins", "moveTo", "moveFrom":
		w.flow.Edit(flow.Kept)
	case "sp":
		if w.margin {
			w.margin = false
			w.flow.Turn(detect.Body)
		}
	case "sld", "notes":
		w.flow.String("\f")
	}
}

func fromBase64(text []byte) []byte {
	data := bytes.Join(bytes.Fields(text), nil)
	n, _ := base64.StdEncoding.Decode(data, data)
	return data[:n]
}

// aside adds text that belongs to no paragraph.
func (w *story) aside(text string) {
	if text != "" {
		w.flow.Aside()
		w.flow.String(text)
		w.flow.EndAside()
	}
}

// placeholder turns to the margin for the header and footer of a slide.
func (w *story) placeholder(kind string) {
	if kind == "ftr" || kind == "hdr" {
		w.margin = true
		w.flow.Turn(detect.Margin)
	}
}

// symbol returns a character of a symbol font. Such fonts have their characters
// in a private area (ECMA-376, part 1, section 17.3.3.30).
func symbol(char string) string {
	n, err := strconv.ParseUint(char, 16, 16)
	if err != nil {
		return ""
	}
	if n >= 0xf020 && n <= 0xf0ff {
		n -= 0xf000
	}
	return string(utf8.AppendRune(nil, rune(n)))
}

// anyShown are the attributes with the text that tables, pivot tables and controls
// show.
var anyShown = []string{"v", "name", "totalsRowLabel", "value"}

// ReadAny reads all text of an XML document of any kind.
func ReadAny(j *flow.Job, r io.Reader) error {
	s, f := markup.New(r), j.Begin(detect.Body)
	isForm := false   // of Adobe (XDP): the names of its elements are labels
	var binary []byte // its PDF, in base64
	defer func() {
		f.Close()
		if len(binary) > 0 {
			file := fromBase64(binary)
			j.Open(bytes.NewReader(file), int64(len(file)))
		}
	}()
	for {
		switch s.Next() {
		case markup.None:
			return end(s)
		case markup.Start:
			switch s.Name {
			case "Glyphs": // XPS
				text := strings.TrimPrefix(s.Attr("UnicodeString"), "{}")
				if text == "" && s.Attr("Indices") != "" {
					j.Unreadable(finding.NoCharacters)
				}
				f.String(text + " ")
				continue
			case "s", "n", "cacheField", "sheet", "pivotField", "dataField", "tableColumn", "ocxPr":
				for _, name := range anyShown {
					f.String(s.Attr(name))
				}
			case "slicer":
				f.String(s.Attr("caption"))
			case "item": // of a list in a form
				f.String(s.Attr("val"))
			case "shape", "rect":
				f.String(s.Attr("alt"))
			case "xdp":
				isForm = true
			}
		case markup.Text:
			switch name := s.Parent(0); {
			case isForm && name == "chunk":
				binary = append(binary, s.Text...)
			case strings.TrimSpace(string(s.Text)) != "":
				if isForm {
					f.String(name + " ")
				}
				f.Text(s.Text)
			}
		case markup.End:
			if s.Name != "Glyphs" {
				f.Line()
			}
		}
	}
}
