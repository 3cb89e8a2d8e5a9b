package sheet

import "strings"

// HeaderText returns what a header or footer of a sheet shows, without its codes
// (ECMA-376, part 1, section 18.3.1.46). Its three parts are lines.
func HeaderText(code string) string {
	var b strings.Builder
	for i := 0; i < len(code); i++ {
		if code[i] != '&' || i+1 == len(code) {
			b.WriteByte(code[i])
			continue
		}
		i++
		switch c := code[i]; {
		case c == '&':
			b.WriteByte('&')
		case strings.IndexByte("LCRlcr", c) >= 0:
			b.WriteByte('\n')
		case c == '"': // a font
			if end := strings.IndexByte(code[i+1:], '"'); end >= 0 {
				i += end + 1
			}
		case c == 'K' && i+6 < len(code): // a colour
			i += 6
		case c >= '0' && c <= '9': // a size of one to three digits, as Excel writes it
			for n := 0; n < 2 && i+1 < len(code) && code[i+1] >= '0' && code[i+1] <= '9'; n++ {
				i++
			}
		}
	}
	return b.String()
}
