package mtatest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gomilter "github.com/emersion/go-milter"
)

// legSubjects are Subject fields as a client may write them. A different word
// replaces WORD in each. The encrypt service leaves those unchanged that begin
// with the marker as plain text.
var legSubjects = []struct {
	name, field string
	untouched   bool
}{
	{"marked", "Subject: [secure] WORD", true},
	{"marked, capitals", "SUBJECT: [SECURE] WORD", true},
	{"marked, lower case", "subject: [sEcUrE]WORD", true},
	{"marked, no blank", "Subject:[secure] WORD", true},
	{"marked, blanks and a tab", "Subject:   \t  [secure] WORD", true},
	{"marked, blank before the colon", "Subject : [secure] WORD", true},
	{"marked, with folds behind", "Subject: [secure]\r\n \r\n WORD", true},
	{"marked, with 8-bit characters", "Subject: [secure] WORD \xfc", true},
	{"marked, long", "Subject: [secure] WORD" + strings.Repeat(" x", 2000), true},

	{"marked after 100 blanks", "Subject:" + strings.Repeat(" ", 100) + "[secure] WORD", false},
	{"marked after 980 blanks", "Subject:" + strings.Repeat(" ", 980) + "[secure] WORD", false},
	{"marked after 3000 blanks", "Subject:" + strings.Repeat(" ", 3000) + "[secure] WORD", false},
	{"marked after a fold", "Subject:\r\n [secure] WORD", false},
	{"marked after a blank line", "Subject:\r\n \r\n [secure] WORD", false},
	{"marked in the second line", "Subject: WORD\r\n [secure]", false},
	{"marked after a second line that is blank", "Subject: WORD\r\n \r\n [secure]", false},
	{"second line that is blank", "Subject: WORD\r\n ", false},
	{"reply", "Subject: Re: [secure] WORD", false},
	{"at the end", "Subject: WORD [secure]", false},
	{"across octet 998", "Subject: WORD" + strings.Repeat("x", 980) + "[secure]", false},
	{"beyond octet 998", "Subject: WORD" + strings.Repeat("x", 3000) + "[secure]", false},
	{"not-breaking space", "Subject: \xa0[secure] WORD", false},
	{"not-breaking space in UTF-8", "Subject: \xc2\xa0[secure] WORD", false},
	{"zero-width space", "Subject: \xe2\x80\x8b[secure] WORD", false},
	{"form feed", "Subject: \f[secure] WORD", false},
	{"invalid UTF-8", "Subject: \xff[secure] WORD \xc3", false},
	{"near miss", "Subject: [secure WORD", false},
	{"dollar and braces", "Subject: ${1} $(1) WORD", false},
	{"unmarked", "Subject: WORD", false},
	{"unmarked, lower case", "subject:WORD", false},
	{"unmarked, blank before the colon", "Subject\t: WORD", false},
	{"unmarked, folded", "Subject: WORD\r\n\tand more", false},
	{"unmarked, long", "Subject: WORD" + strings.Repeat(" x", 2000), false},
	{"unmarked, very long", "Subject: WORD" + strings.Repeat(" x", 30000), false},
	{"unmarked, longer than Postfix's limit for a field", "Subject: WORD" + strings.Repeat(" x", 60000), false},
	{"Q", "Subject: =?utf-8?Q?=5Bsecure=5D_WORD?=", false},
	{"Q in the middle", "Subject: Re: =?utf-8?Q?=5Bsecure=5D?= WORD", false},
	{"Q, plain brackets", "Subject: =?us-ascii?Q?[secure]?= WORD", false},
	{"Q, a charset nobody knows", "Subject: =?iso-8859-99?Q?[secure]?= WORD", false},
	{"B", "Subject: =?utf-8?B?W3NlY3VyZV0=?= WORD", false},
	{"B, one place on", "Subject: =?utf-8?B?IFtzZWN1cmVd?= WORD", false},
	{"B, two places on", "Subject: =?utf-8?B?ICBbc2VjdXJlXQ==?= WORD", false},
	{"B, a charset nobody knows", "Subject: =?windows-1259?B?W3NlY3VyZV0=?= WORD", false},
	{"B, UTF-16", "Subject: =?utf-16be?B?AFsAcwBlAGMAdQByAGUAXQ==?= WORD", false},
	{"B, malformed", "Subject: =?utf-8?B?W3NlY3VyZV0!!?= WORD", false},
	{"B, wrong padding", "Subject: =?utf-8?B?W3NlY3VyZV0==?= WORD", false},
	{"B, cut in two", "Subject: =?utf-8?B?W3NlY3?=\r\n =?utf-8?B?VyZV0=?= WORD", false},
}

// legWanted is the start of the subject after the encrypt service. smtp(8) must
// not have broken the line inside the marker.
var legWanted = regexp.MustCompile(`(?i)^[ \t]{0,99}\[secure\]`)

