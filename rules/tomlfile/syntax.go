package tomlfile

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// checkEncoding refuses the encodings that some editors write instead of UTF-8.
func checkEncoding(text []byte) error {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) || bytes.IndexByte(text, 0) >= 0 {
		return fmt.Errorf("the file is UTF-16 or not a text file: save it as UTF-8")
	}
	for offset := 0; offset < len(text); {
		r, size := utf8.DecodeRune(text[offset:])
		if r == utf8.RuneError && size == 1 {
			line, column := position(string(text), offset)
			return fmt.Errorf("line %d, column %d: the octet 0x%02x is not UTF-8: save the file as UTF-8", line, column, text[offset])
		}
		offset += size
	}
	return nil
}

// mistake is a syntax error and the line that it is in.
type mistake struct {
	toml.ParseError
	schema schema
	text   string // of the file
	offset int    // of the error
	line   string
	key    string // of the line, if it has one
	value  string // of the line: what is after the "=", without a comment
	inKey  bool   // the error is before the "=", or there is none
}

// explainSyntax describes an error in terms of the line as written. The
// library's messages are about its grammar.
func explainSyntax(text string, e toml.ParseError, s schema) error {
	offset := min(max(e.Position.Start, 0), len(text))
	if text != withoutMark(text) {
		offset = min(offset+len("\ufeff"), len(text))
	}
	if strings.Contains(e.Message, "control characters") { // the library reports a character before it
		offset += max(0, strings.IndexFunc(strings.ReplaceAll(text[offset:], "\r\n", "\n\n"), isControl))
	}
	m := mistake{ParseError: e, schema: s, text: text, offset: offset}
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	m.line, _, _ = strings.Cut(text[start:], "\n")
	equals := strings.IndexByte(m.line, '=')
	m.inKey = equals < 0 || offset-start <= equals
	m.line = strings.TrimSpace(withoutMark(m.line))
	if key, value, ok := strings.Cut(m.line, "="); ok {
		m.key = strings.TrimSpace(key)
		m.value = strings.TrimSpace(value)
		if before, _, ok := strings.Cut(m.value, " #"); ok {
			m.value = strings.TrimSpace(before)
		}
	}
	number, column := position(text, offset)
	for _, explain := range explanations {
		if words := explain(m); words != "" {
			return fmt.Errorf("line %d, column %d: %s", number, column, words)
		}
	}
	return fmt.Errorf("line %d, column %d: %s", number, column, e.Message)
}

// isControl reports whether a TOML file cannot have the character, except as part of a
// line end.
func isControl(r rune) bool { return r < ' ' && r != '\t' && r != '\n' || r == 0x7f }

// explanations are tried in sequence, the surest first.
var explanations = []func(mistake) string{
	mistake.otherFormat, mistake.date, mistake.curlyQuotes, mistake.invisible, mistake.control, mistake.openQuote,
	mistake.setTwice, mistake.brackets, mistake.openList, mistake.noEquals, mistake.noQuotes, mistake.escape, mistake.tooMuch,
}

// otherFormat recognises a file that is JSON or XML by its beginning.
func (m mistake) otherFormat() string {
	switch start := strings.TrimSpace(withoutMark(m.text)); {
	case strings.HasPrefix(start, "{"):
		return "this file is JSON: write it as TOML, a line key = value for each key"
	case strings.HasPrefix(start, "<"):
		return "this file is XML or a web page: write it as TOML, a line key = value for each key"
	}
	return ""
}

var straight = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "‟", `"`, "«", `"`, "»", `"`, "‘", "'", "’", "'", "‚", "'", "‛", "'")

// curlyQuotes recognises the quotes of a word processor.
func (m mistake) curlyQuotes() string {
	at, size := utf8.DecodeRuneInString(m.text[m.offset:])
	if size == 0 || straight.Replace(string(at)) == string(at) {
		// The text began with a straight quote, and did not end with one.
		if at = '”'; !m.has("strings cannot contain newlines") || !strings.ContainsAny(m.value, "“”„") {
			return ""
		}
	}
	return fmt.Sprintf("%c is a curly quote: type straight ones: write %s", at, straight.Replace(m.line))
}

// invisible recognises blanks that are copied from a page or a word processor.
func (m mistake) invisible() string {
	at, _ := utf8.DecodeRuneInString(m.text[m.offset:])
	if at < utf8.RuneSelf || !unicode.IsSpace(at) && !unicode.Is(unicode.Cf, at) {
		return ""
	}
	return fmt.Sprintf("an invisible character, %U, is here: delete it, and type a blank if one is needed", at)
}

