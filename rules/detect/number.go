package detect

import (
	"bytes"
	"unicode/utf8"

	"github.com/postseal/postseal/rules/finding"
)

// digits10 is the number of digits in an NHS number.
const digits10 = 10

// maxSpan bounds the octets of a number with all that separates its digits.
const maxSpan = 512

// isIssued reports whether ten digits are an NHS number: the check digit fits,
// and the number is in a range that is issued, or in the test block. All
// numbers of one repeated digit have a fitting check digit.
func isIssued(n uint64) bool {
	switch block := n / 1e7; {
	case 400 <= block && block <= 499, 600 <= block && block <= 799: // England, Wales, Isle of Man
	case 320 <= block && block <= 399: // Northern Ireland
	case block == 999: // tests
	case 10 <= block && block <= 311: // Scotland: the date of birth first
		if !isDate(int(n/1e8), int(n/1e6%100), int(n/1e4%100)) {
			return false
		}
	default:
		return false
	}
	return n%1111111111 != 0 && hasCheckDigit(n)
}

// isDate reports whether the day exists in the month of a year, of which only
// the last two digits are known.
func isDate(day, month, year int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	last := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	if month == 2 && year%4 == 0 {
		last = 29
	}
	return day <= last
}

// hasCheckDigit reports whether the last of the digits is the check digit of
// those before it: weights from 2 up, from the right, modulo 11.
func hasCheckDigit(n uint64) bool {
	sum := n % 10
	for weight := uint64(2); n >= 10; weight++ {
		n /= 10
		sum += n % 10 * weight
	}
	return sum%11 == 0
}

// numbers are the distinct numbers of a message.
type numbers struct {
	levels map[uint64]level
	counts [inSubject + 1]finding.Finding
}

// level is a set of bits: how a number was found.
type level uint8

const (
	likely level = 1 << iota
	certain
	inSubject
)

// add keeps the number, if there is room.
func (n *numbers) add(value uint64, as level, part string) {
	had := n.levels[value]
	for _, bit := range []level{likely, certain, inSubject} {
		f := &n.counts[bit]
		if as&bit == 0 || had&bit != 0 || f.Count >= finding.MaxCount {
			continue
		}
		if f.Count++; f.Count == 1 {
			f.Part = part
		}
		if n.levels == nil {
			n.levels = make(map[uint64]level)
		}
		n.levels[value] |= bit
	}
}

// findings returns what the numbers are. One that is certain somewhere is not
// likely elsewhere.
func (n *numbers) findings() (findings []finding.Finding) {
	for _, had := range n.levels {
		if had&(certain|likely) == certain|likely {
			n.counts[likely].Count--
		}
	}
	for _, kind := range []struct {
		level
		finding.Name
	}{{certain, finding.NHSNumber}, {likely, finding.NHSNumberLikely}, {inSubject, finding.NHSNumberInSubject}} {
		if f := n.counts[kind.level]; f.Count > 0 {
			f.Name = kind.Name
			findings = append(findings, f)
		}
	}
	return findings
}

// run is a run of digits, with or without invisible characters between them.
type run struct {
	end, n int
	value  uint64
}

// run reads the digits from i on.
func (b text) run(i int) (r run) {
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		if r.n++; r.n <= digits10 {
			r.value = r.value*10 + uint64(b[i]-'0')
		}
	}
	r.end = i
	if i == len(b) || b[i] < utf8.RuneSelf {
		return r
	}
	for ; ; r.n++ {
		c, _, to := b.next(i)
		digit, ok := digitValue(c)
		if !ok {
			return r
		}
		if r.n < digits10 {
			r.value = r.value*10 + uint64(digit)
		}
		i, r.end = to, to
	}
}

// What separates groups of digits.
const (
	blank = 1 << iota
	hyphen
	dot
	newline
	comma
	tab
	loose // wide gaps, or more lines than two
)

var separates = [utf8.RuneSelf]bool{' ': true, '\r': true, '\v': true, '\n': true, '-': true, '.': true, '/': true, '_': true, ',': true}

