package font

import (
	"strings"

	"github.com/postseal/postseal/milter/extract/pdf/object"
)

// composite is a font whose codes have several octets. A code is mapped to the
// number of a glyph (CID).
type composite struct {
	isVertical bool
	toUnicode  *cmap
	embedded   *cmap    // the encoding, if it is in the file
	charset    *charset // the encoding, if it has a name that tells the characters
	ordering   string   // what the CIDs mean
	byGID      map[int]string
	gids       []byte // two octets for each CID, or nil
	fallback   float64
	widths     map[int]float64
	ranges     []widthRange
	seen       map[int]Glyph // by code and octets
}

type widthRange struct {
	from, to int
	width    float64
}

func loadComposite(f *object.File, d object.Dict, toUnicode *cmap) *composite {
	c := &composite{toUnicode: toUnicode, seen: make(map[int]Glyph), widths: make(map[int]float64)}
	name := string(f.Name(d["Encoding"]))
	if s := f.Stream(d["Encoding"]); s != nil {
		c.embedded = loadCMap(f, s, 0)
		c.isVertical = c.embedded.isVertical
		name = string(f.Name(s.Dict["UseCMap"]))
	}
	c.isVertical = c.isVertical || strings.HasSuffix(name, "V")
	c.charset = charsetOf(name)
	var descendant object.Dict
	if list := f.Array(d["DescendantFonts"]); len(list) > 0 {
		descendant = f.Dict(list[0])
	} else {
		descendant = f.Dict(d["DescendantFonts"])
	}
	c.ordering = f.Text(f.Dict(descendant["CIDSystemInfo"])["Ordering"])
	if s := f.Stream(descendant["CIDToGIDMap"]); s != nil {
		c.gids = f.Decode(s)
	}
	c.loadProgram(f, f.Dict(descendant["FontDescriptor"]))
	c.loadWidths(f, descendant)
	return c
}

// loadProgram reads which characters the glyphs of an embedded font show. It is
// needed only without a ToUnicode map.
func (c *composite) loadProgram(f *object.File, descriptor object.Dict) {
	if c.toUnicode != nil || c.charset != nil {
		return
	}
	if s := f.Stream(descriptor["FontFile2"]); s != nil {
		c.byGID = parseTrueType(f.Decode(s)).texts()
	}
	if s := f.Stream(descriptor["FontFile3"]); s != nil {
		data := f.Decode(s)
		if t := parseTrueType(data); t.tables["cmap"] != nil {
			c.byGID = t.texts()
		} else if cff := parseCFF(data); cff != nil {
			c.byGID = cff.texts()
		}
	}
}

// loadWidths reads "first [width …]" and "first last width".
func (c *composite) loadWidths(f *object.File, d object.Dict) {
	fallback, ok := f.Number(d["DW"])
	if !ok {
		fallback = 1000
	}
	c.fallback = fallback / 1000
	w := f.Array(d["W"])
	for len(w) >= 2 {
		first := f.Int(w[0], 0)
		if list := f.Array(w[1]); list != nil {
			f.Spend(len(list))
			for i, v := range list {
				width, _ := f.Number(v)
				c.widths[first+i] = width / 1000
			}
			w = w[2:]
			continue
		}
		if len(w) < 3 {
			return
		}
		width, _ := f.Number(w[2])
		if c.ranges = append(c.ranges, widthRange{first, f.Int(w[1], 0), width / 1000}); len(c.ranges) > 1<<14 {
			return
		}
		w = w[3:]
	}
}

func (c *composite) width(cid int) float64 {
	if c.isVertical {
		return 1
	}
	if w, ok := c.widths[cid]; ok {
		return w
	}
	for _, r := range c.ranges {
		if r.from <= cid && cid <= r.to {
			return r.width
		}
	}
	return c.fallback
}

// mostSeen bounds the memory of a font.
const mostSeen = 1 << 14

func (c *composite) next(s string) (Glyph, int) {
	var code, octets int
	switch {
	case c.embedded != nil && (len(c.embedded.spaces) > 0 || c.embedded.parent != nil):
		code, octets = c.embedded.next(s)
	case c.charset != nil:
		octets = min(c.charset.octets(s), len(s))
		code, _ = codeOf(s[:octets])
	default:
		code, octets = two(s)
	}
	key := code<<3 | octets
	g, ok := c.seen[key]
	if !ok {
		g = c.glyph(code, s[:octets])
		if len(c.seen) > mostSeen {
			clear(c.seen)
		}
		c.seen[key] = g
	}
	return g, octets
}

func (c *composite) glyph(code int, octets string) Glyph {
	cid := code
	if c.embedded != nil {
		cid = c.embedded.cid(code)
	}
	g := Glyph{Width: c.width(cid), IsBlank: len(octets) == 1 && code == ' '}
	if c.toUnicode != nil {
		if s, ok := c.toUnicode.text(code); ok && (s == "" || readable(s) != "") {
			g.Text, g.IsKnown = readable(s), true
			return g
		}
	}
	if c.charset != nil {
		g.Text = c.charset.text(octets)
		g.IsKnown = g.Text != ""
		if g.IsKnown && g.Text[0] < 0x80 && len(c.widths)+len(c.ranges) == 0 {
			g.Width = 0.5
		}
		return g
	}
	gid := cid
	if c.gids != nil && 2*cid+1 < len(c.gids) {
		gid = int(c.gids[2*cid])<<8 | int(c.gids[2*cid+1])
	}
	g.Text, g.IsKnown = c.byGID[gid]
	if !g.IsKnown {
		g.Text, g.IsKnown = ofCID(c.ordering, cid)
	}
	return g
}
