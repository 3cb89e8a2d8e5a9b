package mime

import (
	stdbase64 "encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
)

// part is a message with one part whose content is in base64.
func part(declared, octets string) string {
	return "Content-Type: " + declared + "\nContent-Transfer-Encoding: base64\n\n" + stdbase64.StdEncoding.EncodeToString([]byte(octets))
}

func TestContent(t *testing.T) {
	long := strings.Repeat("x", 3000)
	run(t, []test{
		{"PDF", part("application/pdf", "%PDF-1.7 x"), "<1 %PDF-1.7 x>"},
		{"FDF", part("text/plain", "%FDF-1.2 x"), "<1 %FDF-1.2 x>"},
		{"PDF as text", part("text/plain", "%PDF-1.7 x"), "<1 %PDF-1.7 x>"},
		{"PDF after line noise", part("text/plain", "\x00\x01%PDF-1.7 x"), "<1 \x00\x01%PDF-1.7 x>"},
		{"PDF in prose", part("text/plain", "a %PDF-1.7"), "[1]a %PDF-1.7"},
		{"PDF after text", part("text/plain", "a\n%PDF-1.7"), "{unreadable unknown-type 1}[1]a\n%PDF-1.7"},
		{"flat OpenDocument", part("text/xml", "\ufeff<?xml?><office:document xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\">"), "<1 \ufeff<?xml?><office:document xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\">>"},
		{"Word as XML", part("text/xml", "<?xml?>\n<?mso-application progid=\"Word.Document\"?>"), "<1 <?xml?>\n<?mso-application progid=\"Word.Document\"?>>"},
		{"ZIP as audio", part("audio/mpeg", "PK\x03\x04"+long), "<1 PK\x03\x04" + long + ">"},
		{"RTF", part("text/plain", `{\rtf1 x}`), `<1 {\rtf1 x}>`},
		{"OLE", part("application/msword", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1x"), "<1 \xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1x>"},
		{"TNEF", part("application/ms-tnef", "\x78\x9f\x3e\x22x"), "<1 \x78\x9f\x3e\x22x>"},
		{"text as a document", part("application/pdf", "NHS"), "[1]NHS"},
		{"CSV as Excel", part("application/vnd.ms-excel", "a;b;c\nd;e;f\ng;h;i\n"), "[1]a\tb\tc\nd\te\tf\ng\th\ti\n\f"},
		{"calendar", part("text/calendar", "A:9\r\n 9"), "[1]A:99"},
		{"UTF-16", part("text/plain; charset=utf-16", "9\x009\x00"), "[1]99"},
		{"UTF-16 of no type", part("application/octet-stream", "9\x009\x00"), "[1]99"},
		{"binary", part("application/octet-stream", "\x00\x01\x02\x03\x80"+long), "{unreadable unknown-type 1}"},
		{"binary as text", part("text/plain", "\x00\x01\x02\x03\x80"+long), "{unreadable unknown-type 1}"},
		{"audio", part("audio/mpeg", "ID3\x03\x00\x01"), ""},
		{"audio without a mark", part("audio/x-raw", "\x00\x01\x02\x03"), ""},
		{"text as audio", part("audio/mpeg", "NHS"), "[1]NHS"},
		{"video", part("video/mp4", "\x00\x00\x00\x20ftypisom\x00\x00\x02\x00"), ""},
		{"font", part("font/ttf", "\x00\x01\x00\x00\x00\x0c"), ""},
		{"Access", part("application/msaccess", "\x00\x01\x00\x00Standard Jet DB\x00"), "<1 \x00\x01\x00\x00Standard Jet DB\x00>"},
		{"text like an image", part("text/plain", "BMI 24, BM 24, and more"), "[1]BMI 24, BM 24, and more"},
	})
}

// png returns how a PNG image begins.
func png(width, height int) string {
	header := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	header = binary.BigEndian.AppendUint32(header, uint32(width))
	header = binary.BigEndian.AppendUint32(header, uint32(height))
	return string(header) + "\x08\x06\x00\x00\x00CRC!"
}

// jpegImage returns how a JPEG image begins. Its size follows a long segment.
func jpegImage(width, height int) string {
	image := "\xff\xd8\xff\xe1\xff\xff" + strings.Repeat("\xff\xc0", 65533/2) + "x\xff\xff\xdb\x00\x03x\xff\xc2\x00\x11\x08"
	size := binary.BigEndian.AppendUint16(nil, uint16(height))
	return image + string(binary.BigEndian.AppendUint16(size, uint16(width))) + "\x03\x01\xff\xd9"
}

func TestPictures(t *testing.T) {
	const picture = "{picture  1}"
	run(t, []test{
		{"scan", part("image/png", png(1240, 1754)), picture},
		{"logo", part("image/png", png(300, 100)), ""},
		{"banner", part("image/png", png(1800, 300)), ""},
		{"JPEG", part("image/jpeg", jpegImage(1240, 1754)), picture},
		{"JPEG logo", part("image/jpeg", jpegImage(300, 100)), ""},
		{"JPEG without a size", part("image/jpeg", "\xff\xd8\xff\xe0\x00\x04xx\xff\xda"), picture},
		{"JPEG cut short", part("image/jpeg", "\xff\xd8\xff\xe0"), picture},
		{"GIF", part("image/gif", "GIF89a\x01\x00\x01\x00"+strings.Repeat("\x80", 30)), ""},
		{"large GIF", part("image/gif", "GIF89a\x00\x08\x00\x08"+strings.Repeat("\x80", 30)), picture},
		{"BMP", part("image/bmp", "BM\x00\x00\x01\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\x00\x08\x00\x00\x00\xf8\xff\xff\x01\x00\x18\x00"), picture},
		{"WebP", part("image/webp", "RIFF\x00\x01\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\x07\x00\xff\x07\x00"), picture},
		{"small WebP", part("image/webp", "RIFF\x00\x01\x00\x00WEBPVP8L\x0a\x00\x00\x00\x2f\x0f\xc0\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"), ""},
		{"TIFF", part("image/tiff", "II*\x00\x08\x00\x00\x00"), picture},
		{"HEIC", part("image/heic", "\x00\x00\x00\x20ftypheic\x00\x00\x00\x00mif1"), picture},
		{"by content", part("application/pdf", png(1240, 1754)), picture},
		{"unknown image", part("image/x-new", "\x00\x01\x02\x03"), picture},
		{"icon", part("image/x-icon", "\x00\x00\x01\x00\x01\x00\x10\x10"), ""},
		{"SVG", part("image/svg+xml", "<svg><text>9<tspan>9</tspan></text></svg>"), "[1]99"},
	})
}

// element returns an element of DER, or of indefinite length.
func element(tag byte, content ...string) string {
	all := strings.Join(content, "")
	switch n := len(all); {
	case n < 0x80:
		return string([]byte{tag, byte(n)}) + all
	default:
		return string([]byte{tag, 0x82, byte(n >> 8), byte(n)}) + all
	}
}

func open(tag byte, content ...string) string {
	return string([]byte{tag, 0x80}) + strings.Join(content, "") + "\x00\x00"
}

func TestCMS(t *testing.T) {
	const oid = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"
	const text = "Content-Type: text/plain\r\n\r\nNHS"
	cms := func(kind byte, content string) string {
		return element(0x30, oid+string([]byte{kind}), element(0xa0, content))
	}
	data := func(content ...string) string {
		return element(0x30, "\x02\x01\x01", "\x31\x00", element(0x30, append([]string{oid + "\x01"}, content...)...), element(0xa0, "cert"), "\x31\x00")
	}
	streamed := open(0x30, oid+"\x02", open(0xa0, open(0x30, "\x02\x01\x01", open(0x31, open(0x30, "\x06\x01x", "\x05\x00")),
		open(0x30, oid+"\x01", open(0xa0, open(0x24, element(0x04, text[:9]), element(0x04, text[9:])))), open(0xa0, "\x02\x01\x00"), "\x31\x00")))
	const declared = "application/pkcs7-mime"
	run(t, []test{
		{"enveloped", part(declared, cms(3, data())), "{encrypted  1}"},
		{"enveloped, in another type", part("application/octet-stream; smime-type=signed-data", cms(3, data())), "{encrypted  1}"},
		{"authenticated and enveloped", part(declared, element(0x30, "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17", element(0xa0, data()))), "{encrypted  1}"},
		{"signed", part(declared, cms(2, data(element(0xa0, element(0x04, text))))), "[1.1]NHS"},
		{"signed in pieces", part(declared, streamed), "[1.1]NHS"},
		{"signed, without a header", part(declared, cms(2, data(element(0xa0, element(0x04, "NHS x"))))), "[1]NHS x"},
		{"a document is signed", part(declared, cms(2, data(element(0xa0, element(0x04, "%PDF-1.7"))))), "<1 %PDF-1.7>"},
		{"encrypted and signed", part(declared, cms(2, data(element(0xa0, element(0x04, "Content-Type: application/pkcs7-mime\r\n\r\n"+cms(3, data())))))), "{encrypted  1.1}"},
		{"signature", part("application/pkcs7-signature", cms(2, data())), ""},
		{"cut short", part(declared, cms(2, data(element(0xa0, element(0x04, text))))[:60]), "[1.1]Content-Type: text/pl{unreadable damaged 1}"},
		{"compressed", part(declared, element(0x30, "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09", element(0xa0, data()))), "{unreadable unknown-type 1}"},
	})
}

func TestLimits(t *testing.T) {
	limits := Limits{Document: 10, Depth: 3, Parts: 2, Header: 100}
	for _, test := range []test{
		{"document", part("application/pdf", "%PDF-1.7 xyz"), "<1 %PDF-1.7 x>{unreadable too-large 1}"},
		{"document that fits", part("application/pdf", "%PDF-1.7 x"), "<1 %PDF-1.7 x>"},
		{"parts", mixed + "--b\n\na\n--b\n\nc\n--b\n\nd\n--b\n\ne", "[1]a\n{unreadable too-large 3}[2]c\n--b\n\nd\n--b\n\ne"},
		{"depth", "Content-Type: message/rfc822\n\n" + strings.Repeat("Content-Type: message/rfc822\n\n", 5) + "a", "{unreadable too-deep 1.1.1.1.1}[1.1.1.1.1]Content-Type: message/rfc822\n\na"},
		{"header", mixed + "--b\nContent-Type: text/html\nX: " + strings.Repeat("y", 100) + "NHS\n\n<p>a", "{unreadable too-large 1}[1]Content-Type: text/html\nX: " + strings.Repeat("y", 74) + "[1]" + strings.Repeat("y", 26) + "NHS\na"},
	} {
		for _, n := range []int{1, 3, 100000} {
			if got := read(test.message, n, limits); got != test.want {
				t.Errorf("%s, in pieces of %d:\ngot  %q\nwant %q", test.name, n, got, test.want)
			}
		}
	}
}
