package detect

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// near is the greatest distance, in characters, between a number and a word
// that says what it is.
const near = 100

// maxPhrase bounds, in octets, how far a phrase goes on beyond near.
const maxPhrase = 48

// subject is what words say of a number.
type subject uint8

const (
	number subject = iota + 1 // it is the number of a patient
	person                    // it is about a patient
	phone
	other  // it is another number, such as that of an order
	filler // nothing
)

// phrases are sequences of words, by their first word. Letter case and what
// separates the words do not matter.
type phrases struct {
	byFirst map[string][]phrase
	initial [256]bool // the octets that begin a first word
}

type phrase struct {
	rest []string
	of   subject
}

func (p *phrases) add(of subject, texts ...string) {
	for _, s := range texts {
		var words []string
		b := text(s)
		for i, end := b.word(0, len(b)); i < end; i, end = b.word(end, len(b)) {
			words = append(words, strings.ToLower(s[i:end]))
		}
		if len(words) == 0 {
			continue
		}
		if p.byFirst == nil {
			p.byFirst = make(map[string][]phrase)
		}
		first := words[0]
		p.byFirst[first] = append(p.byFirst[first], phrase{words[1:], of})
		for _, s := range []string{first, strings.ToUpper(first)} {
			p.initial[s[0]] = true
		}
	}
}

// numberWords stand for "number" in labels.
var numberWords = []string{"no", "nos", "num", "nums", "nr", "number", "numbers", "#", "id", "ids", "identifier"}

// context are the phrases that make a number certain: those that name the number
// or the patient in letters, exports and notes. "NHS", "outpatient", "clinic",
// "hospital" and "ward" alone are not among them, because they are in signatures,
// beside phone numbers. The Welsh phrases are on letters from Wales.
var context = sync.OnceValue(func() *phrases {
	p := new(phrases)
	for _, of := range []string{"NHS", "N H S", "CHI", "H C", "H+C", "HSC", "health care", "health and care", "health", "hospital", "hosp", "unit", "PAS", "EMIS", "patient", "patients", "case note", "casenote"} {
		for _, no := range numberWords {
			p.add(number, of+" "+no)
		}
	}
	p.add(number, "NHSNo", "NHSNum", "NHSNumber", "NHSID", "CHINo", "CHINumber", "HCN", "MRN", "MRNs", "medical record", "patientid", "patientno", "patientnumber", "rhif GIG", "rhif y GIG", "rhif NHS")
	p.add(number, "NHS ref", "NHS reference", "NHS numb", "NHS nbr", "113883 2 1 4 1") // the last ends the OID of the NHS number
	p.add(person, "patient", "patients", "DOB", "D O B", "date of birth", "dateofbirth", "birth date", "birthdate", "dyddiad geni", "claf")
	p.add(number, "CHI") // in capitals: see match
	return p
})

// label are the phrases that say what the number after them is.
var label = sync.OnceValue(func() *phrases {
	p := &phrases{make(map[string][]phrase), context().initial}
	for first, list := range context().byFirst {
		p.byFirst[first] = slices.Clone(list)
	}
	p.add(phone, "tel", "tele", "telephone", "telephones", "phone", "phones", "ph", "mob", "mobile", "mobiles", "cell", "cellphone", "fax", "facsimile",
		"ext", "extn", "extension", "bleep", "pager", "pgr", "call", "calling", "ring", "dial", "sms", "whatsapp", "landline", "hotline", "helpline", "helpdesk", "switchboard", "voicemail", "callto", "sip",
		"contact no", "contact nos", "contact number", "contact numbers", "direct line", "ffôn", "ffon", "symudol",
		"DDI", "conference", "ISBN", "ISBN 10", "ISSN") // an ISBN has the same check digit
	// These are too short or too common to count anywhere but before a number.
	p.add(number, "spine", "PDS")
	p.add(person, "pt", "pts", "service user", "service users")
	p.add(other, "account", "accounts", "acc", "acct", "a c", "card", "order", "orders", "invoice", "inv", "PO", "purchase", "tracking", "parcel", "consignment", "shipment", "VAT", "UTR", "IBAN", "IMEI", "serial", "SKU", "licence", "license", "membership", "meter", "transaction",
		"meeting", "webinar", "passcode", "access code", "zoom", "webex", "PIN", "line", "lines", "enquiries", "bookings", "ticket", "incident", "INC", "asset", "grant", "NIHR", "IRAS", "PMID", "batch", "lot", "timestamp", "MPAN", "barcode")
	// These can stand between a label and its number. After any other word the
	// label says nothing of the number, as in "telephone clinic 999 000 0018".
	p.add(filler, numberWords...)
	p.add(filler, "is", "are", "on", "us", "me", "him", "her", "them", "at", "to", "the", "our", "my", "your", "his", "their", "new", "direct", "work", "home", "office", "day", "evening", "UK", "or", "and")
	return p
})

