package detect

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// side is what the text on one side of ten digits says.
type side uint8

const (
	clean    side = iota
	doubtful      // they can be part of something longer
	wrong         // they are part of something longer
)

// left looks at what stands before a candidate. isLabelled says that its label
// stands directly before it, as in "NHSNo9990000018".
func (d *Detector) left(c *candidate, isLabelled bool) side {
	b := d.text
	r, at := b.previous(c.start)
	before, _ := b.previous(at)
	switch {
	case isBreak(r):
		return clean
	case isBlank(r):
		return d.leftOfBlank(c, at)
	case isLetter(r):
		return unless(isLabelled, c.part())
	case r == '_' || r == '-' && isLetter(before):
		switch {
		case isLabelled:
			return clean
		case b.isName(at):
			return doubtful // as in Smith_9990000018.pdf
		}
		return wrong
	case isHyphen(r):
		return unless(!isDecimal(before), wrong)
	case r == '.' || r == ':':
		return unless(!isDecimal(before), c.part())
	case r == '/':
		switch {
		case isDecimal(before) && !d.isAfterShape(at):
			return c.part()
		case isLetter(before):
			return unless(isLabelled, doubtful)
		}
	case r == ')':
		return b.leftOfBracket(at)
	case r == '\\':
		return c.part() // as in the name of a folder
	case r == '+' || r == '&' || r == '%' || r == '@' || r == '^' || r == '~' || unicode.Is(unicode.Sc, r):
		return wrong
	}
	return clean
}

// isName reports whether the letters that end at i are the name of a person or a
// thing, and not part of an identifier: at least three, not all of them capitals,
// and no digits before them.
func (b text) isName(i int) bool {
	n, lower := 0, false
	for range maxPhrase {
		r, at := b.previous(i)
		switch {
		case isDecimal(r):
			return false
		case isLetter(r):
			n++
			lower = lower || unicode.IsLower(r)
		case r != '_' && r != '-':
			return n >= 3 && lower
		}
		i = at
	}
	return false
}

// unless returns s, or clean if the condition holds.
func unless(isClean bool, s side) side {
	if isClean {
		return clean
	}
	return s
}

// part returns what follows if the candidate is joined to other digits or letters.
// The form 3-3-4 still looks like an NHS number.
func (c *candidate) part() side {
	if c.isSpaced() {
		return doubtful
	}
	return wrong
}

func (d *Detector) isAfterShape(end int) bool { return d.shapeEnd == d.start+end }

// leftOfBlank looks at what stands before a candidate and a blank, which begins
// at i.
func (d *Detector) leftOfBlank(c *candidate, i int) side {
	b := d.text
	gap := 1
	r, at := b.previous(i)
	for ; isBlank(r) && gap < 4; gap++ {
		i = at
		r, at = b.previous(i)
	}
	if r == ')' {
		return b.leftOfBracket(at)
	}
	if !isDecimal(r) || d.isAfterShape(i) {
		return clean
	}
	// Go back to the beginning of the digits, and of the groups before them.
	first, n := b.groupBefore(i)
	if b.isAbroad(first, n) {
		return wrong
	}
	group := string(b[first:i])
	before, _ := b.previous(first)
	switch {
	case group == "44": // or an age
		return doubtful
	case gap > 1: // another column
		return clean
	case c.kinds != 0 && !c.isSpaced() && c.kinds&blank != 0:
		return wrong
	case c.kinds&blank == 0:
		return unless(group != "1" && group != "0", doubtful)
	case before == '/' || before == '.' || before == ':' || before == ',' || isHyphen(before), isLetter(before):
		return clean // a date, a time, an amount, a postcode
	case n > maxGroup:
		return clean
	case n >= 3 || group == "1" || group[0] == '0':
		return doubtful
	}
	return clean // as an age or a bed
}

// maxGroup is the number of digits that people put together in a number of
// several groups. A longer one beside an NHS number is another column.
const maxGroup = 5

// maxPhone is the number of digits in the longest phone number.
const maxPhone = 15

// groupBefore returns where the digits that end at i begin, and how many they
// are.
func (b text) groupBefore(i int) (start, n int) {
	for n < 2*maxPhone {
		r, at := b.previous(i)
		if !isDecimal(r) {
			break
		}
		i, n = at, n+1
	}
	return i, n
}

// isAbroad reports whether ten digits after groups, of which the last has n digits
// and begins at i, are the end of an international phone number.
func (b text) isAbroad(i, n int) bool {
	for total := digits10 + n; total <= maxPhone+len("00"); total += n {
		if bytes.HasPrefix(b[i:], []byte("00")) {
			return true
		}
		r, at := b.previous(i)
		if r == '+' {
			return true
		}
		for n := 0; n < 4 && (isBlank(r) || r == '-' || r == '(' || r == ')'); n++ {
			i = at
			r, at = b.previous(i)
		}
		if !isDecimal(r) {
			return false
		}
		i, n = b.groupBefore(i)
	}
	return false
}

// leftOfBracket looks at what stands in the brackets that close at i: the prefix
// of a phone number, or something else, such as an age.
func (b text) leftOfBracket(i int) side {
	start, n := b.groupBefore(i)
	before, _ := b.previous(start)
	switch {
	case n == 0:
		return clean
	case before == '+', before == '(' && (b[start] == '0' || n == 3):
		return wrong
	case string(b[start:i]) == "44":
		return doubtful
	}
	return clean
}

