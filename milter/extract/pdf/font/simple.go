package font

import (
	"strings"

	"github.com/postseal/postseal/milter/extract/pdf/object"
)

// loadSimple reads a font whose codes are octets.
func loadSimple(f *object.File, d object.Dict, toUnicode *cmap) *[256]Glyph {
	var glyphs [256]Glyph
	base, isComplete := baseEncoding(f, d)
	for code := range glyphs {
		g := &glyphs[code]
		if base != nil {
			g.Text, g.IsKnown = base[code], isComplete || base[code] != ""
		}
		g.IsBlank = code == ' '
	}
	differences(f, d, &glyphs)
	if toUnicode != nil {
		for code := range glyphs {
			if s, ok := toUnicode.text(code); ok && (readable(s) != "" || s == "") {
				glyphs[code].Text, glyphs[code].IsKnown = readable(s), true
			}
		}
	}
	simpleWidths(f, d, &glyphs)
	return &glyphs
}

// differences reads the names that differ from the base encoding.
func differences(f *object.File, d object.Dict, glyphs *[256]Glyph) {
	code := 0
	for _, v := range f.Array(f.Dict(d["Encoding"])["Differences"]) {
		switch v := f.Get(v).(type) {
		case float64:
			code = int(max(-1, min(v, 256)))
		case object.Name:
			if code >= 0 && code < 256 {
				glyphs[code].Text, glyphs[code].IsKnown = ofName(string(v))
			}
			code = min(code+1, 256)
		}
	}
}

// baseEncoding returns the encoding without its differences. If it is complete,
// the codes without a text show nothing.
func baseEncoding(f *object.File, d object.Dict) (e *codeTexts, isComplete bool) {
	name := f.Name(d["Encoding"])
	if name == "" {
		name = f.Name(f.Dict(d["Encoding"])["BaseEncoding"])
	}
	if e := named(string(name)); e != nil {
		return e, true
	}
	subtype := f.Name(d["Subtype"])
	if subtype == "Type3" {
		return nil, false
	}
	descriptor := f.Dict(d["FontDescriptor"])
	if e := builtIn(f, descriptor); e != nil {
		return e, false
	}
	switch base := string(f.Name(d["BaseFont"])); {
	case strings.Contains(base, "Symbol"):
		return symbol(), true
	case strings.Contains(base, "Dingbats"):
		return &codeTexts{}, true
	case subtype == "TrueType":
		return winAnsi(), true
	}
	return standard(), true
}

// builtIn returns the encoding inside the font, or nil if it has none that can be
// read.
func builtIn(f *object.File, descriptor object.Dict) *codeTexts {
	if s := f.Stream(descriptor["FontFile"]); s != nil {
		return type1Encoding(f.Decode(s))
	}
	if s := f.Stream(descriptor["FontFile2"]); s != nil {
		return parseTrueType(f.Decode(s)).encoding()
	}
	if s := f.Stream(descriptor["FontFile3"]); s != nil {
		if c := parseCFF(f.Decode(s)); c != nil {
			return c.encoding()
		}
	}
	return nil
}

func simpleWidths(f *object.File, d object.Dict, glyphs *[256]Glyph) {
	scale := 0.001
	if f.Name(d["Subtype"]) == "Type3" {
		var matrix [6]float64
		if f.Numbers(d["FontMatrix"], matrix[:]) == 6 {
			scale = matrix[0]
		}
	}
	widths := f.Array(d["Widths"])
	if widths == nil {
		for code, w := range standardWidths(f.Name(d["BaseFont"])) {
			glyphs[code].Width = w
		}
		return
	}
	first := f.Int(d["FirstChar"], 0)
	missing, _ := f.Number(f.Dict(d["FontDescriptor"])["MissingWidth"])
	for code := range glyphs {
		w := missing
		if i := code - first; i >= 0 && i < len(widths) {
			w, _ = f.Number(widths[i])
		}
		glyphs[code].Width = w * scale
	}
}
