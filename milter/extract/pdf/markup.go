package pdf

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// markup returns the text of XML or XHTML. The end of an element ends a line, or
// only a word if it is an element inside a line.
func markup(source string) string {
	if source == "" {
		return ""
	}
	return elements([]byte(source), func(string) bool { return true })
}

// metadata returns the title, the description and the keywords of XMP.
func metadata(source []byte) string {
	return elements(source, func(name string) bool {
		return slices.Contains([]string{"dc:title", "dc:description", "dc:subject", "dc:creator", "pdf:keywords"}, name)
	})
}

// elements returns the text in the elements that are wanted.
func elements(source []byte, isWanted func(name string) bool) string {
	var out strings.Builder
	z := html.NewTokenizer(bytes.NewReader(source))
	z.AllowCDATA(true)
	inside, scripts := 0, 0
	for {
		kind := z.Next()
		z.NextIsNotRawText() // in XML, no element is special
		switch kind {
		case html.ErrorToken:
			return strings.TrimSpace(out.String())
		case html.TextToken:
			if inside > 0 && scripts == 0 {
				out.Write(z.Text())
			}
		case html.StartTagToken:
			name, _ := z.TagName()
			if isWanted(string(name)) {
				inside++
			}
			if string(name) == "script" {
				scripts++
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if isWanted(string(name)) {
				inside = max(0, inside-1)
			}
			if string(name) == "script" {
				scripts = max(0, scripts-1)
			}
			if !slices.Contains([]string{"span", "b", "i", "sub", "sup", "a"}, string(name)) {
				out.WriteByte('\n')
			}
		}
	}
}
