package rtf

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// maxFonts bounds the font table.
const maxFonts = 10_000

// codePages are the encodings of Windows's code pages.
var codePages = map[int]encoding.Encoding{
	437: charmap.CodePage437, 850: charmap.CodePage850, 852: charmap.CodePage852, 866: charmap.CodePage866, 874: charmap.Windows874,
	932: japanese.ShiftJIS, 936: simplifiedchinese.GBK, 949: korean.EUCKR, 950: traditionalchinese.Big5,
	1250: charmap.Windows1250, 1251: charmap.Windows1251, 1252: charmap.Windows1252, 1253: charmap.Windows1253, 1254: charmap.Windows1254,
	1255: charmap.Windows1255, 1256: charmap.Windows1256, 1257: charmap.Windows1257, 1258: charmap.Windows1258,
	10000: charmap.Macintosh, 65001: unicode.UTF8,
}

func codePage(n int) encoding.Encoding {
	if e := codePages[n]; e != nil {
		return e
	}
	return charmap.Windows1252
}

// charsets are the code pages of the character sets of fonts.
var charsets = map[int]int{
	77: 10000, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256,
	186: 1257, 204: 1251, 222: 874, 238: 1250, 254: 437, 255: 850,
}

// charset returns the encoding of a font's character set; nil for that of the
// document.
func charset(n int) encoding.Encoding {
	if page, ok := charsets[n]; ok {
		return codePage(page)
	}
	return nil
}

// selectFont acts on \f, which names a font in the text and in the font table.
func (r *reader) selectFont(n int) {
	if r.to == fonts {
		r.font = n
		return
	}
	if code := r.fonts[n]; code != r.group.code {
		r.flushText()
		r.group.code = code
	}
}
