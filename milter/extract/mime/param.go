package mime

import (
	"net/url"
	"slices"
	"strings"
)

// contentType is a value of a Content-Type field.
type contentType struct {
	media  string // in lower case
	params map[string]string
}

// unfolder removes line ends.
var unfolder = strings.NewReplacer("\r", "", "\n", "")

// parseType reads a value as leniently as clients do.
func parseType(value string) contentType {
	value = strings.TrimLeft(unfolder.Replace(value), " \t")
	if comment, after, ok := strings.Cut(value, ")"); ok && strings.HasPrefix(comment, "(") {
		value = strings.TrimLeft(after, " \t")
	}
	end := strings.IndexAny(value, "; \t(") // some leave the semicolon out
	if end < 0 {
		end = len(value)
	}
	t := contentType{media: strings.ToLower(strings.Trim(value[:end], "\"'<>"))}
	rest := value[end:]
	if comment, after, ok := strings.Cut(rest, ")"); ok && strings.HasPrefix(strings.TrimLeft(comment, " \t"), "(") {
		rest = after
	}
	parts := make(map[string]string)
	for rest != "" {
		var name, value string
		name, value, rest = cutParam(rest)
		if _, ok := parts[name]; !ok && name != "" {
			parts[name] = value
		}
	}
	t.params = joinParams(parts)
	return t
}

// cutParam cuts the first parameter off.
func cutParam(text string) (name, value, rest string) {
	text = strings.TrimLeft(text, " \t;")
	end := strings.IndexAny(text, "=;")
	if end < 0 || text[end] == ';' {
		_, rest, _ = strings.Cut(text, ";")
		return "", "", rest
	}
	name = strings.ToLower(strings.TrimSpace(text[:end]))
	text = strings.TrimLeft(text[end+1:], " \t")
	if strings.HasPrefix(text, `"`) {
		value, text = cutQuoted(text[1:])
		_, rest, _ = strings.Cut(text, ";")
		return name, value, rest
	}
	value, rest, _ = strings.Cut(text, ";")
	if i := strings.Index(value, " ("); i >= 0 { // a comment
		value = value[:i]
	}
	return name, strings.TrimRight(value, " \t"), rest
}

// cutQuoted reads a value up to its quote. A value without one goes up to the
// end.
func cutQuoted(text string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:]
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return strings.TrimRight(b.String(), " \t"), ""
}

// joinParams joins the parts of parameters, and decodes them (RFC 2231).
func joinParams(parts map[string]string) map[string]string {
	names := make([]string, 0, len(parts))
	for name := range parts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	params := make(map[string]string)
	for _, name := range names {
		base, _, isPart := strings.Cut(name, "*")
		value := parts[name]
		if strings.HasSuffix(name, "*") {
			value = fromPercent(value, name == base+"*" || name == base+"*0*")
		}
		if isPart && name != base+"*" {
			value = params[base] + value
		} else if !isPart && params[base] != "" {
			continue
		}
		params[base] = value
	}
	return params
}

// fromPercent decodes an extended value. The first part begins with a charset
// and a language.
func fromPercent(value string, first bool) string {
	if charset := strings.SplitN(value, "'", 3); first && len(charset) == 3 {
		value = charset[2]
	}
	if decoded, err := url.PathUnescape(value); err == nil {
		return decoded
	}
	return value
}

// boundaries returns the boundaries that clients may read in the value.
func (t contentType) boundaries(value string) []string {
	declared := strings.TrimRight(t.params["boundary"], " \t")
	all := []string{declared, strings.Trim(declared, `'<>`)}
	// Some clients do not read escapes in a quoted value.
	if _, raw, ok := strings.Cut(value, `boundary="`); ok && strings.Contains(raw, `\`) {
		raw, _, _ = strings.Cut(raw, `"`)
		all = append(all, raw)
	}
	all = slices.DeleteFunc(all, func(b string) bool { return b == "" })
	slices.Sort(all)
	return slices.Compact(all)
}
