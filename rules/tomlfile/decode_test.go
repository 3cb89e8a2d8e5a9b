package tomlfile

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

type colour string

func (c *colour) UnmarshalText(text []byte) error {
	if *c = colour(text); *c != "red" && *c != "blue" {
		return fmt.Errorf("%q is not one of [red blue]", text)
	}
	return nil
}

type file struct {
	Mode    colour   `toml:"mode"`
	Domains []string `toml:"local_domains"`
	Rules   struct {
		Edition string   `toml:"edition"`
		Age     int      `toml:"max_age"`
		Days    []int    `toml:"days"`
		Files   []string `toml:"files"`
	} `toml:"rules"`
	Row []struct {
		Name    string    `toml:"name"`
		Sub     bool      `toml:"subdomains"`
		Class   *colour   `toml:"class"`
		Expires time.Time `toml:"expires"`
	} `toml:"domain"`
}

func TestDecode(t *testing.T) {
	var f file
	f.Rules.Edition = "kept"
	places, err := Decode([]byte("\ufeffmode = \"red\"\nlocal_domains = ['a', \"b\"]\nrules.max_age = 7\n[[domain]]\nname = \"x\"\nsubdomains = true\nclass = \"blue\"\nexpires = 2027-03-31 # spring\n[[domain]]\n"), &f)
	if err != nil {
		t.Fatal(err)
	}
	if f.Mode != "red" || len(f.Domains) != 2 || f.Rules.Age != 7 || f.Rules.Edition != "kept" || len(f.Row) != 2 || f.Row[0].Name != "x" || !f.Row[0].Sub || *f.Row[0].Class != "blue" || f.Row[1].Class != nil {
		t.Errorf("got %+v", f)
	}
	if want := time.Date(2027, 3, 31, 0, 0, 0, 0, time.Local); !f.Row[0].Expires.Equal(want) || !f.Row[1].Expires.IsZero() {
		t.Errorf("got %v", f.Row[0].Expires)
	}
	located := places.Locate(errors.Join(&Fault{"domain[1]", errors.New("one")}, fmt.Errorf("two: %w", &Fault{"gone", errors.New("x")}), errors.New("three")))
	if want := "line 9, column 1: one\ntwo: x\nthree"; located.Error() != want {
		t.Errorf("got %q, want %q", located, want)
	}
}

