package pdf

import (
	"slices"

	"github.com/postseal/postseal/milter/extract/pdf/object"
	"github.com/postseal/postseal/rules/finding"
)

// mostLevels is how deep a tree may be.
const mostLevels = 100

// pages reads the pages in their order.
func (d *document) pages() {
	root := d.file.Catalog()["Pages"]
	n := d.pageTree(root, nil, 0)
	if n < d.file.Int(d.file.Dict(root)["Count"], 0) {
		d.report(finding.Damaged)
	}
	if n == 0 {
		d.strayPages()
	}
}

// pageTree reads the pages below a node and returns their number.
func (d *document) pageTree(node any, resources any, depth int) (n int) {
	dict := d.file.Dict(node)
	isPage := dict["Kids"] == nil || d.file.Name(dict["Type"]) == "Page"
	if dict == nil || !d.visit(node) {
		if dict != nil && isPage { // shown twice
			return 1
		}
		d.report(finding.Damaged)
		return 0
	}
	if depth > mostLevels {
		d.report(finding.TooDeep)
		return 0
	}
	if dict["Resources"] != nil {
		resources = dict["Resources"]
	}
	if isPage {
		d.page(dict, resources)
		return 1
	}
	for _, kid := range d.file.Array(dict["Kids"]) {
		n += d.pageTree(kid, resources, depth+1)
		if !d.file.Spend(1) {
			break
		}
	}
	return n
}

// strayPages reads the pages of a file whose tree of pages is lost.
func (d *document) strayPages() {
	d.report(finding.Damaged)
	var refs []object.Ref
	d.file.Objects(func(ref object.Ref, v any) {
		if dict, ok := v.(object.Dict); ok && d.file.Name(dict["Type"]) == "Page" && !d.visited[ref.Num] {
			refs = append(refs, ref)
		}
	})
	slices.SortFunc(refs, func(a, b object.Ref) int { return a.Num - b.Num })
	for _, ref := range refs {
		dict := d.file.Dict(ref)
		d.page(dict, dict["Resources"])
	}
}

func (d *document) newPage() *page {
	return &page{document: d, open: make(map[int]bool), done: make(map[int]bool)}
}

// page reads a page.
func (d *document) page(dict object.Dict, resources any) {
	p := d.newPage()
	p.run(d.contents(dict["Contents"]), d.file.Dict(resources))
	p.annotations(dict["Annots"])
	d.associated(dict)
	p.end()
}

// mostContents is how many octets of a page's streams are read.
const mostContents = 48 << 20

// contents joins the streams of a page. An operator can begin in one and end in
// the next, but a word cannot.
func (d *document) contents(v any) (data []byte) {
	if s := d.file.Stream(v); s != nil {
		return d.file.Decode(s)
	}
	for _, item := range d.file.Array(v) {
		s := d.file.Stream(item)
		if s == nil {
			d.report(finding.Damaged)
			continue
		}
		data = append(append(data, d.file.Decode(s)...), '\n')
		if len(data) > mostContents {
			d.report(finding.TooLarge)
			break
		}
	}
	return data
}
