package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
)

// runWith runs a command in this process, with its arguments and standard
// input.
func runWith(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, stdio{strings.NewReader(stdin), &out, &err})
	return code, out.String(), err.String()
}

func TestBadConfigurations(t *testing.T) {
	files, err := filepath.Glob("../../testdata/config/bad/*.toml")
	if err != nil || len(files) < 15 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	for _, file := range files {
		want, err := os.ReadFile(strings.TrimSuffix(file, ".toml") + ".want")
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"check", "serve"} {
			code, _, stderr := runWith("", command, "-config", file)
			whole := "postseal " + command + ": " + strings.ReplaceAll(string(want), "FILE", file)
			if code != exitConfig || stderr != whole {
				t.Errorf("exit %d\ngot  %s\nwant %s", code, stderr, whole)
			}
		}
	}
}

func TestEveryFaultIsNamed(t *testing.T) {
	config := configtest.Write(t, "nonsense = 1\n[rules]\nedition = \"x\"\nfiles = [\"/DIR/gone.toml\"]\n[marker]\nwords = []\n")
	code, _, stderr := runWith("", "check", "-config", config)
	for _, want := range []string{"unknown key nonsense", `edition "x"`, "gone.toml", "marker.words"} {
		if code != exitConfig || !strings.Contains(stderr, want) {
			t.Errorf("exit %d, no %q in %s", code, want, stderr)
		}
	}
	for line := range strings.Lines(stderr) {
		if !strings.Contains(line, config) {
			t.Errorf("a line without the file: %s", line)
		}
	}
}

