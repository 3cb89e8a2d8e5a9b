package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postseal/postseal/milter/extract/sinktest"
	"github.com/postseal/postseal/rules/detect"
)

// read reads text in pieces of n octets.
func read(declared Type, octets string, n int) string {
	var rec sinktest.Recorder
	r := NewReader(&rec, detect.Place{Part: "1"}, declared, []byte(octets))
	for octets != "" {
		n := min(n, len(octets))
		r.Write([]byte(octets[:n]))
		octets = octets[n:]
	}
	r.Close()
	return rec.String()
}

func TestReader(t *testing.T) {
	for _, test := range []struct {
		name     string
		declared Type
		octets   string
		want     string
	}{
		{"plain", Type{Media: "text/plain"}, "a <b>\r\n", "[1]a <b>\n"},
		{"flowed", Type{Media: "text/plain", Flowed: true}, "a \r\nb", "[1]a b"},
		{"deleted blanks", Type{Media: "text/plain", Flowed: true, DelSp: true}, "a \r\nb", "[1]ab"},
		{"HTML", Type{Media: "text/html"}, "<p>9<b>9", "[1]99"},
		{"HTML as text", Type{Media: "text/plain"}, " <html>9<b>9", "[1]99[1] <html>9<b>9"},
		{"HTML of no type", Type{Media: "application/octet-stream"}, "<!DOCTYPE html>9<b>9", "[1]99"},
		{"HTML that begins with any element", Type{Media: "application/octet-stream"}, "\n<ul><li>9<b>9", "[1]99"},
		{"HTML of an unknown type", Type{Media: "text/htm"}, "a <i>9</i>9 <b", "[1]a 99[1]a <i>9</i>9 <b"},
		{"an address as text", Type{Media: "text/plain"}, "<a@b.example> 9", "[1]<a@b.example> 9"},
		{"CSV as Excel", Type{Media: "application/vnd.ms-excel"}, "a;b\nc;d", "[1]a\tb\nc\td\f"},
		{"text as HTML", Type{Media: "text/html"}, "a\nb", "[1]a b[1]a\nb"},
		{"charset inside", Type{Media: "text/html"}, "<meta charset=\"koi8-r\">\xc1", "[1]а"},
		{"charset inside, in the old form", Type{Media: "text/html"}, "<meta http-equiv=x content=\"text/html; charset=koi8-r\">\xc1", "[1]а"},
		{"charsets that differ", Type{Media: "text/html", Charset: "koi8-r"}, "<meta charset=x>\xc1", "[1]а"},
		{"charset inside that cannot be", Type{Media: "text/html"}, "<meta charset=utf-16>9", "[1]9"},
		{"charset in the text", Type{Media: "text/html"}, "<p>charset=koi8-r \xe9.........", "[1]charset=koi8-r é........."},
		{"UTF-16 that is nearly ASCII", Type{Media: "text/plain", Charset: "utf-16"}, "caf\xe9 and more", "[1]café and more"},
		{"XHTML", Type{}, "<?xml version=\"1.0\" encoding='koi8-r'?><html>\xc1", "[1]а"},
		{"XML", Type{Media: "text/xml"}, "<?xml?><a b=\"9\">9</a>", "[1]<?xml?><a b=\"9\">9</a>"},
		{"SVG", Type{Media: "image/svg+xml"}, "<svg><text>9<tspan>9", "[1]99"},
		{"CSV", Type{Media: "text/csv"}, "a;b\nc;d", "[1]a\tb\nc\td\f"},
		{"CSV as text", Type{Media: "text/plain"}, "a,b,c\nd,e,f\ng,h,i\n", "[1]a\tb\tc\nd\te\tf\ng\th\ti\n\f"},
		{"calendar", Type{Media: "text/calendar"}, "A:9\r\n 9", "[1]A:99"},
		{"calendar of no type", Type{}, "BEGIN:VCALENDAR\r\nA:9\r\n 9", "[1]BEGIN:VCALENDAR\nA:99"},
		{"an old vCard", Type{Media: "text/x-vcard"}, "BEGIN:VCARD\r\nNOTE;ENCODING=QUOTED-PRINTABLE:999=20=\r\n000", "[1]BEGIN:VCARD\nNOTE;ENCODING=QUOTED-PRINTABLE:999 000"},
		{"a file in a calendar", Type{Media: "text/calendar"}, "ATTACH;VALUE=BINARY;ENCODING=BA\r\n SE64:AAAA", "[1]ATTACH;VALUE=BINARY;ENCODING=BASE64:AAAA{unreadable unknown-type 1}"},
		{"a picture in a vCard", Type{}, "BEGIN:VCARD\r\nPHOTO:data:image/png;base64\\,AAAA", "[1]BEGIN:VCARD\nPHOTO:data:image/png;base64,AAAA{unreadable unknown-type 1}"},
		{"enriched", Type{Media: "text/enriched"}, "9<bold>9</bold>", "[1]99[1]9<bold>9</bold>"},
		{"charset inside, not ASCII", Type{Media: "text/html", Charset: "us-ascii"}, "<meta charset=koi8-r>\xc1", "[1]а"},
		{"UTF-16", Type{Media: "text/plain"}, "\xff\xfe9\x009\x00", "[1]99"},
		{"HTML in UTF-16", Type{}, "\xff\xfe<\x00p\x00>\x009\x00", "[1]9"},
		{"no characters", Type{Media: "text/plain"}, strings.Repeat("\x01\xff", 9), "[1]" + strings.Repeat("\x01ÿ", 9) + "{unreadable no-characters 1}"},
		{"empty", Type{Media: "text/html"}, "", "[1][1]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, n := range []int{1, 3, 1000} {
				if got := read(test.declared, test.octets, n); got != test.want {
					t.Errorf("in pieces of %d: got %q, want %q", n, got, test.want)
				}
			}
		})
	}
}

