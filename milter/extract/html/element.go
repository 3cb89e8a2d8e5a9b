package html

// effect is what the tag of an element does to the layout.
type effect byte

const (
	inline effect = iota
	breaks
	table
	tableRow
	tableCell
	keepsLines // text with its line ends
	rawText    // text that only its end tag ends
	formField
)

// effectOf returns what the tag of an element does. A switch is much faster than
// a map.
func effectOf(name []byte) effect {
	switch string(name) {
	case "br", "hr", "p", "div", "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details",
		"dialog", "dir", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "frameset", "h1", "h2", "h3", "h4",
		"h5", "h6", "head", "header", "hgroup", "html", "legend", "li", "main", "menu", "nav", "ol", "optgroup", "option",
		"section", "select", "summary", "ul":
		return breaks
	case "table":
		return table
	case "tr", "thead", "tbody", "tfoot":
		return tableRow
	case "td", "th":
		return tableCell
	case "pre", "listing":
		return keepsLines
	case "script", "style", "title", "textarea", "xmp", "plaintext":
		return rawText
	case "input":
		return formField
	}
	return inline
}

// act does what a complete tag does.
func (r *Reader) act() {
	switch effectOf(r.name.text[:r.name.n]) {
	case breaks:
		r.breakLine()
	case table:
		if r.isEnd {
			r.endTable()
		} else {
			r.startTable()
		}
	case tableRow:
		r.endRow()
	case tableCell:
		if !r.isEnd {
			r.startCell(r.span, r.rowSpan)
		}
	case keepsLines:
		r.breakLine()
		if !r.isEnd {
			r.pre++
		} else if r.pre > 0 {
			r.pre--
		}
	case rawText:
		r.startRaw()
	case formField:
		if !r.isEnd {
			r.showField()
		}
	}
}
