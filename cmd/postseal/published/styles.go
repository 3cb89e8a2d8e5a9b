package published

import (
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// maxStyles is how many fonts, how many fills and how many cell formats a
// workbook may have. Excel writes at most 65,490 formats.
const maxStyles = 1 << 16

const (
	isFaint  = "is in letters that cannot be seen"
	isMasked = "has a number format that shows something else"
)

// styles records which cell formats make a text unreadable, and which
// conditional formats may do so.
type styles struct {
	cells []cellStyle
	rules []bool
}

// cellStyle is what a cell format does to a text.
type cellStyle byte

const (
	plainStyle cellStyle = iota
	struckStyle
	faintStyle
	maskedStyle
)

// fault says why a person would not read a text in the format.
func (s styles) fault(format int) string {
	if format < 0 || format >= len(s.cells) {
		return ""
	}
	return [...]string{plainStyle: "", struckStyle: isStruck, faintStyle: isFaint, maskedStyle: isMasked}[s.cells[format]]
}

// paint is a colour that can be compared with another.
type paint struct {
	white bool
	key   uint32
}

type font struct {
	struck, tiny bool
	colour       paint
}

// stylesReader collects what CT_Stylesheet says about the look of text.
type stylesReader struct {
	styles
	list   string // the list that an element is in
	fonts  []font
	fills  []paint
	masked map[int]bool // number formats
	white  bool         // the conditional format has white letters and no fill
}

func (w *workbook) readStyles(name string) (styles, error) {
	text, err := w.part(name)
	if err != nil {
		return styles{}, err
	}
	r := stylesReader{masked: make(map[int]bool)}
	if err := eachToken(text, r.token); err != nil {
		return styles{}, fmt.Errorf("%s: %w", name, err)
	}
	return r.styles, nil
}

func (r *stylesReader) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		switch local := t.Name.Local; local {
		case "fonts", "fills", "cellXfs", "dxfs":
			r.list = local
		case "numFmt":
			r.numberFormat(t)
		default:
			r.element(t)
		}
		if max(len(r.fonts), len(r.fills), len(r.cells), len(r.rules)) > maxStyles {
			return limitError(fmt.Sprintf("it has more than %d styles", maxStyles))
		}
	case xml.EndElement:
		if t.Name.Local == "dxf" && len(r.rules) > 0 && r.white {
			r.rules[len(r.rules)-1] = true
		}
		if t.Name.Local == r.list {
			r.list = ""
		}
	}
	return nil
}

func (r *stylesReader) numberFormat(t xml.StartElement) {
	switch masks := masksText(attribute(t, "formatCode")); {
	case r.list == "dxfs" && len(r.rules) > 0:
		r.rules[len(r.rules)-1] = r.rules[len(r.rules)-1] || masks
	case masks && len(r.masked) < maxStyles:
		r.masked[number(t, "numFmtId", -1)] = true
	}
}

func (r *stylesReader) element(t xml.StartElement) {
	switch r.list + " " + t.Name.Local {
	case "fonts font":
		r.fonts = append(r.fonts, font{})
	case "fills fill":
		r.fills = append(r.fills, paint{white: true})
	case "cellXfs xf":
		r.cells = append(r.cells, r.look(number(t, "fontId", 0), number(t, "fillId", 0), number(t, "numFmtId", 0)))
	case "dxfs dxf":
		r.rules, r.white = append(r.rules, false), false
	case "dxfs strike":
		if len(r.rules) > 0 {
			r.rules[len(r.rules)-1] = strikes(t)
		}
	case "dxfs color":
		r.white = r.white || isWhite(t)
	case "dxfs fill":
		r.white = false
	case "fills patternFill":
		if kind := attribute(t, "patternType"); len(r.fills) > 0 && kind != "" && kind != "none" {
			r.fills[len(r.fills)-1] = paint{}
		}
	case "fills fgColor":
		if last := len(r.fills) - 1; last >= 0 && r.fills[last] == (paint{}) {
			r.fills[last] = colourOf(t)
		}
	default:
		if r.list == "fonts" && len(r.fonts) > 0 {
			r.fonts[len(r.fonts)-1].element(t)
		}
	}
}

func (f *font) element(t xml.StartElement) {
	switch t.Name.Local {
	case "strike":
		f.struck = strikes(t)
	case "sz":
		f.tiny = isTiny(t)
	case "color":
		f.colour = colourOf(t)
	}
}

func (r *stylesReader) look(fontID, fillID, numberFormat int) cellStyle {
	var f font
	if fontID >= 0 && fontID < len(r.fonts) {
		f = r.fonts[fontID]
	}
	fill := paint{white: true}
	if fillID >= 0 && fillID < len(r.fills) {
		fill = r.fills[fillID]
	}
	switch {
	case f.struck:
		return struckStyle
	case f.tiny, f.colour.white && fill.white, f.colour.key != 0 && f.colour.key == fill.key:
		return faintStyle
	case r.masked[numberFormat]:
		return maskedStyle
	}
	return plainStyle
}

func colourOf(t xml.StartElement) paint {
	hash := fnv.New32a()
	for _, name := range []string{"rgb", "theme", "indexed", "tint"} {
		fmt.Fprintf(hash, "%s=%s;", name, attribute(t, name))
	}
	return paint{isWhite(t), hash.Sum32() | 1}
}

// isWhite reports whether a colour is the colour of the sheet, or nearly so.
func isWhite(t xml.StartElement) bool {
	if rgb := attribute(t, "rgb"); rgb != "" {
		value, err := strconv.ParseUint(rgb, 16, 32)
		return err == nil && value>>16&0xff >= 0xe0 && value>>8&0xff >= 0xe0 && value&0xff >= 0xe0
	}
	tint, _ := strconv.ParseFloat(attribute(t, "tint"), 64)
	switch theme := attribute(t, "theme"); {
	case theme == "0":
		return tint > -0.2
	case theme != "":
		return tint > 0.9
	}
	indexed := attribute(t, "indexed")
	return indexed == "1" || indexed == "9" || indexed == "65"
}

// isTiny reports whether a font size is too small to read.
func isTiny(t xml.StartElement) bool {
	size, err := strconv.ParseFloat(attribute(t, "val"), 64)
	return t.Name.Local == "sz" && err == nil && size < 4
}

// masksText reports whether a number format changes or hides a text. The text
// is @ in the last section of a format, and only the fourth section may lack
// it.
func masksText(code string) bool {
	if len(code) > 1024 { // Excel allows at most 255 characters
		return true
	}
	sections := []string{""}
	hasText, runes := false, []rune(code)
	add := func(text string) { sections[len(sections)-1] += text }
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; c {
		case ';':
			sections, hasText = append(sections, ""), false
		case '_': // a blank as wide as the next character
			i++
		case '\\', '*':
			i++
			add("x")
		case '"', '[':
			end := c
			if c == '[' {
				end = ']'
			}
			start := i + 1
			for i++; i < len(runes) && runes[i] != end; i++ {
			}
			if inside := string(runes[start:min(i, len(runes))]); c == '"' && inside != "" || strings.EqualFold(inside, "white") {
				add("x")
			}
		case ' ':
		default:
			hasText = hasText || c == '@'
			add(string(c))
		}
	}
	last := sections[len(sections)-1]
	if len(sections) < 4 && !hasText {
		return false
	}
	return last != "@" && !strings.EqualFold(last, "general")
}
