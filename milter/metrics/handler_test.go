package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// get returns the status and the body of an answer.
func get(m *Metrics, d Daemon, path string) (code int, body string) {
	answer := httptest.NewRecorder()
	m.routes(d).ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
	return answer.Code, answer.Body.String()
}

// TestStatusAndGauges checks /status and the gauges after each event, and that the
// counts begin again at midnight.
func TestStatusAndGauges(t *testing.T) {
	now := time.Date(2026, 11, 29, 23, 59, 0, 0, time.Local)
	m := New()
	m.now = func() time.Time { return now }
	m.started, m.loaded = now, now
	d := testDaemon(t)
	m.follow(d)
	want := func(status string, lines ...string) {
		t.Helper()
		if _, got := get(m, d, "/status"); !strings.Contains(got, status) {
			t.Errorf("no %s in %s", status, got)
		}
		_, got := get(m, d, "/metrics")
		for _, line := range lines {
			if !strings.Contains(got, "\npostseal_"+line+"\n") {
				t.Errorf("no %s in the metrics", line)
			}
		}
	}
	sensitive := maillog.Decision{Action: rules.Divert, Mode: rules.Enforce, Marker: marker.Missing,
		Findings: []maillog.Finding{{Finding: finding.Finding{Name: finding.Marking}}}}
	sensitive.ByClass = [5]int{table.Unknown: 1}
	m.Count(sensitive)
	m.Count(maillog.RefusedRecipient{Class: table.Closed, Kind: "closed"})
	want(`"next_expiry":"`+expires+`","rows_expired":0,"sessions":3,"today":{"date":"2026-11-29","messages":1,"by_action":{"accept":0,"divert":1,"quarantine":0,"reject":0,"tag":0},"refused_recipients":1,"sensitive_unmarked":1},"lines_lost":5,"last_error":null`,
		"rows_expiring 0", "rows_expired 0", "tables_review_due 0", "sessions 3", "connections_refused_total 4", "log_lines_lost_total 5", "configuration_refused 0", "socket_lost 0", "enforcing 0")
	m.Count(maillog.ReloadRefused{Reason: "clinic@partner.example"})
	m.Count(maillog.SocketLost{Listen: "a", Reason: "gone"})
	want(`"text":"gone"`, "configuration_refused 1", "socket_lost 1")
	m.Count(maillog.SocketOpened{Listen: "a"})
	m.Count(maillog.ReloadRefused{Reason: "clinic@partner.example"})
	want(`"msg":"reload refused","text":"the log has the reason"`, "configuration_refused 1", "socket_lost 0")
	m.Count(maillog.Reloaded{ConfigRefused: true}) // a list; the configuration is still refused
	want(`"refused":true`, "configuration_refused 1")
	now = now.Add(2 * time.Minute)
	m.Count(maillog.Reloaded{})
	want(`"loaded":"`+now.Format(time.RFC3339)+`","refused":false`, "configuration_refused 0")
	want(`"today":{"date":"2026-11-30","messages":0,"by_action":{"accept":0,"divert":0,"quarantine":0,"reject":0,"tag":0},"refused_recipients":0,"sensitive_unmarked":0}`,
		`messages_total{action="divert",marker="missing",mode="enforce"} 1`)
	now = time.Date(2027, 1, 2, 0, 0, 0, 0, time.Local)
	want(`"next_expiry":"`+expires+`"`, "rows_expiring 1", "tables_review_due 1")
	now = time.Date(2027, 2, 1, 0, 0, 0, 0, time.Local)
	want(`"next_expiry":"","rows_expired":1`, "rows_expiring 0", "rows_expired 1")
}

// TestLastErrors checks each event of level ERROR.
func TestLastErrors(t *testing.T) {
	for _, test := range []struct {
		e    maillog.Event
		want string
	}{
		{maillog.InternalError{Fault: "x"}, `"msg":"internal error","text":"x"`},
		{maillog.LinesLost{Reason: "x"}, `"msg":"lines lost","text":"x"`},
		{maillog.TooManyConnections{}, `"msg":"too many connections","text":"new connections are closed"`},
		{maillog.SessionBroken{Reason: "x"}, `"last_error":null`},
	} {
		m := New()
		m.Count(test.e)
		if _, got := get(m, testDaemon(t), "/status"); !strings.Contains(got, test.want) {
			t.Errorf("no %s in %s", test.want, got)
		}
	}
}

// TestPatternsFollowTheConfiguration checks that a new pattern has a series before its
// first finding, and that the series of a removed pattern keeps its count.
func TestPatternsFollowTheConfiguration(t *testing.T) {
	m, d := New(), testDaemon(t)
	m.follow(d)
	config := d.InForce().Config
	const series = `postseal_findings_total{name="pattern:hospital-number"} `
	pattern, err := detect.NewPattern("hospital-number", "RX", nil, "")
	if err != nil {
		t.Fatal(err)
	}
	config.Read.Content.Patterns = []detect.Pattern{pattern}
	if _, got := get(m, d, "/metrics"); !strings.Contains(got, series+"0\n") {
		t.Error("no series")
	}
	m.Count(maillog.Decision{Findings: []maillog.Finding{{Finding: finding.Finding{Name: pattern.Finding()}}}})
	config.Read.Content.Patterns = nil
	if _, got := get(m, d, "/metrics"); !strings.Contains(got, series+"1\n") {
		t.Error("the count is gone")
	}
}

