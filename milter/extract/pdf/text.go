package pdf

import (
	"math"

	"github.com/postseal/postseal/milter/extract/pdf/font"
	"github.com/postseal/postseal/milter/extract/pdf/object"
)

// textOperator executes an operator of text. Invisible text counts too: it is
// what a search in a scan finds.
func (c *content) textOperator(op string) {
	switch op {
	case "BT":
		c.tm, c.line = unit, unit
	case "Tc":
		c.charSpace = c.number(0)
	case "Tw":
		c.wordSpace = c.number(0)
	case "Tz":
		c.scale = c.number(0) / 100
	case "TL":
		c.leading = c.number(0)
	case "Ts":
		c.rise = c.number(0)
	case "Tf":
		c.font, c.size = c.namedFont(c.name(1)), c.number(0)
	case "Td":
		c.move(c.number(1), c.number(0))
	case "TD":
		c.leading = -c.number(0)
		c.move(c.number(1), c.number(0))
	case "Tm":
		if n, ok := c.numbers6(); ok {
			c.tm = matrixOf(n)
			c.line = c.tm
		}
	case "T*":
		c.move(0, -c.leading)
	case "Tj":
		c.show(c.str())
	case "'":
		c.move(0, -c.leading)
		c.show(c.str())
	case "\"":
		c.wordSpace, c.charSpace = c.number(2), c.number(1)
		c.move(0, -c.leading)
		c.show(c.str())
	case "TJ":
		c.showArray()
	}
}

func (c *content) move(x, y float64) {
	c.line = matrix{1, 0, 0, 1, x, y}.then(c.line)
	c.tm = c.line
}

// showArray shows strings with numbers between them, which move back the next one.
func (c *content) showArray() {
	if len(c.operands) == 0 {
		return
	}
	list, _ := c.operands[len(c.operands)-1].(object.Array)
	for _, v := range list {
		switch v := v.(type) {
		case object.String:
			c.show(string(v))
		case float64:
			c.kern(v / 1000 * c.size)
		}
	}
}

// kern moves back, or up in a vertical line.
func (c *content) kern(by float64) {
	if c.font != nil && c.font.IsVertical {
		c.advance(-by)
		return
	}
	c.advance(-by * c.scale)
}

// advance moves along the line, down if it is vertical.
func (c *content) advance(by float64) {
	if c.font != nil && c.font.IsVertical {
		c.tm = matrix{1, 0, 0, 1, 0, -by}.then(c.tm)
		return
	}
	c.tm = matrix{1, 0, 0, 1, by, 0}.then(c.tm)
}

// mostFonts bounds the memory of fonts.
const mostFonts = 64

func (d *document) loadFont(v any) *font.Font {
	ref, isRef := v.(object.Ref)
	if f := d.fonts[ref.Num]; f != nil && isRef {
		return f
	}
	f := font.Load(d.file, d.file.Dict(v))
	if isRef {
		if len(d.fonts) >= mostFonts {
			clear(d.fonts)
		}
		d.fonts[ref.Num] = f
	}
	return f
}

// namedFont returns a font of the resources.
func (c *content) namedFont(name object.Name) *font.Font {
	v := c.resource("Font", name)
	if _, isRef := v.(object.Ref); isRef {
		return c.loadFont(v)
	}
	f := c.fonts[name]
	if f == nil {
		if f = c.loadFont(v); len(c.fonts) < mostFonts {
			c.fonts[name] = f
		}
	}
	return f
}

// show shows a string.
func (c *content) show(s string) {
	if c.font == nil {
		c.font = c.loadFont(nil)
	}
	if !c.file.Spend(4 * len(s)) {
		return
	}
	m := c.tm.then(c.ctm)
	x, y := m.apply(0, c.rise)
	w := c.writer(m)
	along, total := c.scale, 0.0
	if c.font.IsVertical {
		m.a, m.b, along = -m.c, -m.d, 1
	}
	length := math.Hypot(m.a, m.b) * along
	if c.size*along < 0 { // the line goes the other way
		length = -length
	}
	for len(s) > 0 {
		g, n := c.font.Next(s)
		s = s[n:]
		width := g.Width * c.size
		by := width + c.charSpace
		if g.IsBlank {
			by += c.wordSpace
		}
		if g.Text == " " {
			if by/width < 0.4 { // pushed together: not a blank that anyone sees
				g.Text = ""
			}
			width = by
		}
		// The space between characters is a gap, because some programs write
		// words with it.
		c.glyph(w, g, x, y, width*length)
		w.isFirst = false
		x, y, total = x+by*along*m.a, y+by*along*m.b, total+by*along
	}
	c.advance(total)
}

// writer says how the glyphs of a string stand on the page.
func (c *content) writer(m matrix) *writer {
	dx, dy := m.a*c.size*c.scale, m.b*c.size*c.scale // either can be negative
	if c.font.IsVertical {
		dx, dy = -m.c*c.size, -m.d*c.size
	}
	w := &c.page.writer
	*w = writer{em: math.Abs(c.size) * math.Hypot(m.c, m.d), cos: 1, isFirst: true}
	if length := math.Hypot(dx, dy); length > 0 && !math.IsInf(length, 0) && !math.IsNaN(length) {
		w.cos, w.sin = dx/length, dy/length
		w.angle = int16(math.Round(math.Atan2(w.sin, w.cos) * 180 / math.Pi))
	}
	if w.angle == -180 {
		w.angle = 180
	}
	if !(w.em > 0) || math.IsInf(w.em, 0) {
		w.em = 1
	}
	return w
}

// mostUnknown is how many glyphs beside each other may have no known characters.
// Lists have bullets like that, and numbers have more digits.
const mostUnknown = 2

// glyph puts a glyph on the page.
func (c *content) glyph(w *writer, g font.Glyph, x, y, width float64) {
	if c.actual != nil {
		g = c.actualGlyph(g)
	}
	if !g.IsKnown {
		c.unknownGlyph(w, x, y)
	} else if g.Text != "" && g.Text != " " {
		c.unknown = 0
	}
	c.put(w, g.Text, x, y, width)
}