// TestMistakes compares the whole text of each error.
func TestMistakes(t *testing.T) {
	const date = "must be a date without a time or quotes, as in 2027-01-31"
	for _, test := range []struct{ text, want string }{
		// Keys.
		{"modes = \"red\"", "line 1, column 1: unknown key modes: did you mean mode?"},
		{"Mode = \"red\"\nmode = \"blue\"", "line 1, column 1: unknown key Mode: keys are case-sensitive: write mode"},
		{"[Rules]\nmax_age = 1", "line 1, column 1: unknown key Rules: keys are case-sensitive: write rules"},
		{"[[domain]]\n[[domain]]\nCLASS = \"red\"\nclass = \"blue\"", "line 3, column 1: unknown key domain.CLASS: keys are case-sensitive: write class"},
		{"local-domains = []", "line 1, column 1: unknown key local-domains: did you mean local_domains?"},
		{"[rules]\nmaximum = 3", "line 2, column 1: unknown key rules.maximum: the keys of [rules] are edition, max_age, days and files"},
		{"nonsense = 1", "line 1, column 1: unknown key nonsense: the keys and sections are mode, local_domains, rules and domain"},
		{"[rule]\na = 1\nb = 2", "line 1, column 1: unknown key rule: did you mean rules?"},
		{"[rules]\nmax_age = 1\n\n  mode = \"red\"", "line 4, column 3: unknown key rules.mode: mode has no section: put it above the first [section]"},
		{"[rules]\nexpires = 2027-01-01", "line 2, column 1: unknown key rules.expires: put expires below [[domain]]"},
		{"max_age = 1", "line 1, column 1: unknown key max_age: put max_age below [rules]"},
		{"[[domain]]\nname = \"x\"\nexpire = 2027-01-01", "line 3, column 1: unknown key domain.expire: did you mean expires?"},
		{"x = 1\n[rules]\ny = 1", "line 1, column 1: unknown key x: the keys and sections are mode, local_domains, rules and domain\nline 3, column 1: unknown key rules.y: the keys of [rules] are edition, max_age, days and files"},
		{"rules.edition = \"x\"\nrules.edition = \"y\"", "line 2, column 1: rules.edition is set twice: keep one of the two"},
		{"mode = \"red\"\nmode = \"red\"", "line 2, column 1: mode is set twice: keep one of the two"},
		// Values of a wrong type.
		{"local_domains = \"trust.example\"", "line 1, column 1: local_domains must be a list, in square brackets: write local_domains = [\"trust.example\"]"},
		{"local_domains = [\"a\", 3]", "line 1, column 23: item 2 of local_domains must be a string in quotes: write \"3\""},
		{"mode = [\"red\"]", "line 1, column 1: mode must be a string in quotes: write mode = \"red\""},
		{"mode = [\"red\", \"blue\"]", "line 1, column 1: mode must be a string in quotes"},
		{"mode = true", "line 1, column 1: mode must be a string in quotes: write mode = \"true\""},
		{"mode = \"green\"", "line 1, column 1: mode: \"green\" is not one of [red blue]"},
		{"[rules]\nmax_age = \"7\"", "line 2, column 1: rules.max_age must be a number, without quotes: write max_age = 7"},
		{"[rules]\nmax_age = 7.5", "line 2, column 1: rules.max_age must be a whole number"},
		{"local_domains = [1, \"a\"]", "line 1, column 18: item 1 of local_domains must be a string in quotes: write \"1\""},
		{"[rules]\nmax_age = \"a week\"", "line 2, column 1: rules.max_age must be a number, without quotes"},
		{"[rules]\ndays = [\"7\"]", "line 2, column 9: item 1 of rules.days must be a number, without quotes: write 7"},
		{"[rules]\ndays = 7", "line 2, column 1: rules.days must be a list, in square brackets: write days = [7]"},
		{"[[domain]]\nsubdomains = \"true\"", "line 2, column 1: domain.subdomains must be true or false, without quotes: write subdomains = true"},
		{"[[domain]]\nsubdomains = \"Yes\"", "line 2, column 1: domain.subdomains must be true or false, without quotes: write subdomains = true"},
		{"[[domain]]\nsubdomains = 1", "line 2, column 1: domain.subdomains must be true or false, without quotes"},
		{"[domain]\nname = \"x\"", "line 1, column 1: domain: write [[domain]], with two brackets on each side, before the keys of each row"},
		{"[domain]\nname = \"x\"\n[domain]\nname = \"y\"", "line 3, column 2: write [[domain]], with two brackets on each side, before the keys of each row"},
		{"[[domain]]\nname = \"x\"\n[domain]\nname = \"y\"", "line 3, column 2: write [[domain]], with two brackets on each side, before the keys of each row"},
		{"domain = [\"x\"]", "line 1, column 11: item 1 of domain is not a string: write each as [[domain]] with its keys below"},
		{"[[rules]]\nmax_age = 1", "line 1, column 1: rules is a section: write [rules], with one bracket on each side, and its keys below"},
		{"rules = 1", "line 1, column 1: rules is a section: write [rules], with one bracket on each side, and its keys below"},
		{"[rules]\nmax_age = 1\n[rules]\n", "line 3, column 2: the section [rules] appears twice: put its keys together"},
		// Dates.
		{"[[domain]]\nexpires = \"2027-01-31\"", "line 2, column 1: domain.expires " + date + ": write expires = 2027-01-31"},
		{"[[domain]]\nexpires = \"31/1/2027\"", "line 2, column 1: domain.expires " + date + ": write expires = 2027-01-31"},
		{"[[domain]]\nexpires = \"31st of January\"", "line 2, column 1: domain.expires " + date},
		{"[[domain]]\nexpires = 2027-01-31T23:59:59Z", "line 2, column 1: domain.expires " + date + ": write expires = 2027-01-31"},
		{"[[domain]]\nexpires = 2027-01-31 23:59:59", "line 2, column 1: domain.expires " + date + ": write expires = 2027-01-31"},
		{"[[domain]]\nexpires = 2027-01-31T23:59:59.5+01:00", "line 2, column 1: domain.expires " + date + ": write expires = 2027-01-31"},
		{"[[domain]]\nexpires = 07:32:00", "line 2, column 1: domain.expires " + date},
		{"[[domain]]\nexpires = 0001-01-01", "line 2, column 1: domain.expires " + date},
		{"[[domain]]\nexpires = 20270131", "line 2, column 1: domain.expires " + date + ": write expires = 2027-01-31"},
		{"[[domain]]\nexpires = 31/01/2027", "line 2, column 13: a date is year, month and day, without quotes: write expires = 2027-01-31"},
		{"[[domain]]\nexpires = 31.01.2027 # Sunday", "line 2, column 11: a date is year, month and day, without quotes: write expires = 2027-01-31"},
		{"[[domain]]\nexpires = 31 January 2027", "line 2, column 13: a date is year, month and day, without quotes: write expires = 2027-01-31"},
		{"[[domain]]\nexpires = 2027-1-31", "line 2, column 11: a date is year, month and day, without quotes: write expires = 2027-01-31"},
		{"[[domain]]\nexpires = 27-01-31", "line 2, column 11: 27-01-31 is not a date: write one as in expires = 2027-01-31"},
		{"[[domain]]\nexpires = 2027-01", "line 2, column 11: 2027-01 is not a date: write one as in expires = 2027-01-31"},
		{"[[domain]]\nexpires = 2027-01-31Z", "line 2, column 11: a date is year, month and day, without quotes: write expires = 2027-01-31"},
		{"[[domain]]\nexpires = 2027\u201301\u201331", "line 2, column 15: a date is year, month and day, without quotes: write expires = 2027-01-31"},
		{"[[domain]]\nexpires = \u201c2027-01-31\u201d", "line 2, column 11: a date is year, month and day, without quotes: write expires = 2027-01-31"},
		{"[[domain]]\nexpires = 2027-02-31", "line 2, column 11: 2027-02-31 is not a date: write one as in expires = 2027-01-31"},
		// Syntax.
		{"mode = “red”", "line 1, column 8: “ is a curly quote: type straight ones: write mode = \"red\""},
		{"mode = \"red”\nx = 1", "line 1, column 13: ” is a curly quote: type straight ones: write mode = \"red\""},
		{"local_domains = [ ‘a’ ]", "line 1, column 19: ‘ is a curly quote: type straight ones: write local_domains = [ 'a' ]"},
		{"“mode” = \"red\"", "line 1, column 1: “ is a curly quote: type straight ones: write \"mode\" = \"red\""},
		{"mode = \"red\n", "line 1, column 12: the closing quote is missing: write mode = \"red\""},
		{"mode = 'red\n", "line 1, column 12: the closing quote is missing: write mode = 'red'"},
		{"mode = red\"\n", "line 1, column 8: a string needs quotes: write mode = \"red\""},
		{"mode = red # x\n", "line 1, column 8: a string needs quotes: write mode = \"red\""},
		{"local_domains = [\"a\", \"b]\n", "line 1, column 26: a closing quote is missing in this line"},
		{"local_domains = [a.example]\n", "line 1, column 18: a string needs quotes, as in \"text\""},
		{"local_domains = [\n  a.example,\n]\n", "line 2, column 3: a string needs quotes"},
		{"local_domains = [\"a\" \"b\"]\n", "line 1, column 22: a list needs a comma between its items and a ] at its end, as in [\"one\", \"two\"]"},
		{"local_domains = [\"a\"\n\n[rules]\n", "line 3, column 1: a list needs a comma between its items and a ] at its end, as in [\"one\", \"two\"]"},
		{"local_domains = [\"a\",\n[rules]\nmax_age=1\n", "line 2, column 2: a list needs a comma between its items and a ] at its end, as in [\"one\", \"two\"]"},
		{"local_domains = [\"a\",\nmode = \"red\"\n", "line 2, column 1: a list needs a comma between its items and a ] at its end, as in [\"one\", \"two\"]"},
		{"local_domains = [\"a\",\n", "line 1, column 22: a list needs a comma between its items and a ] at its end, as in [\"one\", \"two\"]"},
		{"local_domains = [\"a\"", "line 1, column 20: a list needs a comma between its items and a ] at its end, as in [\"one\", \"two\"]"},
		{"local_domains = \"a\", \"b\"\n", "line 1, column 20: several values need a list: write local_domains = [\"a\", \"b\"]"},
		{"local_domains = {\"a\"}\n", "line 1, column 21: this is not a line of the form key = value"},
		{"mode\u00a0= \"red\"\n", "line 1, column 5: an invisible character, U+00A0, is here: delete it, and type a blank if one is needed"},
		{"mode =\u00a0\"red\"\n", "line 1, column 7: an invisible character, U+00A0, is here: delete it, and type a blank if one is needed"},
		{"\u200bmode = \"red\"", "line 1, column 1: an invisible character, U+200B, is here: delete it, and type a blank if one is needed"},
		{"mode = \"red\" // x\n", "line 1, column 13: text follows the value: a comment begins with #, not with \"//\""},
		{"[[domain]]\nname = 1.2.3\n", "line 2, column 8: a string needs quotes: write name = \"1.2.3\""},
		{"[[domain]]\nname = clinic.example\n", "line 2, column 8: a string needs quotes: write name = \"clinic.example\""},
		{"[rules.files]\nx=1\n", "line 1, column 1: rules.files must be a list, in square brackets"},
		{"[[domain.x]]\n", "line 1, column 1: domain: write [[domain]], with two brackets on each side, before the keys of each row"},
		{"mode = \"\"\"red\n", "line 1, column 14: a string that begins with three quotes has no end: close it with three quotes"},
		{"mode: red", "line 1, column 5: write mode = \"red\", with an equals sign"},
		{"max_age: 7", "line 1, column 8: write max_age = 7, with an equals sign"},
		{"mode \"red\"", "line 1, column 6: the equals sign is missing: write mode = \"red\""},
		{"local_domains [\"a\"]", "line 1, column 15: the equals sign is missing: write local_domains = [\"a\"]"},
		{"mode red", "line 1, column 6: this is not a line of the form key = value"},
		{"mode = `red`", "line 1, column 8: a string needs quotes: write mode = \"red\""},
		{"mode =", "line 1, column 6: mode has no value: write one after the equals sign, or delete the line"},
		{"local_domains = [\"a, \"b\"]\n", "line 1, column 23: the closing quote of \"a\" is missing: each item needs a quote on both sides"},
		{"local_domains = [\"a\", \"b, \"c\"]\n", "line 1, column 28: the closing quote of \"b\" is missing: each item needs a quote on both sides"},
		{"{\"mode\": \"red\"}", "line 1, column 1: this file is JSON: write it as TOML, a line key = value for each key"},
		{"<config mode=\"red\"/>", "line 1, column 1: this file is XML or a web page: write it as TOML, a line key = value for each key"},
		{"mode = \"red\"\rlocal_domains = []\r", "line 1, column 13: the lines end with CR alone: save the file with Unix or Windows line ends"},
		{"mode = \"red\"\x01", "line 1, column 13: a control character is here: delete it"},
		{"# a\n\x01mode = \"red\"", "line 2, column 1: a control character is here: delete it"},
		{"# a\r\n\r\n\x01mode = \"red\"", "line 3, column 1: a control character is here: delete it"},
		{"local domains = []", "line 1, column 7: \"local domains\" is not a key: a key can contain only letters, digits, - and _"},
		{"; comment", "line 1, column 1: a comment begins with #"},
		{"mode =\n", "line 1, column 7: mode has no value: write one after the equals sign, or delete the line"},
		{"mode == \"red\"", "line 1, column 7: write only one equals sign"},
		{"[[domain]]\nsubdomains = True", "line 2, column 14: write subdomains = true"},
		{"[[domain]]\nsubdomains = no", "line 2, column 14: write subdomains = false"},
		{"[rules\nmax_age = 1", "line 1, column 7: the closing bracket is missing: write [rules]"},
		{"[[domain]\nname = \"x\"", "line 1, column 9: a closing bracket is missing: write [[domain]]"},
		{"mode = \"red\",", "line 1, column 13: text follows the value: delete it from \",\""},
		{"mode = \"\\d\"", "line 1, column 9: between \" and \" a backslash is an escape: put the text between ' and '"},
		{"[rules]\nfiles = [\"C:\\x\\*.toml\"]", "line 2, column 11: between \" and \" a backslash is an escape: put the text between ' and '"},
		{"[rules]\ndays = [, 8]", "line 2, column 9: a list needs a comma between its items and a ] at its end, as in [\"one\", \"two\"]"},
		{"\xff\xfem\x00", "the file is UTF-16 or not a text file: save it as UTF-8"},
		{"mode = \"red\"\n# caf\xe9", "line 2, column 6: the octet 0xe9 is not UTF-8: save the file as UTF-8"},
		{"[rules]\nmax_age = 07", "line 2, column 11: a number cannot have leading zeros: write max_age = 7"},
		{"[rules]\nmax_age = -", "line 2, column 11: a string needs quotes: write max_age = \"-\""},
		{"mode = +red", "line 1, column 8: a string needs quotes: write mode = \"+red\""},
		{"mode = .red", "line 1, column 8: a string needs quotes: write mode = \".red\""},
		{"mode = 'red", "line 1, column 11: the closing quote is missing: write mode = 'red'"},
		{"[]\nmax_age = 7", "line 1, column 2: the section has no name: write one between the brackets"},
		{".mode = \"red\"", "line 1, column 1: a key must begin and end with a letter or digit: delete the dot"},
		{"rules = {max_age = 7\n", "line 1, column 21: a { needs a comma between its keys and a } at its end: write [section] above the keys instead"},
		{"[[domain]name = \"x\"", "line 1, column 9: a closing bracket is missing, or a key is on the same line: put each key on a line of its own"},
	} {
		t.Run(test.text, func(t *testing.T) {
			// The order of a map is random, but the error must not be.
			for range 8 {
				var f file
				_, err := Decode([]byte(test.text), &f)
				if err == nil {
					t.Fatalf("taken: %+v", f)
				}
				if err.Error() != test.want {
					t.Fatalf("\ngot  %s\nwant %s", err, test.want)
				}
			}
		})
	}
}

// FuzzDecode checks that reading any file ends, and that each line of the error
// is printable.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{sample, "mode = \"red\"", "[[domain]]\nexpires = 2027-01-31\n", "mode = “x\n", "domain = [{name = 1}]", "a.b=1\na=2", "=", "[", "\ufeff[[", "x = '"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var v file
		if _, err := Decode(text, &v); err != nil && strings.TrimSpace(err.Error()) == "" {
			t.Error("an error without words")
		}
	})
}