// right looks at what stands after a candidate. isLabelled says that a label
// before it says what it is.
func (d *Detector) right(c *candidate, isLabelled bool) side {
	b := d.text
	r, _, to := b.next(c.end)
	after, _, _ := b.next(to)
	switch {
	case isBreak(r):
		return clean
	case isDecimal(r):
		return wrong
	case isBlank(r) || r == '(':
		return b.rightOfBlank(c, c.end, isLabelled)
	case isLetter(r):
		of, _ := b.wordAfter(c.end)
		return unless(of == number || of == person, c.part())
	case r == '_' || r == '#': // the last key of a telephone conference's number
		return doubtful
	case isHyphen(r):
		return unless(!isDecimal(after), wrong)
	case r == ':':
		return unless(!isDecimal(after), c.part())
	case r == '/':
		switch {
		case isDecimal(after) && !b.isSpacedNumber(to):
			return c.part()
		case isLetter(after):
			return doubtful
		}
	case r == '.':
		if isDecimal(after) && !b.isZeroFraction(to) {
			return wrong
		}
	case r == '+' || r == '=' || r == '\\' || r == '&' || r == '%' || r == '@' || r == '°' || unicode.Is(unicode.Sc, r):
		return wrong
	}
	return clean
}

// isZeroFraction reports whether only zeros follow, as when a spreadsheet or a
// script took the number for a decimal.
func (b text) isZeroFraction(i int) bool {
	digits := b.run(i)
	r, _, _ := b.next(digits.end)
	return digits.n <= 2 && digits.value == 0 && !isLetter(r) && r != '.'
}

// wordAfter returns the subject of the phrase that begins at i.
func (b text) wordAfter(i int) (of subject, to int) {
	start, end := b.word(i, min(len(b), i+2*utf8.UTFMax))
	if start == end {
		return 0, i
	}
	return label().match(b, start, end)
}

// rightOfBlank looks at what stands after a candidate and blanks or a bracket,
// which begin at i.
func (b text) rightOfBlank(c *candidate, i int, isLabelled bool) side {
	gap := 0
	r, from, to := b.next(i)
	for ; isBlank(r) && gap < 4; gap++ {
		r, from, to = b.next(to)
	}
	switch {
	case isDecimal(r):
		if gap > 1 || c.kinds&blank == 0 {
			return clean
		}
		group := b.run(from)
		after, _, end := b.next(group.end)
		afterwards, _, _ := b.next(end)
		switch {
		case !c.isSpaced():
			return wrong
		case group.n < 3, group.n > maxGroup, b[from] == '0', isDecimal(afterwards) && (after == '/' || after == '.' || after == ':' || isHyphen(after)):
			return clean
		}
		return unless(b.isSpacedNumber(from), doubtful)
	case isLabelled:
		return clean
	case r|0x20 == 'x' || r|0x20 == 'e':
		// An extension makes it a phone number.
		start, end := b.word(from, from+1)
		word := strings.ToLower(string(b[start:end]))
		next, _ := b.word(end, min(len(b), end+maxBetween))
		for _, prefix := range []string{"extension", "extn", "ext", "x"} {
			if rest, ok := strings.CutPrefix(word, prefix); ok && strings.Trim(rest, "0123456789") == "" && (rest != "" || isDecimal(b.at(next))) {
				return wrong
			}
		}
	}
	// A word in brackets, or the last of the line, says what it is.
	if isLetter(r) || r == '(' {
		if of, end := b.wordAfter(from); of == phone {
			close, _, _ := b.next(end)
			return unless(!(isBreak(close) || close == '\r' || r == '(' && close == ')'), wrong)
		}
	}
	return clean
}

// isSpacedNumber reports whether ten digits in the form 3-3-4 begin at i.
func (b text) isSpacedNumber(i int) bool {
	_, i, _ = b.next(i)
	c, ok := b.candidate(i, b.run(i))
	return ok && c.isSpaced()
}

const (
	maxToken = 256
	// maxUnbroken is the length of text without blanks and commas that is a URL
	// or encoded.
	maxUnbroken = 200
)

// isJoined reports whether b[start:end] is part of a URL, an e-mail address, a
// message-id or an encoded text.
func (b text) isJoined(start, end int) bool {
	from := start
	for from > 0 && start-from < maxToken && !endsToken(b[from-1]) {
		from--
	}
	if from < start {
		token := b[from:start]
		if bytes.Contains(token, []byte("://")) || token.isWeb() {
			return true
		}
		token = token[bytes.LastIndexAny(token, ",;|")+1:]
		if len(token) > maxUnbroken || len(token) > 1 && bytes.ContainsAny(token, "@?&") ||
			bytes.IndexByte(token, '/') >= 0 && bytes.IndexByte(token, '.') >= 0 {
			return true
		}
	}
	to := end
	for to < len(b) && to-end < maxUnbroken && !endsToken(b[to]) && b[to] != ',' && b[to] != ';' && b[to] != '|' {
		if b[to] == '@' {
			return true
		}
		to++
	}
	return to-end == maxUnbroken
}

// isWeb reports whether the text contains "www.".
func (b text) isWeb() bool {
	for i := 0; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '.')
		if n < 0 {
			return false
		}
		if i += n; i >= 3 && b[i-3:].hasFold(0, "www") {
			return true
		}
	}
	return false
}

// endsToken reports whether a URL or an address does not go on beyond c.
func endsToken(c byte) bool { return c <= ' ' || c == '"' || c == '<' || c == '>' }