// isWord reports whether the character belongs to a word. "#" is a word by
// itself: see word.
func isWord(r rune) bool { return isLetter(r) || isDecimal(r) }

// word returns the first word from i on that begins before to.
func (b text) word(i, to int) (start, end int) {
	for i < to {
		r, size := rune(b[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(b[i:])
		}
		if r == '#' {
			return i, i + 1
		}
		if isWord(r) {
			start = i
			for i < len(b) {
				r, size := rune(b[i]), 1
				if r >= utf8.RuneSelf {
					r, size = utf8.DecodeRune(b[i:])
				}
				if !isWord(r) || i-start > maxPhrase {
					break
				}
				i += size
			}
			return start, i
		}
		i += size
	}
	return to, to
}

// lookup returns the phrases that begin with a word.
func (p *phrases) lookup(word text) []phrase {
	var low [maxPhrase]byte
	if !p.initial[word[0]] || len(word) > len(low)-utf8.UTFMax {
		return nil
	}
	n := 0
	for i := 0; i < len(word); {
		if c := word[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			low[n] = c
			n++
			i++
			continue
		}
		r, size := utf8.DecodeRune(word[i:])
		if n+utf8.UTFMax > len(low) {
			return nil
		}
		n += utf8.EncodeRune(low[n:], unicode.ToLower(r))
		i += size
	}
	return p.byFirst[string(low[:n])]
}

// match returns the longest phrase whose first word is b[start:end].
func (p *phrases) match(b text, start, end int) (of subject, to int) {
	for _, candidate := range p.lookup(b[start:end]) {
		if at, ok := b.follow(end, candidate.rest); ok && at > to {
			of, to = candidate.of, at
		}
	}
	if to == end && strings.EqualFold(string(b[start:end]), "CHI") && string(b[start:end]) != "CHI" {
		return 0, 0 // as in "tai chi"
	}
	return of, to
}

// follow reports whether the words follow one another from i on, and where
// they end.
func (b text) follow(i int, words []string) (end int, ok bool) {
	for _, want := range words {
		_, size := utf8.DecodeLastRune(b[:i])
		isInitial := i == size || !isWord(b.before(i-size))
		start, end := b.word(i, min(len(b), i+4*utf8.UTFMax))
		if start == end || !strings.EqualFold(string(b[start:end]), want) || !joins(b[i:start], isInitial) {
			return 0, false
		}
		i = end
	}
	return i, true
}

// joins reports whether what stands between two words can be inside a phrase. The
// end of a sentence, a clause or a cell cannot. A full stop after an initial does
// not end a sentence.
func joins(between text, afterInitial bool) bool {
	n := 0
	for i := 0; i < len(between); n++ {
		r, size := utf8.DecodeRune(between[i:])
		switch {
		case n == 4, r == '\t', r == '\f', r == ',', r == ';', r == '!', r == '?':
			return false
		case isBlank(r) && i > 0 && between[i-1] == '.' && !afterInitial:
			return false
		}
		i += size
	}
	return true
}

// isNear reports whether a phrase is near b[start:end].
func (p *phrases) isNear(b text, start, end int) bool {
	first := b.backRunes(start, near)
	from := max(0, first-maxPhrase)
	for from > 0 && from < first && !utf8.RuneStart(b[from]) {
		from++
	}
	if from > 0 {
		// Skip part of a word.
		if r, _ := utf8.DecodeLastRune(b[:from]); isWord(r) {
			for from < start && isWord(b.at(from)) {
				from += utf8.RuneLen(b.at(from))
			}
		}
	}
	for i, to := b.word(from, start); i < to; i, to = b.word(to, start) {
		if of, at := p.match(b, i, to); of != 0 && at >= first && at <= start {
			return true
		}
	}
	last := min(len(b), b.onRunes(end, near)+1)
	for i, to := b.word(end, last); i < to; i, to = b.word(to, last) {
		if of, _ := p.match(b, i, to); of != 0 {
			return true
		}
	}
	return false
}

// labelled is what the words before a number say of it.
type labelled struct {
	of       subject
	isDirect bool // no other words stand between the label and the number
}

// readLabel reads the words before a number.
func readLabel(b text) (l labelled) {
	afterDigits := false
	for at := 0; ; {
		start, end := b.word(at, len(b))
		word, between := b[start:end], b[at:start]
		if endsLabel(between, !l.isDirect) {
			l.of = 0
		}
		of, to := subject(0), end
		if start < end {
			of, to = b.label(start, end)
		}
		if afterDigits && !word.hasDigits() {
			if !bytes.ContainsAny(between, "/|&") && of != filler {
				l.of = 0 // it was the label of another number
			}
			afterDigits = false
		}
		if start == end {
			return l
		}
		if of == 0 && end == len(b) && b[:start].isBlank() && strings.EqualFold(string(word), "NHS") {
			of, to = number, end // as in NHS9990000018
		}
		if of == 0 && end < len(b) {
			switch c := b[end]; {
			case c == ':' && len(word) == 1 && strings.IndexByte("tmfphwd", word[0]|0x20) >= 0:
				of, to = phone, end // as in a signature
			case strings.EqualFold(string(word), "NHS") && (strings.IndexByte(":=_-", c) >= 0 || b[end:].isBlank()):
				of, to = number, end // a label, unlike the NHS of a signature
			}
		}
		if of == phone && to < len(b) && b[to] == '=' && strings.EqualFold(string(word), "extension") {
			of = 0 // an attribute of HL7's XML
		}
		switch {
		case of == filler, of == person && l.of == phone:
			end = to
		case of != 0:
			l, end = labelled{of, true}, to
		case word.hasDigits():
			afterDigits = true
		default:
			l = labelled{}
		}
		at = end
	}
}

// label returns the subject of the phrase whose first word is b[start:end], and
// where it ends. The names of columns in exports are joined words, such as
// PatNHSNo.
func (b text) label(start, end int) (of subject, to int) {
	if of, to = label().match(b, start, end); of != 0 {
		return of, to
	}
	const nhs = "nhs"
	for i := start; i+len(nhs) < end; i++ {
		if !b.hasFold(i, nhs) {
			continue
		}
		switch rest := strings.ToLower(string(b[i+len(nhs) : end])); {
		case rest == "no", rest == "id", rest == "ref", strings.HasPrefix(rest, "num"), strings.HasPrefix(rest, "nbr"):
			return number, end
		}
	}
	return 0, 0
}

func (b text) isBlank() bool { return len(bytes.Trim(b, " \r\v\u00a0")) == 0 }

func (b text) hasDigits() bool {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if isDecimal(r) {
			return true
		}
		i += size
	}
	return false
}

// endsLabel reports whether what stands between two words separates a label from
// a number. A full stop directly after the label does not, because many labels are
// abbreviations.
func endsLabel(between text, afterOther bool) bool {
	for _, r := range string(between) {
		switch r {
		case ',', ';', '!', '?', '\t', '•':
			return true
		case '.':
			if afterOther {
				return true
			}
		}
	}
	return false
}

// headerSubject returns what a header says of its column. A cell with digits is a
// label with its value, not a header, except for one that asks for 10 digits.
func headerSubject(cell text) subject {
	if cell.hasDigits() && text(bytes.ReplaceAll(cell, []byte("10"), nil)).hasDigits() {
		return 0
	}
	if strings.EqualFold(strings.Trim(string(cell), " :\r"), "NHS") {
		return number // a signature does not have it alone
	}
	var found subject
	for i, end := cell.word(0, len(cell)); i < end; i, end = cell.word(end, len(cell)) {
		of, to := cell.label(i, end)
		if of == 0 || of == person && found != 0 || of == other || of == filler {
			continue
		}
		if found != number {
			found = of
		}
		end = to
	}
	return found
}
