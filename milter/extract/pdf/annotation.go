package pdf

import (
	"github.com/postseal/postseal/milter/extract/pdf/object"
	"github.com/postseal/postseal/rules/finding"
)

// annotations reads the annotations of a page: comments, stamps, attached files
// and the fields of a form.
func (p *page) annotations(v any) {
	for _, item := range p.file.Array(v) {
		d := p.file.Dict(item)
		if d == nil || !p.file.Spend(perForm) {
			continue
		}
		for _, key := range []object.Name{"T", "Subj", "Contents", "OverlayText"} {
			if key != "T" || p.file.Name(d["Subtype"]) != "Widget" { // a field's name is no text
				p.aside(p.file.Text(d[key]))
			}
		}
		if ref, ok := item.(object.Ref); ok && p.file.Name(d["Subtype"]) == "Widget" {
			p.widgets = append(p.widgets, ref)
		}
		p.aside(markup(p.file.Text(d["RC"])))
		p.attach(d["FS"])
		p.associated(d)
		p.appearances(d)
	}
}

// appearances draws what an annotation looks like, in each of its states.
func (p *page) appearances(d object.Dict) {
	isDrawn := false
	for _, key := range []object.Name{"N", "R", "D"} { // at rest, under the pointer, pressed
		look := p.file.Dict(d["AP"])[key]
		if p.file.Stream(look) != nil {
			p.appearance(d, look)
			isDrawn = true
			continue
		}
		for _, state := range p.file.Dict(look) {
			p.appearance(d, state)
			isDrawn = true
		}
	}
	if !isDrawn && p.file.Name(d["Subtype"]) == "Widget" {
		p.fieldOnPage(d)
	}
}

// appearance draws a form where its annotation is.
func (p *page) appearance(d object.Dict, v any) {
	s := p.file.Stream(v)
	if s == nil {
		return
	}
	var rect, box [4]float64
	p.file.Numbers(d["Rect"], rect[:])
	p.file.Numbers(s.Dict["BBox"], box[:])
	at := matrix{a: 1, d: 1, e: min(rect[0], rect[2]) - min(box[0], box[2]), f: min(rect[1], rect[3]) - min(box[1], box[3])}
	p.content(state{ctm: at, scale: 1}, nil, 0).form(v, s)
}

// fieldOnPage puts the value of a field that has no appearance where a viewer
// draws it, so that it is beside its label.
func (p *page) fieldOnPage(d object.Dict) {
	var rect [4]float64
	if p.file.Numbers(d["Rect"], rect[:]) < 4 {
		return
	}
	value := any(nil)
	for range 20 {
		if value = p.file.Get(d["V"]); value != nil || d == nil {
			break
		}
		d = p.file.Dict(d["Parent"])
	}
	em := max(4, min(12, 0.8*(max(rect[1], rect[3])-min(rect[1], rect[3]))))
	text := clean(p.value(value))
	if !p.file.Spend(len(text)) {
		return
	}
	p.put(&writer{cos: 1, em: em, isFirst: true}, text, min(rect[0], rect[2]), min(rect[1], rect[3])+0.3*em, 0.5*em*float64(len(text)))
}

// attach remembers an embedded file, and reads its description.
func (d *document) attach(v any) {
	spec := d.file.Dict(v)
	if spec == nil {
		return
	}
	for _, key := range []object.Name{"Desc", "UF", "F"} {
		d.line(d.file.Text(spec[key]))
	}
	d.texts(spec["CI"], 0) // what a portfolio shows beside the name
	for _, key := range []object.Name{"F", "UF", "DOS", "Mac", "Unix"} {
		ref := d.file.Dict(spec["EF"])[key]
		if s := d.file.Stream(ref); s != nil && d.visit(ref) {
			d.files = append(d.files, s)
		}
	}
}

// associated remembers the files that belong to an object.
func (d *document) associated(of object.Dict) {
	for _, v := range d.file.Array(of["AF"]) {
		d.attach(v)
	}
}

// findFiles finds the files that are embedded in the document.
func (d *document) findFiles() {
	catalog := d.file.Catalog()
	d.nameTree(d.file.Dict(catalog["Names"])["EmbeddedFiles"], 0)
	d.associated(catalog)
}

// nameTree reads a tree of names, which are not text, and values.
func (d *document) nameTree(v any, depth int) {
	node := d.file.Dict(v)
	if node == nil {
		return
	}
	if depth > mostLevels || !d.visit(v) {
		d.report(finding.Damaged)
		return
	}
	names := d.file.Array(node["Names"])
	for i := 1; i < len(names); i += 2 {
		d.attach(names[i])
	}
	for _, kid := range d.file.Array(node["Kids"]) {
		d.nameTree(kid, depth+1)
	}
}
