package pdf

import (
	"github.com/postseal/postseal/milter/extract/pdf/object"
	"github.com/postseal/postseal/rules/finding"
)

// image counts the pixels of an image.
func (c *content) image(width, height any) {
	w, h := c.file.Int(width, 0), c.file.Int(height, 0)
	if w > 0 && h > 0 && w < 1<<20 && h < 1<<20 {
		c.pixels += w * h
	}
}

// inlineImage reads an image among the operators.
func (c *content) inlineImage() {
	d := make(object.Dict)
	for i := 0; i+1 < len(c.operands); i += 2 {
		if key, ok := c.operands[i].(object.Name); ok {
			d[key] = c.operands[i+1]
		}
	}
	either := func(key, short object.Name) any {
		if v := d[key]; v != nil {
			return v
		}
		return d[short]
	}
	c.image(either("Width", "W"), either("Height", "H"))
	filter := either("Filter", "F")
	if list := c.file.Array(filter); len(list) > 0 {
		filter = list[0]
	}
	if !c.parser.SkipImage(c.file.Name(filter)) {
		c.report(finding.Damaged)
	}
}
