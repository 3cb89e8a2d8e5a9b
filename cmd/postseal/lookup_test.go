package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
)

func TestLookupJSON(t *testing.T) {
	config := configtest.Write(t, lookupConfig)
	const (
		edition = `"source":"NHS Digital, guidance for sending secure email (including to patients), 26 July 2022","issued":"2022-07-26"`
		retired = `"source":"Sharing sensitive information by email, a guide for health and social care, version 2, November 2019","issued":"2019-11-01"`
		local   = `"source":"Information governance group, decision 2026/14","issued":"2026-10-01"`
		none    = `"row":"","table":"","layer":"","source":"","issued":"","expires":"","note":""`
		put     = `"to_do":"put [secure] in the subject of personal or confidential mail"`
	)
	for _, test := range []struct{ input, want string }{
		{"A@NHS.net", `"domain":"nhs.net","class":"secure","row":"nhs.net","table":"accredited","layer":"accredited","source":"secure email standard DCB1596, accredited organisations","issued":"","expires":"","note":"NHSmail",` +
			`"needs_marker":false,"reason":"NHSmail","to_do":"nothing","lost":[{"row":"nhs.net","table":"nhsmail-2022","layer":"edition","class":"secure","why":"layer accredited overrides layer edition"}]`},
		{"x.trust.example", `"domain":"x.trust.example","class":"local","row":"trust.example","table":"local_domains","layer":"local","source":"the configuration","issued":"","expires":"","note":"",` +
			`"needs_marker":false,"reason":"the row trust.example of local_domains; ` + aliases + `","to_do":"nothing","lost":[]`},
		{"<a@gmail.com>", `"domain":"gmail.com","class":"unknown",` + none + `,"needs_marker":true,"reason":"no row covers the domain",` + put + `,"lost":[]`},
		{"hospice.example", `"domain":"hospice.example","class":"secure","row":"hospice.example","table":"trust-local","layer":"local",` + local + `,"expires":"2027-01-31","note":"accreditation lapsed, renewal under way",` +
			`"needs_marker":false,"reason":"accreditation lapsed, renewal under way","to_do":"nothing","lost":[]`},
		{"a@x.clinic.example", `"domain":"x.clinic.example","class":"unverified","row":"clinic.example","table":"trust-local","layer":"local",` + local + `,"expires":"","note":"claims to be secure, not confirmed",` +
			`"needs_marker":true,"reason":"claims to be secure, not confirmed",` + put + `,"lost":[]`},
		{"a@x.mod.gov.uk", `"domain":"x.mod.gov.uk","class":"secure","row":"mod.gov.uk","table":"nhsmail-2022","layer":"edition",` + edition + `,"expires":"","note":"for the provision of healthcare",` +
			`"needs_marker":false,"reason":"for the provision of healthcare","to_do":"nothing","lost":[{"row":"gov.uk","table":"nhsmail-2022","layer":"edition","class":"secure","why":"the longer name mod.gov.uk overrides it"}]`},
		{"x@gsi.gov.uk", `"domain":"gsi.gov.uk","class":"closed","row":"gsi.gov.uk","table":"retired","layer":"retired",` + retired + `,"expires":"","note":"gsi.gov.uk was switched off in March 2019: use the organisation's gov.uk address",` +
			`"needs_marker":false,"reason":"gsi.gov.uk was switched off in March 2019: use the organisation's gov.uk address","to_do":"no mail can be sent there","lost":[{"row":"gov.uk","table":"nhsmail-2022","layer":"edition","class":"secure","why":"layer retired overrides layer edition"}]`},
		{"root", `"domain":"","class":"unknown",` + none + `,"needs_marker":true,"reason":"a bare name cannot be classed: ` + aliases + `","to_do":"write the address as name@domain","lost":[]`},
		{"a@council.gov.co.uk", `"domain":"council.gov.co.uk","class":"unknown",` + none + `,"needs_marker":true,"reason":"no row covers the domain, which looks like council.gov.uk",` + put + `,"lost":[]`},
		{"a@lsited.nhs.uk", `"domain":"lsited.nhs.uk","class":"unknown","row":"nhs.uk","table":"nhsmail-2022","layer":"edition",` + edition + `,"expires":"","note":"not accredited to the secure email standard",` +
			`"needs_marker":true,"reason":"not accredited to the secure email standard; the domain looks like listed.nhs.uk",` + put + `,"lost":[]`},
		{"a(b)@nhs.net", `"domain":"","class":"unknown",` + none + `,"needs_marker":true,"reason":"the address cannot be read: it contains a comment","to_do":"write the address as name@domain","lost":[]`},
		{"a@gmail.com.", `"domain":"gmail.com","class":"unknown",` + none + `,"needs_marker":true,"reason":"no row covers the domain; the address is refused because its domain ends in a dot","to_do":"write the address as name@domain","lost":[]`},
		{"a%b@trust.example", `"domain":"trust.example","class":"unknown",` + none + `,"needs_marker":true,"reason":"the local part can name another host; the address is refused because its local part names another host",` +
			`"to_do":"write the address as name@domain","lost":[{"row":"trust.example","table":"local_domains","layer":"local","class":"local","why":"the address may lead to another host"}]`},
	} {
		code, stdout, stderr := runWith("", "lookup", "-json", "-config", config, test.input)
		want := fmt.Sprintf("{\"input\":%q,%s}\n", test.input, test.want)
		if code != exitDone || stderr != "" || stdout != want {
			t.Errorf("exit %d, %s\ngot  %s\nwant %s", code, stderr, stdout, want)
		}
	}
}

