package mime

import (
	"bytes"
	"strings"
)

// multipart splits a multipart into its parts. The text before the first and
// after the last part is read, too.
type multipart struct {
	r          *Reader
	at         position
	digest     bool
	delimiters [][]byte // "--" and a boundary
	longest    int      // length of the longest delimiter
	guess      bool     // no delimiter has come: anything like one is one

	n     int      // parts so far
	child consumer // nil before the first octet
	held  []byte   // the beginning of a line that may be a delimiter
	start bool     // at the beginning of a line
}

// owner is a consumer that knows delimiters.
type owner interface{ owns(line []byte) bool }

// owns reports whether a line is a delimiter of a multipart inside.
func owns(c consumer, line []byte) bool {
	o, ok := c.(owner)
	return ok && o.owns(line)
}

func (r *Reader) multipart(t contentType, boundaries []string, at position) consumer {
	m := &multipart{r: r, at: at, digest: t.media == "multipart/digest", start: true, guess: true}
	for _, b := range boundaries {
		m.add([]byte("--" + b))
	}
	return m
}

func (m *multipart) add(delimiter []byte) {
	m.delimiters = append(m.delimiters, delimiter)
	m.longest = max(m.longest, len(delimiter))
}

func (m *multipart) write(p []byte) {
	for len(p) > 0 {
		if len(m.held) > 0 || m.start && p[0] == '-' {
			p = m.hold(p)
			continue
		}
		n := nextDash(p)
		m.pass(p[:n])
		m.start = p[n-1] == '\n' || p[n-1] == '\r'
		p = p[n:]
	}
}

// nextDash returns the index of the first line that begins with "-", but for
// the beginning of p.
func nextDash(p []byte) int {
	for i := 1; i < len(p); i++ {
		n := bytes.IndexByte(p[i:], '-')
		if n < 0 {
			break
		}
		if i += n; p[i-1] == '\n' || p[i-1] == '\r' {
			return i
		}
	}
	return len(p)
}

// hold keeps a line that may be a delimiter, until that is known.
func (m *multipart) hold(p []byte) []byte {
	i := 0
	for i < len(p) {
		m.held = append(m.held, p[i])
		i++
		if m.isDecided() {
			break
		}
	}
	if m.isDecided() {
		m.decide()
	}
	return p[i:]
}

const (
	maxRest  = 200 // octets of a line after a delimiter
	maxGuess = 200 // octets of a delimiter that is guessed
)

// contentField begins a header that shows that a line before it is a delimiter.
const contentField = "content-"

// isDecided reports whether the held octets are enough.
func (m *multipart) isDecided() bool {
	end := bytes.IndexByte(m.held, '\n') + 1
	if len(m.held) >= 2 && m.held[1] != '-' {
		return true
	}
	if end == 0 {
		return !m.mayMatch() || len(m.held) > max(m.longest, maxGuess)+maxRest
	}
	if m.match(m.held) >= 0 || !m.guess {
		return true
	}
	next := m.held[end:]
	return len(next) == len(contentField) || !strings.EqualFold(contentField[:len(next)], string(next))
}

// mayMatch reports whether the held octets begin like a delimiter.
func (m *multipart) mayMatch() bool {
	if m.guess && len(m.held) < maxGuess {
		return true
	}
	for _, d := range m.delimiters {
		n := min(len(d), len(m.held))
		if bytes.Equal(d[:n], m.held[:n]) {
			return true
		}
	}
	return false
}

// match returns the index of the delimiter that a line begins with, or -1. The
// longest wins.
func (m *multipart) match(line []byte) int {
	best := -1
	for i, d := range m.delimiters {
		if bytes.HasPrefix(line, d) && (best < 0 || len(d) > len(m.delimiters[best])) {
			best = i
		}
	}
	return best
}

// decide passes the held octets on, or begins a part.
func (m *multipart) decide() {
	held := m.held
	m.held = nil
	end := lineLength(held)
	line, next := bytes.TrimRight(held[:end], "\r\n"), held[end:]
	i := m.match(line)
	switch {
	case i >= 0:
		m.delimit(line, line[len(m.delimiters[i]):])
		m.start = true
	case m.guess && len(next) == len(contentField) && len(bytes.Trim(line, "- \t")) > 0:
		m.add(bytes.TrimRight(line, " \t"))
		m.delimit(line, []byte("?")) // doubtful
		m.start = true
	default:
		m.pass(held[:end])
		m.start = held[end-1] == '\n' || held[end-1] == '\r'
	}
	m.write(next)
}

// lineLength returns the length of the first line with its end.
func lineLength(p []byte) int {
	for i, c := range p {
		if c == '\n' || c == '\r' && i+1 < len(p) && p[i+1] != '\n' {
			return i + 1
		}
	}
	return len(p)
}

// delimit begins a part or the text after the last one.
func (m *multipart) delimit(line, rest []byte) {
	rest = bytes.TrimRight(rest, " \t")
	isEnd := string(rest) == "--"
	isExact := len(rest) == 0 || isEnd
	if !isExact && owns(m.child, line) {
		m.pass(append(line, '\n'))
		return
	}
	at := m.at.child(m.n + 1)
	if !isEnd && !m.r.addPart(at.number) {
		m.pass(append(line, '\n'))
		return
	}
	m.guess = false
	if m.child != nil {
		m.child.close()
	}
	if isEnd {
		m.child = m.r.around(m.at)
		return
	}
	m.n++
	at.digest = m.digest
	m.child = &headed{r: m.r, at: at, doubtful: !isExact}
}

// pass passes octets to the part, or to the text around the parts.
func (m *multipart) pass(p []byte) {
	if len(p) == 0 {
		return
	}
	if m.child == nil {
		m.child = m.r.around(m.at)
	}
	m.child.write(p)
}

func (m *multipart) close() {
	for len(m.held) > 0 {
		m.decide()
	}
	if m.child != nil {
		m.child.close()
	}
}

func (m *multipart) owns(line []byte) bool {
	for _, d := range m.delimiters {
		if rest, ok := bytes.CutPrefix(line, d); ok {
			if rest = bytes.TrimRight(rest, " \t"); len(rest) == 0 || string(rest) == "--" {
				return true
			}
		}
	}
	return owns(m.child, line)
}

// around returns the consumer of text before and after the parts.
func (r *Reader) around(at position) consumer {
	return &aside{r: r, next: &leaf{r: r, at: at, declared: contentType{media: "text/plain"}}}
}
