package odf

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"io"
	"strings"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/markup"
	"github.com/postseal/postseal/rules/detect"
)

// content reads an XML part.
type content struct {
	*markup.Scanner
	job     *flow.Job
	flow    *flow.Flow
	levels  []level
	change  string            // the tracked change that is read
	deleted map[string][]byte // the texts of tracked deletions
	kept    int               // octets of them
	binary  []byte            // base64
	files   [][]byte          // what is embedded
	value   string            // of the cell, if it has no text
}

// level is an element that decides whether text is shown.
type level struct {
	name  string
	shown bool // text in it is shown
	aside bool // it interrupts a paragraph
}

func readXML(j *flow.Job, r io.Reader, shown bool) error {
	c := &content{Scanner: markup.New(r), job: j, flow: j.Begin(detect.Body), deleted: make(map[string][]byte)}
	c.levels = []level{{shown: shown}}
	err := c.read()
	c.flow.Close()
	for _, file := range c.files {
		j.Open(bytes.NewReader(file), int64(len(file)))
	}
	return err
}

func (c *content) read() error {
	for {
		switch c.Next() {
		case markup.None:
			return end(c.Scanner)
		case markup.Start:
			c.start()
		case markup.Text:
			c.text()
		case markup.End:
			c.end()
		}
	}
}

func (c *content) top() level { return c.levels[len(c.levels)-1] }

// push starts an element. It stands beside the text if it must, or if it is in a
// paragraph.
func (c *content) push(shown, aside bool) {
	l := level{name: c.Name, shown: shown, aside: aside || c.top().shown}
	if l.aside {
		c.flow.Aside()
	}
	c.levels = append(c.levels, l)
}

// pop ends an element that push started.
func (c *content) pop() {
	if l := c.top(); l.name == c.Name && len(c.levels) > 1 {
		c.levels = c.levels[:len(c.levels)-1]
		if l.aside {
			c.flow.EndAside()
		}
	}
}

func (c *content) text() {
	switch {
	case c.Parent(0) == "binary-data":
		c.binary = append(c.binary, c.Text...)
	case c.top().shown:
		c.flow.Words(c.Text)
		c.value = ""
		c.keep()
	}
}

// maxDeleted bounds the texts of tracked deletions that are put in their places.
const maxDeleted = 1 << 20

// keep keeps text of a tracked deletion.
func (c *content) keep() {
	if c.change != "" && c.kept < maxDeleted {
		c.deleted[c.change] = append(c.deleted[c.change], c.Text...)
		c.kept += len(c.Text)
	}
}

// margins are the elements of a page's header and footer.
func isMargin(name string) bool {
	return name == "header" || name == "footer" || strings.HasPrefix(name, "header-") && !isProperty(name) || strings.HasPrefix(name, "footer-") && !isProperty(name)
}

func isProperty(name string) bool {
	return name == "header-style" || name == "footer-style" || name == "header-footer-properties"
}

func (c *content) start() {
	switch c.Name {
	case "p", "h", "number", "title", "desc", "description", "subject", "keyword", "user-defined":
		c.push(true, false)
	case "annotation":
		c.push(false, true)
	case "note", "note-citation", "binary-data", "script", "event-listeners":
		c.push(false, false)
	case "table":
		c.push(false, false)
		c.flow.Table()
	case "table-cell", "covered-table-cell":
		c.flow.Cell()
		c.flow.Skip(c.Int("number-columns-repeated", 1) - 1)
		if c.value = ""; c.Attr("value-type") != "date" && c.Attr("value-type") != "time" {
			c.value = cmp.Or(c.Attr("value"), c.Attr("string-value"), c.Attr("formula"))
		}
	case "s":
		c.flow.String(strings.Repeat(" ", min(max(c.Int("c", 1), 1), 100)))
	case "tab":
		c.flow.Tab()
	case "line-break":
		c.flow.Line()
	case "changed-region":
		c.change = c.Attr("id")
	case "change":
		if c.job.Charge(len(c.deleted[c.Attr("change-id")])) != nil {
			return
		}
		c.flow.Edit(flow.Deleted)
		c.flow.Words(c.deleted[c.Attr("change-id")])
		c.flow.Edit(flow.Kept)
	default:
		c.startOther()
	}
}

func (c *content) startOther() {
	switch {
	case c.Name == "footer-decl" || c.Name == "header-decl":
		c.flow.Turn(detect.Margin)
		c.push(true, false)
	case isMargin(c.Name):
		c.flow.Turn(detect.Margin)
	case c.Name == "hidden-text":
		c.flow.String(c.Attr("string-value"))
	case c.Name == "conditional-text" || c.Name == "alphabetical-index-mark" || c.Name == "user-field-decl" || c.Name == "list-level-style-number":
		c.attributes("string-value-if-true", "string-value-if-false", "string-value", "num-prefix", "num-suffix")
	case c.Name == "a" || c.Name == "placeholder":
		c.attributes("title", "description")
	case !c.top().shown || c.Name == "label": // controls of a form, choices in a text
		c.attributes("label", "value", "current-value")
	}
}

// attributes reads attributes that are shown beside the text.
func (c *content) attributes(names ...string) {
	for _, name := range names {
		if text := c.Attr(name); text != "" {
			c.flow.Aside()
			c.flow.String(text)
			c.flow.EndAside()
		}
	}
}

func (c *content) end() {
	switch c.Name {
	case "p", "h", "number":
		c.flow.Line()
		c.pop()
	case "title", "desc", "description", "subject", "keyword", "user-defined":
		c.flow.Line()
		c.pop()
	case "annotation", "note", "note-citation", "script", "event-listeners":
		c.pop()
	case "binary-data":
		c.pop()
		c.embed()
	case "table":
		c.flow.EndTable()
		c.pop()
	case "table-cell":
		if c.value != "" {
			c.flow.String(c.value)
			c.value = ""
		}
	case "table-row":
		c.flow.Row()
	case "page", "master-page":
		c.flow.String("\f")
	case "changed-region":
		c.change = ""
	case "footer-decl", "header-decl":
		c.pop()
		c.flow.Turn(detect.Body)
	default:
		if isMargin(c.Name) {
			c.flow.Turn(detect.Body)
		}
	}
}

// embed decodes a file of a flat document.
func (c *content) embed() {
	data := bytes.Join(bytes.Fields(c.binary), nil)
	c.binary = nil
	n, _ := base64.StdEncoding.Decode(data, data)
	c.files = append(c.files, data[:n])
}