// TestBinaryAfterText holds that a finding tells of what follows text.
func TestBinaryAfterText(t *testing.T) {
	text := strings.Repeat("text ", 1000)
	for octets, want := range map[string]string{
		text + "\x00\x01":                       "[1]" + text + "\x01{unreadable unknown-type 1}",
		strings.Repeat("9\x00", 1000) + "9\x00": "[1]" + strings.Repeat("9", 1001), // UTF-16
	} {
		if got := read(Type{}, octets, 700); got != want {
			t.Errorf("got %.20q … %q", got, got[max(len(got)-40, 0):])
		}
	}
}

// TestSourceIsBounded holds that no text is lost without a finding.
func TestSourceIsBounded(t *testing.T) {
	got := read(Type{Media: "text/plain"}, "<p>"+strings.Repeat("a", maxSource), 1000)
	if !strings.HasSuffix(got, "a{unreadable too-large 1}") || len(got) < 2*maxSource {
		t.Errorf("got %d octets, %.20q", len(got), got)
	}
}

func TestIs(t *testing.T) {
	for octets, want := range map[string]bool{
		"":                           true,
		"Dear Jane,\r\n\tcaf\xe9":    true,
		"9\x009\x00\n\x00":           true,
		"\x009\x009\x00\n":           true,
		"9\x00\x00\x009\x00\x00\x00": true,
		"PK\x03\x04\x14\x00\x06\x00": false,
		"\x00\x00\x00\x00":           false,
		"\x01\x02abc":                false,
	} {
		if Is([]byte(octets)) != want {
			t.Errorf("%q: want %v", octets, want)
		}
	}
}

// FuzzReader holds that cuts change nothing.
func FuzzReader(f *testing.F) {
	for _, media := range []string{"text/plain", "text/html", "text/csv", "text/calendar", ""} {
		f.Add(media, "utf-8", "BEGIN:VCARD\r\nA;ENCODING=QUOTED-PRINTABLE:=39\r\n <p>a;\"b\"\xe9\x00", 3)
	}
	f.Add("text/html", "utf-16", "\xff\xfe<\x00p\x00>\x00", 1)
	f.Fuzz(func(t *testing.T, media, charset, octets string, n int) {
		declared := Type{Media: media, Charset: charset, Flowed: n%2 == 0, DelSp: n%3 == 0}
		whole, cut := read(declared, octets, len(octets)+1), read(declared, octets, max(n, 1))
		if whole != cut {
			t.Errorf("whole %q, cut %q", whole, cut)
		}
		if !utf8.ValidString(whole) || strings.Contains(whole, "\x00") {
			t.Errorf("got %q", whole)
		}
	})
}
