package font

import "encoding/binary"

// trueType is an embedded TrueType or OpenType font.
type trueType struct {
	tables map[string][]byte
}

// reader reads numbers. Behind the end they are 0.
type reader []byte

func (r reader) u8(at int) int {
	if at < 0 || at >= len(r) {
		return 0
	}
	return int(r[at])
}

func (r reader) u16(at int) int {
	if at < 0 || at+2 > len(r) {
		return 0
	}
	return int(binary.BigEndian.Uint16(r[at:]))
}

func (r reader) u32(at int) int { return r.u16(at)<<16 | r.u16(at+2) }

func (r reader) slice(from, n int) reader {
	if from < 0 || n < 0 || from > len(r) {
		return nil
	}
	return r[from:min(len(r), from+n)]
}

func parseTrueType(data []byte) *trueType {
	r := reader(data)
	t := &trueType{tables: make(map[string][]byte)}
	for i := range min(r.u16(4), 100) {
		at := 12 + 16*i
		if tag := string(r.slice(at, 4)); len(tag) == 4 {
			t.tables[tag] = r.slice(r.u32(at+8), r.u32(at+12))
		}
	}
	return t
}

// subtable returns a part of the cmap, which maps codes to glyphs. Platform 3
// with encoding 1 or 10, and platform 0, are for Unicode.
func (t *trueType) subtable(isWanted func(platform, encoding int) bool) map[int]int {
	r := reader(t.tables["cmap"])
	for i := range min(r.u16(2), 100) {
		at := 4 + 8*i
		if isWanted(r.u16(at), r.u16(at+2)) {
			if m := cmapCodes(r.slice(r.u32(at+4), len(r))); len(m) > 0 {
				return m
			}
		}
	}
	return nil
}

func isUnicode(platform, encoding int) bool {
	return platform == 0 || platform == 3 && (encoding == 1 || encoding == 10)
}

// cmapCodes reads the glyphs of the codes.
func cmapCodes(r reader) map[int]int {
	codes := make(map[int]int)
	add := func(code, gid int) {
		if gid != 0 {
			codes[code] = gid
		}
	}
	switch r.u16(0) {
	case 0:
		for code := range 256 {
			add(code, r.u8(6+code))
		}
	case 4:
		cmapSegments(r, add)
	case 6:
		for i := range r.u16(8) {
			add(r.u16(6)+i, r.u16(10+2*i))
		}
	case 12:
		left := 1 << 16
		for i := range min(r.u32(12), len(r)/12) {
			at := 16 + 12*i
			for code := r.u32(at); code <= r.u32(at+4) && left > 0; code++ {
				add(code, r.u32(at+8)+code-r.u32(at))
				left--
			}
		}
	}
	return codes
}

// cmapSegments reads format 4.
func cmapSegments(r reader, add func(code, gid int)) {
	n := r.u16(6) // twice the number of segments
	left := 1 << 17
	for i := 0; i < n; i += 2 {
		end, start := r.u16(14+i), r.u16(16+n+i)
		delta, offset := r.u16(16+2*n+i), r.u16(16+3*n+i)
		for code := start; code <= end && code < 0xffff && left > 0; code++ {
			left--
			gid := code
			if offset != 0 {
				if gid = r.u16(16 + 3*n + i + offset + 2*(code-start)); gid == 0 {
					continue
				}
			}
			add(code, (gid+delta)&0xffff)
		}
	}
}

// texts returns the text of each glyph, by its number.
func (t *trueType) texts() map[int]string {
	texts := t.names()
	for code, gid := range t.subtable(isUnicode) {
		// A glyph can have several characters, such as a blank and a no-break
		// space. The lowest is the plainest.
		if old, ok := texts[gid]; !ok || old > string(rune(code)) {
			if s := readable(string(rune(code))); s != "" {
				texts[gid] = s
			}
		}
	}
	return texts
}

// names returns the texts that the names of the glyphs stand for: the post table,
// format 2. The first 258 indexes mean names of Apple's, which are not needed,
// because such fonts have a cmap.
func (t *trueType) names() map[int]string {
	texts := make(map[int]string)
	r := reader(t.tables["post"])
	if r.u32(0) != 0x20000 {
		return texts
	}
	n := r.u16(32)
	var names []string
	for at := 34 + 2*n; at < len(r); at += 1 + r.u8(at) {
		names = append(names, string(r.slice(at+1, r.u8(at))))
	}
	for gid := range n {
		switch i := r.u16(34 + 2*gid); {
		case i >= 258 && i-258 < len(names):
			if s, ok := ofName(names[i-258]); ok && s != "" && s != "\uFFFD" {
				texts[gid] = s
			}
		case i >= 3 && i <= 97: // from the blank to the tilde
			texts[gid] = string(rune(' ' + i - 3))
		}
	}
	return texts
}

// encoding returns the text of each code of a simple font, or nil.
func (t *trueType) encoding() *codeTexts {
	symbols := t.subtable(func(platform, encoding int) bool { return platform == 3 && encoding == 0 })
	roman := t.subtable(func(platform, encoding int) bool { return platform == 1 })
	texts, e, found := t.texts(), codeTexts{}, false
	if symbols == nil && roman == nil {
		if t.tables["glyf"] == nil || t.subtable(isUnicode) != nil {
			return nil
		}
		for code := range e { // without a cmap, the codes are numbers of glyphs
			e[code] = texts[code]
		}
		return &e
	}
	for code := range e {
		gid := roman[code]
		for _, page := range []int{0, 0xf000, 0xf100, 0xf200} {
			if n := symbols[page+code]; n != 0 {
				gid = n
			}
		}
		if e[code] = texts[gid]; gid != 0 && e[code] != "" {
			found = true
		}
	}
	if !found { // the codes are all that there is
		return macRoman()
	}
	return &e
}
