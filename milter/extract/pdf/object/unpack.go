package object

import (
	"bytes"
	"compress/flate"
	"io"
)

// inflate reads a zlib stream. It ignores the checksum, as viewers do.
func (f *File) inflate(data []byte) (out []byte, ok bool) {
	for len(data) > 0 && class[data[0]] == blank { // an end of line too many
		data = data[1:]
	}
	if len(data) < 2 {
		return nil, true
	}
	if data[0]&0x0f == 8 && (int(data[0])<<8|int(data[1]))%31 == 0 {
		data = data[2:]
	}
	source := bytes.NewReader(data)
	if f.inflater == nil {
		f.inflater = flate.NewReader(source)
	} else if err := f.inflater.(flate.Resetter).Reset(source, nil); err != nil {
		return nil, false
	}
	var buf bytes.Buffer
	buf.Grow(min(4*len(data), 1<<20))
	_, err := io.Copy(&buf, io.LimitReader(f.inflater, mostStream))
	return buf.Bytes(), err == nil
}

// unLZW reads codes of 9 to 12 bits. early is 1 if the codes become longer one
// code early.
func unLZW(data []byte, early, most int) []byte {
	const clearCode, endCode = 256, 257
	var (
		out          []byte
		start, size  [4096]int // of the text of a code in out
		next, width  = 258, 9
		bits, n, old = 0, 0, -1
	)
	for _, c := range data {
		bits, n = bits<<8|int(c), n+8
		if n < width {
			continue
		}
		n -= width
		code := bits >> n & (1<<width - 1)
		bits &= 1<<n - 1
		if code == endCode || len(out) >= most {
			break
		}
		if code == clearCode {
			next, width, old = 258, 9, -1
			continue
		}
		at := len(out)
		switch {
		case code < 256:
			out = append(out, byte(code))
		case code < next:
			out = append(out, out[start[code]:start[code]+size[code]]...)
		case old >= 0:
			out = append(out, out[old:at]...)
			out = append(out, out[old])
		default:
			return out
		}
		if old >= 0 && next < 4096 {
			start[next], size[next] = old, at-old+1
			next++
		}
		old = at
		for next+early >= 1<<width && width < 12 {
			width++
		}
	}
	return out
}

// unASCII85 reads groups of five characters. It ignores others.
func unASCII85(data []byte) []byte {
	out := make([]byte, 0, len(data)*4/5+4)
	var value uint32
	n := 0
	data = bytes.TrimPrefix(bytes.TrimLeft(data, " \t\r\n\f\x00"), []byte("<~")) // as outside PDF
	for _, c := range data {
		switch {
		case c == '~':
			return endASCII85(out, value, n)
		case c == 'z' && n == 0:
			out = append(out, 0, 0, 0, 0)
		case '!' <= c && c <= 'u':
			value = value*85 + uint32(c-'!')
			if n++; n == 5 {
				out = append(out, byte(value>>24), byte(value>>16), byte(value>>8), byte(value))
				value, n = 0, 0
			}
		}
	}
	return endASCII85(out, value, n)
}

func endASCII85(out []byte, value uint32, n int) []byte {
	if n < 2 {
		return out
	}
	for range 5 - n {
		value = value*85 + 84
	}
	for i := range n - 1 {
		out = append(out, byte(value>>(24-8*i)))
	}
	return out
}

func unRunLength(data []byte, most int) (out []byte) {
	for len(data) > 1 && data[0] != 128 && len(out) < most {
		n := int(data[0])
		if n < 128 {
			n = min(n+1, len(data)-1)
			out = append(out, data[1:1+n]...)
			data = data[1+n:]
		} else {
			out = append(out, bytes.Repeat(data[1:2], 257-n)...)
			data = data[2:]
		}
	}
	return out
}
