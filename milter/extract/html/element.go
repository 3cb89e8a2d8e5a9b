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
)

// effects are those of the elements that are not inline.
var effects = map[string]effect{
	"br": breaks, "hr": breaks, "p": breaks, "div": breaks, "address": breaks, "article": breaks, "aside": breaks,
	"blockquote": breaks, "body": breaks, "center": breaks, "dd": breaks, "details": breaks, "dialog": breaks, "dir": breaks,
	"dl": breaks, "dt": breaks, "fieldset": breaks, "figcaption": breaks, "figure": breaks, "footer": breaks, "form": breaks,
	"frameset": breaks, "h1": breaks, "h2": breaks, "h3": breaks, "h4": breaks, "h5": breaks, "h6": breaks, "head": breaks,
	"header": breaks, "hgroup": breaks, "html": breaks, "legend": breaks, "li": breaks, "main": breaks, "menu": breaks,
	"nav": breaks, "ol": breaks, "optgroup": breaks, "option": breaks, "section": breaks, "select": breaks, "summary": breaks,
	"ul": breaks, "caption": breaks,
	"table": table, "tr": tableRow, "thead": tableRow, "tbody": tableRow, "tfoot": tableRow, "td": tableCell, "th": tableCell,
	"pre": keepsLines, "listing": keepsLines,
	"script": rawText, "style": rawText, "title": rawText, "textarea": rawText, "xmp": rawText, "plaintext": rawText,
}

// act does what a complete tag does.
func (r *Reader) act() {
	switch e := effects[string(r.name.text[:r.name.n])]; e {
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
			r.startCell(r.span)
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
	}
}
