package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/accredited"
)

const testLists = "../../testdata/lists"

// site is a configuration with a path for its accredited list.
type site struct{ dir, config, list string }

func newSite(tb testing.TB) site {
	tb.Helper()
	dir := tb.TempDir()
	s := site{dir, filepath.Join(dir, "postseal.toml"), filepath.Join(dir, "lib", "accredited.csv")}
	if err := os.Mkdir(filepath.Dir(s.list), 0o755); err != nil {
		tb.Fatal(err)
	}
	writeFile(tb, s.config, fmt.Appendf(nil, "[rules]\naccredited = %q\n", s.list))
	return s
}

func writeFile(tb testing.TB, name string, data []byte) {
	tb.Helper()
	if err := os.WriteFile(name, data, 0o644); err != nil {
		tb.Fatal(err)
	}
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// importing runs the command.
func (s site) importing(in io.Reader, args ...string) (code int, out, stderr string) {
	var o, e bytes.Buffer
	code = run(append([]string{"import", "-config", s.config}, args...), stdio{in, &o, &e})
	return code, o.String(), e.String()
}

// left returns the names of the files in the list's directory.
func (s site) left(tb testing.TB) []string {
	tb.Helper()
	entries, err := os.ReadDir(filepath.Dir(s.list))
	if err != nil {
		tb.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// tenRows is a list in the form that import writes.
const tenRows = `Organisation Name,Domain name
Example Hospice,a.example
Example Hospice,b.example
Example Trust,c.example
Example Trust,d.example
Example Trust,e.example
Example Trust,f.example
Example Trust,g.example
Example Trust,h.example
Example Trust,i.example
Example Trust,j.example
`

// firstList is a list of n rows in the form that import writes.
func firstList(rows int) string {
	var b strings.Builder
	b.WriteString("Organisation Name,Domain name\n")
	for i := range rows {
		fmt.Fprintf(&b, "Example Trust,a%03d.example\n", i)
	}
	return b.String()
}

// edit returns a changed copy of tenRows.
func edit(oldnew ...string) string { return strings.NewReplacer(oldnew...).Replace(tenRows) }

func TestImport(t *testing.T) {
	oneOfEach := edit("Example Hospice,b", "EXAMPLE HOSPICE,bb", "Example Trust,d.example\n", "")
	fourLess := edit("Example Trust,c.example\nExample Trust,d.example\nExample Trust,e.example\nExample Trust,f.example\n", "")
	twoLess := edit("Example Trust,c.example\nExample Trust,d.example\n", "")
	first := firstList(minFirstList)
	withGmail := tenRows + "Evil,gmail.com\n"
	acceptedGmail := edit("Domain name\n", "Domain name,Accepted with -accept\n", "g.example\n", "g.example,no\nEvil,gmail.com,yes\n", "example\n", "example,no\n")
	const oneOfEachOut = "Example Hospice: 1 added, 1 removed, 1 kept: +bb.example -b.example\nExample Trust: 0 added, 1 removed, 7 kept: -d.example\n"
	const fourLessOut = "Example Trust: 0 added, 4 removed, 4 kept: -c.example -d.example -e.example -f.example\n"
	for _, test := range []struct {
		name       string
		old, fresh string // an empty old list counts as no list
		args       []string
		code       int
		want       string // the list afterwards; empty if there is none
		out        string
		stderr     []string
	}{
		{name: "first", fresh: first, want: first,
			stderr: []string{"new.csv: 100 domains in a first list: written to LIST: a running postseal loads it automatically"}},
		{name: "first, verbose", fresh: first, args: []string{"-v"}, want: first,
			out: "Example Trust (0 kept)\n" + strings.ReplaceAll(strings.TrimPrefix(first, "Organisation Name,Domain name\n"), "Example Trust,", "  + "), stderr: []string{"written to LIST"}},
		{name: "first, short", fresh: firstList(minFirstList - 1), code: 3,
			stderr: []string{"new.csv: 99 domains in a first list: held: a first list of 99 domains, fewer than 100, may be incomplete: LIST is unchanged: check the rows and the differences, then import again with -accept"}},
		{name: "first, short, accepted", fresh: tenRows, args: []string{"-accept"}, want: tenRows, stderr: []string{"10 domains in a first list: written"}},
		{name: "same", old: tenRows, fresh: tenRows, want: tenRows,
			stderr: []string{"new.csv: 10 domains (0 added, 0 removed, 10 kept): unchanged: the timestamp of LIST is updated"}},
		{name: "same, in another form", old: tenRows, fresh: "\ufeff" + strings.ReplaceAll(edit("a.example", "A.Example "), "\n", "\r\n"), want: tenRows,
			stderr: []string{"unchanged"}},
		{name: "same, the old one as it was published", old: edit(",", ";", "Organisation Name", "sep=;\nOrganisation"), fresh: tenRows, want: tenRows,
			stderr: []string{"10 domains (0 added, 0 removed, 10 kept): written to LIST"}},
		{name: "one of each, two spellings", old: tenRows, fresh: oneOfEach, want: oneOfEach,
			out: oneOfEachOut, stderr: []string{"9 domains (1 added, 2 removed, 8 kept): written to LIST"}},
		{name: "one of each, verbose", old: tenRows, fresh: oneOfEach, args: []string{"-v"}, want: oneOfEach,
			out: "Example Hospice (1 kept)\n  + bb.example\n  - b.example\nExample Trust (7 kept)\n  - d.example\n", stderr: []string{"written"}},
		{name: "organisation renamed", old: tenRows, fresh: edit("Example Trust,c", "Example NHS Trust,c"), want: edit("Example Trust,c", "Example NHS Trust,c"),
			stderr: []string{"10 domains (0 added, 0 removed, 10 kept): written to LIST"}},
		{name: "too many removed", old: tenRows, fresh: fourLess, code: 3, want: tenRows,
			out:    fourLessOut,
			stderr: []string{"held: 4 of 10 domains would be removed and 0 added, more than 20 per cent: LIST is unchanged: check the rows and the differences, then import again with -accept"}},
		{name: "too many removed, accepted", old: tenRows, fresh: fourLess, args: []string{"-accept"}, want: fourLess,
			out: fourLessOut, stderr: []string{"written"}},
		{name: "more than half removed, accepted", old: tenRows, fresh: "Organisation Name,Domain name\nExample Trust,c.example\n", args: []string{"-accept"}, want: "Organisation Name,Domain name\nExample Trust,c.example\n",
			out:    "Example Hospice: 0 added, 2 removed, 0 kept: -a.example -b.example\nExample Trust: 0 added, 7 removed, 1 kept: -d.example -e.example -f.example -g.example -h.example and 2 more\n",
			stderr: []string{"written to LIST: more than half of the rows are gone: run systemctl reload postseal to load it"}},
		{name: "as many as allowed", old: tenRows, fresh: twoLess, want: twoLess,
			out: "Example Trust: 0 added, 2 removed, 6 kept: -c.example -d.example\n", stderr: []string{"written"}},
		{name: "too many added", old: fourLess, fresh: tenRows, code: 3, want: fourLess,
			out: strings.ReplaceAll(strings.Replace(fourLessOut, "0 added, 4 removed", "4 added, 0 removed", 1), "-", "+"), stderr: []string{"held: 0 of 6 domains would be removed and 4 added"}},
		{name: "dry run", old: tenRows, fresh: oneOfEach, args: []string{"-dry-run"}, want: tenRows,
			out: oneOfEachOut, stderr: []string{"not written to LIST, because of -dry-run"}},
		{name: "dry run of what would be held", old: tenRows, fresh: fourLess, args: []string{"-dry-run"}, code: 3, want: tenRows,
			out: fourLessOut, stderr: []string{"held: "}},
		{name: "damaged, even if accepted", old: tenRows, fresh: "Organisation Name,Domain name\n", args: []string{"-accept"}, code: 1, want: tenRows,
			stderr: []string{"new.csv: no row follows the column headers", "the list is refused: LIST is unchanged"}},
		{name: "row left out", old: tenRows, fresh: tenRows + "Example Dental,see note\n", want: tenRows,
			stderr: []string{`new.csv: row 12: "see note" is not a domain name: left out`, "10 kept), 1 row left out: unchanged"}},
		{name: "consumer mail", old: tenRows, fresh: withGmail, code: 3, want: tenRows,
			stderr: []string{`new.csv: row 12: "gmail.com" is a consumer mail service, where anybody can have an address: needs -accept`, "held: 1 row for a consumer mail service or a public suffix: LIST is unchanged"}},
		{name: "public suffixes", old: tenRows, fresh: tenRows + "Evil,com\nEvil,co.uk\n", code: 3, want: tenRows,
			stderr: []string{`row 12: "com" is a public suffix, not an organisation's domain: needs -accept`, `row 13: "co.uk" is a public suffix`, "held: 2 rows for"}},
		{name: "consumer mail, accepted", old: tenRows, fresh: withGmail, args: []string{"-accept"}, want: acceptedGmail,
			out: "Evil: 1 added, 0 removed, 0 kept: +gmail.com\n", stderr: []string{"where anybody can have an address: accepted", "11 domains (1 added, 0 removed, 10 kept): written"}},
		{name: "consumer mail that was accepted before", old: acceptedGmail, fresh: withGmail, want: acceptedGmail, stderr: []string{"11 kept): unchanged"}},
		{name: "consumer mail that nobody accepted in the old list", old: withGmail, fresh: withGmail, code: 3, want: withGmail, stderr: []string{"held: 1 row for"}},
		{name: "first, and consumer mail", fresh: first + "Evil,gmail.com\n", code: 3, stderr: []string{"100 domains in a first list: held: 1 row for"}},
		{name: "look-alikes of national domains", old: tenRows, fresh: tenRows + "Evil,nhs.uk.com\nEvil,x.gov.co.uk\n", code: 3, want: tenRows, out: "Evil: 2 added, 0 removed, 0 kept: +nhs.uk.com +x.gov.co.uk\n",
			stderr: []string{`held: "nhs.uk.com" is easily mistaken for a national domain; "x.gov.co.uk" is easily mistaken for x.gov.uk: LIST is unchanged`}},
		{name: "look-alike that is in the old list", old: tenRows + "Evil,nhs.uk.com\n", fresh: tenRows + "Evil,nhs.uk.com\n", want: tenRows + "Evil,nhs.uk.com\n", stderr: []string{"11 kept): unchanged"}},
		{name: "consumer mail alone", old: tenRows, fresh: "Domain name\ngmail.com\n", code: 3, want: tenRows,
			out:    "Example Hospice: 0 added, 2 removed, 0 kept: -a.example -b.example\nExample Trust: 0 added, 8 removed, 0 kept: -c.example -d.example -e.example -f.example -g.example and 3 more\n",
			stderr: []string{"held: 1 row for a consumer mail service or a public suffix; 10 of 10 domains would be removed"}},
		{name: "old list damaged", old: "Organisation Name\nExample Trust\n", fresh: first, code: 3, want: "Organisation Name\nExample Trust\n",
			stderr: []string{"held: the current list cannot be read, so the changes cannot be checked", "-accept"}},
		{name: "old list damaged, accepted", old: "Organisation Name\nExample Trust\n", fresh: first, args: []string{"-accept"}, want: first,
			stderr: []string{"written"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t)
			if test.old != "" {
				writeFile(t, s.list, []byte(test.old))
			}
			fresh := filepath.Join(s.dir, "new.csv")
			writeFile(t, fresh, []byte(test.fresh))
			code, out, stderr := s.importing(nil, append(test.args, fresh)...)
			if code != test.code || out != test.out {
				t.Errorf("got code %d, output\n%s\nwant code %d, output\n%s", code, out, test.code, test.out)
			}
			for _, want := range test.stderr {
				if want = strings.ReplaceAll(want, "LIST", s.list); !strings.Contains(stderr, want) {
					t.Errorf("standard error lacks %q:\n%s", want, stderr)
				}
			}
			if test.want == "" {
				if got := s.left(t); len(got) > 0 {
					t.Errorf("the directory has %q", got)
				}
				return
			}
			if got := string(readFile(t, s.list)); got != test.want {
				t.Errorf("the list is now\n%s\nwant\n%s", got, test.want)
			}
			if got := s.left(t); len(got) != 1 {
				t.Errorf("the directory has %q", got)
			}
		})
	}
}

// The published list once lost 134 of 237 rows, rightly. Such a list is held
// once, and the daemon loads it after it was accepted.
func TestImportPublishedList(t *testing.T) {
	published := filepath.Join(testLists, "good", "published.xlsx")
	want := readFile(t, filepath.Join(testLists, "want.csv"))
	s := newSite(t)
	if code, _, stderr := s.importing(nil, published); code != exitDone {
		t.Fatalf("code %d: %s", code, stderr)
	}
	if got := readFile(t, s.list); !bytes.Equal(got, want) {
		t.Errorf("got\n%s", got)
	}
	lapsed := bytes.Join(bytes.SplitAfter(want, []byte("\n"))[:1+103], nil)
	if code, _, stderr := s.importing(bytes.NewReader(lapsed), "-"); code != exitHeld {
		t.Errorf("code %d: %s", code, stderr)
	}
	if got := readFile(t, s.list); !bytes.Equal(got, want) {
		t.Error("the list has changed although it was held")
	}
	if code, _, stderr := s.importing(bytes.NewReader(lapsed), "-accept", "-"); code != exitDone {
		t.Errorf("code %d: %s", code, stderr)
	}
	var out, stderr bytes.Buffer
	if code := run([]string{"check", "-config", s.config}, stdio{nil, &out, &stderr}); code != exitDone {
		t.Errorf("check: code %d: %s", code, stderr.String())
	}
}

// A published list that was copied to the place of the imported one is refused.
// The command in the error replaces it with a list that is read.
func TestImportConvertsPublishedListInPlace(t *testing.T) {
	want := readFile(t, filepath.Join(testLists, "want.csv"))
	for _, file := range []string{"published.csv", "published.xlsx"} {
		s := newSite(t)
		writeFile(t, s.list, readFile(t, filepath.Join(testLists, "good", file)))
		code, _, stderr := runWith("", "check", "-config", s.config)
		if code != exitConfig || !strings.Contains(stderr, ": run postseal import "+s.list+", which") {
			t.Errorf("%s: code %d: %s", file, code, stderr)
		}
		if code, out, stderr := s.importing(nil, s.list); code != exitDone || out != "" || !strings.Contains(stderr, "268 domains (0 added, 0 removed, 268 kept): written to ") {
			t.Errorf("%s: code %d: %s%s", file, code, out, stderr)
		}
		if got := readFile(t, s.list); !bytes.Equal(got, want) {
			t.Errorf("%s: got\n%s", file, got)
		}
		if code, _, stderr := runWith("", "check", "-config", s.config); code != exitDone {
			t.Errorf("%s: code %d: %s", file, code, stderr)
		}
	}
}

// Each bad list is refused, and the old one stays.
func TestImportRefusesBadLists(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testLists, "bad", "*.*s*")) // .csv and .xlsx
	if err != nil || len(files) < 18 {
		t.Fatalf("%d lists, %v", len(files), err)
	}
	s := newSite(t)
	writeFile(t, s.list, []byte(tenRows))
	for _, file := range files {
		code, out, stderr := s.importing(nil, "-accept", file)
		want := strings.TrimSuffix(string(readFile(t, strings.TrimSuffix(file, filepath.Ext(file))+".want")), "\n")
		want = strings.ReplaceAll(want, filepath.Base(file)+": ", file+": ")
		if code != exitFailure || out != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: code %d, output %q, standard error\n%s\nwant\n%s", file, code, out, stderr, want)
		}
		if got := string(readFile(t, s.list)); got != tenRows {
			t.Fatalf("%s: the list is now\n%s", file, got)
		}
	}
}

