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
}

// kindOf returns the kind of text that begins with start, whatever is declared.
func kindOf(declared Type, start []byte) kind {
	isHTML := hasAnyPrefix(trimmed(start), htmlStarts)
	isXML := hasAnyPrefix(trimmed(start), []string{"<?xml"})
	switch declared.Media {
	case "text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml":
		return kind{html: true, both: !isHTML && !hasTag(start)}
	case "text/enriched", "text/richtext": // clients that do not know them show the source
		return kind{html: true, both: true}
	case "text/csv", "text/comma-separated-values", "text/tab-separated-values", "text/x-csv", "application/csv", "application/x-csv":
		return kind{table: !isHTML, html: isHTML}
	}
	switch {
	case isXML:
		return kind{html: contains(start, "<html") || contains(start, "<svg")}
	case isHTML:
		return kind{html: true, both: strings.HasPrefix(declared.Media, "text/")}
	case hasAnyPrefix(trimmed(start), []string{"begin:vc"}), declared.Media == "text/calendar":
		return kind{folded: true}
	}
	return kind{table: plain.IsTable(start, 3, 3)}
}

// htmlStarts are how HTML begins.
var htmlStarts = []string{
	"<!doctype html", "<!--", "<html", "<head", "<body", "<meta", "<title", "<style", "<script", "<table", "<div", "<p>", "<p ",
	"<font", "<span", "<br", "<b>", "<h1", "<a ", "<svg", "<pre", "<center",
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