// goesOn reports whether another group of digits can follow at i. It is quick,
// because most digits in prose stand alone.
func (b text) goesOn(i int) bool {
	if i+1 >= len(b) {
		return false
	}
	return b[i] >= utf8.RuneSelf || separates[b[i]] && (b[i+1] >= utf8.RuneSelf || !isLetter(rune(b[i+1])))
}

// maxGap is the largest number of blanks between the groups of a number on a form.
const maxGap = 16

// separator reads what separates two groups of digits: blanks, a line break, also
// with the marks of a quotation, a hyphen, a full stop, a slash, an underscore or a
// comma. It returns kind 0 for anything else.
func (b text) separator(i int) (kind, end int) {
	blanks := 0
	if i < len(b) && b[i] < utf8.RuneSelf && !separates[b[i]] {
		return 0, 0
	}
	for {
		r, _, to := b.next(i)
		switch {
		case isBlank(r):
			switch blanks++; {
			case blanks > maxGap:
				return 0, 0
			case blanks > 4:
				kind |= loose
			}
			kind |= blank
		case r == '\n' && kind&newline == 0:
			kind |= blank | newline
			to = b.afterQuoteMarks(to)
			blanks = 0
		case isHyphen(r) && kind&(newline|hyphen) == 0:
			kind |= hyphen
		case (r == '.' || r == '/' || r == '_') && kind == 0:
			return dot, to
		case r == ',' && kind == 0:
			return comma, to
		default:
			return kind, i
		}
		i = to
	}
}

// afterQuoteMarks returns the end of the quote marks, such as >, at the beginning
// of a line.
func (b text) afterQuoteMarks(start int) (end int) {
	end = start
	for i := start; i < len(b) && i-start < maxGap && (b[i] == '>' || b[i] == '|' || b[i] == ' '); i++ {
		if b[i] != ' ' {
			end = i + 1
		}
	}
	return end
}

// candidate is a text that may be an NHS number.
type candidate struct {
	start, end int
	value      uint64
	kinds      int    // what separates the groups
	shape      uint64 // the lengths of the groups, one in four bits
}

const (
	shape334       = 0x334
	shapeThousands = 0x1333 // as a spreadsheet shows a great number
	shapeBoxes     = 0x1111111111
)

// shapes are the other groupings in which people write ten digits. A grouping
// that a date and a time can have is not among them, except that of a CHI number.
var shapes = map[uint64]bool{
	0x55: true, 0x64: true, 0x46: true, 0x37: true, 0x73: true, 0x343: true, 0x433: true,
	0x244: true, 0x442: true, 0x3322: true, 0x3331: true, 0x91: true, 0x2224: true, shapeBoxes: true,
}

// candidate reads ten digits in a grouping from the first group on.
func (b text) candidate(i int, first run) (c candidate, ok bool) {
	c = candidate{start: i, end: first.end, value: first.value, shape: uint64(first.n)}
	for total := first.n; total < digits10; {
		kind, at := b.separator(c.end)
		if kind == 0 {
			return c, false
		}
		if c.kinds&kind&newline != 0 {
			c.kinds |= loose
		}
		group := b.run(at)
		if total += group.n; group.n == 0 || total > digits10 {
			return c, false
		}
		for range group.n {
			c.value *= 10
		}
		c.value += group.value
		c.shape = c.shape<<4 | uint64(group.n)
		c.kinds |= kind
		c.end = group.end
	}
	if c.end-c.start > maxSpan {
		return c, false
	}
	switch c.kinds {
	case 0:
		return c, true
	case blank, hyphen:
		return c, c.shape == shape334 || shapes[c.shape]
	case blank | newline | loose:
		return c, c.shape == shape334 || c.shape == shapeBoxes
	case blank | newline:
		if c.shape <= 0xff { // cut by a narrow column
			c.kinds |= loose
			return c, true
		}
		return c, c.shape == shape334
	case dot, blank | hyphen, hyphen | dot, blank | loose, blank | newline | hyphen:
		return c, c.shape == shape334
	case comma:
		return c, c.shape == shape334 || c.shape == shapeThousands
	}
	return c, false
}

