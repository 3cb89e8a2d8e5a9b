package tomlfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// place is where a key, a section or an item of a list begins, and the text of
// its value. Offsets are in octets.
type place struct {
	start      int
	value, end int // of the value; both 0 for a section
}

// Places records the positions of a file's keys. The library that reads TOML
// knows the position of a syntax error, but not of each key.
type Places struct {
	text  string
	lines []int            // where each line begins
	byKey map[string]place // by path, such as policy[1].sender[0]
	above map[string]place // sections that are named only as part of a longer path
	keys  []string         // of values and sections, in the order of the file
	twice []string         // keys that have two values
}

// findPlaces reads a text that is valid TOML.
func findPlaces(text string) *Places {
	s := scanner{Places: &Places{text: text, lines: lineStarts(text), byKey: make(map[string]place), above: make(map[string]place)}, rows: make(map[string]int)}
	s.pos = len(text) - len(withoutMark(text))
	for s.skip(" \t\r\n"); s.pos < len(text); s.skip(" \t\r\n") {
		if text[s.pos] == '[' {
			s.section()
		} else {
			s.pair(s.table)
		}
	}
	return s.Places
}

// withoutMark removes the byte order mark that some editors write.
func withoutMark(text string) string { return strings.TrimPrefix(text, "\ufeff") }

// At returns the line and the column, from 1, of a key or an item. ok is false
// if the file does not have it.
func (p *Places) At(path string) (line, column int, ok bool) {
	at, ok := p.find(path)
	if !ok {
		return 0, 0, false
	}
	line, found := slices.BinarySearch(p.lines, at.start)
	if found {
		line++
	}
	return line, columnOf(p.text[p.lines[line-1]:at.start]), true
}

func (p *Places) find(path string) (at place, ok bool) {
	if at, ok = p.byKey[path]; !ok {
		at, ok = p.above[path]
	}
	return at, ok
}

// value returns the text of a key's value as it is written in the file.
func (p *Places) value(path string) string {
	at := p.byKey[path]
	return p.text[at.value:at.end]
}

// lineStarts returns the offsets at which lines begin.
func lineStarts(text string) []int {
	starts := []int{0}
	for i := range len(text) {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// position converts an offset into a line and a column, both from 1.
func position(text string, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return 1 + strings.Count(before, "\n"), columnOf(before[start:])
}

// columnOf returns the column, from 1, of what follows the text in its line.
// Columns are characters, as editors count them.
func columnOf(before string) int { return 1 + utf8.RuneCountInString(withoutMark(before)) }

// scanner finds the positions of keys. It does not check the syntax.
type scanner struct {
	*Places
	pos   int
	table string         // the path of the section
	rows  map[string]int // how many of each [[section]] there are so far
}

// skip skips characters of the set, and comments.
func (s *scanner) skip(set string) {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case strings.IndexByte(set, c) >= 0:
			s.pos++
		case c == '#':
			if end := strings.IndexByte(s.text[s.pos:], '\n'); end >= 0 {
				s.pos += end
			} else {
				s.pos = len(s.text)
			}
		default:
			return
		}
	}
}

func (s *scanner) add(path string, at place) {
	if _, ok := s.byKey[path]; ok && at.end > 0 {
		s.twice = append(s.twice, path)
		return
	}
	s.keys = append(s.keys, path)
	s.byKey[path] = at
}

// isAbove records where a path is first seen.
func (s *scanner) isAbove(path string, start int) {
	if _, seen := s.above[path]; !seen {
		s.above[path] = place{start: start}
	}
}

// section reads [a.b] or [[a.b]].
func (s *scanner) section() {
	start := s.pos
	isRow := strings.HasPrefix(s.text[s.pos:], "[[")
	for s.pos < len(s.text) && s.text[s.pos] == '[' {
		s.pos++
	}
	parts := s.keyParts()
	for s.pos < len(s.text) && s.text[s.pos] == ']' {
		s.pos++
	}
	path := ""
	for i, part := range parts {
		path = join(path, part)
		switch n := s.rows[path]; {
		case isRow && i == len(parts)-1:
			if s.rows[path] = n + 1; n == 0 {
				s.byKey[path] = place{start: start}
			}
			path = item(path, n)
		case n > 0:
			path = item(path, n-1)
		}
		s.isAbove(path, start)
	}
	s.table = path
	s.add(path, place{start: start})
}

