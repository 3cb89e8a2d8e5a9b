package charset

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/traditionalchinese"
	utf "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// charsets are those that the indexes of names lack or confuse with others.
var charsets = map[string]encoding.Encoding{
	// RFC 2781, section 4.3: without a mark the octets are big-endian.
	"iso-10646-ucs-2": utf.UTF16(utf.BigEndian, utf.UseBOM),
	"ucs-2":           utf.UTF16(utf.BigEndian, utf.UseBOM),
	"csunicode":       utf.UTF16(utf.BigEndian, utf.UseBOM),
	"iso-10646-ucs-4": utf32.UTF32(utf32.BigEndian, utf32.UseBOM),
	"ucs-4":           utf32.UTF32(utf32.BigEndian, utf32.UseBOM),
	"csucs4":          utf32.UTF32(utf32.BigEndian, utf32.UseBOM),
	"utf-32":          utf32.UTF32(utf32.BigEndian, utf32.UseBOM),
	"utf-32be":        utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM),
	"utf-32le":        utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM),
	"cp1047":          charmap.CodePage1047,
	"cp1140":          charmap.CodePage1140,
	"ibm1140":         charmap.CodePage1140,
	"cp932":           japanese.ShiftJIS,
	"cp949":           korean.EUCKR,
	"cp950":           traditionalchinese.Big5,
}

// Lookup returns the charset with the name, in lower case, or nil.
func Lookup(name string) encoding.Encoding {
	if e := charsets[name]; e != nil {
		return e
	}
	for _, get := range []func(string) (encoding.Encoding, error){ianaindex.MIME.Encoding, htmlindex.Get} {
		if e, err := get(name); err == nil && e != nil && e != encoding.Replacement {
			return e
		}
	}
	return nil
}
