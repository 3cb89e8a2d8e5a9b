package font

// cff is a Compact Font Format font: Adobe's Technical Note 5176.
type cff struct {
	data    reader
	strings []reader
	charset []int // the name of each glyph, as an index of strings
	codes   map[int]int
	isCID   bool // the charset holds CIDs
}

// standardStrings is how many names the format defines.
const standardStrings = 391

func parseCFF(data []byte) *cff {
	if table := parseTrueType(data).tables["CFF "]; table != nil { // OpenType
		data = table
	}
	c := &cff{data: data}
	if len(data) < 4 || data[0] != 1 {
		return nil
	}
	_, at := c.index(int(data[2]))
	tops, at := c.index(at)
	c.strings, _ = c.index(at)
	if len(tops) == 0 {
		return nil
	}
	top := topDict(tops[0])
	_, c.isCID = top[1230]
	glyphs, _ := c.index(top[17])
	c.readCharset(top[15], len(glyphs))
	c.readEncoding(top[16])
	return c
}

// index reads a list of octet strings. It returns the position behind it.
func (c *cff) index(at int) (list []reader, next int) {
	n, size := c.data.u16(at), c.data.u8(at+2)
	if n == 0 || size == 0 || size > 4 || at <= 0 {
		return nil, at + 2
	}
	offset := func(i int) (value int) {
		for j := range size {
			value = value<<8 | c.data.u8(at+3+i*size+j)
		}
		return value
	}
	base := at + 2 + (n+1)*size
	if base > len(c.data) {
		return nil, at + 2
	}
	for i := range n {
		list = append(list, c.data.slice(base+offset(i), offset(i+1)-offset(i)))
	}
	return list, base + offset(n)
}

// topDict reads the last operand of each operator. An operator with two octets is
// 1200 and the second.
func topDict(r reader) map[int]int {
	top, value := make(map[int]int), 0
	for i := 0; i < len(r); i++ {
		switch b := int(r[i]); {
		case b == 12:
			i++
			top[1200+r.u8(i)] = value
		case b <= 21:
			top[b] = value
		case b == 28:
			value = r.u16(i + 1)
			i += 2
		case b == 29:
			value = r.u32(i + 1)
			i += 4
		case b == 30: // a real number, which no operator needed here has
			for i++; i < len(r) && r[i]&0xf != 0xf; i++ {
			}
		case b >= 32 && b <= 246:
			value = b - 139
		case b >= 247 && b <= 250:
			i++
			value = (b-247)*256 + r.u8(i) + 108
		case b >= 251 && b <= 254:
			i++
			value = -(b-251)*256 - r.u8(i) - 108
		}
	}
	return top
}

func (c *cff) readCharset(at, glyphs int) {
	if at <= 2 { // a charset that the format defines: 0 is ISOAdobe
		for i := range glyphs {
			c.charset = append(c.charset, i)
		}
		return
	}
	c.charset = append(c.charset, 0)
	format := c.data.u8(at)
	for at++; len(c.charset) < glyphs && at < len(c.data); {
		first, more := c.data.u16(at), 0
		at += 2
		switch format {
		case 1:
			more = c.data.u8(at)
			at++
		case 2:
			more = c.data.u16(at)
			at += 2
		}
		for i := 0; i <= more && len(c.charset) < glyphs; i++ {
			c.charset = append(c.charset, first+i)
		}
	}
}

// readEncoding reads which glyph each code shows.
func (c *cff) readEncoding(at int) {
	if at <= 1 { // the standard encoding
		return
	}
	c.codes = make(map[int]int)
	format, n := c.data.u8(at)&0x7f, c.data.u8(at+1)
	at += 2
	gid := 1
	for i := range n {
		if format == 0 {
			c.codes[c.data.u8(at+i)] = gid
			gid++
			continue
		}
		first, more := c.data.u8(at+2*i), c.data.u8(at+2*i+1)
		for code := first; code <= first+more; code++ {
			c.codes[code] = gid
			gid++
		}
	}
}

// text returns the text of a glyph.
func (c *cff) text(gid int) (string, bool) {
	if gid <= 0 || gid >= len(c.charset) || c.isCID {
		return "", false
	}
	sid := c.charset[gid]
	switch {
	case sid >= standardStrings && sid-standardStrings < len(c.strings):
		return ofName(string(c.strings[sid-standardStrings]))
	case 1 <= sid && sid <= 95: // from the blank to the tilde
		return standard()[' '+sid-1], true
	case sid == 109 || sid == 110: // fi, fl
		return string(rune(0xfb01 + sid - 109)), true
	case 239 <= sid && sid <= 248: // zerooldstyle
		return string(rune('0' + sid - 239)), true
	case sid < standardStrings: // other letters and signs, but no digits
		return "\uFFFD", true
	}
	return "", false
}

func (c *cff) texts() map[int]string {
	texts := make(map[int]string)
	for gid := range c.charset {
		if s, ok := c.text(gid); ok {
			texts[gid] = s
		}
	}
	return texts
}

// encoding returns the text of each code of a simple font.
func (c *cff) encoding() *codeTexts {
	if c.codes == nil {
		return standard()
	}
	var e codeTexts
	for code, gid := range c.codes {
		if code < 256 {
			e[code], _ = c.text(gid)
		}
	}
	return &e
}
