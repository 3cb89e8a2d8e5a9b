package font

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// charset is an encoding of a composite font that has a name, such as
// UniJIS-UTF16-H or GBK-EUC-H: ISO 32000-1, 9.7.5.2. Such codes are characters.
type charset struct {
	encoding encoding.Encoding
	octets   func(s string) int // how many the first code has
	isJIS    bool               // seven bits: EUC without its high bits
}

func charsetOf(name string) *charset {
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(name, word) {
				return true
			}
		}
		return false
	}
	utf16 := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	switch {
	case name == "H" || name == "V":
		return &charset{encoding: japanese.EUCJP, octets: always(2), isJIS: true}
	case has("UTF32"):
		return &charset{encoding: utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), octets: always(4)}
	case has("UTF16", "UCS2"):
		return &charset{encoding: utf16, octets: utf16Octets}
	case has("UTF8"):
		return &charset{encoding: encoding.Nop, octets: utf8Octets}
	case has("RKSJ"):
		return &charset{encoding: japanese.ShiftJIS, octets: multiByte(0xa0, 0xdf)}
	case has("GBK2K"):
		return &charset{encoding: simplifiedchinese.GB18030, octets: multiByte(0, 0)}
	case has("GBK", "GB-EUC", "GBpc"):
		return &charset{encoding: simplifiedchinese.GBK, octets: multiByte(0, 0)}
	case has("B5", "HKscs"):
		return &charset{encoding: traditionalchinese.Big5, octets: multiByte(0, 0)}
	case has("KSC"):
		return &charset{encoding: korean.EUCKR, octets: multiByte(0, 0)}
	case name == "EUC-H" || name == "EUC-V":
		return &charset{encoding: japanese.EUCJP, octets: multiByte(0, 0)}
	}
	return nil
}

func always(n int) func(string) int { return func(string) int { return n } }

// multiByte is for charsets with ASCII in one octet and others in two. Between
// from and to, one octet is a character too.
func multiByte(from, to byte) func(string) int {
	return func(s string) int {
		if s[0] < 0x80 || from <= s[0] && s[0] <= to {
			return 1
		}
		return 2
	}
}

func utf16Octets(s string) int {
	if s[0] >= 0xd8 && s[0] < 0xdc {
		return 4
	}
	return 2
}

func utf8Octets(s string) int {
	switch {
	case s[0] < 0xc0:
		return 1
	case s[0] < 0xe0:
		return 2
	case s[0] < 0xf0:
		return 3
	}
	return 4
}

func (c *charset) text(octets string) string {
	if c.isJIS {
		high := []byte(octets)
		for i := range high {
			high[i] |= 0x80
		}
		octets = string(high)
	}
	s, err := c.encoding.NewDecoder().String(octets)
	if err != nil || strings.ContainsRune(s, '\uFFFD') {
		return ""
	}
	return readable(strings.ToValidUTF8(s, ""))
}

// ofCID returns the character of a CID in Adobe's collections. Only their ASCII
// characters are known here: the proportional ones and those of half the width.
func ofCID(ordering string, cid int) (string, bool) {
	half := map[string]int{"Japan1": 231, "GB1": 814, "CNS1": 13648, "Korea1": 8094, "KR": -1}[ordering]
	switch {
	case half == 0:
		return "", false
	case 1 <= cid && cid <= 95:
		return string(rune(' ' + cid - 1)), true
	case half > 0 && half <= cid && cid < half+95:
		return string(rune(' ' + cid - half)), true
	}
	return "", false
}