// control recognises characters that no editor shows, such as the line ends of
// old Macs.
func (m mistake) control() string {
	if !m.has("control characters") {
		return ""
	}
	if m.has("'0x0d'") {
		return `the lines end with CR alone: save the file with Unix or Windows line ends`
	}
	return "a control character is here: delete it"
}

func (m mistake) has(words string) bool { return strings.Contains(m.Message, words) }

func (m mistake) openQuote() string {
	switch {
	case m.has("strings cannot contain newlines") && m.value != "" && strings.Contains(`"'`, m.value[:1]) && strings.Count(m.value, m.value[:1]) == 1:
		return fmt.Sprintf("the closing quote is missing: write %s = %s%s", m.key, m.value, m.value[:1])
	case m.has("strings cannot contain newlines"):
		return "a closing quote is missing in this line"
	case m.has(`unexpected EOF; expected "`) && strings.Count(m.value, "'") == 1:
		return fmt.Sprintf("the closing quote is missing: write %s = %s'", m.key, m.value)
	case m.has("unexpected EOF; expected '"):
		return "a string that begins with three quotes has no end: close it with three quotes"
	}
	return ""
}

// dateLike matches a date in one of the forms that people use, or one that does
// not exist.
var dateLike = regexp.MustCompile(`^(\d{4}[-/. ]\d{1,2}([-/. ]\d{1,2}(Z|[T ][\d:.]*Z?)?)?|\d{1,2}[-/. ](\d{1,2}|[A-Za-z]+)[-/. ]\d{2,4})$`)

// plainDashes replaces the dashes that a word processor makes from hyphens.
var plainDashes = strings.NewReplacer("\u2010", "-", "\u2011", "-", "\u2012", "-", "\u2013", "-", "\u2014", "-", "\u2212", "-")

func (m mistake) date() string {
	written := strings.Trim(plainDashes.Replace(straight.Replace(m.value)), `"' `)
	if !dateLike.MatchString(written) {
		return ""
	}
	const form = "a date is year, month and day, without quotes: write %s = %s"
	if meant := isoDate(strings.TrimSuffix(written, "Z")); meant != "" {
		return fmt.Sprintf(form, m.key, meant)
	}
	return fmt.Sprintf("%s is not a date: write one as in %s = 2027-01-31", m.value, m.key)
}

func (m mistake) setTwice() string {
	if !m.has("already been defined") && !m.has("was already created") {
		return ""
	}
	// The value may be where the library saw it.
	key := strings.Trim(m.line, "[] \t")
	switch section, known := m.schema[key]; {
	case strings.HasPrefix(m.line, "[") && known && section.isRow:
		return fmt.Sprintf("write [[%s]], with two brackets on each side, before the keys of each row", key)
	case strings.HasPrefix(m.line, "["):
		return fmt.Sprintf("the section [%s] appears twice: put its keys together", key)
	}
	return fmt.Sprintf("%s is set twice: keep one of the two", m.LastKey)
}

func (m mistake) brackets() string {
	name := strings.Trim(m.line, "[] \t")
	switch {
	case m.has("table array name delimiter") && m.key != "":
		return "a closing bracket is missing, or a key is on the same line: put each key on a line of its own"
	case m.has("table names cannot be empty"):
		return "the section has no name: write one between the brackets"
	case m.has("keys cannot start with a '.'"), m.has("unexpected '='"):
		return "a key must begin and end with a letter or digit: delete the dot"
	case m.has("inline table terminator"):
		return "a { needs a comma between its keys and a } at its end: write [section] above the keys instead"
	case !strings.HasPrefix(m.line, "[") || m.key != "":
		return ""
	case m.has("to end table name") && strings.ContainsAny(name, " \t"):
		return "the name of a section can contain only letters, digits, - and _"
	case m.has("to end table name"):
		return fmt.Sprintf("the closing bracket is missing: write [%s]", name)
	case m.has("table array name delimiter"):
		return fmt.Sprintf("a closing bracket is missing: write [[%s]]", name)
	}
	return ""
}

// noEquals recognises lines that are not "key = value".
func (m mistake) noEquals() string {
	if !m.has("expected '.' or '='") {
		return ""
	}
	key, value, colon := strings.Cut(m.line, ":")
	switch {
	case strings.HasPrefix(m.line, ";"), strings.HasPrefix(m.line, "//"), strings.HasPrefix(m.line, "--"):
		return "a comment begins with #"
	case colon && m.key == "" && value != "":
		return fmt.Sprintf("write %s = %s, with an equals sign", strings.TrimSpace(key), quoted(strings.TrimSpace(value)))
	case noSign.MatchString(m.line):
		return "the equals sign is missing: write " + noSign.ReplaceAllString(m.line, "$1 = $2")
	case m.key != "" && m.inKey:
		return fmt.Sprintf("%q is not a key: a key can contain only letters, digits, - and _", m.key)
	}
	return "this is not a line of the form key = value"
}

