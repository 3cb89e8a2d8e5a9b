package mtatest_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDailyMail runs contrib's postseal-daily on random log lines. The mail must have
// their counts, and no address.
func TestDailyMail(t *testing.T) {
	t.Parallel()
	lines := randomLog(rand.New(rand.NewPCG(13, 3)), 500)
	series := seriesOf(t, lines)
	sum := func(prefix string) (total float64) {
		for name, n := range series {
			if strings.HasPrefix(name, "postseal_"+prefix) {
				total += n
			}
		}
		return total
	}
	mail := dailyMail(t, strings.Join(lines, "")+"postseal.toml:3: unknown key\n3\n[]\n{\"msg\":\"decision\",\"level\":\"INFO\"}\n")
	for name, want := range map[string]float64{
		"messages on ": sum("messages_total") + 1, "  internal error\n": sum("internal_errors_total"), "  recipients refused\n": sum("refused_recipients_total"),
		"  near misses of the marker\n": sum("near_misses_total"), "  sensitive messages without the marker, to outside recipients\n": sum("sensitive_unmarked_messages_total"),
		" alerts, ": sum("alert_lines_total"), "  unknown\n": sum(`recipients_total{class="unknown"`), "  divert, mode observe\n": sum(`messages_total{action="divert",marker="missing",mode="observe"`) +
			sum(`messages_total{action="divert",marker="present",mode="observe"`) + sum(`messages_total{action="divert",marker="near-miss",mode="observe"`),
	} {
		if name = fmt.Sprint(want, name); want == 0 || !strings.Contains(mail, " "+strings.Replace(name, "messages on", " messages on", 1)) {
			t.Errorf("no %q", name)
		}
	}
	for _, line := range strings.Split(mail, "\n") {
		if !regexp.MustCompile(`^(Subject: postseal on \S+: \d+ alerts, \d+ messages on [0-9-]+|[A-Z][a-z ]+:|  \d+  [a-z-]+( [a-z]+|, mode [a-z]+|, to outside recipients)*|)$`).MatchString(line) &&
			!strings.HasPrefix(line, "The alerts:  ") && !strings.HasPrefix(line, "What each one means:  ") {
			t.Errorf("got the line %q", line)
		}
	}
	if mail := dailyMail(t, ""); !strings.Contains(mail, ": 0 alerts, 0 messages on ") || !strings.Contains(mail, "none: is postseal running") {
		t.Errorf("without lines: %s", mail)
	}
	if t.Failed() {
		t.Log(mail)
	}
}

// dailyMail returns what postseal-daily prints if journalctl prints a text.
func dailyMail(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, file := range map[string]string{
		"log":        text,
		"journalctl": "#!/bin/sh\ntest \"$*\" = '-t postseal -o cat --since yesterday --until today' && exec cat " + dir + "/log\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(file), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", filepath.Join(root, "contrib/alerting/journal/postseal-daily"))
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestLogcheck checks that contrib's rule hides all lines except alerts.
func TestLogcheck(t *testing.T) {
	t.Parallel()
	lines := randomLog(rand.New(rand.NewPCG(13, 4)), 500)
	var in, want strings.Builder
	for i, line := range lines {
		heading := []string{"Nov  9 10:47:03 mx1 postseal[812]: ", "2026-11-29T10:47:03.123456+00:00 mx1.trust.example postseal[812]: "}[i%2]
		in.WriteString(heading + line)
		if !strings.Contains(line, `","level":"INFO","msg":"`) {
			want.WriteString(heading + line)
		}
	}
	others := "Nov 29 10:47:03 mx1 postfix/smtpd[99]: NOQUEUE: reject: from=<" + decoy + ">\nNov 29 10:47:03 mx1 postseal[812]: postseal.toml:3: unknown key\n"
	cmd := exec.Command("grep", "-E", "-v", "-f", filepath.Join(root, "contrib/alerting/journal/logcheck"))
	cmd.Stdin = strings.NewReader(in.String() + others)
	if out, err := cmd.Output(); err != nil || string(out) != want.String()+others {
		t.Errorf("%v\ngot  %.2000s\nwant %.2000s", err, out, want.String()+others)
	}
}