func TestCheck(t *testing.T) {
	code, stdout, stderr := runWith("", "check", "-config", configtest.Write(t, "mode = \"enforce\"\nlocal_domains = [\"trust.example\"]\n[rules]\nedition = \"gp-strict\"\nfiles = [\"/DIR/*.rules\"]\n"))
	if code != exitDone || !strings.Contains(stdout, "good: mode enforce, edition gp-strict") || stderr != "" {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	if code, _, stderr := runWith("", "check", "-config", "/nonexistent/postseal.toml"); code != exitConfig || !strings.Contains(stderr, "name a readable file with -config") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

// Every command uses the same exit statuses, so that scripts and systemd can
// distinguish a faulty configuration, bad usage and a failure.
func TestFaultyConfigurationExits78(t *testing.T) {
	commands := [][]string{
		{"serve"}, {"check"}, {"check", "-strict"}, {"lookup", "nhs.net"}, {"explain", "-from", "<>", "-to", "a@x.example", "-"},
		{"import", "-"}, {"export", "tls-policy"},
	}
	for name, config := range map[string]string{
		"unknown key": configtest.Write(t, "nonsense = 1\n"),
		"no TOML":     configtest.Write(t, "mode = \n"),
		"no file":     filepath.Join(t.TempDir(), "postseal.toml"),
		"a directory": t.TempDir(),
	} {
		for _, words := range commands {
			at := 1
			if words[0] == "export" {
				at = 2
			}
			args := slices.Insert(slices.Clone(words), at, "-config", config)
			if code, stdout, stderr := runWith("", args...); code != 78 || stdout != "" || !strings.Contains(stderr, config) {
				t.Errorf("%s, %q: exit %d, %s%s", name, words, code, stdout, stderr)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "Usage: postseal COMMAND"},
		{[]string{"help"}, exitDone, "Usage: postseal COMMAND"},
		{[]string{"nonsense"}, exitUsage, "postseal: unknown command \"nonsense\": see postseal help\n"},
		{[]string{"chekc"}, exitUsage, "postseal: unknown command \"chekc\": did you mean check?\n"},
		{[]string{"Check"}, exitUsage, "postseal: unknown command \"Check\": did you mean check?\n"},
		{[]string{"check-config"}, exitUsage, "postseal: unknown command \"check-config\": see postseal help\n"},
		{[]string{"lokup"}, exitUsage, "postseal: unknown command \"lokup\": did you mean lookup?\n"},
		{[]string{"exp"}, exitUsage, "postseal: unknown command \"exp\": did you mean explain?\n"},
		{[]string{"--check"}, exitUsage, "postseal: unknown command \"--check\": did you mean check?\n"},
		{[]string{"-config", "x", "check"}, exitUsage, "postseal: unknown command \"-config\": put the command first, as in postseal check -config FILE\n"},
		{[]string{""}, exitUsage, "postseal: unknown command \"\": see postseal help\n"},
		{[]string{"check", "-nonsense"}, exitUsage, "Usage: postseal check"},
		{[]string{"check", "-h"}, exitDone, "Usage: postseal check"},
		{[]string{"serve", "-h"}, exitDone, "SIGHUP reloads"},
		{[]string{"serve", "x"}, exitUsage, `unexpected argument "x"`},
		{[]string{"lookup", "-h"}, exitDone, "-json"},
		{[]string{"lookup"}, exitUsage, "no address or domain is given"},
		{[]string{"lookup", "nhs.net", "-json"}, exitUsage, `"-json" follows an address or domain: put options first`},
		{[]string{"export"}, exitUsage, "say what to export: tls-policy"},
		{[]string{"export", "x"}, exitUsage, "say what to export: tls-policy"},
		{[]string{"export", "-h"}, exitDone, "clinical safety"},
		{[]string{"export", "tls-policy", "x"}, exitUsage, `unexpected argument "x"`},
		{[]string{"export", "tls-policy", "-level", "dane"}, exitUsage, `-level "dane" is not one of ["may" "encrypt" "verify"]`},
		{[]string{"export", "-level", "dane", "tls-policy"}, exitUsage, `-level "dane" is not one of ["may" "encrypt" "verify"]`},
		{[]string{"export", "-format", "sendmail", "tls-policy", "-level", "dane"}, exitUsage, `-level "dane" is not one of ["may" "encrypt" "verify"]`},
		{[]string{"export", "-level", "verify"}, exitUsage, "say what to export: tls-policy"},
		{[]string{"export", "-level", "verify", "tls-policy", "x"}, exitUsage, `unexpected argument "x"`},
		{[]string{"export", "tls-policy", "-format", "exim"}, exitUsage, `-format "exim" is not one of ["postfix" "sendmail"]`},
		{[]string{"explain", "-h"}, exitDone, "-client IP"},
		{[]string{"explain", "-to", "b@x.example", "-"}, exitUsage, "postseal explain: -from is missing: give the envelope sender, or <> for the null sender: see postseal explain -h\n"},
		{[]string{"explain", "-from", "a@x.example", "-"}, exitUsage, "postseal explain: -to is missing: give the recipients, separated by commas: see postseal explain -h\n"},
		{[]string{"explain", "-from", "a@x.example", "-to", "b@x.example"}, exitUsage, "postseal explain: the file is missing: name a saved message, or - for standard input: see postseal explain -h\n"},
		{[]string{"explain", "-from", "a@x.example", "-to", "b@x.example", "one", "two"}, exitUsage, "postseal explain: \"two\" is one file too many: give one file: see postseal explain -h\n"},
		{[]string{"explain", "-from", "a@x.example", "one", "-to", "b@x.example"}, exitUsage, "postseal explain: \"-to\" follows the file: put options before it: see postseal explain -h\n"},
		{[]string{"explain"}, exitUsage, "-from is missing: give the envelope sender, or <> for the null sender; -to is missing: give the recipients, separated by commas; the file is missing: name"},
		{[]string{"explain", "-from", "a@x.example", "-to", "b@x.example; c@x.example", "-"}, exitUsage, "postseal explain: -to \"b@x.example; c@x.example\" is not an envelope address: write only name@domain, and separate addresses with commas: see postseal explain -h\n"},
		{[]string{"explain", "-from", "a@x.example", "-to", "b@x.example c@x.example", "-"}, exitUsage, "-to \"b@x.example c@x.example\" is not an envelope address"},
		{[]string{"explain", "-from", "a@x.example", "-to", "b@x.example, \"Smith, C\" <c@x.example>", "-"}, exitUsage, "-to \"\\\"Smith, C\\\" <c@x.example>\" is not an envelope address"},
		{[]string{"explain", "-from", "Ward <a@x.example>", "-to", "b@x.example", "-"}, exitUsage, "-from \"Ward <a@x.example>\" is not an envelope address"},
		{[]string{"explain", "-from", "a@x.example", "-to", " , ", "-"}, exitUsage, "postseal explain: -to is missing: give the recipients, separated by commas: see postseal explain -h\n"},
		{[]string{"explain", "-from", "a@x.example", "-to", "b@x.example", "-client", "x", "-"}, exitUsage, "is not an IP address"},
		{[]string{"explain", "-from", "a@x.example", "-to", "b@x.example", "/nonexistent"}, exitFailure, "no such file"},
	} {
		code, stdout, stderr := runWith("", test.args...)
		if code != test.code || !strings.Contains(stdout+stderr, test.want) {
			t.Errorf("%q: exit %d, %s%s", test.args, code, stdout, stderr)
		}
	}
}

// lookupConfig has one row of each kind.
const lookupConfig = `
local_domains = ["trust.example"]
[rules]
accredited = "../../testdata/accredited.csv"
files = ["../../contrib/rules.d/*.toml"]
`

const savedMail = "Received: by mx\r\nSubject: =?utf-8?q?=5Bsecure=5D?=\r\n results\r\nx-postseal: forged\r\n\r\nSubject: (not this one)\r\n"

func TestExplainJSON(t *testing.T) {
	config := configtest.Write(t, lookupConfig)
	code, stdout, stderr := runWith(savedMail, "explain", "-json", "-config", config, "-from", "<ward@trust.example>",
		"-to", ` bob@gmail.com,"x,y"@gmail.com, a@nhs.net , <x@y.gsi.gov.uk>,`, "-client", "192.0.2.7", "-")
	const want = `{"action":"reject","mode":"observe","marker":"present","near_miss":"","findings":[],"recipients":[` +
		`{"address":"bob@gmail.com","class":"unknown","row":"","policy":"marked","action":"divert","findings":[]},` +
		`{"address":"\"x,y\"@gmail.com","class":"unknown","row":"","policy":"marked","action":"divert","findings":[]},` +
		`{"address":"a@nhs.net","class":"secure","row":"nhs.net","policy":"","action":"accept","findings":[]},` +
		`{"address":"x@y.gsi.gov.uk","class":"closed","row":"gsi.gov.uk","policy":"","action":"reject","findings":[]}],"edits":[` +
		`{"op":"delete_recipient","recipient":"bob@gmail.com"},` +
		`{"op":"add_recipient","recipient":"bob@gmail.com.encrypt.invalid","arguments":"ORCPT=rfc822;bob@gmail.com"},` +
		`{"op":"delete_recipient","recipient":"\"x,y\"@gmail.com"},` +
		`{"op":"add_recipient","recipient":"\"x,y\"@gmail.com.encrypt.invalid","arguments":"ORCPT=rfc822;\"x,y\"@gmail.com"},` +
		`{"op":"delete_header","name":"X-Postseal","index":1},` +
		`{"op":"add_header","name":"X-Postseal","value":"divert; marker=present"}]}` + "\n"
	if code != exitDone || stdout != want || stderr != "" {
		t.Errorf("exit %d\ngot  %s\nwant %s\n%s", code, stdout, want, stderr)
	}
}

// TestExplainJSONFindings checks that a finding is listed with
// its recipient, and in the list of all findings.
func TestExplainJSONFindings(t *testing.T) {
	_, stdout, _ := runWith(savedMail, "explain", "-json", "-config", configtest.Write(t, ""), "-from", "<>", "-to", "a@nhs.net,b@nhs.nte", "-")
	for _, want := range []string{
		`"findings":[{"name":"look-alike","meant":"nhs.net"}],"recipients"`,
		`"address":"a@nhs.net","class":"secure","row":"nhs.net","policy":"","action":"accept","findings":[]}`,
		`"address":"b@nhs.nte","class":"unknown","row":"","policy":"look-alike","action":"reject","findings":[{"name":"look-alike","meant":"nhs.net"}]}`,
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %s in %s", want, stdout)
		}
	}
}

func TestExplainReadsEachTo(t *testing.T) {
	config := configtest.Write(t, lookupConfig)
	code, stdout, stderr := runWith("Subject: x\n\n", "explain", "-config", config, "-from", "a@trust.example", "-to", "b@gmail.com", "-to", "a@nhs.net", "-")
	if code != exitDone || !strings.Contains(stdout, "recipient b@gmail.com") || !strings.Contains(stdout, "recipient a@nhs.net") {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
}

func TestExplain(t *testing.T) {
	marking := "\n[[policy]]\nname = \"smart-host\"\nmarker = [\"missing\"]\nsender = [\"trust.example\"]\naction = \"tag\"\nadd_marker = true\n"
	rejecting := "[[policy]]\nname = \"rest\"\naction = \"reject\"\n"
	config := configtest.Write(t, lookupConfig+marking+rejecting)
	for _, test := range []struct{ name, from, to, mail, want string }{
		{"marker to be added", "a@trust.example", "b@gmail.com", "Subject: 999 000 0018\n\n", "prefix header Subject (number 1): [secure]"},
		{"strongest of all", "<>", "a@nhs.net, b@x.gsi.gov.uk", "Subject: x\n\n", "action  reject\n"},
		{"not ASCII, and no SMTPUTF8", "<>", "b\u00fc@gmail.com", "Subject: x\n\n", "reply to RCPT: 550 5.7.1 <b?@gmail.com>: the address cannot be"},
		{"bare name, which the MTA may complete", "<>", "root", "Subject: x\n\n", "reply to RCPT: 550 5.7.1 <root>"},
		{"rejected", "<>", "b@gmail.com", "Subject: 999 000 0018\n\n", "reply to the message: 550 5.7.1 <b@gmail.com>: not known to be secure"},
		{"look-alike", "<>", "b@nhs.nte", "Subject:\n\n", "finding look-alike: did you mean nhs.net?\n"},
		{"nobody left", "<>", "b@x.gsi.gov.uk", "Subject:\n\n", "action  reject"},
		{"refused at RCPT", "<>", "b@x.gsi.gov.uk", "Subject:\n\n", "reply to RCPT: 550 5.7.1 <b@x.gsi.gov.uk>"},
		{"a header that ends at a line that is none", "<>", "b@nhs.net", "From: x\nSee note: one\nSubject: [secure]\n\n", "marker  missing"},
		{"a message of an mbox file", "<>", "b@nhs.net", "From a@trust.example Sat Nov 21 09:00:00 2026\nSubject: [secure]\n\n", "marker  present"},
		{"blanks before the colon", "<>", "b@nhs.net", "Subject \t: [secure]\n\n", "marker  present"},
		{"a header that is cut off", "<>", "b@nhs.net", "Subject: [secure]", "marker  present"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := runWith(test.mail, "explain", "-config", config, "-from", test.from, "-to", test.to, "-")
			if code != exitDone || !strings.Contains(stdout, test.want) {
				t.Errorf("exit %d, %s%s", code, stdout, stderr)
			}
			if strings.Contains(stdout+stderr, "999 000") {
				t.Error("the output shows the subject")
			}
		})
	}
}

// TestSamplesLoad reads the files of contrib, changing only their paths.
func TestSamplesLoad(t *testing.T) {
	text, err := os.ReadFile("../../contrib/postseal.toml")
	if err != nil {
		t.Fatal(err)
	}
	sample := strings.NewReplacer("/etc/postseal/", "../../contrib/", "/var/lib/postseal/", "../../testdata/").Replace(string(text))
	uncommented := strings.ReplaceAll(strings.ReplaceAll(sample, "\n# ", "\n"), "\n#\n", "\n\n")
	_, policies, _ := strings.Cut(uncommented, "[[policy]]\n")
	for name, text := range map[string]string{"as it is": sample, "with the policies in its comments": sample + "[[policy]]\n" + policies} {
		code, stdout, stderr := runWith("", "check", "-config", configtest.Write(t, text))
		if code != exitDone || !strings.Contains(stdout, "mode observe, edition nhsmail-2022") {
			t.Errorf("%s: exit %d, %s%s", name, code, stdout, stderr)
		}
		if code, stdout, _ := runWith("", "lookup", "-config", configtest.Write(t, text), "a@hospice.example"); code != exitDone || !strings.Contains(stdout, "trust-local") {
			t.Errorf("%s: %s", name, stdout)
		}
	}
}