// TestLegMarksEverySubject sends each field to a relay that recognises only a
// marker as plain text at the beginning of the subject.
func TestLegMarksEverySubject(tt *testing.T) {
	t := on(tt, postfix)
	t.serve("enforce", letterPolicies)
	for i, test := range legSubjects {
		word := "word" + strings.Repeat("i", i)
		t.Run(test.name, func(t *T) {
			field := strings.ReplaceAll(test.field, "WORD", word)
			t.send([]string{"<bob@gmail.com>"}, mail(field))
			_, relayed, _ := t.settle()
			if len(relayed) != 1 || len(relayed[0].Header("Subject")) != 1 {
				t.Fatalf("got %d messages, or not one subject", len(relayed))
			}
			_, sent, _ := strings.Cut(field, ":")
			got := relayed[0].Header("Subject")[0]
			if !legWanted.MatchString(got) || !strings.Contains(unfolded(got), word) {
				t.Errorf("got %.100q", got)
			}
			if untouched := unfolded(got) == unfolded(sent); untouched != test.untouched {
				t.Errorf("untouched: got %t: %.100q", untouched, got)
			}
		})
	}
}

// unfolded is a field without its folds, also those that smtp(8) makes in a
// long line.
func unfolded(field string) string {
	return strings.NewReplacer("\r\n ", "", "\r\n\t", "").Replace(strings.TrimRight(field, " \t\r\n"))
}

// TestLegMarksEachOfSeveralSubjects covers messages with several Subject
// fields, or an empty one.
func TestLegMarksEachOfSeveralSubjects(tt *testing.T) {
	t := on(tt, postfix)
	t.serve("enforce", letterPolicies)
	for _, test := range []struct{ header, want string }{
		{"Subject:", " [secure] "},
		{"Subject: ", " [secure] "},
		{"Subject: \r\n ", " [secure] "},
		{"Subject: one\r\nX-Other: x\r\nsubject: two", " [secure] one| [secure] two"},
		{"Subject: [secure] one\r\nSubject:\r\nSubject: Re: [secure]", " [secure] one| [secure] | [secure] Re: [secure]"},
	} {
		t.send([]string{"<bob@gmail.com>"}, mail(test.header))
		t.wantArrived(arrived{relay: []string{"bob@gmail.com:" + test.want}})
	}
}

// TestHeaderChecksByPostmap looks up fields in the map with postmap(1).
func TestHeaderChecksByPostmap(tt *testing.T) {
	t := on(tt, postfix)
	table := "pcre:" + filepath.Join(root, "contrib", "postfix", "postseal_header_checks.pcre")
	for _, test := range []struct{ field, want string }{
		{"Subject: [Secure] x", "DUNNO"},
		{"Subject: Re: [secure] x", "REPLACE Subject: [secure] Re: [secure] x"},
		{"Subject:\n \n [secure] x", "REPLACE Subject: [secure] [secure] x"},
		{"Subject: x\n \n [secure]", "REPLACE Subject: [secure] x\n \n [secure]"},
		{"Subject: =?iso-8859-99?Q?[secure]?=", "REPLACE Subject: [secure] =?iso-8859-99?Q?[secure]?="},
		{"Subject:", "REPLACE Subject: [secure] "},
		{"X-Subject: x", ""},
		{"X-Postseal: divert; marker=missing", ""},
	} {
		out, err := exec.Command("postmap", "-c", filepath.Join(t.postfix().Directory(), "etc"), "-q", test.field, table).CombinedOutput()
		if got := strings.TrimSuffix(string(out), "\n"); got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%q: got %q, %v, want %q", test.field, got, err, test.want)
		}
	}
}

// TestLegMarksWithoutVerdict deletes X-Postseal from mail without a Subject
// before the encrypt service gets it.
func TestLegMarksWithoutVerdict(tt *testing.T) {
	t := on(tt, changed)
	later := startPlace(t, "later")
	later.filter.Store(&filter{end: func(m *gomilter.Modifier) error { return m.ChangeHeader(1, "X-Postseal", "") }})
	for _, test := range []struct{ name, setting string }{
		{"milter_header_checks", "milter_header_checks=pcre:" + t.headerChecks("/^X-/ IGNORE")},
		{"a later milter", "smtpd_milters=unix:postseal/postseal.sock, " + later.socket},
	} {
		t.Run(test.name, func(t *T) {
			t.settings(test.setting)
			t.serve("enforce", letterPolicies)
			t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, mail())
			direct, relayed, _ := t.settle()
			compare(t, "direct", direct, []string{"a@nhs.net: "}, nil)
			compare(t, "through the relay", relayed, []string{"bob@gmail.com: [secure] "}, nil)
			for _, d := range append(direct, relayed...) {
				if v := d.Header("X-Postseal"); len(v) > 0 {
					t.Errorf("X-Postseal is still there: %q", v)
				}
			}
		})
	}
}

// headerChecks writes a map that Postfix's programs can read.
func (t *T) headerChecks(text string) string {
	t.Helper()
	path := filepath.Join(t.postfix().Directory(), "etc", "header_checks")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
	return path
}