// boxes reads ten digits in cells of a row, as forms have them: a cell for each
// digit, or one for each group, and perhaps a cell between the groups.
func (b text) boxes(i int, first run) (c candidate, ok bool) {
	c = candidate{start: i, end: first.end, value: first.value, kinds: tab, shape: uint64(first.n)}
	group := first
	for total := first.n; total < digits10; total += group.n {
		if c.end+1 >= len(b) || b[c.end] != '\t' {
			return c, false
		}
		if group = b.run(b.nextBox(c.end)); group.n != first.n && group.n != 4 {
			return c, false
		}
		for range group.n {
			c.value *= 10
		}
		c.value += group.value
		c.shape = c.shape<<4 | uint64(group.n)
		c.end = group.end
	}
	if c.shape == shapeBoxes && c.end+1 < len(b) && b[c.end] == '\t' && b.run(b.nextBox(c.end)).n == 1 {
		return c, false // a longer row
	}
	return c, c.shape == shapeBoxes || c.shape == shape334
}

// nextBox returns where the cell after the tab at i begins. A cell that holds only
// blanks or a hyphen does not count.
func (b text) nextBox(i int) int {
	for at := i + 1; at < i+maxBetween; {
		r, _, to := b.next(at)
		switch {
		case r == '\t':
			return to
		case !isBlank(r) && !isHyphen(r):
			return i + 1
		}
		at = to
	}
	return i + 1
}

// maxBetween bounds, in octets, a cell between the groups of a number.
const maxBetween = 12

// needsLabel reports whether the candidate is a number only if it has a label.
// Without one, rows and columns of digits and figures with commas are amounts.
func (c *candidate) needsLabel() bool { return c.kinds&(tab|comma|loose) != 0 }

// isSpaced reports whether the number is written 3-3-4 with blanks, as on letters
// and cards.
func (c *candidate) isSpaced() bool { return c.shape == shape334 && c.kinds&^(blank|newline) == 0 }

// number reads a number from i on, and returns where to read on.
func (d *Detector) number(i int) (next int) {
	b := d.text
	first := b.run(i)
	isBox := (first.n == 1 || first.n == 3) && first.end < len(b) && b[first.end] == '\t'
	if first.n > digits10 || first.n < digits10 && !isBox && !b.goesOn(first.end) {
		return first.end
	}
	if r, _ := b.previous(i); isDecimal(r) {
		return first.end // the end of a longer number
	}
	read := b.candidate
	if isBox {
		read = b.boxes
	}
	c, ok := read(i, first)
	if !ok {
		return first.end
	}
	next = first.end
	if c.kinds == blank && c.isSpaced() {
		next = c.end
	}
	if isIssued(c.value) {
		if as := d.level(&c); as != 0 {
			if d.place.Kind == Subject && as == certain {
				as |= inSubject
			}
			d.numbers.add(c.value, as, d.place.Part)
			next = c.end
		}
	}
	if next == c.end {
		d.shapeEnd = d.start + c.end
	}
	return next
}

// level returns how sure it is that the candidate is an NHS number, or 0 if it
// is something else.
func (d *Detector) level(c *candidate) level {
	b := d.text
	if had := d.numbers.levels[c.value]; had&certain != 0 && (d.place.Kind != Subject || had&inSubject != 0) {
		return certain
	}
	cell := d.cell(c)
	l := readLabel(b[cell.labelFrom:cell.labelTo])
	isContext := l.of == number || l.of == person || b.isHL7(c.end)
	if c.needsLabel() && l.of != number && (cell.header != number || c.kinds&(tab|loose) != 0) {
		return 0
	}
	isDoubtful := false
	for _, s := range []side{d.left(c, isContext && l.isDirect && cell.labelTo == c.start), d.right(c, isContext)} {
		if s == wrong {
			return 0
		}
		isDoubtful = isDoubtful || s == doubtful
	}
	if b.isJoined(c.start, c.end) {
		return 0
	}
	switch {
	case cell.header == number || cell.header == person, isContext:
		return certain
	case cell.header == phone || l.of == phone:
		return 0
	case l.of == other:
		return likely
	case c.isSpaced() && !isDoubtful:
		return certain
	case !cell.isInTable && context().isNear(b, c.start, c.end):
		return certain
	}
	if cell.isInTable {
		from, to := cell.start, cell.end
		if context().isNear(b[from:to], c.start-from, c.end-from) || cell.about == number || cell.about == person {
			return certain
		}
	}
	return likely
}