func TestLookupText(t *testing.T) {
	_, stdout, _ := runWith("", "lookup", "-config", configtest.Write(t, lookupConfig), "a@gmail.com", "x@y.gsi.gov.uk", "a@nhs.net", "hospice.example")
	const want = `a@gmail.com
  class   unknown
  reason  no row covers the domain
  to do   put [secure] in the subject of personal or confidential mail
x@y.gsi.gov.uk
  class   closed
  row     gsi.gov.uk
  table   retired
  layer   retired
  source  Sharing sensitive information by email, a guide for health and social care, version 2, November 2019
  issued  2019-11-01
  reason  gsi.gov.uk was switched off in March 2019: use the organisation's gov.uk address
  lost    gov.uk of nhsmail-2022, secure: layer retired overrides layer edition
  to do   no mail can be sent there
a@nhs.net
  class   secure
  row     nhs.net
  table   accredited
  layer   accredited
  source  secure email standard DCB1596, accredited organisations
  reason  NHSmail
  lost    nhs.net of nhsmail-2022, secure: layer accredited overrides layer edition
  to do   nothing
hospice.example
  class   secure
  row     hospice.example
  table   trust-local
  layer   local
  source  Information governance group, decision 2026/14
  issued  2026-10-01
  expires 2027-01-31
  reason  accreditation lapsed, renewal under way
  to do   nothing
`
	if stdout != want {
		t.Errorf("got\n%s\nwant\n%s", stdout, want)
	}
}

// inputs returns the key "input" of each line.
func inputs(t *testing.T, jsonLines string) string {
	t.Helper()
	var got []string
	for d := json.NewDecoder(strings.NewReader(jsonLines)); ; {
		var a struct{ Input string }
		if err := d.Decode(&a); err == io.EOF {
			return strings.Join(got, " ")
		} else if err != nil {
			t.Fatal(err)
		}
		got = append(got, a.Input)
	}
}

func TestLookupReadsLines(t *testing.T) {
	config := configtest.Write(t, lookupConfig)
	for _, test := range []struct {
		name, stdin string
		args        []string
		code        int
		want        string
	}{
		{"arguments", "no@x.example\n", []string{"a@x.example", "b@y.example"}, exitDone, "a@x.example b@y.example"},
		{"lines", "a@x.example\n\n \t\r\n<b@y.example>\r\nz.example", []string{"-"}, exitDone, "a@x.example <b@y.example> z.example"},
		{"lines in a pipe", "a@x.example\n", nil, exitDone, "a@x.example"},
		{"no line", "", []string{"-"}, exitDone, ""},
		{"neither arguments nor lines", "\n", nil, exitUsage, ""},
		{"what was answered before a line too long", "a@x.example\n" + strings.Repeat("a", maxLine+1), []string{"-"}, exitFailure, "a@x.example"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := runWith(test.stdin, append([]string{"lookup", "-json", "-config", config}, test.args...)...)
			if got := inputs(t, stdout); code != test.code || got != test.want {
				t.Errorf("exit %d, got %q, want %q, %s", code, got, test.want, stderr)
			}
		})
	}
}

// TestLookupAnswersAtOnce writes one name at a time to a pipe, and reads each
// answer from another.
func TestLookupAnswersAtOnce(t *testing.T) {
	config := configtest.Write(t, lookupConfig)
	in, ask := io.Pipe()
	answers, out := io.Pipe()
	done := make(chan int)
	go func() {
		done <- run([]string{"lookup", "-json", "-config", config, "-"}, stdio{in, out, io.Discard})
	}()
	replies := bufio.NewReader(answers)
	for _, name := range []string{"a.example", "b.example", "c.example"} {
		if _, err := fmt.Fprintln(ask, name); err != nil {
			t.Fatal(err)
		}
		line, err := replies.ReadString('\n')
		if got := inputs(t, line); err != nil || got != name {
			t.Fatalf("got %q, %v, want %q", got, err, name)
		}
	}
	ask.Close()
	if code := <-done; code != exitDone {
		t.Errorf("exit %d", code)
	}
}

// closedPipe is a pipe whose reader has closed it.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestLookupIntoAClosedPipe(t *testing.T) {
	config := configtest.Write(t, lookupConfig)
	lines := strings.Repeat("a@gmail.com\n", 10_000)
	var stderr strings.Builder
	code := run([]string{"lookup", "-config", config, "-"}, stdio{strings.NewReader(lines), closedPipe{}, &stderr})
	if code != exitFailure || stderr.String() != "postseal lookup: broken pipe\n" {
		t.Errorf("exit %d, %q", code, stderr.String())
	}
}

// BenchmarkLookupLines measures the whole command with 100,000 lines.
func BenchmarkLookupLines(b *testing.B) {
	config := configtest.Write(b, lookupConfig)
	var lines strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&lines, "a@council%d.gov.uk\n", i)
	}
	for b.Loop() {
		if code := run([]string{"lookup", "-json", "-config", config, "-"}, stdio{strings.NewReader(lines.String()), io.Discard, io.Discard}); code != exitDone {
			b.Fatalf("exit %d", code)
		}
	}
}
