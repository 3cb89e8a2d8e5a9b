package mtatest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/mtatest"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// TestMtail counts a log with contrib's program for mtail and with encoding/json.
func TestMtail(t *testing.T) {
	mtail := t.TempDir()
	if err := mtatest.Unpack(root, mtail, "mtail"); err != nil {
		t.Fatal(err)
	}
	t.Run("random events", func(t *testing.T) {
		t.Parallel()
		lines := randomLog(rand.New(rand.NewPCG(13, 1)), 4000)
		wantSeries(t, runMtail(t, mtail, asFile(lines)), seriesOf(t, lines))
	})
	t.Run("daemon", func(t *testing.T) {
		w := on(t, postfix)
		socket := filepath.Join(t.TempDir(), "metrics.sock")
		d := w.serve("enforce", fmt.Sprintf("[metrics]\nlisten = %q\n", "unix:"+socket)+everyFinding)
		w.sendVariety(d)
		scraped := scrape(t, socket)
		lines := strings.SplitAfter(d.Log(), "\n")
		counted := runMtail(t, mtail, d.Log())
		wantSeries(t, counted, seriesOf(t, lines[:len(lines)-1]))
		compared := 0
		for name, n := range scraped {
			if notInLog.MatchString(name) {
				continue
			}
			if diff := counted[name] - n; diff > 1e-6 || diff < -1e-6 {
				t.Errorf("%s is %v by mtail, and %v in /metrics", name, counted[name], n)
			}
			compared++
		}
		if compared < 100 {
			t.Errorf("compared %d series", compared)
		}
	})
}

// notInLog matches the series of /metrics that mtail cannot have, or not in the same
// form.
var notInLog = regexp.MustCompile(`^(go_|process_|promhttp_|postseal_(document_seconds|sessions$|build_info|rows_expiring|list_imported|next_row_expiry|configuration_loaded))`)

// scrape returns the series of /metrics on a unix socket.
func scrape(t *testing.T, socket string) map[string]float64 {
	t.Helper()
	text, err := mtatest.Metrics(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	return parseSeries(t, text)
}

// everyFinding has policies that test more findings than the shipped ones.
const everyFinding = `
[[pattern]]
name = "ward"
match = 'ward [0-9]+'
[[pattern]]
name = "bed"
match = 'bed [0-9]+'
`

// sendVariety sends messages of many kinds, and waits until they are decided.
func (t *T) sendVariety(d *mtatest.Daemon) {
	t.Helper()
	decided := 0
	for _, subject := range []string{"rota", "[secure] referral", "(secure) referral", "[sercure] x", "NHS number 999 000 0018", `","action":"reject","mode":"enforce"`} {
		for _, body := range []string{"nothing", "NHS number: 999 000 0018", "OFFICIAL-SENSITIVE", "ward 7, bed 4"} {
			for _, to := range [][]string{
				{"<a@nhs.net>", "<bob@gmail.com>"},
				{"<old@council.gsi.gov.uk>", "<x@council.gov.uk>", `<"\",\"class\":\"closed\",\"kind\":\"closed\""@gmail.com>`},
				{"<a@nhs.nte>"},
			} {
				s := t.send(to, []byte("Subject: "+subject+"\r\nFrom: ward@trust.example\r\n\r\n"+body+"\r\n"))
				if slices.ContainsFunc(s.Recipients, func(r mtatest.Reply) bool { return r.Code == 250 }) {
					decided++
				}
			}
		}
	}
	if n := len(d.AwaitEvents("decision", decided)); n != decided {
		t.Errorf("%d decisions, want %d", n, decided)
	}
	t.settle()
}

// runMtail returns the series that mtail reads from a log.
func runMtail(t *testing.T, dir, log string) map[string]float64 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mail.log")
	if err := os.WriteFile(path, []byte(log), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "usr/bin/mtail"), "-progs", filepath.Join(root, "contrib/alerting/mtail"), "-logs", path,
		"-one_shot", "-one_shot_format", "prometheus", "-emit_prog_label=false", "-logtostderr", "-address", "127.0.0.1", "-port", "0")
	var faults bytes.Buffer
	cmd.Stderr = &faults
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("mtail: %v\n%s", err, &faults)
	}
	for line := range strings.Lines(faults.String()) {
		if !strings.HasPrefix(line, "I") || strings.Contains(line, "rror") {
			t.Errorf("mtail: %s", line)
		}
	}
	return parseSeries(t, string(out))
}

