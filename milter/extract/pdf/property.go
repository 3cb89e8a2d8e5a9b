package pdf

import (
	"maps"
	"slices"

	"github.com/postseal/postseal/milter/extract/pdf/object"
	"github.com/postseal/postseal/rules/finding"
)

// properties reads what viewers show in the title bar and among the properties.
// The dates and the names of programs are not read: no person wrote them. The
// names of the layers and the numbers of the pages are beside the pages.
func (d *document) properties() {
	info := d.file.Dict(d.file.Trailer["Info"])
	for _, key := range slices.Sorted(maps.Keys(info)) {
		if !slices.Contains([]object.Name{"Producer", "Creator", "CreationDate", "ModDate", "SourceModified"}, key) {
			d.line(d.file.Text(info[key]))
		}
	}
	d.texts(d.file.Catalog()["PageLabels"], 0)
	d.texts(d.file.Catalog()["OCProperties"], 0)
	d.texts(d.file.Catalog()["Collection"], 0) // the folders of a portfolio
	if s := d.file.Stream(d.file.Catalog()["Metadata"]); s != nil {
		d.line(metadata(d.file.Decode(s)))
	}
	d.sink.Text([]byte("\f"))
}

// texts reads all strings below an object that refers to no page.
func (d *document) texts(v any, depth int) {
	if depth > 8 || !d.file.Spend(64) || !d.visit(v) {
		return
	}
	switch v := d.file.Get(v).(type) {
	case object.String:
		d.line(d.file.Text(v))
	case object.Array:
		for _, item := range v {
			d.texts(item, depth+1)
		}
	case object.Dict:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			d.texts(v[key], depth+1)
		}
	}
}

// bookmarks reads the outline: a tree whose nodes link to the first one below and
// to the next one beside them.
func (d *document) bookmarks() {
	next := []any{d.file.Dict(d.file.Catalog()["Outlines"])["First"]}
	for len(next) > 0 {
		v := next[len(next)-1]
		next = next[:len(next)-1]
		for item := d.file.Dict(v); item != nil && d.file.Spend(perForm); item = d.file.Dict(v) {
			if !d.visit(v) {
				d.report(finding.Damaged)
				break
			}
			d.line(d.file.Text(item["Title"]))
			if item["First"] != nil {
				next = append(next, item["Next"])
				v = item["First"]
			} else {
				v = item["Next"]
			}
		}
	}
	d.sink.Text([]byte("\f"))
}

// structure reads the texts that stand for something else in a tagged document,
// such as the description of a picture.
func (d *document) structure() {
	next := []any{d.file.Dict(d.file.Catalog()["StructTreeRoot"])["K"]}
	for len(next) > 0 && d.file.Spend(16) {
		v := next[len(next)-1]
		next = next[:len(next)-1]
		switch item := d.file.Get(v).(type) {
		case object.Array:
			next = append(next, item...)
			d.file.Spend(64 * len(item))
		case object.Dict:
			if !d.visit(v) {
				continue
			}
			for _, key := range []object.Name{"T", "Alt", "ActualText", "E"} {
				d.line(d.file.Text(item[key]))
			}
			if item["K"] != nil {
				next = append(next, item["K"])
			}
		}
	}
}
