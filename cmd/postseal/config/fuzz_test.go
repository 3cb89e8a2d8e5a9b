package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postseal/postseal/milter/message"
)

// FuzzBuild checks that any configuration is refused with a reason that names a line
// or a key, or decides messages. An empty line above the file must change nothing but
// the numbers of lines.
func FuzzBuild(f *testing.F) {
	dir := f.TempDir() + "/"
	for name, text := range map[string]string{
		"list.csv":   "Organisation Name,Domain name\nA,listed.example\n",
		"local.toml": "[[domain]]\nname = \"partner.example\"\nclass = \"secure\"\n",
		"bad.toml":   "[[domain]]\nname = \"uk\"\nclass = \"secure\"\n",
	} {
		if err := os.WriteFile(dir+name, []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	for _, pattern := range []string{"testdata/config/bad/*.toml", "testdata/lint/config/*.toml", "testdata/mails/*.toml", "contrib/postseal.toml"} {
		names, err := filepath.Glob("../../../" + pattern)
		if err != nil || len(names) == 0 {
			f.Fatalf("%s: no files, %v", pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Add([]byte("[rules]\naccredited = \"/DIR/list.csv\"\nfiles = [\"/DIR/*.toml\", \"/DIR/bad.toml\"]\n"))
	f.Add([]byte("local_domains = [\"trust.example\"]\n[rules]\naccredited = \"/DIR/list.csv\"\nfiles = [\"/DIR/l*.toml\"]\n" +
		"[content]\ndisclaimer = \"x\"\nlabels = [\"Personal\"]\n[[pattern]]\nname = \"ward\"\nmatch = '\\bRX\\d{6}\\b'\ncontext = [\"unit no\"]\ncheck = \"mod11\"\n" +
		"[[policy]]\nname = \"a\"\nfindings = [\"pattern:ward\", \"nhs-number\"]\nmin_count = 2\nsender = [\"<>\"]\nclient = [\"::ffff:192.0.2.0/120\"]\naction = \"reject\"\nreply = \"no\"\nmode = \"observe\"\n" +
		"[[policy]]\nname = \"b\"\naction = \"tag\"\nadd_marker = true\n"))

	// Other files are not read: one that never ends would stop the test.
	isOther := func(name string) bool {
		rest, ok := strings.CutPrefix(name, dir)
		return name != "" && !(ok && filepath.IsLocal(rest))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		text = bytes.ReplaceAll(text, []byte("/DIR/"), []byte(dir))
		if c, _ := Parse("f", text); c != nil && slices.ContainsFunc(append(c.File.Rules.Files, c.File.Rules.Accredited), isOther) {
			return
		}
		c, err := Build("f", text)
		if len(text) > 0 && text[0] < utf8.RuneSelf { // no byte order mark
			below, errBelow := Build("f", slices.Concat([]byte("\n"), text))
			wantShifted(t, err, errBelow)
			if c != nil && below != nil && !reflect.DeepEqual(c.File, below.File) {
				t.Errorf("below an empty line: got %+v, want %+v", below.File, c.File)
			}
		}
		if err != nil {
			wantNamed(t, err, dir)
			return
		}
		wantDecisions(t, c.Message)
	})
}

var (
	lineOfFault = regexp.MustCompile(`(?m)^f: line (\d+), column \d+: .`)
	keyInFault  = regexp.MustCompile(`^f: .*\b(listen|mode|local_domains|marker|relay|edition|accredited|files|content|pattern|policy|log|metrics|doctor|UTF-8)\b`)
)

// wantNamed checks that each fault names a line, a key or the file that is at fault.
func wantNamed(t *testing.T, err error, dir string) {
	for fault := range strings.SplitSeq(err.Error(), "\n") {
		if !lineOfFault.MatchString(fault) && !keyInFault.MatchString(fault) && !strings.Contains(fault, dir) {
			t.Errorf("the fault %q names nothing", fault)
		}
	}
}

// wantShifted checks that the faults of a file are one line further down.
func wantShifted(t *testing.T, err, below error) {
	if (err == nil) != (below == nil) {
		t.Errorf("below an empty line: got %v, want %v", below, err)
	}
	if err == nil || below == nil {
		return
	}
	want := lineOfFault.ReplaceAllStringFunc(err.Error(), func(start string) string {
		number := lineOfFault.FindStringSubmatch(start)[1]
		line, _ := strconv.Atoi(number)
		return strings.Replace(start, number, strconv.Itoa(line+1), 1)
	})
	if below.Error() != want {
		t.Errorf("below an empty line: got %v, want %s", below, want)
	}
}

// wantDecisions decides messages with and without the marker and findings.
func wantDecisions(t *testing.T, config *message.Config) {
	for _, subject := range []string{"Results", config.Rules.Marker.Text() + " results", "(secure) OFFICIAL-SENSITIVE"} {
		for _, body := range []string{"", "NHS number 999 000 0018, RX123456\r\n"} {
			m := message.New(config, message.Envelope{Sender: "ward@trust.example", Body: true})
			for _, to := range []string{"bob@example.org", "a@x.nhs.uk", "a@nhs.net", "a@nhs.nte", "a@trust.example", "x@y.gsi.gov.uk", "a@b@c"} {
				m.Recipient(to, "", nil, time.Now())
			}
			m.Header("Subject", subject)
			m.Body([]byte(body))
			v, err := m.End()
			if err != nil {
				t.Fatalf("%q: %v", subject, err)
			}
			for _, o := range v.Decision.Outcomes {
				if o.Class.NeedsMarker() && !o.Refused() && o.Policy == "" {
					t.Errorf("%q: no policy decides %+v", subject, o)
				}
			}
			m.Discard()
		}
	}
}
