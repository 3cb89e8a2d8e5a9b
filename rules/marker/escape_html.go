package marker

import (
	"html"
	"strings"
	"unicode/utf8"
)

// maxEntity is longer than any entity of HTML.
const maxEntity = 40

// cutEntity reads an HTML entity. If a program changed a subject to capitals,
// the names of entities are in capitals too.
func cutEntity(text string) (plain string, size int) {
	text = text[:min(len(text), maxEntity)]
	switch {
	case hasFold(text, "&#x"):
		return cutNumber(text, 3, 16)
	case hasFold(text, "&#"):
		return cutNumber(text, 2, 10)
	}
	size = strings.IndexByte(text, ';') + 1
	for _, entity := range []string{text[:size], strings.ToLower(text[:size])} {
		plain = html.UnescapeString(entity)
		if plain != entity && (!strings.HasSuffix(plain, ";") || entity == "&semi;") {
			return plain, size
		}
	}
	return "", 0
}

// cutNumber reads an entity with a number after its head. The semicolon may be
// missing.
func cutNumber(text string, head, base int) (plain string, size int) {
	digits := "0123456789"
	if base == 16 {
		digits += "abcdefABCDEF"
	}
	size = len(text) - len(strings.TrimLeft(text[head:], digits))
	r, ok := fromDigits(text[head:size], base)
	if !ok {
		return "", 0
	}
	if strings.HasPrefix(text[size:], ";") {
		size++
	}
	return string(r), size
}

// withoutTags removes the tags and comments of HTML.
func withoutTags(text string) string {
	if !strings.Contains(text, "<") {
		return text
	}
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(text, "<")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		// The search ends at the next "<", so that no text is searched twice.
		if end := strings.IndexAny(after, "<>"); end >= 0 && after[end] == '>' && isTag(after[:end]) {
			after = after[end+1:]
		} else {
			b.WriteByte('<')
		}
		text = after
	}
}

// isTag reports whether the text between "<" and ">" is a tag, not an address
// or a word.
func isTag(inner string) bool {
	if strings.HasPrefix(inner, "!--") {
		return true
	}
	name := strings.TrimPrefix(inner, "/")
	end := strings.IndexFunc(name, func(r rune) bool {
		return r >= utf8.RuneSelf || !isAlphanumeric(byte(r)) && r != ':' && r != '-'
	})
	after := byte(' ')
	if end >= 0 {
		name, after = name[:end], name[end]
	}
	return strings.IndexByte(" \t\r\n/", after) >= 0 &&
		(elements[strings.ToLower(name)] || strings.Contains(name, ":"))
}

// elements are HTML elements that a subject may contain. Elements of other
// languages have a colon in their names.
var elements = func() map[string]bool {
	set := make(map[string]bool)
	for name := range strings.FieldsSeq("a abbr b big blockquote body br center code del div em font h1 h2 h3 h4 h5 h6" +
		" head hr html i img ins kbd li mark nobr ol p pre q s small span strike strong style sub sup" +
		" table tbody td th title tr tt u ul var wbr") {
		set[name] = true
	}
	return set
}()

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
