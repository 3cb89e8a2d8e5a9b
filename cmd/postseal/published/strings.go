package published

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxStrings is how many shared strings a workbook may have: twice the number
// of rows.
const maxStrings = 2 * maxRows

// isStruck is the fault of a cell whose text is struck through.
const isStruck = "is struck through"

// richText collects a CT_Rst: plain text, or runs of text with different
// styles. Pronunciation hints are left out.
type richText struct {
	text     cellText
	inText   bool
	phonetic bool
	strikes  bool // the run is struck through
	filled   bool // the run has text
	struck   bool // some text is struck through
	faint    bool // the run is white or tiny
	unseen   bool // some text is white or tiny
}

func (t *richText) token(token xml.Token) {
	switch token := token.(type) {
	case xml.StartElement:
		switch token.Name.Local {
		case "rPh":
			t.phonetic = true
		case "r":
			t.strikes, t.faint, t.filled = false, false, false
		case "strike":
			t.strikes = strikes(token)
		case "color", "sz":
			t.faint = t.faint || isWhite(token) || isTiny(token)
		case "t":
			t.inText = !t.phonetic
		}
	case xml.CharData:
		if t.inText {
			t.text.write(token)
			t.filled = t.filled || strings.TrimSpace(string(token)) != ""
		}
	case xml.EndElement:
		switch token.Name.Local {
		case "rPh":
			t.phonetic = false
		case "r":
			t.struck = t.struck || t.strikes && t.filled
			t.unseen = t.unseen || t.faint && t.filled
		case "t":
			t.inText = false
		}
	}
}

func (t *richText) cell() listCell {
	cell := listCell{text: t.text.String()}
	switch {
	case t.struck:
		cell.fault = isStruck
	case t.unseen:
		cell.fault = isFaint
	}
	return cell
}

// strikes reports whether CT_BooleanProperty is on.
func strikes(element xml.StartElement) bool {
	return attribute(element, "val") == "" || isTrue(element, "val")
}

// cellText collects as much of a cell as is read. "…" follows if there is more.
type cellText struct {
	strings.Builder
	cut bool
}

func (c *cellText) write(text []byte) {
	if room := 4*maxCell - c.Len(); len(text) > room {
		text, c.cut = text[:room], true
	}
	c.Write(text)
}

func (c *cellText) String() string {
	text := unescape(c.Builder.String())
	if c.cut {
		return strings.ToValidUTF8(text, "") + "…"
	}
	return text
}

// escaped matches how ST_Xstring writes a character that XML cannot contain.
var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

func unescape(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	return escaped.ReplaceAllStringFunc(text, func(e string) string {
		code, _ := strconv.ParseUint(e[2:6], 16, 16) // the pattern allows nothing else
		return string(rune(code))
	})
}

func (w *workbook) sharedStrings(name string) (shared []listCell, err error) {
	text, err := w.part(name)
	if err != nil {
		return nil, err
	}
	var current richText
	err = eachToken(text, func(token xml.Token) error {
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local == "si" {
				current = richText{}
			}
		case xml.EndElement:
			if t.Name.Local != "si" {
				break
			}
			if len(shared) == maxStrings {
				return limitError(fmt.Sprintf("it has more than %d strings", maxStrings))
			}
			shared = append(shared, current.cell())
		}
		current.token(token)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return shared, nil
}
