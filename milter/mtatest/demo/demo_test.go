package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

func TestSamplesLoad(t *testing.T) {
	root, err := mtatest.Root()
	if err != nil {
		t.Fatal(err)
	}
	mails, err := loadMails(filepath.Join(root, samples))
	if err != nil {
		t.Fatal(err)
	}
	wanted := make(map[place]bool)
	for _, m := range mails {
		for _, r := range m.Recipients {
			wanted[r.Arrives] = true
		}
	}
	for _, p := range []place{direct, relay, held, refused, rejected} {
		if !wanted[p] {
			t.Errorf("no sample shows a mail that is %s", p)
		}
	}
}

func TestDemonstrate(t *testing.T) {
	differences, err := demonstrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if differences != 0 {
		t.Errorf("got %d differences from %s, want 0", differences, samples)
	}
}

const (
	goodEML  = "Subject: =?utf-8?Q?[secure]_caf=C3=A9?=\n\nbody\n"
	goodTOML = "shows = \"x\"\nfrom = \"a@trust.example\"\nmarker = \"present\"\n"
	goodRcpt = "[[recipient]]\nto = \"bob@gmail.com\"\narrives = \"relay\"\nsubject = \"s\"\n"
)

func TestLoadMails(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string // in the error; empty for none
	}{
		{"good", map[string]string{"a.eml": goodEML, "a.toml": goodTOML + goodRcpt}, ""},
		{"empty directory", nil, "no sample mails"},
		{"no .toml", map[string]string{"a.eml": goodEML}, "a.toml: no such file"},
		{"no .eml", map[string]string{"a.toml": goodTOML + goodRcpt}, "a.eml: no such file"},
		{"another file", map[string]string{"a.txt": ""}, "a.txt: neither"},
		{"unknown key", map[string]string{"a.eml": goodEML, "a.toml": goodTOML + "colour = 1\n" + goodRcpt}, "a.toml: unknown key colour"},
		{"unknown key of a recipient", map[string]string{"a.eml": goodEML, "a.toml": goodTOML + goodRcpt + "arrive = \"direct\"\n"}, "unknown key recipient.arrive"},
		{"no recipient", map[string]string{"a.eml": goodEML, "a.toml": goodTOML}, "[[recipient]] is missing"},
		{"unknown marker", map[string]string{"a.eml": goodEML, "a.toml": strings.Replace(goodTOML, "present", "there", 1) + goodRcpt}, `marker "there"`},
		{"unknown place", map[string]string{"a.eml": goodEML, "a.toml": goodTOML + strings.Replace(goodRcpt, "relay", "moon", 1)}, `arrives "moon"`},
		{"subject of refused mail", map[string]string{"a.eml": goodEML, "a.toml": goodTOML + strings.Replace(goodRcpt, "relay", "refused", 1)}, "subject goes with"},
		{"no subject", map[string]string{"a.eml": goodEML, "a.toml": goodTOML + strings.Replace(goodRcpt, `"s"`, `""`, 1)}, "subject goes with"},
		{"held for ever", map[string]string{"a.eml": goodEML, "a.toml": goodTOML + strings.Replace(goodRcpt, "relay", "held", 1)}, "released goes with"},
		{"released without being held", map[string]string{"a.eml": goodEML, "a.toml": goodTOML + goodRcpt + "released = \"relay\"\n"}, "released goes with"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range test.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			mails, err := loadMails(dir)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got error %v, want one with %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(mails) != 1 || mails[0].subject != "[secure] café" || string(mails[0].message) != strings.ReplaceAll(goodEML, "\n", "\r\n") {
				t.Errorf("got %+v", mails)
			}
		})
	}
}

// asWanted is a report in which the mail of three recipients went where it
// should.
func asWanted() *report {
	r := newReport(sample{
		name: "a", Marker: "present",
		Recipients: []wanted{
			{To: "bob@gmail.com", Arrives: relay, Subject: "s"},
			{To: "x@a.gsi.gov.uk", Arrives: refused},
			{To: "a@nhs.net", Arrives: held, Released: direct, Subject: "s"},
		},
	})
	r.answered(mtatest.Sent{Recipients: []mtatest.Reply{{Code: 250}, {Code: 550}, {Code: 250}}, End: mtatest.Reply{Code: 250}})
	r.saw(mtatest.Event{"marker": "present", "recipients": []any{
		map[string]any{"address": "bob@gmail.com", "class": "unknown"},
		map[string]any{"address": "a@nhs.net", "class": "secure"},
	}})
	r.sawRecipient(mtatest.Event{"address": "x@a.gsi.gov.uk", "class": "closed"})
	r.arrived("bob@gmail.com", arrival{relay, "s"})
	r.arrived("a@nhs.net", arrival{place: held})
	r.arrived("a@nhs.net", arrival{direct, "s"})
	return r
}

