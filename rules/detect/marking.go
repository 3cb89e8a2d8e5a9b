package detect

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarkedLine bounds, in octets, each side of a line around a marking.
const maxMarkedLine = 160

// officialSensitive reports whether OFFICIAL-SENSITIVE begins at i, and where it
// ends. Letter case does not matter, because prose does not have the two words in
// the places that count. The blanks and marks between them do not matter either.
func (b text) officialSensitive(i int) (end int, ok bool) {
	const first, second = "official", "sensitive"
	if !b.hasFold(i, first) {
		return 0, false
	}
	i += len(first)
	for n := 0; n < 6; n++ {
		r, _, to := b.next(i)
		if isBlank(r) || isHyphen(r) || r != 0 && strings.ContainsRune(":/_([", r) {
			i = to
		}
	}
	_, i, _ = b.next(i)
	if !b.hasFold(i, second) {
		return 0, false
	}
	end = i + len(second)
	r, _, _ := b.next(end)
	return end, !isLetter(r)
}

func (b text) hasFold(i int, word string) bool {
	return i+len(word) <= len(b) && strings.EqualFold(string(b[i:i+len(word)]), word)
}

// official reads OFFICIAL-SENSITIVE, of which the first octet is at i.
func (d *Detector) official(i int) {
	if d.marking != nil {
		return
	}
	b := d.text
	end, ok := b.officialSensitive(i)
	if !ok {
		return
	}
	if r, _ := b.previous(i); isWord(r) {
		return
	}
	if d.place.Kind != Body || b.line(i, end).isMarking(false) {
		d.mark(d.place.Part)
	}
}

// secret reads SECRET or TOP SECRET, of which the S is at i. Only capitals
// count, because "secret" is an ordinary word.
func (d *Detector) secret(i int) {
	const word = "SECRET"
	b := d.text
	if d.marking != nil || !bytes.HasPrefix(b[i:], []byte(word)) {
		return
	}
	end := i + len(word)
	if r, _, _ := b.next(end); isWord(r) || r == '_' || r == '\'' || r == '’' {
		return
	}
	r, at := b.previous(i)
	if isBlank(r) || isHyphen(r) {
		if bytes.HasSuffix(b[:at], []byte("TOP")) {
			i = at - len("TOP")
			r, _ = b.previous(i)
		}
	}
	if isWord(r) || r == '_' {
		return
	}
	l := b.line(i, end)
	if l.isMarking(true) || d.place.Kind != Body && l.isSetApart() {
		d.mark(d.place.Part)
	}
}

// markedLine is the line or the cell around a marking.
type markedLine struct {
	before, after text
	isCut         bool // the line is longer than a marking's can be
}

// lineBreaks end a line or a cell.
const lineBreaks = "\t\n\f\u0085\u2028\u2029"

func (b text) line(start, end int) (l markedLine) {
	from, to := max(0, start-maxMarkedLine), min(len(b), end+maxMarkedLine)
	l.before, l.after = b[from:start], b[end:to]
	if i := bytes.LastIndexAny(l.before, lineBreaks); i >= 0 {
		_, size := utf8.DecodeRune(l.before[i:])
		l.before = l.before[i+size:]
	}
	if i := bytes.IndexAny(l.after, lineBreaks); i >= 0 {
		l.after = l.after[:i]
	}
	l.isCut = len(l.before) == maxMarkedLine || len(l.after) == maxMarkedLine
	return l
}

// ornament is what people draw around a line, and the marks of a quotation: a
// reply discloses what it quotes.
const ornament = "*_=~#|>•· \r\v\u00a0"

// isMarking reports whether the marking has the line for itself, or stands in
// brackets. isStrict says that the words of the marking are ordinary words too.
func (l markedLine) isMarking(isStrict bool) bool {
	before := bytes.TrimRight(l.before, ornament)
	if opening, size := utf8.DecodeLastRune(before); size > 0 {
		if i := strings.IndexRune("([{", opening); i >= 0 {
			if j := bytes.IndexByte(l.after, ")]}"[i]); j >= 0 && isDescriptor(l.after[:j], isStrict) {
				return true
			}
		}
	}
	if after, isSubject := bytes.CutPrefix(bytes.TrimLeft(l.before, ornament), []byte("Subject:")); isSubject {
		// The subject of a message that is quoted or forwarded inline.
		return !isStrict || markedLine{after, l.after, l.isCut}.isSetApart()
	}
	if !isStrict {
		l = l.betweenBars()
	}
	switch {
	case l.isCut || !isIntroduction(l.before, isStrict):
		return false
	case !isStrict && (l.before.hasNoWords() && (l.after.hasNoWords() || isInstruction(l.after)) || bytes.HasSuffix(before, []byte(":"))):
		return true
	}
	return isDescriptor(l.after, isStrict)
}

