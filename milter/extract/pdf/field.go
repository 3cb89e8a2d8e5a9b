package pdf

import (
	"strings"

	"github.com/postseal/postseal/milter/extract/pdf/object"
	"github.com/postseal/postseal/rules/finding"
)

// fields reads the values of the document's form.
func (d *document) fields() {
	form := d.file.Dict(d.file.Catalog()["AcroForm"])
	d.listed(form)
	for _, ref := range d.widgets { // viewers also show fields that the form does not list
		if !d.visited[-1-ref.Num] {
			d.field(ref, "", 0)
		}
	}
	d.xfa(form["XFA"])
	d.sink.Text([]byte("\f"))
}

func (d *document) listed(form object.Dict) {
	for _, field := range d.file.Array(form["Fields"]) {
		d.field(field, "", 0)
	}
}

// formData reads an FDF file: the values and the comments of a form that is in
// another file.
func (d *document) formData(form object.Dict) {
	d.listed(form)
	p := d.newPage()
	p.annotations(form["Annots"])
	p.end()
}

// field reads a field and those below it. label is what the field above is called.
func (d *document) field(v any, label string, depth int) {
	field := d.file.Dict(v)
	if field == nil {
		return
	}
	if depth > mostLevels {
		d.report(finding.TooDeep)
		return
	}
	if !d.visitField(v) {
		d.report(finding.Damaged)
		return
	}
	for _, key := range []object.Name{"TU", "T"} { // for people, for programs
		if text := d.file.Text(field[key]); text != "" {
			label = text
			break
		}
	}
	if value := d.value(field["V"]); value != "" {
		d.line(label + " " + value)
	} else {
		d.line(d.file.Text(field["TU"]))
	}
	d.line(markup(d.file.Text(field["RV"])))
	for _, key := range []object.Name{"CA", "RC", "AC"} {
		d.line(d.file.Text(d.file.Dict(field["MK"])[key]))
	}
	for _, option := range d.file.Array(field["Opt"]) {
		d.line(d.value(option))
	}
	for _, kid := range d.file.Array(field["Kids"]) {
		d.field(kid, label, depth+1)
	}
}

// visitField is visit for fields. A field can be an annotation too.
func (d *document) visitField(v any) bool {
	ref, ok := v.(object.Ref)
	return !ok || d.visit(object.Ref{Num: -1 - ref.Num})
}

// value returns the text of a field's value: a text, the name of a button's state,
// several choices, a choice with another text than its value, or a signature.
func (d *document) value(v any) string {
	switch v := d.file.Get(v).(type) {
	case object.Array:
		var texts []string
		for _, item := range v {
			if text := d.file.Text(item); text != "" {
				texts = append(texts, text)
			}
		}
		d.file.Spend(16 * len(v))
		return strings.Join(texts, "\n")
	case object.Name:
		return string(v)
	case object.Dict:
		var texts []string
		for _, key := range []object.Name{"Name", "Reason", "Location", "ContactInfo"} {
			texts = append(texts, d.file.Text(v[key]))
		}
		return strings.TrimSpace(strings.Join(texts, "\n"))
	case float64, bool, nil:
		return ""
	}
	return d.file.Text(v)
}

// xfa reads a form in XML: a stream, or several with names between them. The
// template has the labels and the data set the values.
func (d *document) xfa(v any) {
	if s := d.file.Stream(v); s != nil {
		d.line(markup(string(d.file.Decode(s))))
		return
	}
	var source []byte
	for _, item := range d.file.Array(v) {
		if s := d.file.Stream(item); s != nil && len(source) < mostContents {
			source = append(source, d.file.Decode(s)...)
		}
	}
	d.line(markup(string(source)))
}
