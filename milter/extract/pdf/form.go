package pdf

import (
	"github.com/postseal/postseal/milter/extract/pdf/object"
	"github.com/postseal/postseal/rules/finding"
)

// mostForms is how many forms may be one inside the other.
const mostForms = 30

// graphicsState reads what can hold text: a font, and a mask that is drawn.
func (c *content) graphicsState(d object.Dict) {
	if list := c.file.Array(d["Font"]); len(list) == 2 {
		c.font = c.loadFont(list[0])
		c.size, _ = c.file.Number(list[1])
	}
	if mask, ok := c.file.Get(d["SMask"]).(object.Dict); ok {
		c.once(mask["G"])
	}
}

// pattern reads a tile.
func (c *content) pattern(v any) {
	if s := c.file.Stream(v); s != nil {
		c.once(v)
	}
}

// once draws a pattern or a mask. It shows the same wherever it is used.
func (c *content) once(v any) {
	ref, ok := v.(object.Ref)
	if s := c.file.Stream(v); s != nil && (!ok || !c.done[ref.Num]) {
		c.done[ref.Num] = true
		c.form(v, s)
	}
}

// object draws an external object.
func (c *content) object(v any) {
	s := c.file.Stream(v)
	switch {
	case s == nil:
	case c.file.Name(s.Dict["Subtype"]) == "Image":
		c.image(s.Dict["Width"], s.Dict["Height"])
		for _, key := range []object.Name{"SMask", "Mask"} { // the text of a scan can be only in the mask
			if mask := c.file.Stream(s.Dict[key]); mask != nil {
				c.image(mask.Dict["Width"], mask.Dict["Height"])
			}
		}
	case c.file.Name(s.Dict["Subtype"]) != "PS":
		c.form(v, s)
	}
}

// perForm is what it costs to draw a form, beside its octets.
const perForm = 1 << 10

// form draws a form: a content stream with resources of its own.
func (c *content) form(v any, s *object.Stream) {
	ref, _ := v.(object.Ref)
	if !c.file.Spend(perForm) {
		return
	}
	if segments, ok := c.silent[ref.Num]; ok {
		c.segments += segments
		return
	}
	if c.open[ref.Num] { // it draws itself
		c.report(finding.Damaged)
		return
	}
	if c.depth > mostForms {
		c.report(finding.TooDeep)
		return
	}
	resources := c.file.Dict(s.Dict["Resources"])
	if resources == nil {
		resources = c.resources
	}
	inner := c.page.content(c.state, resources, c.depth+1)
	var m [6]float64
	if c.file.Numbers(s.Dict["Matrix"], m[:]) == 6 {
		inner.ctm = matrixOf(m).then(c.ctm)
	}
	before, segments := c.weight(), c.segments
	c.open[ref.Num] = true
	inner.execute(c.file.Decode(s))
	delete(c.open, ref.Num)
	if c.weight() == before && ref.Num != 0 {
		c.silent[ref.Num] = c.segments - segments
	}
}