// noSign matches a key and a value with only blanks between them.
var noSign = regexp.MustCompile(`^([\w-]+)[ \t]+(["\['].*|true|false|\d+|\d{4}-\d\d-\d\d)$`)

// quoted puts a value in quotes if TOML requires them.
func quoted(value string) string {
	if bareWord.MatchString(value) && !bareValue.MatchString(value) {
		return fmt.Sprintf("%q", strings.Trim(value, "\"'`"))
	}
	return value
}

var bareValue = regexp.MustCompile(`^(true|false|[+-]?\d+|\d{4}-\d\d-\d\d)$`)

// bareWord matches a value that needs quotes.
var bareWord = regexp.MustCompile(`^[^\s"'\[\]{}=,#]+("|')?$`)

// notAValue lists the library's messages for text that is not a value.
var notAValue = []string{
	"expected value but found", "unexpected EOF; expected value", "Invalid float", "invalid datetime", "Invalid integer",
	"expected a digit", "must start with a digit", "not a binary number", "not a hexadecimal number", "not an octal number",
}

var leadingZero = regexp.MustCompile(`^0+([1-9]\d*)$`)

func (m mistake) noQuotes() string {
	if !slices.ContainsFunc(notAValue, m.has) {
		return ""
	}
	switch folded := strings.ToLower(m.value); {
	case m.key == "":
		return "a string needs quotes"
	case m.value == "":
		return fmt.Sprintf("%s has no value: write one after the equals sign, or delete the line", m.key)
	case strings.HasPrefix(m.value, "="):
		return "write only one equals sign"
	case folded == "true" || folded == "yes" || folded == "on":
		return fmt.Sprintf("write %s = true", m.key)
	case folded == "false" || folded == "no" || folded == "off":
		return fmt.Sprintf("write %s = false", m.key)
	case leadingZero.MatchString(m.value):
		return fmt.Sprintf("a number cannot have leading zeros: write %s = %s", m.key, leadingZero.FindStringSubmatch(m.value)[1])
	case bareWord.MatchString(m.value):
		return fmt.Sprintf("a string needs quotes: write %s = %s", m.key, quoted(m.value))
	}
	return `a string needs quotes, as in "text"`
}

// looseItem matches a list in which the text of an item runs into the quote of
// the next.
var looseItem = regexp.MustCompile(`^\[(?:\s*"[^",]*",)*\s*"([^",]*), *"`)

// header matches a line that begins a section.
var header = regexp.MustCompile(`^\[+[\w.-]+\]+$`)

func (m mistake) openList() string {
	if m.value == "" && m.key != "" && m.has("unexpected EOF") {
		return "" // the file ends after an equals sign
	}
	if loose := looseItem.FindStringSubmatch(m.value); loose != nil && strings.Count(m.value, `"`)%2 == 1 {
		return fmt.Sprintf(`the closing quote of %q is missing: each item needs a quote on both sides`, loose[1])
	}
	// A key or a section in the place of an item of a list.
	isItem := m.has("expected value but found") && (m.inKey && m.key != "" || header.MatchString(m.line))
	if !isItem && !m.has("array terminator") && !m.has("unexpected comma") && !m.has("unexpected EOF; expected value") {
		return ""
	}
	return `a list needs a comma between its items and a ] at its end, as in ["one", "two"]`
}

func (m mistake) escape() string {
	if !m.has("invalid escape") && !m.has("digits after '\\") {
		return ""
	}
	return `between " and " a backslash is an escape: put the text between ' and '`
}

func (m mistake) tooMuch() string {
	if !m.has("expected a top-level item to end") {
		return ""
	}
	rest := firstWord(m.text[m.offset:])
	switch {
	case strings.HasPrefix(rest, ";"), strings.HasPrefix(rest, "//"):
		return fmt.Sprintf("text follows the value: a comment begins with #, not with %q", rest)
	case strings.HasPrefix(rest, ",") && m.key != "" && strings.Count(m.value, `"`) > 2:
		return fmt.Sprintf("several values need a list: write %s = [%s]", m.key, m.value)
	}
	return fmt.Sprintf("text follows the value: delete it from %q", rest)
}

func firstWord(text string) string {
	if fields := strings.Fields(text); len(fields) > 0 {
		return fields[0]
	}
	return ""
}