// pair reads a key and its value.
func (s *scanner) pair(table string) {
	start, path := s.pos, table
	for _, part := range s.keyParts() {
		path = join(path, part)
		s.isAbove(path, start)
	}
	s.skip(" \t=")
	value := s.pos
	s.readValue(path)
	s.add(path, place{start, value, s.pos})
	s.goOn(start)
}

// keyParts reads a key, including dots, up to what follows it.
func (s *scanner) keyParts() (parts []string) {
	for s.pos < len(s.text) {
		s.blanks()
		start := s.pos
		switch {
		case s.pos == len(s.text):
		case s.text[s.pos] == '"', s.text[s.pos] == '\'':
			s.skipString()
			parts = append(parts, unquote(s.text[start:s.pos]))
		default:
			for s.pos < len(s.text) && isBare(s.text[s.pos]) {
				s.pos++
			}
			parts = append(parts, s.text[start:s.pos])
		}
		if s.blanks(); s.pos == len(s.text) || s.text[s.pos] != '.' {
			break
		}
		s.pos++
	}
	return parts
}

func (s *scanner) blanks() {
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\t') {
		s.pos++
	}
}

// readValue skips a value, and records the positions inside it.
func (s *scanner) readValue(path string) {
	if s.pos == len(s.text) {
		return
	}
	switch s.text[s.pos] {
	case '"', '\'':
		s.skipString()
	case '[':
		s.list(path)
	case '{':
		s.inlineTable(path)
	default:
		start := s.pos
		for s.pos < len(s.text) && strings.IndexByte(",]}#\r\n", s.text[s.pos]) < 0 {
			s.pos++
		}
		s.pos = start + len(strings.TrimRight(s.text[start:s.pos], " \t"))
	}
}

// goOn advances the scanner, so that it ends whatever the text.
func (s *scanner) goOn(start int) { s.pos = max(s.pos, min(start+1, len(s.text))) }

const betweenItems = " \t\r\n,"

func (s *scanner) list(path string) {
	s.pos++
	s.skip(betweenItems)
	for n := 0; s.pos < len(s.text) && s.text[s.pos] != ']'; n++ {
		start := s.pos
		s.readValue(item(path, n))
		s.byKey[item(path, n)] = place{start, start, s.pos}
		s.goOn(start)
		s.skip(betweenItems)
	}
	s.pos = min(s.pos+1, len(s.text))
}

func (s *scanner) inlineTable(path string) {
	s.pos++
	s.skip(betweenItems)
	for s.pos < len(s.text) && s.text[s.pos] != '}' {
		s.pair(path)
		s.skip(betweenItems)
	}
	s.pos = min(s.pos+1, len(s.text))
}

// skipString skips a string of any of the four kinds.
func (s *scanner) skipString() {
	quote := s.text[s.pos : s.pos+1]
	closing := quote
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s.text[s.pos:], triple) {
		closing = triple
	}
	s.pos += len(closing)
	for s.pos < len(s.text) && !strings.HasPrefix(s.text[s.pos:], closing) {
		if s.pos++; s.text[s.pos-1] == '\\' && quote == `"` {
			s.pos = min(s.pos+1, len(s.text))
		}
	}
	s.pos = min(s.pos+len(closing), len(s.text))
	// Up to two quotes may come before the closing three.
	for len(closing) == 3 && strings.HasPrefix(s.text[s.pos:], quote) {
		s.pos++
	}
}

// unquote lets the library decode the escapes of a key.
func unquote(text string) string {
	var one struct{ Key string }
	if _, err := toml.Decode("Key = "+text, &one); err != nil {
		return text
	}
	return one.Key
}

func isBare(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// join returns the path of a key below another.
func join(path, key string) string {
	if key = (toml.Key{key}).String(); path == "" {
		return key
	}
	return path + "." + key
}

// item returns the path of an item of a list, from 0.
func item(path string, n int) string { return fmt.Sprintf("%s[%d]", path, n) }
