package maillog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/table"
)

// lineLimit is the limit in postseal-log(5).
const lineLimit = 8000

type decisionLine struct {
	Msg        string         `json:"msg"`
	QueueID    string         `json:"queue_id"`
	Count      int            `json:"recipient_count"`
	Recipients []Recipient    `json:"recipients"`
	ByClass    map[string]int `json:"by_class"`
	ByAction   map[string]int `json:"by_action"`
}

// boundedLog returns a log with the daemon's handler.
func boundedLog(w io.Writer) *Log {
	return NewLog(slog.New(NewLineHandler(asJSON, func(_ slog.Level, line []byte) { w.Write(line) })), nil)
}

func asJSON(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) }

// boundedLines decodes a log, and fails if a line is too long or not JSON.
func boundedLines(t *testing.T, log string) (list []decisionLine) {
	t.Helper()
	logtest.Check(t, log)
	for line := range strings.Lines(log) {
		var d decisionLine
		if err := json.Unmarshal([]byte(line), &d); err != nil || len(line) > lineLimit {
			t.Fatalf("a line of %d octets: %v", len(line), err)
		}
		list = append(list, d)
	}
	return list
}

// TestDecisionLinesAreBounded checks that no line is longer than the limit,
// whatever the client sends, and that no recipient is missing.
func TestDecisionLinesAreBounded(t *testing.T) {
	for _, local := range []string{"b", strings.Repeat("x", 1<<16), strings.Repeat("<", 300), strings.Repeat("\x00", 300), strings.Repeat("\xff", 999), strings.Repeat("é", 500), strings.Repeat(`"`, 400)} {
		for _, n := range []int{1, 30, 1000} {
			d := rules.Decision{}
			for i := range n {
				// All recipients have the same long text, with a number at its start.
				rcpt := rules.Recipient{Text: fmt.Sprint(i, local, "@gmail.com"), Class: table.Unknown, Findings: []finding.Finding{{Name: finding.LookAlike}}, Meant: fmt.Sprint(i, ".nhs.uk")}
				d.Outcomes = append(d.Outcomes, rules.Outcome{Recipient: rcpt, Policy: strings.Repeat("p", 100), Action: rules.Divert})
			}
			var log bytes.Buffer
			m := message.New(&message.Config{Addresses: shown.Addresses{Format: shown.Full}, Hash: "c0ffeec0ffee"}, message.Envelope{Sender: local + "@trust.example", Auth: local})
			WriteDecision(boundedLog(&log), m, QueueID(local), message.Verdict{Decision: d, Reason: local}, time.Hour)
			lines := boundedLines(t, log.String())
			first := lines[0]
			if first.Count != n || first.ByClass["unknown"] != n || first.ByAction["divert"] != n {
				t.Errorf("%d: got %d, %v, %v", n, first.Count, first.ByClass, first.ByAction)
			}
			next := 0
			for i, line := range lines {
				if line.QueueID != first.QueueID || i > 0 && line.Msg != "decision recipients" || len(line.Recipients) == 0 {
					t.Fatalf("line %d: %s with %d recipients", i, line.Msg, len(line.Recipients))
				}
				for _, r := range line.Recipients {
					if !strings.HasPrefix(r.Address, fmt.Sprint(next)) {
						t.Fatalf("recipient %d is missing", next)
					}
					next++
				}
			}
			if next != n {
				t.Errorf("%d of %d recipients", next, n)
			}
		}
	}
}

func TestClip(t *testing.T) {
	for _, test := range []struct {
		text    string
		maximum int
		want    string
	}{
		{"", 10, ""},
		{"abcdefghij", 10, "abcdefghij"},
		{"abcdefghijk", 10, "abcdefg…"},
		{"ééééé", 10, "ééééé"},
		{"éééééé", 10, "ééé…"},
		{"\x00\x00", 12, "\x00\x00"},
		{"\x00\x00a", 12, "\x00…"},
		{`""""""`, 10, `"""…`},
	} {
		if got := clip(test.text, test.maximum); got != test.want {
			t.Errorf("clip(%q, %d): got %q, want %q", test.text, test.maximum, got, test.want)
		}
	}
}

// TestClippedFindingsKeepEachName checks that many findings with one name do not push
// another name out of the line, because alerts and metrics use the names.
func TestClippedFindingsKeepEachName(t *testing.T) {
	var list []Finding
	for i := range 100 {
		list = append(list, Finding{Finding: finding.Finding{Name: finding.Unreadable, Reason: finding.TooLarge, Part: strconv.Itoa(i)}})
	}
	list = append(list, Finding{Finding: finding.Finding{Name: finding.NHSNumber, Count: 1}})
	got := clipFindings(list, maxFindings)
	if findingsLength(got) > maxFindings || len(got) < 10 || got[0] != list[0] || got[1] != list[100] || got[2] != list[1] {
		t.Errorf("got %v", got)
	}
	if got := clipFindings(list[98:], maxFindings); !slices.Equal(got, list[98:]) {
		t.Errorf("got %v, which did not need clipping", got)
	}
}
