package tomlfile

import (
	"regexp"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

const sample = "\ufeff# a comment [no.section]\nmode = \"a # b\" # c\r\nlist = [\n  \"x]\", # ],\n  'y\\',\n]\n" +
	"[rules] # x\nfiles = []\n'quoted key'.\"with \\u0061\" = \"\"\"a\n[not]\n= \"\" \"\"\"\"\"\n" +
	"[[policy]]\nname = \"one\"\n[[policy]]\n  name=\"two\"\nwhen = 2027-01-31 07:32:00\nin = { a = 1, b.c = [ { d = '''x''' } ] }\n" +
	"[[policy.sub]]\nk = 1\n[policy.sub.deep]\nk = 2\n"

func TestPlaces(t *testing.T) {
	p := findPlaces(sample)
	for _, test := range []struct {
		path, value  string
		line, column int
	}{
		{"mode", `"a # b"`, 2, 1},
		{"list", "[\n  \"x]\", # ],\n  'y\\',\n]", 3, 1},
		{"list[1]", `'y\'`, 5, 3},
		{"rules", "", 7, 1},
		{`rules."quoted key"."with a"`, "\"\"\"a\n[not]\n= \"\" \"\"\"\"\"", 9, 1},
		{"policy[1].name", `"two"`, 15, 3},
		{"policy[1].when", "2027-01-31 07:32:00", 16, 1},
		{"policy[1].in.b.c[0].d", "'''x'''", 17, 25},
		{"policy[1].sub[0].deep.k", "2", 21, 1},
	} {
		line, column, ok := p.At(test.path)
		if !ok || line != test.line || column != test.column || p.value(test.path) != test.value {
			t.Errorf("%s: line %d, column %d, %q, %v", test.path, line, column, p.value(test.path), ok)
		}
	}
	if _, _, ok := p.At("policy[2]"); ok {
		t.Error("a row that is not there has a place")
	}
}

var index = regexp.MustCompile(`\[\d+\]`)

// FuzzPlaces compares the scanner with the library: both must find the same
// keys in all TOML that the library accepts.
func FuzzPlaces(f *testing.F) {
	for _, seed := range []string{sample, "", "a=1", "a.b=1\na.c=2", "a = ''''x'''''", "\"\" = 1", "a = [[1,2],[{b=1}]]\n[[x]]\n[x.y]\n", "a = \"\\\"\"\n b = '\\'", "a=inf#x", "[a]\n[a.b]\n[[a.c]]\n", "a = {\n b = 1, # }\n c = 2,\n}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var tree map[string]any
		meta, err := toml.Decode(text, &tree)
		p := findPlaces(text)                      // which must end for any input
		if err != nil || !utf8.ValidString(text) { // the library accepts a UTF-16 byte order mark alone
			return
		}
		var got, want []string
		for _, key := range p.keys {
			// The name of a key can look like an index.
			got = append(got, index.ReplaceAllString(key, ""))
		}
		for _, key := range meta.Keys() {
			want = append(want, index.ReplaceAllString(key.String(), ""))
		}
		slices.Sort(got)
		slices.Sort(want)
		if got, want = slices.Compact(got), slices.Compact(want); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}
