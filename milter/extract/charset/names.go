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

// aliases are names that Windows, Java and older clients write.
var aliases = map[string]string{
	"utf7": "utf-7", "unicode-1-1-utf-7": "utf-7", "unicode-2-0-utf-7": "utf-7", "csunicode11utf7": "utf-7",
	"x-unicode-1-1-utf-7": "utf-7", "x-unicode-2-0-utf-7": "utf-7",
	"iso-2022-jp-1": "iso-2022-jp", "iso-2022-jp-2": "iso-2022-jp", "iso-2022-jp-3": "iso-2022-jp", "iso-2022-jp-2004": "iso-2022-jp",
	"iso-2022-jp-ms": "iso-2022-jp", "iso-2022-jpeuc": "iso-2022-jp", "cp50220": "iso-2022-jp", "cp50221": "iso-2022-jp", "cp50222": "iso-2022-jp",
	"hz": "hz-gb-2312", "x-hz": "hz-gb-2312",
	"cn-gb": "gbk", "euc-cn": "gbk", "x-euc-cn": "gbk", "gb2312-80": "gbk", "ms936": "gbk", "cp936": "gbk", "windows-936": "gbk",
	"big-5": "big5", "x-big5": "big5", "ms950": "big5", "windows-950": "big5",
	"x-ms-cp932": "shift_jis", "cswindows31j": "shift_jis", "windows-932": "shift_jis", "ms932": "shift_jis", "shift_jisx0213": "shift_jis", "shift_jis-2004": "shift_jis",
	"ks_c_5601": "euc-kr", "uhc": "euc-kr", "ms949": "euc-kr", "windows-949": "euc-kr", "x-windows-949": "euc-kr",
	"x-euc": "euc-jp", "ujis": "euc-jp", "eucjp": "euc-jp", "euc_jp": "euc-jp", "cp51932": "euc-jp", "eucjp-ms": "euc-jp",
	"cp858": "ibm00858", "dos-862": "ibm862", "x-ansi": "windows-1252", "ansi": "windows-1252",
}

// Lookup returns the charset with the name, in lower case, or nil.
func Lookup(name string) encoding.Encoding {
	if alias := aliases[name]; alias != "" {
		name = alias
	}
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
