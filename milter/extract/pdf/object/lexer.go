package object

import "bytes"

type kind byte

const (
	end       kind = iota
	number         // num
	name           // text
	str            // text
	word           // text: an operator, or obj, R, true
	open           // [
	closed         // ]
	openDict       // <<
	closeDict      // >>
)

type token struct {
	kind kind
	num  float64
	text []byte // valid until the next token
}

// Parser reads objects and operators.
type Parser struct {
	data    []byte
	pos     int
	scratch []byte
	values  int // how many more it may make
	tooDeep bool
	tooMany bool
}

// mostValues bounds the memory of one object, because two octets can be an object
// of 16 or more.
const mostValues = 1 << 20

// NewParser returns a parser of a content stream or of another text in PDF's
// syntax.
func NewParser(data []byte) *Parser { return &Parser{data: data, values: mostValues} }

// Offset returns the position behind the last object or operator.
func (p *Parser) Offset() int { return p.pos }

// class is what an octet is to the syntax.
var class [256]byte

const (
	regular = iota
	blank
	delimiter
)

func init() {
	for _, c := range "\x00\t\n\f\r " {
		class[c] = blank
	}
	for _, c := range "()<>[]{}/%" {
		class[c] = delimiter
	}
}

func (p *Parser) skipBlanks() {
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case class[c] == blank:
			p.pos++
		case c == '%':
			n := bytes.IndexAny(p.data[p.pos:], "\r\n")
			if n < 0 {
				n = len(p.data) - p.pos
			}
			p.pos += n
		default:
			return
		}
	}
}

// run returns the regular characters at the position.
func (p *Parser) run() []byte {
	start := p.pos
	for p.pos < len(p.data) && class[p.data[p.pos]] == regular {
		p.pos++
	}
	return p.data[start:p.pos]
}

func (p *Parser) token() token {
	p.skipBlanks()
	if p.pos >= len(p.data) {
		return token{kind: end}
	}
	c := p.data[p.pos]
	if class[c] == regular {
		text := p.run()
		if n, ok := parseNumber(text); ok {
			return token{kind: number, num: n}
		}
		return token{kind: word, text: text}
	}
	p.pos++
	isDouble := p.pos < len(p.data) && p.data[p.pos] == c
	switch {
	case c == '/':
		return token{kind: name, text: p.name()}
	case c == '(':
		return token{kind: str, text: p.literal()}
	case c == '[':
		return token{kind: open}
	case c == ']':
		return token{kind: closed}
	case c == '<' && isDouble:
		p.pos++
		return token{kind: openDict}
	case c == '>' && isDouble:
		p.pos++
		return token{kind: closeDict}
	case c == '<':
		return token{kind: str, text: p.hex()}
	}
	return token{kind: word, text: p.data[p.pos-1 : p.pos]}
}

// parseNumber reads a number as viewers do: what follows it, such as a second
// point or sign, is ignored, except letters.
func parseNumber(text []byte) (float64, bool) {
	i, sign := 0, 1.0
	for i < len(text) && (text[i] == '+' || text[i] == '-') {
		if text[i] == '-' {
			sign = -1
		}
		i++
	}
	start, value := i, 0.0
	for ; i < len(text) && isDigit(text[i]); i++ {
		value = value*10 + float64(text[i]-'0')
	}
	digits := i - start
	if i < len(text) && text[i] == '.' {
		i++
		for scale := 0.1; i < len(text) && isDigit(text[i]); i++ {
			value += scale * float64(text[i]-'0')
			scale /= 10
			digits++
		}
		digits++ // "." alone is 0
	}
	if digits == 0 || i < len(text) && text[i] != '.' && text[i] != '-' {
		return 0, false
	}
	return sign * value, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (p *Parser) name() []byte {
	text := p.run()
	if bytes.IndexByte(text, '#') < 0 {
		return text
	}
	out := p.scratch[:0]
	for i := 0; i < len(text); i++ {
		if text[i] == '#' && i+2 < len(text) && hexValue(text[i+1]) >= 0 && hexValue(text[i+2]) >= 0 {
			out = append(out, byte(hexValue(text[i+1])<<4|hexValue(text[i+2])))
			i += 2
		} else {
			out = append(out, text[i])
		}
	}
	p.scratch = out
	return out
}

func hexValue(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// hex reads what follows "<". An odd last digit has 0 behind it.
func (p *Parser) hex() []byte {
	out, half := p.scratch[:0], -1
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		p.pos++
		if c == '>' {
			break
		}
		if v := hexValue(c); v >= 0 && half < 0 {
			half = v
		} else if v >= 0 {
			out, half = append(out, byte(half<<4|v)), -1
		}
	}
	if half >= 0 {
		out = append(out, byte(half<<4))
	}
	p.scratch = out
	return out
}
