package detect

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postseal/postseal/rules/finding"
)

// Pattern is a pattern of the site.
type Pattern struct {
	name       finding.Name
	first      *[256]bool // the octets that can begin a match; nil: any
	match      *regexp.Regexp
	context    phrases // any of these must be near; empty: none is needed
	checkMod11 bool
}

// NewPattern returns the pattern with the name that findings have after
// finding.PatternPrefix. expression is in the syntax of RE2. It is matched within
// a line, and within about 250 octets of a longer line. context are phrases, of
// which one must be within 100 characters of a match: letter case and what
// separates their words do not matter. check is empty or "mod11", by which the
// last digit of a match must be the check digit, as that of an NHS number is.
func NewPattern(name, expression string, context []string, check string) (Pattern, error) {
	match, err := regexp.Compile(expression)
	switch {
	case err != nil:
		return Pattern{}, fmt.Errorf("match: %w: write it in the syntax of RE2, which has no look-ahead and no back-references", err)
	case strings.ContainsFunc(expression, unicode.IsControl):
		return Pattern{}, errors.New(`match has a control character, which "\b" between " and " is: put the expression between ' and '`)
	case slashed.MatchString(expression):
		return Pattern{}, errors.New("match is between slashes: leave them out, and write (?i) before the expression if case does not matter")
	case match.MatchString(""):
		return Pattern{}, errors.New("match matches the empty text: write an expression that needs at least one character")
	case check != "" && check != "mod11":
		return Pattern{}, fmt.Errorf(`check %q is not "mod11": correct it, or delete the line`, check)
	}
	p := Pattern{finding.PatternPrefix + finding.Name(name), firstOctets(expression), match, phrases{}, check != ""}
	p.context.add(number, context...)
	if len(context) > 0 && p.context.byFirst == nil {
		return Pattern{}, errors.New("context holds no words: give words, or delete the line")
	}
	return p, nil
}

// slashed matches an expression as it is written in Perl or in a table of Postfix.
var slashed = regexp.MustCompile(`^/.*/[a-z]*$`)

// Finding returns the name of the pattern's findings.
func (p Pattern) Finding() finding.Name { return p.name }

// firstOctets returns the octets that can begin a match, or nil for any. Most
// lines have none of them. The regexp package itself tries each octet of a line,
// even for an expression such as \bRX.
func firstOctets(expression string) *[256]bool {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil
	}
	var first [256]bool
	seen := make(map[uint32]bool)
	for todo := []uint32{uint32(prog.Start)}; len(todo) > 0; {
		pc := todo[0]
		todo = todo[1:]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch inst := &prog.Inst[pc]; inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			todo = append(todo, inst.Out, inst.Arg)
		case syntax.InstCapture, syntax.InstEmptyWidth, syntax.InstNop:
			todo = append(todo, inst.Out)
		case syntax.InstRune, syntax.InstRune1:
			for c := range rune(utf8.RuneSelf) {
				first[c] = first[c] || inst.MatchRune(c)
			}
			for c := utf8.RuneSelf; c < len(first); c++ {
				first[c] = true
			}
		case syntax.InstFail:
		default:
			return nil
		}
	}
	return &first
}

func (p *Pattern) canMatch(b text) bool {
	if p.first == nil {
		return true
	}
	for _, c := range b {
		if p.first[c] {
			return true
		}
	}
	return false
}

const (
	// maxLine is the length of a piece of a line that is matched at once.
	maxLine = 1 << 10
	// overlap is how much of a piece the next one repeats.
	overlap = 256
)

// patternState is what is known about a pattern in one message.
type patternState struct {
	*Pattern
	pos     int  // where the next piece begins, in the text that is kept
	isCut   bool // the piece does not begin a line
	seen    map[uint64]struct{}
	finding finding.Finding
}

// seed is for hashes of matches, because the matches themselves are not kept.
var seed = maphash.MakeSeed()

// read matches the pieces of text that are complete.
func (p *patternState) read(b text, ends bool, part string) {
	for p.pos < len(b) {
		rest := b[p.pos:min(len(b), p.pos+maxLine)]
		end, next, cut := len(rest), len(rest), false
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			end, next = i, i+1
		}
		if i := bytes.IndexByte(rest[:end], '\f'); i >= 0 {
			end, next = i, i+1
		}
		if end == maxLine {
			for n := 1; n < utf8.UTFMax && !utf8.RuneStart(rest[end-1]); n++ {
				end--
			}
			end--
			next, cut = end-overlap, true
			for n := 1; n < utf8.UTFMax && !utf8.RuneStart(rest[next]); n++ {
				next--
			}
		}
		if !ends && p.pos+end+maxAside > len(b) {
			return
		}
		p.readPiece(b, p.pos, p.pos+end, cut, part)
		p.pos += next
		p.isCut = cut
	}
}

// readPiece matches b[from:to]. cut says that the line goes on.
func (p *patternState) readPiece(b text, from, to int, cut bool, part string) {
	if p.finding.Count >= finding.MaxCount || !p.canMatch(b[from:to]) {
		return
	}
	for _, at := range p.match.FindAllIndex(b[from:to], -1) {
		start, end := from+at[0], from+at[1]
		if start == end || p.isCut && start == from || cut && end == to {
			continue // the neighbouring piece holds all of it
		}
		if p.checkMod11 && !hasMod11(b[start:end]) || p.context.byFirst != nil && !p.context.isNear(b, start, end) {
			continue
		}
		hash := maphash.Bytes(seed, b[start:end])
		if _, ok := p.seen[hash]; ok {
			continue
		}
		if p.seen == nil {
			p.seen = make(map[uint64]struct{})
			p.finding = finding.Finding{Name: p.name, Part: part}
		}
		p.seen[hash] = struct{}{}
		if p.finding.Count++; p.finding.Count == finding.MaxCount {
			return
		}
	}
}

// hasMod11 reports whether the text has from 2 to 18 digits, of which the last
// is the check digit.
func hasMod11(b text) bool {
	value, n := uint64(0), 0
	for _, r := range string(b) {
		if digit, ok := digitValue(r); ok {
			value = value*10 + uint64(digit)
			n++
		}
	}
	return 2 <= n && n <= 18 && hasCheckDigit(value)
}
