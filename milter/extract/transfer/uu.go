package transfer

import "bytes"

// UULine decodes a line of uuencode, without its line end, to dst. It returns
// false if the line is not one.
func UULine(dst, line []byte) ([]byte, bool) {
	if len(line) == 0 {
		return dst, false
	}
	size, ok := uuCode(line[0])
	if !ok {
		return dst, false
	}
	chars := (int(size) + 2) / 3 * 4
	line = line[1:]
	// Some programs add a checksum, others drop blanks, which stand for 0.
	if len(line) > chars+2 || len(line) < chars/2 {
		return dst, false
	}
	for _, c := range line {
		if _, ok := uuCode(c); !ok {
			return dst, false
		}
	}
	end := len(dst) + int(size)
	for i := 0; i < chars; i += 4 {
		var bits uint32
		for j := i; j < i+4; j++ {
			var code byte
			if j < len(line) {
				code, _ = uuCode(line[j])
			}
			bits = bits<<6 | uint32(code)
		}
		dst = append(dst, byte(bits>>16), byte(bits>>8), byte(bits))
	}
	return dst[:end], true
}

func uuCode(c byte) (byte, bool) { return (c - ' ') & 63, ' ' <= c && c <= '`' }

// IsUUBegin reports whether a line begins a file in uuencode, or in its form with
// base64.
func IsUUBegin(line []byte) bool {
	begin, rest, _ := bytes.Cut(line, []byte(" "))
	mode, name, ok := bytes.Cut(rest, []byte(" "))
	if string(begin) != "begin" && string(begin) != "begin-base64" {
		return false
	}
	if !ok || len(mode) < 3 || len(mode) > 4 || len(bytes.TrimSpace(name)) == 0 {
		return false
	}
	for _, c := range mode {
		if c < '0' || c > '7' {
			return false
		}
	}
	return true
}