// parseSeries reads the text format of Prometheus.
func parseSeries(t *testing.T, text string) map[string]float64 {
	t.Helper()
	series := make(map[string]float64)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(strings.TrimSpace(line[i+1:]), 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		series[line[:i]] = value
	}
	return series
}

// wantSeries compares series. A series that is missing is 0.
func wantSeries(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok && got[name] != 0 {
			t.Errorf("%s is %v, and in no line", name, got[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if diff := got[name] - want[name]; diff > 1e-6 || diff < -1e-6 {
			t.Errorf("%s is %v, want %v", name, got[name], want[name])
		}
	}
	if want["postseal_decision_seconds_count"] == 0 {
		t.Error("no decisions")
	}
}

// logLine has the keys that are counted.
type logLine struct {
	Time                 time.Time
	Level, Msg           string
	Action, Mode, Marker string
	NearMiss             string `json:"near_miss"`
	Findings             []struct{ Name string }
	ByClass              map[string]int `json:"by_class"`
	ByAction             map[string]int `json:"by_action"`
	TookUS               *int           `json:"took_us"`
	Class, Kind          string
	RefusedRecipient     int `json:"refused_recipient"`
	ReadingsDiffer       int `json:"readings_differ"`
	Lost, Refused, Rows  int
	Version, Edition     string
	Config, Expires      string
	ConfigRefused        bool `json:"config_refused"`
	AgeDays              int  `json:"age_days"`
}

// seriesOf returns the series of the lines of a log.
func seriesOf(t *testing.T, lines []string) map[string]float64 {
	t.Helper()
	series := map[string]float64{}
	add := func(n int, name string, labels ...any) {
		series[fmt.Sprintf("postseal_"+name, labels...)] += float64(n)
	}
	clear := func(name string) {
		maps.DeleteFunc(series, func(s string, _ float64) bool { return strings.HasPrefix(s, "postseal_"+name) })
	}
	day, expiry := "", int64(0)
	for _, line := range lines {
		var l logLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		set := func(n int64, name string, labels ...any) {
			series[fmt.Sprintf("postseal_"+name, labels...)] = float64(n)
		}
		if l.Level != "INFO" {
			add(1, "alert_lines_total{msg=%q}", l.Msg)
		}
		switch l.Msg {
		case "decision":
			add(1, "messages_total{action=%q,marker=%q,mode=%q}", l.Action, l.Marker, l.Mode)
			for class, n := range l.ByClass {
				add(n, "recipients_total{class=%q,mode=%q}", class, l.Mode)
			}
			for action, n := range l.ByAction {
				add(n, "recipient_actions_total{action=%q,mode=%q}", action, l.Mode)
			}
			if l.NearMiss != "" {
				add(1, "near_misses_total{kind=%q}", l.NearMiss)
			}
			var names []string
			for _, f := range l.Findings {
				names = append(names, f.Name)
			}
			slices.Sort(names)
			sensitive := false
			for _, name := range slices.Compact(names) {
				add(1, "findings_total{name=%q}", name)
				sensitive = sensitive || slices.Contains([]string{"nhs-number", "nhs-number-in-subject", "marking", "sensitivity"}, name)
			}
			if sensitive && l.Marker == "missing" && l.ByClass["unverified"]+l.ByClass["unknown"] > 0 {
				add(1, "sensitive_unmarked_messages_total{action=%q,mode=%q}", l.Action, l.Mode)
			}
			for _, le := range []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30} {
				if float64(*l.TookUS)/1e6 <= le {
					add(1, "decision_seconds_bucket{le=\"%v\"}", le)
				}
			}
			add(1, `decision_seconds_bucket{le="+Inf"}`)
			add(1, "decision_seconds_count")
			series["postseal_decision_seconds_sum"] += float64(*l.TookUS) / 1e6
		case "refused recipient":
			add(1, "refused_recipients_total{class=%q,reason=%q}", l.Class, l.Kind)
		case "readings differ":
			add(1, "readings_differ_total")
		case "lines left out":
			add(l.RefusedRecipient, `lines_left_out_total{event="refused_recipient"}`)
			add(l.ReadingsDiffer, `lines_left_out_total{event="readings_differ"}`)
		case "internal error":
			add(1, "internal_errors_total")
		case "lines lost":
			add(l.Lost, "log_lines_lost_total")
		case "session broken":
			add(1, "sessions_broken_total")
		case "connections taken again":
			add(l.Refused, "connections_refused_total")
		case "socket lost":
			set(1, "socket_lost")
		case "socket opened":
			set(0, "socket_lost")
		case "reload refused":
			add(1, `reloads_total{result="refused"}`)
			set(1, "configuration_refused")
		case "started", "reloaded":
			if l.Msg == "started" {
				set(0, "socket_lost")
				clear("build_info")
				set(1, "build_info{version=%q}", l.Version)
			} else {
				add(1, `reloads_total{result="accepted"}`)
			}
			clear("configuration_info")
			set(1, "configuration_info{config=%q,edition=%q,mode=%q}", l.Config, l.Edition, l.Mode)
			set(0, "configuration_refused")
			if l.ConfigRefused {
				set(1, "configuration_refused")
			}
			set(0, "enforcing")
			if l.Mode == "enforce" {
				set(1, "enforcing")
			}
			set(int64(l.Rows), "rows")
			set(l.Time.Unix(), "configuration_loaded_timestamp_seconds")
			clear("list_imported")
			clear("next_row_expiry")
			clear("rows_expired")
			clear("tables_review_due")
			expiry = 0
		case "list old":
			set(l.Time.Unix()-int64(l.AgeDays)*86400, `list_imported_timestamp_seconds{source="log"}`)
		case "row expired", "row expires soon", "table review due":
			if today := l.Time.Format(time.DateOnly); today != day {
				day = today
				clear("rows_expired")
				clear("tables_review_due")
				if expiry <= l.Time.Unix() {
					expiry = 0
					clear("next_row_expiry")
				}
			}
			switch l.Msg {
			case "row expired":
				add(1, "rows_expired")
			case "table review due":
				add(1, "tables_review_due")
			default:
				expires, err := time.Parse(time.DateOnly, l.Expires)
				if err != nil {
					t.Fatal(err)
				}
				if expiry == 0 || expires.Unix() < expiry {
					expiry = expires.Unix()
					set(expiry, `next_row_expiry_timestamp_seconds{source="log"}`)
				}
			}
		}
	}
	return series
}

// decoy is a value that looks like a line. It must not be counted.
const decoy = `{"time":"2026-11-29T10:47:03Z","level":"INFO","msg":"decision","queue_id":"","client":"","auth":"","sender":"","action":"reject","mode":"enforce","marker":"missing","near_miss":"escaped","findings":[{"name":"nhs-number"}],"recipients":[],"recipient_count":7,"by_class":{"unknown":7},"by_action":{"reject":7},"reason":"","config":"","took_us":7}`

// asFile returns lines as they are in a file: as postseal writes them, or with one
// of the headings that rsyslog writes. Lines of others are between them.
func asFile(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		b.WriteString([]string{"", " ", "Nov  9 10:47:03 mx1 postseal[812]: ", "2026-11-29T10:47:03.123456+00:00 mx1.trust.example postseal[812]: "}[i%4])
		b.WriteString(line)
		if i%50 == 0 {
			b.WriteString("Nov 29 10:47:03 mx1 postfix/smtpd[99]: NOQUEUE: reject: from=<" + decoy + "> proto=ESMTP\n" +
				"Nov 29 10:47:03 mx1 postfix/qmgr[99]: postseal: " + decoy + "\n" +
				"Nov 29 10:47:03 mx1 postseal: /etc/postseal/postseal.toml:3: " + decoy + "\n" +
				"postseal: " + decoy + "\n")
		}
	}
	return b.String()
}