func TestImportJSON(t *testing.T) {
	s := newSite(t)
	writeFile(t, s.list, []byte(tenRows))
	row := func(organisation, domain string) accredited.Row {
		return accredited.Row{Organisation: organisation, Domain: domain}
	}
	held := importReport{List: s.list, Removed: []accredited.Row{}, LeftOut: []string{}, Doubtful: []string{`row 18: "gmail.com" is a consumer mail service, where anybody can have an address`}, Kept: 10, Held: true,
		Reasons: []string{"1 row for a consumer mail service or a public suffix", "0 of 10 domains would be removed and 6 added, more than 20 per cent"}}
	for _, c := range "klmnop" {
		held.Added = append(held.Added, row("Example & <Trust>", string(c)+".example"))
	}
	var more string
	for _, r := range held.Added {
		more += r.Organisation + "," + r.Domain + "\n"
	}
	for _, test := range []struct {
		name, fresh string
		code        int
		want        importReport
	}{
		{"held", tenRows + more + "Evil,gmail.com\n", 3, held},
		{"unchanged", tenRows, 0, importReport{List: s.list, Added: []accredited.Row{}, Removed: []accredited.Row{}, LeftOut: []string{}, Doubtful: []string{}, Reasons: []string{}, Kept: 10, Unchanged: true}},
		{"changed", edit("Example Hospice,b", "Hospice,bb", "Example Trust,c", "Trust,c") + "X,?\n", 0, importReport{
			List: s.list, Added: []accredited.Row{row("Hospice", "bb.example")}, Removed: []accredited.Row{row("Example Hospice", "b.example")},
			LeftOut: []string{`row 12: "?" is not a domain name`}, Doubtful: []string{}, Reasons: []string{}, Kept: 9, Written: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, stderr := s.importing(strings.NewReader(test.fresh), "-json", "-")
			var got importReport
			decoder := json.NewDecoder(strings.NewReader(out))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&got); err != nil || strings.Count(out, "\n") != 1 {
				t.Fatalf("%v: %s", err, out)
			}
			if code != test.code || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got code %d, %+v\nwant code %d, %+v\n%s", code, got, test.code, test.want, stderr)
			}
			if strings.Contains(out, "null") || strings.Contains(out, `\u`) {
				t.Errorf("hard to read: %s", out)
			}
		})
	}
}

