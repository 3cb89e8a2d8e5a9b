package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/rules/table"
	"golang.org/x/sys/unix"
)

// watched is a daemon without its listener. Its files are below dir, and the
// test sets its clock.
type watched struct {
	*daemon
	t    *testing.T
	dir  string
	now  time.Time
	log  bytes.Buffer
	read int // of log

	other net.Listener // replaces the daemon's clock
}

const siteConfig = `
[rules]
accredited = "/DIR/accredited.csv"
files = ["/DIR/rules.d/*.toml"]
`

// list returns an accredited list of the names and forty more.
func list(names ...string) string {
	text := "Organisation Name,Domain name\n"
	for i := range 40 {
		names = append(names, fmt.Sprintf("trust%d.example", i))
	}
	return text + "Example," + strings.Join(names, "\nExample,") + "\n"
}

// newSite starts a daemon. rules are the rows of rules.d/local.toml.
func newWatched(t *testing.T, more, rules string) *watched {
	t.Helper()
	s := &watched{t: t, now: time.Date(2026, 11, 21, 22, 0, 0, 0, time.Local)}
	path := configtest.Write(t, siteConfig+more)
	s.dir = filepath.Dir(path)
	if err := os.Mkdir(filepath.Join(s.dir, "rules.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.put("accredited.csv", list("listed.nhs.uk"))
	s.put("rules.d/local.toml", "table.name = \"local\"\n"+rules)
	first, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	s.daemon = newDaemon(path, first, jsonLog(logtest.Writer(t, &s.log)))
	return s
}

func (s *watched) file(name string) string { return filepath.Join(s.dir, name) }

func (s *watched) put(name, text string) {
	s.t.Helper()
	configtest.Put(s.t, s.file(name), text, s.now)
}

// polls makes the daemon check its files n times.
func (s *watched) polls(times int) {
	for range times {
		s.now = s.now.Add(pollInterval)
		s.tick(s.now)
	}
}

// events returns what was logged since the last call, each as "msg key=value"
// with the given keys.
func (s *watched) events(keys ...string) (lines []string) {
	s.t.Helper()
	fresh := s.log.String()[s.read:]
	s.read = s.log.Len()
	for text := range strings.Lines(fresh) {
		var e map[string]any
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			s.t.Fatal(err)
		}
		line := fmt.Sprint(e["msg"])
		for _, key := range keys {
			if v, ok := e[key]; ok {
				line += fmt.Sprintf(" %s=%v", key, strings.ReplaceAll(fmt.Sprint(v), s.dir, "DIR"))
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func (s *watched) wantEvents(when string, got []string, want ...string) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Errorf("%s: got %q, want %q", when, got, want)
	}
}

func (s *watched) wantClass(address string, want table.Class) {
	s.t.Helper()
	if got := s.current.Load().Message.Rules.Classify(address, "", s.now).Class; got != want {
		s.t.Errorf("%s is %s, want %s", address, got, want)
	}
}

func TestChangedFilesAreRead(t *testing.T) {
	s := newWatched(t, "", configtest.Rule("partner.example", "secure", ""))
	s.remind(s.now)
	s.polls(3)
	s.wantEvents("nothing changed", s.events())

	s.put("accredited.csv", list("renewed.nhs.uk"))
	s.polls(1)
	s.wantEvents("it may still be written", s.events())
	s.polls(1)
	s.wantEvents("it lay still", s.events("cause", "rows"), fmt.Sprintf("reloaded cause=file changed rows=%d", s.current.Load().Message.Rules.Table.Len()))
	s.wantClass("a@renewed.nhs.uk", table.Secure)
	s.wantClass("a@listed.nhs.uk", table.Unknown)

	s.put("rules.d/more.toml", "table.name = \"more\"\n"+configtest.Rule("renewed.nhs.uk", "unknown", ""))
	s.polls(2)
	s.wantEvents("a new file", s.events("cause"), "reloaded cause=file changed")
	s.wantClass("a@renewed.nhs.uk", table.Unknown)
	s.polls(3)
	s.wantEvents("read once", s.events())

	s.put("accredited.csv", list("again.nhs.uk"))
	s.reload(s.now)
	s.polls(3)
	s.wantEvents("read by SIGHUP", s.events("cause"), "reloaded cause=SIGHUP")
}

func TestAutomaticReloadLeavesTheConfigurationFile(t *testing.T) {
	s := newWatched(t, "", "")
	s.remind(s.now)
	configtest.Put(t, s.path, "nonsense\n", s.now)
	s.polls(2)
	s.wantEvents("the configuration file alone", s.events())
	s.put("accredited.csv", list("renewed.nhs.uk"))
	s.polls(2)
	s.wantEvents("the list", s.events(), "reloaded")
	s.reload(s.now)
	s.wantEvents("SIGHUP", s.events("cause"), "reload refused cause=SIGHUP")
	s.wantClass("a@renewed.nhs.uk", table.Secure)
}

// TestLastGoodTable makes one file after another faulty. The table stays in
// force, the log reports it once, and withdrawn trust stays withdrawn.
func TestLastGoodTable(t *testing.T) {
	const local = "rules.d/local.toml"
	rows := configtest.Rule("council.gov.uk", "unknown", "") + configtest.Rule("a.gov.uk", "unknown", "") + configtest.Rule("b.gov.uk", "unknown", "")
	remove := func(s *watched, name string) {
		if err := os.Remove(s.file(name)); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name   string
		breaks func(s *watched)
		want   string
		hangup table.Class // of listed.nhs.uk after SIGHUP; Local if the reload is refused
	}{
		{"list gone", func(s *watched) { remove(s, "accredited.csv") }, "no such file or directory: run postseal import", table.Local},
		{"list empty", func(s *watched) { s.put("accredited.csv", "") }, "the list is empty", table.Local},
		{"list without rows", func(s *watched) { s.put("accredited.csv", "Organisation Name,Domain name\n") }, "the list has no valid row: run postseal import", table.Local},
		{"list a directory", func(s *watched) { remove(s, "accredited.csv"); os.Mkdir(s.file("accredited.csv"), 0o755) }, "is a directory", table.Local},
		{"list of another column", func(s *watched) { s.put("accredited.csv", "Organisation Name,Domain name\nA,Y\nB,N\n") }, `accredited.csv: line 2: the domain "Y" must be written "y": run postseal import`, table.Local},
		{"list as published", func(s *watched) {
			s.put("accredited.csv", "Organisation Name,System Type,Domain name \nA,x,listed.nhs.uk\n")
		}, "accredited.csv: line 1: this is not a list that postseal import wrote: run postseal import DIR/accredited.csv, which replaces the file", table.Local},
		{"list cut off", func(s *watched) { s.put("accredited.csv", strings.TrimSuffix(list("listed.nhs.uk"), "ple\n")) }, "accredited.csv: line 42: the line has no end, so the file is cut off: run postseal import", table.Local},
		{"list cut short", func(s *watched) { s.put("accredited.csv", "Organisation Name,Domain name\n,trust1.example\n") }, "accredited.csv: only 1 of 41 rows are left: if you removed the rows on purpose, run systemctl reload postseal or send SIGHUP", table.Unknown},
		{"rule file gone", func(s *watched) { remove(s, local) }, "local.toml: only 0 of 3 rows are left: if you removed the rows on purpose, run systemctl reload postseal or send SIGHUP", table.Secure},
		{"rule file empty", func(s *watched) { s.put(local, "") }, "table.name is missing", table.Local},
		{"rule file cut short", func(s *watched) { s.put(local, "table.name = \"local\"\n"+configtest.Rule("b.gov.uk", "unknown", "")) }, "local.toml: only 1 of 3 rows are left", table.Secure},
		{"rule file broken", func(s *watched) { s.put(local, "[[domain]\n") }, "local.toml: line 1, column 9: a closing bracket is missing: write [[domain]]", table.Local},
		{"directory gone", func(s *watched) { remove(s, local); remove(s, "rules.d") }, "make the directory readable", table.Local},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newWatched(t, "", rows)
			s.remind(s.now)
			before := s.current.Load()
			test.breaks(s)
			s.polls(6)
			got := s.events("reason")
			if len(got) != 1 || !strings.HasPrefix(got[0], "reload refused") || !strings.Contains(got[0], test.want) {
				t.Errorf("got %q, want one with %q", got, test.want)
			}
			if s.current.Load() != before {
				t.Error("another table is in force")
			}
			s.wantClass("x@council.gov.uk", table.Unknown)
			s.wantClass("x@listed.nhs.uk", table.Secure)

			s.reload(s.now)
			if test.hangup == table.Local {
				s.wantEvents("SIGHUP", s.events(), "reload refused")
			} else {
				s.wantEvents("SIGHUP", s.events(), "reloaded")
				s.wantClass("x@listed.nhs.uk", test.hangup)
			}
			os.RemoveAll(s.file("accredited.csv"))
			os.Mkdir(s.file("rules.d"), 0o755)
			s.put("accredited.csv", list("listed.nhs.uk"))
			s.put(local, "table.name = \"local\"\n"+rows)
			s.polls(2)
			s.wantEvents("mended", s.events(), "reloaded")
			s.wantClass("x@council.gov.uk", table.Unknown)
		})
	}
}

// A rule file that changed after a refused SIGHUP cleared config_refused,
// although the configuration file on disk was still faulty.
func TestEachRefusalHasItsFlag(t *testing.T) {
	const bad = "[[domain]\n"
	good := "table.name = \"local\"\n" + configtest.Rule("a.example", "secure", "")
	const noConfig, noFiles = "; the configuration on disk was refused: see the log", "; a changed list or rule file was refused: see the log"
	s := newWatched(t, "", "")
	s.remind(s.now)
	config := string(s.current.Load().Text)
	wantFlags := func(when, want string) {
		t.Helper()
		if got := s.status(); !strings.HasSuffix(got, "0 sessions"+want) {
			t.Errorf("%s: got %q, want %q at its end", when, got, want)
		}
	}
	for i, step := range []struct {
		config, rules string // the new text; empty: no change
		want          string // the event
		flags         string
	}{
		{config: "nonsense = 1\n", want: "reload refused cause=SIGHUP", flags: noConfig},
		{rules: good, want: "reloaded cause=file changed config_refused=true", flags: noConfig},
		{rules: bad, want: "reload refused cause=file changed", flags: noConfig + noFiles},
		{rules: good, want: "reloaded cause=file changed config_refused=true", flags: noConfig},
		{rules: bad, want: "reload refused cause=file changed", flags: noConfig + noFiles},
		{config: config, want: "reload refused cause=SIGHUP", flags: noFiles},
		{config: config + "# more\n", want: "reload refused cause=SIGHUP", flags: noConfig + noFiles},
		{rules: good, want: "reloaded cause=file changed config_refused=true", flags: noConfig},
		{config: config, want: "reloaded cause=SIGHUP config_refused=false", flags: ""},
		{rules: bad, want: "reload refused cause=file changed", flags: noFiles},
		{rules: good, want: "reloaded cause=file changed config_refused=false", flags: ""},
		{config: config + "listen = \"inet:127.0.0.1:1\"\n", want: "reload refused cause=SIGHUP", flags: noConfig},
		{config: config, want: "reloaded cause=SIGHUP config_refused=false", flags: ""},
	} {
		when := fmt.Sprintf("step %d", i+1)
		if step.config != "" {
			configtest.Put(t, s.path, step.config, s.now)
			s.reload(s.now)
		}
		if step.rules != "" {
			s.put("rules.d/local.toml", step.rules)
			s.polls(3)
		}
		s.wantEvents(when, s.events("cause", "config_refused"), step.want)
		wantFlags(when, step.flags)
	}
}

// TestModesOfFiles removes the right to read a file and restores it.
// This changes neither the text nor the timestamp.
func TestModesOfFiles(t *testing.T) {
	for _, name := range []string{"accredited.csv", "rules.d/local.toml", "rules.d"} {
		t.Run(name, func(t *testing.T) {
			s := newWatched(t, "", configtest.Rule("council.gov.uk", "unknown", ""))
			s.remind(s.now)
			asOwner(t)
			before := s.current.Load()
			chmod := func(mode os.FileMode) {
				t.Helper()
				if err := os.Chmod(s.file(name), mode); err != nil {
					t.Fatal(err)
				}
			}
			chmod(0)
			s.polls(6)
			got := s.events("cause", "reason")
			if len(got) != 1 || !strings.HasPrefix(got[0], "reload refused cause=file changed") || !strings.Contains(got[0], "permission denied") {
				t.Errorf("got %q, want one refusal", got)
			}
			if s.current.Load() != before {
				t.Error("another table is in force")
			}
			chmod(0o755)
			s.polls(6)
			s.wantEvents("mended", s.events("config_refused"), "reloaded config_refused=false")
			s.wantClass("x@council.gov.uk", table.Unknown)
		})
	}
	t.Run("not readable when SIGHUP came", func(t *testing.T) {
		s := newWatched(t, "", "")
		s.remind(s.now)
		asOwner(t)
		if err := os.Chmod(s.file("accredited.csv"), 0); err != nil {
			t.Fatal(err)
		}
		s.reload(s.now)
		s.wantEvents("SIGHUP", s.events("cause"), "reload refused cause=SIGHUP")
		if err := os.Chmod(s.file("accredited.csv"), 0o644); err != nil {
			t.Fatal(err)
		}
		s.polls(3)
		s.wantEvents("mended", s.events("cause"), "reloaded cause=file changed")
	})
}

// asOwner removes root's privileges from the test's thread, so that a mode
// without the right to read applies.
func asOwner(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // the rest of the process keeps its privileges
	t.Cleanup(runtime.UnlockOSThread)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var had [2]unix.CapUserData
	if err := unix.Capget(&header, &had[0]); err != nil {
		t.Fatal(err)
	}
	less := had
	less[0].Effective &^= 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH
	if err := unix.Capset(&header, &less[0]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Capset(&header, &had[0]); err != nil {
			t.Error(err)
		}
	})
}

