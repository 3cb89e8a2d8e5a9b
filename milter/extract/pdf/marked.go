package pdf

import (
	"strings"

	"github.com/postseal/postseal/milter/extract/pdf/font"
	"github.com/postseal/postseal/milter/extract/pdf/object"
)

// actual is a marked content whose text the file also gives in another way:
// ActualText.
type actual struct {
	text   string
	level  int    // of the marked contents around it
	glyphs []byte // the text of its glyphs
	placed bool
}

const mostActual = 1 << 16 // octets of glyphs that are compared

func (c *content) beginMarked() {
	c.marks++
	d, _ := c.lastOperand().(object.Dict)
	if d == nil {
		d = c.file.Dict(c.resource("Properties", c.name(0)))
	}
	c.aside(c.file.Text(d["Alt"]))
	if text := d["ActualText"]; text != nil && c.actual == nil {
		c.actual = &actual{text: c.file.Text(text), level: c.marks}
		c.file.Spend(16 * len(c.actual.text))
	}
}

func (c *content) lastOperand() any {
	if len(c.operands) == 0 {
		return nil
	}
	return c.operands[len(c.operands)-1]
}

func (c *content) endMarked() {
	if c.actual != nil && c.actual.level == c.marks {
		c.endActual()
	}
	c.marks = max(0, c.marks-1)
}

// actualGlyph returns a glyph of a marked content. The first glyph without known
// characters shows the whole ActualText, and the next ones nothing.
func (c *content) actualGlyph(g font.Glyph) font.Glyph {
	if len(c.actual.glyphs) < mostActual {
		c.actual.glyphs = append(c.actual.glyphs, g.Text...)
	}
	if g.IsKnown || c.actual.text == "" {
		return g
	}
	g.Text, g.IsKnown = c.actual.text, true
	if c.actual.placed {
		g.Text = ""
	}
	c.actual.placed = true
	return g
}

// endActual adds an ActualText that differs from what the glyphs show, because
// either can be what a viewer copies, searches or reads aloud.
func (c *content) endActual() {
	a := c.actual
	c.actual = nil
	if !a.placed && squeeze(a.text) != squeeze(string(a.glyphs)) {
		c.aside(a.text)
	}
}

// squeeze returns a text without blanks and soft hyphens.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\u00ad' || r == '\u00a0' || r <= ' ' {
			return -1
		}
		return r
	}, s)
}