// TestHealth checks that requests at the same time share a probe, that an answer is one
// line, and that the probe continues for the others if a client closes its request.
func TestHealth(t *testing.T) {
	var probes atomic.Int64
	d := Daemon{Probe: func(context.Context) error {
		probes.Add(1)
		time.Sleep(200 * time.Millisecond)
		return errors.New("one\ntwo")
	}}
	m := New()
	mux := m.routes(d)
	impatient, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/healthz", nil).WithContext(impatient))
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			answer := httptest.NewRecorder()
			mux.ServeHTTP(answer, httptest.NewRequest("GET", "/healthz", nil))
			if answer.Code != 503 || answer.Body.String() != "one two\n" {
				t.Errorf("got %d, %q", answer.Code, answer.Body)
			}
		})
	}
	wait.Wait()
	if n := probes.Load(); n > 10 { // 1, unless the machine is busy
		t.Errorf("%d probes", n)
	}
	d.Probe = func(context.Context) error { return nil }
	if code, body := get(m, d, "/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("got %d, %q", code, body)
	}
}

// TestStatusReadsBack checks that "postseal status" can read the answer.
func TestStatusReadsBack(t *testing.T) {
	m := New()
	m.Count(maillog.Decision{Action: rules.Tag})
	_, text := get(m, testDaemon(t), "/status")
	var status Status
	if err := json.Unmarshal([]byte(text), &status); err != nil || status.Today.ByAction[rules.Tag] != 1 {
		t.Errorf("%v, from %s", err, text)
	}
}

// TestCountingNeedsNoMemory checks that counting allocates no memory.
func TestCountingNeedsNoMemory(t *testing.T) {
	m := New()
	var e maillog.Event = maillog.Decision{Action: rules.Divert, NearMiss: marker.Misspelt, ByClass: [5]int{table.Unknown: 1}, ByAction: [5]int{rules.Divert: 1},
		Findings: []maillog.Finding{{Finding: finding.Finding{Name: finding.Marking}}, {Finding: finding.Finding{Name: finding.Marking, Part: "2"}}}}
	if n := testing.AllocsPerRun(100, func() { m.Count(e) }); n > 0 {
		t.Errorf("%v allocations for a message", n)
	}
}

// BenchmarkCount measures what metrics add to the cost of a message.
func BenchmarkCount(b *testing.B) {
	m := New()
	var e maillog.Event = maillog.Decision{Action: rules.Divert, ByClass: [5]int{table.Unknown: 1}, ByAction: [5]int{rules.Divert: 1},
		Findings: []maillog.Finding{{Finding: finding.Finding{Name: finding.Marking}}}}
	b.ReportAllocs()
	for b.Loop() {
		m.Count(e)
	}
}

// TestRowsAreCountedOnce checks that requests do not walk the table again until a count
// can have changed.
func TestRowsAreCountedOnce(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.Local)
	m, d := New(), testDaemon(t)
	m.now = func() time.Time { return now }
	config := d.InForce().Config
	d.InForce = func() InForce { return InForce{Config: config} }
	row := config.Rules.Table.Rows()[slices.IndexFunc(config.Rules.Table.Rows(), func(r *table.Row) bool { return !r.Expires.IsZero() })]
	want := func(when string, expired int) {
		t.Helper()
		if got := m.status(d).RowsExpired; got != expired {
			t.Errorf("%s: %d rows expired, want %d", when, got, expired)
		}
	}
	row.Expires = now.Add(time.Hour)
	want("first", 0)
	row.Expires = now
	want("kept", 0)
	now = now.Add(time.Hour)
	want("when a row expires", 1)
	row.Expires = now.Add(time.Hour)
	want("kept again", 1)
	now = now.Add(-time.Minute)
	want("with the clock set back", 0)
	row.Expires = now
	other := *config
	config = &other
	want("after a reload", 1)
	row.Expires = now.AddDate(1, 0, 0)
	now = time.Date(2026, 11, 30, 0, 0, 0, 0, time.Local)
	want("at midnight", 0)
}

// TestOneAnswerAtATime checks that many requests use one processor.
func TestOneAnswerAtATime(t *testing.T) {
	d := testDaemon(t)
	var running, most atomic.Int64
	d.Sessions = func() int {
		most.Store(max(most.Load(), running.Add(1)))
		time.Sleep(time.Millisecond)
		running.Add(-1)
		return 0
	}
	m := New()
	handler := m.Handler(d)
	var wait sync.WaitGroup
	for i := range 20 {
		path := []string{"/metrics", "/status"}[i%2]
		wait.Go(func() {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
			if answer.Code != http.StatusOK || answer.Body.Len() == 0 {
				t.Errorf("got %d, %q", answer.Code, answer.Body)
			}
		})
	}
	wait.Wait()
	if n := most.Load(); n != 1 {
		t.Errorf("%d answers at once", n)
	}
}