func TestDifferences(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(*report)
		want  []string
	}{
		{"none", func(*report) {}, nil},
		{
			"another marker state", func(r *report) { r.marker = "missing" },
			[]string{`marker: got "missing", a.toml has "present"`},
		},
		{
			"the other way", func(r *report) { r.recipients[0].arrivals = []arrival{{direct, "s"}} },
			[]string{`bob@gmail.com: got direct "s"; a.toml has relay "s"`},
		},
		{
			"another subject", func(r *report) { r.recipients[0].arrivals = []arrival{{relay, "S"}} },
			[]string{`bob@gmail.com: got relay "S"; a.toml has relay "s"`},
		},
		{
			"sealed and unencrypted", func(r *report) { r.arrived("bob@gmail.com", arrival{direct, "s"}) },
			[]string{`bob@gmail.com: got relay "s", then direct "s"; a.toml has relay "s"`},
		},
		{
			"lost", func(r *report) { r.recipients[0].arrivals = nil },
			[]string{`bob@gmail.com: got nowhere; a.toml has relay "s"`},
		},
		{
			"to somebody else", func(r *report) { r.arrived("eve@gmail.com", arrival{direct, "s"}) },
			[]string{`eve@gmail.com, which is not a recipient, got it: direct "s"`},
		},
		{
			"not refused", func(r *report) { r.recipients[1].arrivals = []arrival{{relay, "s"}} },
			[]string{`x@a.gsi.gov.uk: got relay "s"; a.toml has refused`},
		},
		{
			"refused by another than postseal", func(r *report) { r.recipients[1].class = "" },
			[]string{"x@a.gsi.gov.uk: postseal's log has no line about this recipient"},
		},
		{
			"not held", func(r *report) { r.recipients[2].arrivals = []arrival{{direct, "s"}} },
			[]string{`a@nhs.net: got direct "s"; a.toml has held, then direct "s"`},
		},
		{
			"never released", func(r *report) { r.recipients[2].arrivals = []arrival{{place: held}} },
			[]string{`a@nhs.net: got held; a.toml has held, then direct "s"`},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := asWanted()
			test.spoil(r)
			if got := r.differences(); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if got := strings.Count(r.text(1), "DIFFERENT: "); got != len(test.want) {
				t.Errorf("the table shows %d differences, want %d:\n%s", got, len(test.want), r.text(1))
			}
		})
	}
}

func TestAnswered(t *testing.T) {
	for _, test := range []struct {
		name  string
		codes []int // to the two recipients and to the message
		want  []string
		taken bool
	}{
		{"all taken", []int{250, 250, 250}, []string{"nowhere", "nowhere"}, true}, // so far
		{"one refused", []int{550, 250, 250}, []string{"refused", "nowhere"}, true},
		{"all refused", []int{550, 550, 554}, []string{"refused", "refused"}, false},
		{"rejected", []int{250, 250, 550}, []string{"rejected", "rejected"}, true},
		{"one refused, then rejected", []int{550, 250, 550}, []string{"refused", "rejected"}, true},
		{"put off", []int{451, 250, 451}, []string{"put off", "put off"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newReport(sample{Recipients: []wanted{{To: "a@nhs.net"}, {To: "b@nhs.net"}}})
			taken := r.answered(mtatest.Sent{
				Recipients: []mtatest.Reply{{Code: test.codes[0]}, {Code: test.codes[1]}},
				End:        mtatest.Reply{Code: test.codes[2]},
			})
			got := []string{chain(r.recipients[0].places()), chain(r.recipients[1].places())}
			if !slices.Equal(got, test.want) || taken != test.taken {
				t.Errorf("got %q, taken %v, want %q, %v", got, taken, test.want, test.taken)
			}
		})
	}
}