func TestReminders(t *testing.T) {
	days := func(n int) string { // until a day that is n days after the site's first
		return "expires = " + time.Date(2026, 11, 21+n, 0, 0, 0, 0, time.Local).Format(time.DateOnly)
	}
	s := newWatched(t, "[log]\naddresses = \"domain\"\n", "table.review_by = 2026-11-24\n"+
		configtest.Rule("gone.example", "secure", days(-5))+configtest.Rule("today.example", "secure", days(0))+
		configtest.Rule("week.example", "secure", days(7))+configtest.Rule("eight.example", "secure", days(8))+configtest.Rule("thirty.example", "secure", days(30))+
		"[[domain]]\naddress = \"clinic@fortnight.example\"\nclass = \"secure\"\n"+days(14)+"\n")
	keys := []string{"row", "table", "days_left", "age_days", "max_age", "expires", "review_by"}
	standing := []string{"row expired row=gone.example expires=2026-11-16", "row expired row=today.example expires=2026-11-21"}
	nextDay := func() []string {
		y, m, d := s.now.Date()
		s.now = time.Date(y, m, d+1, 0, 0, 0, 0, time.Local).Add(-pollInterval / 2)
		s.tick(s.now)
		s.wantEvents("just before midnight", s.events(keys...))
		s.polls(1)
		got := s.events(keys...)
		s.polls(5)
		s.wantEvents("later that day", s.events(keys...))
		return got
	}
	configtest.Put(t, s.file("accredited.csv"), list("listed.nhs.uk"), s.now.AddDate(0, 0, 3-config.MaxListAge))
	s.reload(s.now)
	s.events()
	s.remind(s.now)
	s.wantEvents("at start", s.events(keys...), append(slices.Clone(standing),
		"row expires soon row=week.example days_left=7 expires=2026-11-28",
		"row expires soon row=thirty.example days_left=30 expires=2026-12-21",
		"row expires soon row=fortnight.example days_left=14 expires=2026-12-05")...)
	s.wantEvents("on the 22nd", nextDay(), append(slices.Clone(standing), "row expires soon row=eight.example days_left=7 expires=2026-11-29")...)
	s.wantEvents("on the 23rd", nextDay(), standing...)
	s.wantEvents("on the 24th", nextDay(), append([]string{"table review due table=local review_by=2026-11-24"}, standing...)...)
	s.wantEvents("on the 25th", nextDay(), append([]string{"table review due table=local review_by=2026-11-24"}, standing...)...)
	s.wantEvents("on the 26th", nextDay(), append([]string{"list old age_days=15 max_age=14", "table review due table=local review_by=2026-11-24"}, standing...)...)
	s.reload(s.now)
	s.wantEvents("on reload", s.events(keys...), append([]string{"reloaded", "list old age_days=15 max_age=14", "table review due table=local review_by=2026-11-24"}, standing...)...)
}

// TestRowExpiresWhileRunning has no poll and no reload.
func TestRowExpiresWhileRunning(t *testing.T) {
	s := newWatched(t, "", configtest.Rule("hospice.example", "secure", "expires = 2026-11-22")+configtest.Rule("council.gov.uk", "unknown", "expires = 2026-11-22"))
	s.now = time.Date(2026, 11, 21, 23, 59, 59, 0, time.Local)
	s.wantClass("a@hospice.example", table.Secure)
	s.wantClass("a@council.gov.uk", table.Unknown)
	s.now = s.now.Add(time.Second)
	s.wantClass("a@hospice.example", table.Unknown)
	s.wantClass("a@council.gov.uk", table.Secure)
}

// TestReloadKeepsToItsFile moves the configuration file away. The daemon must
// not use the built-in configuration, which only observes.
func TestReloadKeepsToItsFile(t *testing.T) {
	first, err := config.Load(configtest.Write(t, "mode = \"enforce\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	d := newDaemon("", first, jsonLog(logtest.Writer(t, &log)))
	d.reload(time.Now())
	if d.current.Load() != first || !strings.Contains(log.String(), "put the file back") {
		t.Errorf("got %s", &log)
	}
}
