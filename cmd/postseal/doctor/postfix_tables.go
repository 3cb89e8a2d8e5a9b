package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// tables looks into the tables of Postfix, such as hash:/etc/postfix/access.
type tables interface {
	// query returns the values of the keys that are in the table.
	query(table string, keys []string) (map[string]string, error)
	// list returns the entries of an indexed table.
	list(table string) ([]Entry, error)
}

// keptTables keeps the answers of tables, because the checks ask for the same ones, and
// each answer takes a program.
type keptTables struct {
	tables
	queries map[string]kept[map[string]string] // by table and keys
	lists   map[string]kept[[]Entry]
}

// kept is an answer. An error is kept too: a database that does not answer can take
// long each time.
type kept[A any] struct {
	answer A
	err    error
}

func keep(t tables) tables {
	return &keptTables{t, make(map[string]kept[map[string]string]), make(map[string]kept[[]Entry])}
}

func (k *keptTables) query(table string, keys []string) (map[string]string, error) {
	question := strings.Join(append([]string{table}, keys...), "\n")
	found, ok := k.queries[question]
	if !ok {
		found.answer, found.err = k.tables.query(table, keys)
		k.queries[question] = found
	}
	return found.answer, found.err
}

func (k *keptTables) list(table string) ([]Entry, error) {
	found, ok := k.lists[table]
	if !ok {
		found.answer, found.err = k.tables.list(table)
		k.lists[table] = found
	}
	return found.answer, found.err
}

// Entry is a row of a table. Key is the pattern if the table has patterns.
type Entry struct{ Key, Value string }

// Lookup looks up keys in a list of maps as Postfix does: the first key in each map
// in order, then the next key.
func (p *Postfix) Lookup(maps string, keys ...string) (value string, found bool, err error) {
	var answers []map[string]string
	for _, table := range splitList(maps) {
		answer, err := p.tables.query(table, keys)
		if err != nil {
			return "", false, err
		}
		answers = append(answers, answer)
	}
	value, found = lookup(answers, keys)
	return value, found, nil
}

// lookup looks up keys in the answers of maps.
func lookup(answers []map[string]string, keys []string) (value string, found bool) {
	for _, key := range keys {
		for _, answer := range answers {
			if value, ok := answer[key]; ok {
				return value, true
			}
		}
	}
	return "", false
}

// Entries returns the rows of all maps of a list. complete is false if a map cannot
// be listed, such as one in a database.
func (p *Postfix) Entries(maps string) (entries []Entry, complete bool, err error) {
	complete = true
	for _, table := range splitList(maps) {
		found, whole, err := p.entriesOf(table)
		if err != nil {
			return entries, false, err
		}
		entries, complete = append(entries, found...), complete && whole
	}
	return entries, complete, nil
}

func (p *Postfix) entriesOf(table string) (entries []Entry, complete bool, err error) {
	kind, name, _ := strings.Cut(table, ":")
	inner, braces := inBraces(name)
	switch kind {
	case "proxy":
		return p.entriesOf(name)
	case "unionmap", "pipemap":
		return p.Entries(inner)
	case "static":
		if braces {
			name = inner
		}
		return []Entry{{"*", name}}, true, nil
	case "randmap":
		for _, value := range splitList(inner) {
			entries = append(entries, Entry{"*", value})
		}
		return entries, true, nil
	case "inline":
		for _, row := range splitList(inner) {
			if in, ok := inBraces(row); ok {
				row = in
			}
			key, value, _ := strings.Cut(row, "=")
			entries = append(entries, Entry{strings.TrimSpace(key), strings.TrimSpace(value)})
		}
		return entries, true, nil
	case "texthash", "regexp", "pcre", "cidr":
		if braces {
			for _, row := range splitList(inner) {
				if in, ok := inBraces(row); ok {
					row = in
				}
				entries = append(entries, entryOf(kind, row))
			}
			return entries, true, nil
		}
		text, err := readFile(name)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", table, err)
		}
		for _, line := range logicalLines(text) {
			entries = append(entries, entryOf(kind, line))
		}
		return slices.DeleteFunc(entries, func(e Entry) bool { return e.Value == "" || kind != "texthash" && strings.EqualFold(e.Key, "if") }), true, nil
	case "hash", "btree", "lmdb", "dbm", "sdbm": // Postfix cannot list cdb
		entries, err := p.tables.list(table)
		return entries, err == nil, err
	}
	return nil, false, nil
}

// entryOf reads a row. A pattern ends at its second delimiter and its flags.
func entryOf(kind, row string) Entry {
	row = strings.TrimSpace(row)
	end := 0
	if start := strings.TrimPrefix(row, "!"); (kind == "regexp" || kind == "pcre") && start != "" && !isWord(start[0]) {
		delimiter, skip := start[0], len(row)-len(start)+1
		for end = skip; end < len(row) && row[end] != delimiter; end++ {
			if row[end] == '\\' {
				end++
			}
		}
		end = min(end, len(row))
	}
	blank := strings.IndexAny(row[end:], " \t")
	if blank < 0 {
		return Entry{Key: row}
	}
	return Entry{row[:end+blank], strings.TrimSpace(row[end+blank:])}
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// logicalLines joins each line with the indented lines after it, and leaves out
// comments.
func logicalLines(text string) (lines []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		switch trimmed := strings.TrimLeft(line, " \t"); {
		case trimmed == "" || trimmed[0] == '#':
		case trimmed != line && len(lines) > 0:
			lines[len(lines)-1] += " " + trimmed
		default:
			lines = append(lines, line)
		}
	}
	return lines
}

// splitList splits a list at commas and blanks, but not inside braces.
func splitList(list string) (elements []string) {
	start, depth := -1, 0
	for i := 0; i <= len(list); i++ {
		end := i == len(list) || depth == 0 && strings.IndexByte(", \t\r\n", list[i]) >= 0
		switch {
		case end && start >= 0:
			elements = append(elements, list[start:i])
			start = -1
		case !end && start < 0:
			start = i
		}
		if i < len(list) {
			switch list[i] {
			case '{':
				depth++
			case '}':
				depth--
			}
		}
	}
	return elements
}

// inBraces returns what is between the braces of a text.
func inBraces(text string) (inner string, ok bool) {
	text = strings.TrimSpace(text)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return "", false
	}
	return strings.TrimSpace(text[1 : len(text)-1]), true
}
