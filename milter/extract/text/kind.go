package text

import (
	"bytes"
	"strings"

	"github.com/postseal/postseal/milter/extract/charset"
	"github.com/postseal/postseal/milter/extract/plain"
)

// kind is what text is in fact.
type kind struct {
	html, table, folded bool
	both                bool // some clients show the source of the HTML
	doubtful            bool // it may not be HTML
}

// kindOf returns the kind of text that begins with start, whatever is declared.
func kindOf(declared Type, start []byte) kind {
	isHTML := hasAnyPrefix(trimmed(start), htmlStarts) || isElement(trimmed(start))
	isXML := hasAnyPrefix(trimmed(start), []string{"<?xml"})
	switch declared.Media {
	case "text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml":
		return kind{html: true, both: !isHTML && !hasTag(start)}
	case "text/enriched", "text/richtext": // clients that do not know them show the source
		return kind{html: true, both: true}
	case "text/csv", "text/comma-separated-values", "text/tab-separated-values", "text/x-csv", "application/csv", "application/x-csv", "application/vnd.ms-excel":
		return kind{table: !isHTML, html: isHTML}
	}
	switch {
	case isXML:
		return kind{html: contains(start, "<html") || contains(start, "<svg") || contains(start, "<!doctype svg")}
	case isHTML:
		isText := strings.HasPrefix(declared.Media, "text/")
		return kind{html: true, both: isText, doubtful: isText}
	case hasAnyPrefix(trimmed(start), []string{"begin:vc"}), declared.Media == "text/calendar":
		return kind{folded: true}
	case plain.IsTable(start, 3, 3):
		return kind{table: true}
	case declared.Media != "text/plain" && hasElement(start):
		// The name of the file can open it in a browser.
		return kind{html: true, both: true, doubtful: true}
	}
	return kind{}
}

// htmlStarts are how HTML begins.
var htmlStarts = []string{"<!doctype html", "<!--"}

// elements are the elements of HTML that mail and saved pages have.
var elements = func() map[string]bool {
	names := make(map[string]bool)
	for name := range strings.FieldsSeq("a abbr address article aside b base big blockquote body br button caption center cite code col colgroup dd del details div dl dt em " +
		"fieldset figure font footer form frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins label li link main map meta nav nobr object ol o:p p pre " +
		"q s script section select small span strike strong style sub sup svg table tbody td template textarea tfoot th thead title tr tt u ul video xmp") {
		names[name] = true
	}
	return names
}()

// isElement reports whether text begins with a tag of HTML.
func isElement(text []byte) bool {
	if len(text) < 3 || text[0] != '<' {
		return false
	}
	text = bytes.TrimPrefix(text[1:], []byte("/"))
	end := bytes.IndexAny(text[:min(len(text), len("blockquote")+1)], " \t\r\n/>")
	return end > 0 && elements[string(bytes.ToLower(text[:end]))]
}

// hasElement reports whether there is a tag of HTML.
func hasElement(start []byte) bool {
	for i, c := range start {
		if c == '<' && isElement(start[i:]) {
			return true
		}
	}
	return false
}

func hasAnyPrefix(start []byte, prefixes []string) bool {
	for _, prefix := range prefixes {
		if len(start) >= len(prefix) && bytes.EqualFold(start[:len(prefix)], []byte(prefix)) {
			return true
		}
	}
	return false
}

// trimmed removes a byte order mark and blanks.
func trimmed(start []byte) []byte {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		start = bytes.TrimPrefix(start, []byte(mark))
	}
	return bytes.TrimLeft(start, " \t\r\n\f")
}

// hasTag reports whether there is a tag.
func hasTag(start []byte) bool {
	for i, c := range start[:max(len(start)-1, 0)] {
		if next := start[i+1]; c == '<' && (next == '/' || next == '!' || 'a' <= next|0x20 && next|0x20 <= 'z') {
			return true
		}
	}
	return false
}

func contains(start []byte, part string) bool {
	return bytes.Contains(bytes.ToLower(start), []byte(part))
}

// charsetInside returns the charset that HTML or XML declares for itself, in
// lower case, or "". It was read as ASCII, so the charset must extend ASCII.
func charsetInside(start []byte) string {
	lower := bytes.ToLower(start)
	for _, d := range []struct{ tag, key string }{{"<meta", "charset"}, {"<?xml", "encoding"}} {
		for rest := lower; ; {
			_, after, ok := bytes.Cut(rest, []byte(d.tag))
			if !ok {
				break
			}
			tag, _, _ := bytes.Cut(after, []byte(">"))
			if name := valueOf(tag, d.key); name != "" && charset.ExtendsASCII(name) {
				return name
			}
			rest = after
		}
	}
	return ""
}

// valueOf returns the value of an attribute, or "".
func valueOf(tag []byte, key string) string {
	_, value, _ := bytes.Cut(tag, []byte(key))
	value, ok := bytes.CutPrefix(bytes.TrimLeft(value, " \t\r\n"), []byte("="))
	if !ok {
		return ""
	}
	value = bytes.TrimLeft(value, " \t\r\n\"'")
	if end := bytes.IndexAny(value, " \t\r\n\"';/?"); end >= 0 {
		value = value[:end]
	}
	return string(value)
}

func withoutNUL(start []byte) []byte {
	if bytes.IndexByte(start, 0) < 0 {
		return start
	}
	return bytes.ReplaceAll(start, []byte{0}, nil)
}

// Is reports whether octets of any type are text.
func Is(start []byte) bool {
	start = start[:min(len(start), StartSize)]
	controls := 0
	var zeros [4]int
	for i, c := range start {
		switch {
		case c == 0:
			zeros[i%4]++
		case c < ' ' && (c < '\t' || c > '\r') && c != 0x1b, c == 0x7f:
			controls++
		}
	}
	return 32*controls <= len(start) && (zeros == [4]int{} || isWide(zeros, len(start)))
}

// isWide reports whether NULs are where UTF-16 or UTF-32 has them.
func isWide(zeros [4]int, n int) bool {
	even, odd := zeros[0]+zeros[2], zeros[1]+zeros[3]
	return 8*even <= odd && 4*odd >= n || 8*odd <= even && 4*even >= n || 10*(even+odd) >= 7*n && (zeros[0] == 0 || zeros[3] == 0)
}