// betweenBars returns the part of the line between two bars, as footers have
// them.
func (l markedLine) betweenBars() markedLine {
	l.before = l.before[bytes.LastIndexByte(l.before, '|')+1:]
	l.after, _, _ = bytes.Cut(l.after, []byte("|"))
	return l
}

// hasNoWords reports whether the text is empty or an ornament. A full stop or a
// question mark ends a sentence that began on the line before.
func (b text) hasNoWords() bool {
	for _, r := range string(b) {
		if isWord(r) || r == '.' || r == '?' {
			return false
		}
	}
	return true
}

// isInstruction reports whether the text after a marking at the beginning of a
// line says how to handle what is marked.
func isInstruction(b text) bool {
	b = bytes.TrimLeft(b, ornament)
	first, _ := utf8.DecodeRune(b)
	return isHyphen(first) || first != 0 && strings.ContainsRune(":([", first)
}

// isSetApart reports whether a marking begins or ends a subject or a margin, and
// punctuation sets it apart from the rest.
func (l markedLine) isSetApart() bool {
	before, after := bytes.TrimSpace(l.before), bytes.TrimSpace(l.after)
	for {
		prefix, rest, ok := bytes.Cut(before, []byte(":"))
		if !ok || len(prefix) > 3 {
			break
		}
		before = bytes.TrimSpace(rest) // "Re:"
	}
	r, _ := utf8.DecodeRune(after)
	last, _ := utf8.DecodeLastRune(before)
	isApart := func(r rune) bool { return isHyphen(r) || r == ':' || r == '|' || r == '/' || r == ']' || r == ')' }
	return len(before) == 0 && (len(after) == 0 || isApart(r)) || len(after) == 0 && isApart(last)
}

// wordSet returns the words of a list.
func wordSet(list string) map[string]bool {
	words := make(map[string]bool)
	for word := range strings.FieldsSeq(list) {
		words[word] = true
	}
	return words
}

// headings can stand before any marking on its line. The words of a sentence
// such as "this document is classified as" can stand before OFFICIAL-SENSITIVE
// only, because "THE SECRET" is a title.
var (
	headings      = wordSet("security protective government gsc hmg hm uk classification classified class marking marked handling handle treat as sensitivity level category page of")
	sentenceWords = wordSet("this the is has been a an document email e mail message file letter report attachment information data content contents label labelled status nhs and")
)

// isIntroduction reports whether a marking can follow the text on its line: it
// is empty, or says only that a marking follows.
func isIntroduction(b text, isStrict bool) bool {
	if !isStrict {
		b = bytes.Trim(b, ornament) // "#" is a word
	}
	for i, end := b.word(0, len(b)); i < end; i, end = b.word(end, len(b)) {
		word := strings.ToLower(string(b[i:end]))
		if !headings[word] && !isNumeral(b[i:end]) && (isStrict || !sentenceWords[word]) {
			return false
		}
	}
	return true
}

func isNumeral(word text) bool {
	for _, r := range string(word) {
		if !isDecimal(r) {
			return false
		}
	}
	return true
}

// descriptors are words that can follow a marking in any letter case. After
// punctuation, up to four other words can.
var descriptors = wordSet("personal commercial locsen local staff personnel management clinical patient patients medical legal privilege market policy " +
	"uk eyes only recipients recipient organisational use hmg embargoed investigations data when once if complete completed page of")

// isDescriptor reports whether the text can follow a marking on its line: it is
// empty, a descriptor, or the number of a page. isStrict says that a descriptor
// needs capitals and punctuation.
func isDescriptor(b text, isStrict bool) bool {
	b = bytes.Trim(b, ornament)
	if len(b) == 0 {
		return true
	}
	first, _ := utf8.DecodeRune(b)
	isApart := isHyphen(first) || strings.ContainsRune(":/([,", first)
	if strings.ContainsAny(string(b), "?!\"") || strings.HasSuffix(string(b), ".") {
		return false // a sentence
	}
	words, isCapital, isKnown := 0, true, true
	for i, end := text(b).word(0, len(b)); i < end; i, end = text(b).word(end, len(b)) {
		word := string(b[i:end])
		words++
		isCapital = isCapital && strings.ToUpper(word) == word
		isKnown = isKnown && (descriptors[strings.ToLower(word)] || isNumeral(text(word)))
	}
	const maxWords = 4
	switch {
	case isStrict:
		return words <= maxWords && (isApart && isCapital && strings.IndexFunc(string(b), unicode.IsLetter) >= 0 || isKnown && words > 0 && isPage(b)) || words == 0
	case words > 2*maxWords:
		return false
	}
	return isCapital || isKnown || isApart && words <= maxWords
}

// isPage reports whether the text is the number of a page.
func isPage(b text) bool {
	start, end := b.word(0, len(b))
	return strings.EqualFold(string(b[start:end]), "page") || isNumeral(b[start:end])
}
