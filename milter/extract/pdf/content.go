package pdf

import (
	"github.com/postseal/postseal/milter/extract/pdf/font"
	"github.com/postseal/postseal/milter/extract/pdf/object"
)

// state is the part of the graphics state that text depends on.
type state struct {
	ctm                  matrix // from here to the page
	font                 *font.Font
	size, leading, rise  float64
	charSpace, wordSpace float64
	scale                float64 // horizontal
}

// content is a content stream while it is read: that of a page or a form.
type content struct {
	*page
	state
	resources object.Dict
	saved     []state
	unsaved   int    // saves beyond mostSaved
	tm, line  matrix // of the text, and of the beginning of its line
	operands  []any
	parser    *object.Parser
	marks     int // open marked contents
	actual    *actual
	depth     int
	fonts     map[object.Name]*font.Font // those that are no objects of their own
}

// A content stream in which more states are saved or operands stand before an
// operator is damaged.
const (
	mostSaved    = 256
	mostOperands = 256
)

// content returns a content stream before its first operator.
func (p *page) content(s state, resources object.Dict, depth int) *content {
	return &content{
		page: p, state: s, resources: resources, tm: unit, line: unit, depth: depth,
		fonts: make(map[object.Name]*font.Font),
	}
}

// run reads the content streams of the page.
func (p *page) run(data []byte, resources object.Dict) {
	c := p.content(state{ctm: unit, scale: 1}, resources, 0)
	c.execute(data)
}

func (c *content) execute(data []byte) {
	c.parser = object.NewParser(data)
	before := 0
	for {
		operand, op, ok := c.parser.Next()
		if !ok {
			break
		}
		if op == "" {
			if c.operands = append(c.operands, operand); len(c.operands) > mostOperands {
				c.operands = c.operands[:0]
			}
			continue
		}
		c.operator(op)
		c.operands = c.operands[:0]
		if at := c.parser.Offset(); at-before > 1<<12 {
			if !c.file.Spend(at - before) {
				break
			}
			before = at
		}
	}
	c.file.Spend(len(data) - before)
	if c.actual != nil {
		c.endActual()
	}
}

func (c *content) operator(op string) {
	switch op {
	case "q":
		c.save()
	case "Q":
		c.restore()
	case "cm":
		if n, ok := c.numbers6(); ok {
			c.ctm = matrixOf(n).then(c.ctm)
		}
	case "Do":
		c.object(c.resource("XObject", c.name(0)))
	case "gs":
		c.graphicsState(c.file.Dict(c.resource("ExtGState", c.name(0))))
	case "scn", "SCN":
		c.pattern(c.resource("Pattern", c.name(0)))
	case "m", "l", "c", "v", "y":
		c.segments++
	case "BI":
		c.operands = c.operands[:0]
	case "ID":
		c.inlineImage()
	case "BMC":
		c.marks++
	case "BDC":
		c.beginMarked()
	case "EMC":
		c.endMarked()
	default:
		c.textOperator(op)
	}
}

// numbers6 returns the operands of a matrix.
func (c *content) numbers6() (n [6]float64, ok bool) {
	for i := range n {
		n[i] = c.number(5 - i)
	}
	return n, len(c.operands) >= 6
}

// number returns an operand. The last has the index 0.
func (c *content) number(i int) float64 {
	if i >= len(c.operands) {
		return 0
	}
	n, _ := c.operands[len(c.operands)-1-i].(float64)
	return n
}

func (c *content) name(i int) object.Name {
	if i >= len(c.operands) {
		return ""
	}
	n, _ := c.operands[len(c.operands)-1-i].(object.Name)
	return n
}

func (c *content) str() string {
	if len(c.operands) == 0 {
		return ""
	}
	s, _ := c.operands[len(c.operands)-1].(object.String)
	return string(s)
}

func (c *content) resource(kind, name object.Name) any {
	if name == "" {
		return nil
	}
	return c.file.Dict(c.resources[kind])[name]
}

func (c *content) save() {
	if len(c.saved) >= mostSaved {
		c.unsaved++
		return
	}
	c.saved = append(c.saved, c.state)
}

func (c *content) restore() {
	switch n := len(c.saved); {
	case c.unsaved > 0:
		c.unsaved--
	case n > 0:
		c.state, c.saved = c.saved[n-1], c.saved[:n-1]
	}
}