// texts are values of the kind that clients choose.
var texts = []string{
	"", "ward@trust.example", decoy, decoy[1:], `"` + decoy, `\`, `\\"`, `"},`, `","action":"reject","mode":"enforce","marker":"missing","near_miss":"","findings":[`,
	`","class":"closed","row":"`, `","kind":"closed","config":"`, `,"took_us":7}`, `"msg":"decision"`, `\"msg\":\"decision\"`, `]`, `"]`, `{"name":"nhs-number"}`,
	`,"name":"marking"`, `,"by_class":{"unknown":9},"by_action":{"tag":9},"reason":"`, "a\nb\t\r", "caf\u00e9 \u2028 \U0001f4e7", "\xff\xfe", "]},{", strings.Repeat(`"\`, 3000),
	`","version":"9","listen":"`, `,"mode":"enforce","edition":"x","rows":9,"config":"abc"}`, `","file":"x","age_days":9,"`, `","lost":9,"`, `,"refused":9}`,
}

// randomLog returns the lines of random events of every kind, as postseal writes
// them.
func randomLog(r *rand.Rand, n int) []string {
	var lines []string
	now := time.Date(2026, 11, 20, 8, 0, 0, 123456789, time.UTC)
	log := maillog.NewLog(slog.New(atTime{maillog.NewLineHandler(func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) }, func(_ slog.Level, line []byte) {
		lines = append(lines, string(line))
	}), &now}), nil)
	text := func() string { return texts[r.IntN(len(texts))] }
	config := func() string { return fmt.Sprintf("%012x", r.IntN(4)) }
	edition := func() string { return []string{"nhsmail-2022", "nhsmail-2024"}[r.IntN(2)] }
	mode := func() rules.Mode { return rules.Mode(r.IntN(2)) }
	class := func() table.Class { return table.Class(r.IntN(int(table.Closed) + 1)) }
	action := func() rules.Action { return rules.Action(r.IntN(int(rules.Reject) + 1)) }
	file := func() string { return "/etc/postseal/rules.d/" + text() }
	for len(lines) < n {
		now = now.Add(time.Duration(r.IntN(600)) * time.Second)
		var e maillog.Event
		switch kind := r.IntN(60); kind {
		default:
			e = randomDecision(r, text, class, action, mode())
		case 0:
			e = maillog.DecisionRecipients{QueueID: text(), Recipients: randomRecipients(r, text, class, action)}
		case 1, 2, 3:
			e = maillog.RefusedRecipient{QueueID: text(), Client: text(), Sender: text(), Address: text(), Class: class(), Row: text(), Reason: text(), Kind: []message.RefusalKind{"closed", "not-ascii", "too-many"}[r.IntN(3)], Config: config()}
		case 4:
			e = maillog.ReadingsDiffer{QueueID: text(), Domain: text(), Resolved: text(), Class: class(), Config: config()}
		case 5:
			e = maillog.LinesLeftOut{QueueID: text(), Client: text(), RefusedRecipient: r.IntN(900), ReadingsDiffer: r.IntN(900), Config: config()}
		case 6:
			e = maillog.InternalError{QueueID: text(), Fault: text(), Stack: text()}
		case 7:
			e = maillog.SessionBroken{QueueID: text(), Client: text(), Reason: text()}
		case 8:
			e = maillog.TooManyConnections{Limit: r.IntN(900)}
		case 9:
			e = maillog.ConnectionsTakenAgain{Refused: r.IntN(900)}
		case 10:
			e = maillog.LinesLost{Lost: r.IntN(900), Since: text(), Reason: text()}
		case 11:
			e = maillog.SocketLost{Listen: text(), Reason: text()}
		case 12:
			e = maillog.SocketOpened{Listen: text()}
		case 13:
			e = maillog.Started{Version: fmt.Sprint("1.", r.IntN(3)), Listen: text(), File: file(), Mode: mode(), Edition: edition(), Rows: r.IntN(9000), Config: config()}
		case 14:
			e = maillog.Reloaded{Cause: "SIGHUP", ConfigRefused: r.IntN(2) == 0, Mode: mode(), Edition: edition(), Rows: r.IntN(9000), Config: config()}
		case 15:
			e = maillog.ReloadRefused{Cause: "file changed", Reason: text(), Config: config()}
		case 16:
			e = maillog.Draining{Messages: r.IntN(9)}
		case 17:
			e = maillog.Stopped{CutOff: r.IntN(9)}
		case 18:
			e = maillog.ListOld{File: file(), AgeDays: 15 + r.IntN(90), MaxAge: 14}
		case 19, 20:
			e = maillog.RowExpired{Row: text(), File: file(), Expires: now.AddDate(0, 0, -r.IntN(9)).Format(time.DateOnly)}
		case 21, 22:
			days := []int{7, 14, 30}[r.IntN(3)]
			e = maillog.RowExpiresSoon{Row: text(), File: file(), Expires: now.AddDate(0, 0, days).Format(time.DateOnly), DaysLeft: days}
		case 23:
			e = maillog.TableReviewDue{Table: text(), File: file(), ReviewBy: now.Format(time.DateOnly)}
		case 24:
			e = maillog.Doctor{ID: "pickup", Severity: "leak", Setting: text(), Service: text(), Effect: text()}
		}
		maillog.Write(log, e)
	}
	return lines
}

func randomRecipients(r *rand.Rand, text func() string, class func() table.Class, action func() rules.Action) []maillog.Recipient {
	list := []maillog.Recipient{}
	for range r.IntN(4) {
		address := text()
		list = append(list, maillog.Recipient{Address: address[:min(len(address), 300)], Class: class(), Policy: "p", Action: action(), Findings: randomFindings(r)})
	}
	return list
}

func randomFindings(r *rand.Rand) []maillog.Finding {
	list := []maillog.Finding{}
	for range r.IntN(4) {
		var f maillog.Finding
		switch name := []finding.Name{
			finding.LookAlike, finding.NHSNumber, finding.NHSNumberLikely, finding.NHSNumberInSubject, finding.Marking, finding.Sensitivity,
			finding.Unreadable, finding.Picture, finding.EncryptedMessage, finding.VisibleRecipients, finding.NoDisclaimer,
		}[r.IntN(11)]; name {
		case finding.LookAlike:
			f.Name, f.Meant = name, []string{"", "nhs.net", `x]"},{"name":"marking`}[r.IntN(3)]
		case finding.Unreadable:
			f.Name, f.Reason, f.Part = name, finding.Damaged, fmt.Sprintf("%d/%d", r.IntN(3), r.IntN(3))
		default:
			f.Name = name
			if name.Counts() {
				f.Count = 1 + r.IntN(9)
			}
		}
		list = append(list, f)
	}
	for i := range r.IntN(9) { // each pattern at most once
		list = append(list, maillog.Finding{Finding: finding.Finding{Name: finding.Name(fmt.Sprintf("%sward-%d", finding.PatternPrefix, i)), Count: 3}})
	}
	return list
}

func randomDecision(r *rand.Rand, text func() string, class func() table.Class, action func() rules.Action, mode rules.Mode) maillog.Decision {
	d := maillog.Decision{
		QueueID: maillog.QueueID(text()), Client: text(), Auth: text(), Sender: text(), Action: action(), Mode: mode,
		Findings: randomFindings(r), Recipients: randomRecipients(r, text, class, action), Reason: text(), Config: "abc",
		TookUS: 1 + int64(r.ExpFloat64()*3000),
	}
	if d.Marker = marker.State(r.IntN(int(marker.Missing) + 1)); d.Marker == marker.NearMiss {
		d.NearMiss = marker.WrongBrackets
	}
	for range 1 + r.IntN(5) {
		n := 1 + r.IntN(100)
		d.ByClass[class()] += n
		d.ByAction[action()] += n
		d.RecipientCount += n
	}
	return d
}

// atTime sets the time of records.
type atTime struct {
	slog.Handler
	now *time.Time
}

func (h atTime) Handle(ctx context.Context, r slog.Record) error {
	r.Time = *h.now
	return h.Handler.Handle(ctx, r)
}