// isHL7 reports whether the components that follow a number in an HL7 message
// say that the NHS has assigned it, as in 9990000018^^^NHS^NH.
func (b text) isHL7(i int) bool {
	const maxComponents = 32
	if i >= len(b) || b[i] != '^' {
		return false
	}
	components := b[i:min(len(b), i+maxComponents)]
	if end := bytes.IndexAny(components, "|~&\r\n"); end >= 0 {
		components = components[:end]
	}
	for c := range bytes.SplitSeq(components, []byte("^")) {
		if bytes.HasPrefix(c, []byte("NHS")) || string(c) == "NH" {
			return true
		}
	}
	return false
}

// cell is where a candidate stands.
type cell struct {
	start, end         int     // as far as words in it can matter
	isInTable          bool    // the line has other cells
	header             subject // of the column, if the cell holds the number alone
	about              subject // of the column or of the cell on the left, if the cell holds more
	labelFrom, labelTo int     // the text before the number that can be its label
}

const (
	// maxAside bounds, in octets, the text of a cell that matters to a number
	// in it: near characters, and a phrase.
	maxAside = near*4 + maxPhrase + 4
	// maxLabelled bounds the text in which a label is looked for.
	maxLabelled = 64
)

func (d *Detector) cell(c *candidate) (at cell) {
	b := d.text
	cellStart := d.table.cellStart - d.start
	at.start = max(0, c.start-maxAside, cellStart)
	at.end = min(len(b), c.end+maxAside)
	for i, r := range b[c.end:at.end] {
		if isBreak(rune(r)) {
			at.end = c.end + i
			at.isInTable = r == '\t'
			break
		}
	}
	at.isInTable = at.isInTable || d.table.column > 0
	isFirst := at.start == cellStart && isCellBlank(b[at.start:c.start])
	if isFirst && isCellBlank(b[c.end:at.end]) {
		at.header = d.table.header()
	}
	at.labelFrom, at.labelTo = max(at.start, c.start-maxLabelled), c.start
	if at.labelFrom > at.start {
		// Skip part of a word.
		for at.labelFrom < c.start && isWord(b.at(at.labelFrom)) {
			at.labelFrom++
		}
	}
	if at.isInTable {
		at.about = d.table.header()
	}
	if at.start != cellStart || cellStart <= 0 {
		return at
	}
	// The label can be the cell on the left, or the line above.
	end := cellStart - 1
	for end > 0 && cellStart-end < maxLabelled && b[end] == '\t' {
		// Skip a cell without text.
		before, at := b.previous(end)
		for isBlank(before) && cellStart-at < maxLabelled {
			before, at = b.previous(at)
		}
		if before != '\t' {
			break
		}
		end = at
	}
	from := end
	for from > 0 && end-from <= maxCell && !isBreak(rune(b[from-1])) {
		from--
	}
	isLeft := b[end] == '\t'
	isAbove := b[end] == '\n' && (!at.isInTable || c.kinds == tab) && (from == 0 || b[from-1] != '\t')
	switch {
	case end-from > maxCell:
	case isFirst && (isLeft || isAbove):
		at.labelFrom, at.labelTo = from, end
	case isLeft && at.about == 0:
		at.about = headerSubject(b[from:end])
	}
	return at
}

// isCellBlank reports whether the text is what a cell of a table can hold around
// its value: spreadsheets write quotation marks around a number that is text.
func isCellBlank(b text) bool {
	for i := 0; i < len(b); {
		r, from, to := b.next(i)
		if r != '"' && r != '\'' && r != '=' && r != '>' && !isBlank(r) && from < len(b) {
			return false
		}
		i = to
	}
	return true
}
