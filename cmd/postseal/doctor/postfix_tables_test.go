package doctor

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestEntries(t *testing.T) {
	file := filepath.Join(t.TempDir(), "map")
	text := "# comment\nif /x/\n/^a \\/ b$/i  REDIRECT x@example.org\n!/c/ OK\n\n/d/\n  FILTER smtp:[192.0.2.1]\nendif\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p := fakePostfix("", "", map[string]map[string]string{"hash:/x": {"a": "1", "b": "2"}})
	for _, test := range []struct {
		maps     string
		want     []Entry
		complete bool
	}{
		{"", nil, true},
		{"static:DISABLE, static:{ a b }", []Entry{{"*", "DISABLE"}, {"*", "a b"}}, true},
		{"inline:{ a=1, { b = 2 3 } }", []Entry{{"a", "1"}, {"b", "2 3"}}, true},
		{"unionmap:{static:x,inline:{a=1}}", []Entry{{"*", "x"}, {"a", "1"}}, true},
		{"proxy:hash:/x", []Entry{{"a", "1"}, {"b", "2"}}, true},
		{"pcre:{ { /a b/ x y } }", []Entry{{"/a b/", "x y"}}, true},
		{"pcre:" + file, []Entry{{"/^a \\/ b$/i", "REDIRECT x@example.org"}, {"!/c/", "OK"}, {"/d/", "FILTER smtp:[192.0.2.1]"}}, true},
		{"ldap:/x static:y", []Entry{{"*", "y"}}, false},
		{"cdb:/x", nil, false},
	} {
		got, complete, err := p.Entries(test.maps)
		if err != nil || complete != test.complete || !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, %v, %v", test.maps, got, complete, err)
		}
	}
	if _, _, err := p.Entries("pcre:/nonexistent"); err == nil {
		t.Error("a map that does not exist has entries")
	}
}