func TestImportUsage(t *testing.T) {
	s := newSite(t)
	writeFile(t, s.list, []byte(tenRows))
	config := func(text string) string {
		name := filepath.Join(t.TempDir(), "postseal.toml")
		writeFile(t, name, []byte(text))
		return name
	}
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no list", []string{"-config", s.config}, 2, "give one list after the options"},
		{"two lists", []string{"-config", s.config, s.list, s.list}, 2, "give one list after the options"},
		{"option after the list", []string{"-config", s.config, s.list, "-accept"}, 2, "give one list after the options"},
		{"no such list", []string{"-config", s.config, filepath.Join(s.dir, "none.csv")}, 1, "none.csv: no such file"},
		{"directory", []string{"-config", s.config, s.dir}, 1, "is a directory"},
		{"no such configuration", []string{"-config", filepath.Join(s.dir, "none.toml"), s.list}, 78, "name a readable file with -config"},
		{"no destination", []string{"-config", config("mode = \"observe\"\n"), s.list}, 78, "postseal.toml: rules.accredited is not set: add accredited ="},
		{"unknown key", []string{"-config", config("[rules]\naccredit = 1\n"), s.list}, 78, "postseal.toml: line 2, column 1: unknown key rules.accredit: did you mean accredited?"},
		{"no directory for the list", []string{"-config", config("[rules]\naccredited = \"/nonexistent/postseal/list.csv\"\n"), s.list}, 1, "/nonexistent/postseal: no such file or directory: create the directory"},
		{"directory for a list", []string{"-config", config(fmt.Sprintf("[rules]\naccredited = %q\n", s.dir)), s.list}, 1, "is a directory"},
		{"help", []string{"-h"}, 0, "-dry-run"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out, stderr bytes.Buffer
			code := run(append([]string{"import"}, test.args...), stdio{strings.NewReader(""), &out, &stderr})
			if code != test.code || !strings.Contains(stderr.String(), test.want) || out.Len() > 0 {
				t.Errorf("got code %d, output %q, standard error\n%s\nwant code %d, %q", code, out.String(), stderr.String(), test.code, test.want)
			}
		})
	}
}
