package object

// literal reads what follows "(".
func (p *Parser) literal() []byte {
	out, depth := p.scratch[:0], 1
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		p.pos++
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case '\\':
			out = p.escape(out)
			continue
		case '\r':
			c = '\n'
			if p.pos < len(p.data) && p.data[p.pos] == '\n' {
				p.pos++
			}
		}
		if depth == 0 {
			break
		}
		out = append(out, c)
	}
	p.scratch = out
	return out
}

// escape reads what follows a backslash.
func (p *Parser) escape(out []byte) []byte {
	if p.pos >= len(p.data) {
		return out
	}
	c := p.data[p.pos]
	p.pos++
	switch c {
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case '\n':
		return out
	case '\r':
		if p.pos < len(p.data) && p.data[p.pos] == '\n' {
			p.pos++
		}
		return out
	}
	if c < '0' || c > '7' {
		return append(out, c)
	}
	value := int(c - '0')
	for n := 1; n < 3 && p.pos < len(p.data) && '0' <= p.data[p.pos] && p.data[p.pos] <= '7'; n++ {
		value = value<<3 | int(p.data[p.pos]-'0')
		p.pos++
	}
	return append(out, byte(value))
}
