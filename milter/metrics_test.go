package milter

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/metrics"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/detect"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// sample is a line of the text format.
var sample = regexp.MustCompile(`(?m)^(postseal_\w+)(?:\{(.*)\})? (\S+)$`)

// scrape returns the series of postseal with their values, by name and labels.
func scrape(t *testing.T, handler http.Handler) map[string]float64 {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	text := answer.Body.String()
	if faults, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
	series := make(map[string]float64)
	for _, line := range sample.FindAllStringSubmatch(text, -1) {
		value, err := strconv.ParseFloat(line[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		series[line[1]+"{"+line[2]+"}"] = value
	}
	return series
}

// countLog counts the lines of a log as postseal-metrics(5) says. It uses nothing of
// the program but the keys.
func countLog(t *testing.T, log string) map[string]float64 {
	t.Helper()
	counts := make(map[string]float64)
	add := func(n float64, name string, labels ...any) {
		var list []string
		for i := 0; i < len(labels); i += 2 {
			list = append(list, fmt.Sprintf("%s=%q", labels[i], labels[i+1]))
		}
		counts["postseal_"+name+"{"+strings.Join(list, ",")+"}"] += n
	}
	sensitive := regexp.MustCompile(`^(nhs-number|nhs-number-in-subject|marking|sensitivity)$`)
	for text := range strings.Lines(log) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		number := func(key string) float64 { return line[key].(float64) }
		switch line["msg"] {
		case "decision":
			action, mode := line["action"], line["mode"]
			add(1, "messages_total", "action", action, "marker", line["marker"], "mode", mode)
			classes, _ := line["by_class"].(map[string]any) // missing if every recipient was refused
			actions, _ := line["by_action"].(map[string]any)
			for class, n := range classes {
				add(n.(float64), "recipients_total", "class", class, "mode", mode)
			}
			for action, n := range actions {
				add(n.(float64), "recipient_actions_total", "action", action, "mode", mode)
			}
			if kind := line["near_miss"]; kind != "" {
				add(1, "near_misses_total", "kind", kind)
			}
			names := make(map[string]bool)
			for _, f := range line["findings"].([]any) {
				names[f.(map[string]any)["name"].(string)] = true
			}
			isSensitive := false
			for name := range names {
				add(1, "findings_total", "name", name)
				isSensitive = isSensitive || sensitive.MatchString(name)
			}
			if isSensitive && line["marker"] == "missing" && (classes["unknown"] != nil || classes["unverified"] != nil) {
				add(1, "sensitive_unmarked_messages_total", "action", action, "mode", mode)
			}
			add(1, "decision_seconds_count")
			add(number("took_us")/1e6, "decision_seconds_sum")
		case "refused recipient":
			add(1, "refused_recipients_total", "class", line["class"], "reason", line["kind"])
		case "readings differ":
			add(1, "readings_differ_total")
		case "lines left out":
			add(number("refused_recipient"), "lines_left_out_total", "event", "refused_recipient")
			add(number("readings_differ"), "lines_left_out_total", "event", "readings_differ")
		case "session broken":
			add(1, "sessions_broken_total")
		case "internal error":
			add(1, "internal_errors_total")
		case "reloaded":
			add(1, "reloads_total", "result", "accepted")
		case "reload refused":
			add(1, "reloads_total", "result", "refused")
		case "connections taken again":
			add(number("refused"), "connections_refused_total")
		case "decision recipients", "too many connections": // counted by their other lines
		default:
			t.Errorf("a line %q", line["msg"])
		}
	}
	return counts
}

// site returns a configuration with a policy for each action, by the sender.
func site(t *testing.T, mode rules.Mode, patterns ...string) *message.Config {
	t.Helper()
	var policies []rules.Policy
	for action := rules.Accept; action <= rules.Reject; action++ {
		policies = append(policies, rules.Policy{Name: action.String(), Sender: []string{action.String() + "@trust.example"}, Action: action, Mode: rules.Enforce})
	}
	config := testConfig(t, append(policies, rules.Policy{Name: "rest", Action: rules.Divert, Mode: rules.Observe})...)
	config.Mode = mode
	config.Read = message.Read{Header: true, Body: true, VisibleRecipients: 3, Documents: subprocess.NewPool(1, within(time.Second))}
	for _, name := range patterns {
		pattern, err := detect.NewPattern(name, `\bRX\d{6}\b`, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		config.Read.Content.Patterns = append(config.Read.Content.Patterns, pattern)
	}
	return config
}

// randomMail returns the packets of a message.
func randomMail(random *rand.Rand) (packets []string) {
	pick := func(list ...string) string { return list[random.Intn(len(list))] }
	packets = mailFrom(pick("accept", "tag", "divert", "quarantine", "reject", "other") + "@trust.example")
	recipients := 1 + random.Intn(3)
	if random.Intn(500) == 0 {
		recipients = 150
	}
	closed := recipients > 3
	for range recipients {
		resolved, to := "", pick("x@trust.example", "a@nhs.net", "a@trust.nhs.uk", "b@gmail.com", "b@nhs.nte", "c@x.gsi.gov.uk", "b@gmail.com.", "<b", "b%c@trust.example",
			"\xc3\xa9@gmail.com", "b@"+strings.Repeat("a.", 120)+"example", "@a:b@c", "b@[192.0.2.1]", "council@council.gov.uk", "d@a.nhs.uk")
		if closed {
			to = "c@x.gsi.gov.uk"
		}
		if random.Intn(8) == 0 {
			to, resolved = pick("a@nhs.net", "x@trust.example", "b@gmail.com"), pick("b@gmail.com", "b@example.org", "a@nhs.net")
		}
		packets = append(packets, "DR{rcpt_addr}\x00"+resolved+"\x00", "R<"+to+">\x00")
	}
	subject := pick("x", "[secure] x", "(secure) x", "[secure", "[ secure ] x", "[sercure] x", "[secure email] x", "secure: x", "[\u0455ecure]", "%5Bsecure%5D", "NHS number 999 000 0018")
	packets = append(packets, header("Subject", subject), header("To", pick("a@gmail.com", "a@gmail.com, b@gmail.com, c@gmail.com")))
	if random.Intn(9) == 0 {
		packets = append(packets, header("Sensitivity", "Private"))
	}
	packets = append(packets, "B"+pick("x", "NHS number 999 000 0018", "OFFICIAL-SENSITIVE", "RX123456 and RX123457", "-----BEGIN PGP MESSAGE-----")+"\r\n")
	return append(packets, pick("E", "E", "E", "E", "E", "E", "A"))
}

// TestMetricsAgreeWithTheLog sends thousands of random messages, with reloads, broken
// sessions and probes between them, and compares each series of the scrape with a
// count of the log's lines.
func TestMetricsAgreeWithTheLog(t *testing.T) {
	configs := []*message.Config{site(t, rules.Enforce), site(t, rules.Enforce, "one"), site(t, rules.Observe, "one", "two"), testConfig(t)}
	var config atomic.Pointer[message.Config]
	config.Store(configs[0])
	m := metrics.New()
	r := newCounting(t, config.Load, DefaultTimeouts, m.Count)
	handler := m.Handler(metrics.Daemon{
		InForce:   func() metrics.InForce { return metrics.InForce{Config: config.Load()} },
		Sessions:  r.Sessions,
		Refused:   r.Refused,
		LinesLost: func() int { return 0 },
		Probe:     r.Probe,
	})
	const workers, each = 4, 800
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			random := rand.New(rand.NewSource(int64(worker)))
			p := r.open(t)
			for i := range each {
				if worker == 0 && i%50 == 49 { // each configuration has its share of the run
					next := configs[i/50%len(configs)]
					config.Store(next)
					maillog.Write(r.Log, maillog.Reloaded{Cause: "SIGHUP", Mode: next.Mode, Edition: "nhsmail-2022", Config: "3f2a9c0d71be"})
				}
				mail := randomMail(random)
				p.send(mail...)
				for _, sent := range mail { // the answers
					switch sent[0] {
					case 'R':
						if !p.silent {
							p.receive()
						}
					case 'E':
						for !isAnswer(p.receive()[0]) {
						}
					}
				}
				switch random.Intn(200) {
				case 1:
					maillog.Write(r.Log, maillog.ReloadRefused{Cause: "SIGHUP", Reason: "x", Config: "3f2a9c0d71be"})
				case 2:
					p.send("?")
					fallthrough
				case 3:
					p.Close()
					p = r.open(t)
				case 4:
					if err := r.Probe(context.Background()); err != nil {
						t.Error(err)
					}
				case 5:
					scrape(t, handler)
				}
			}
			p.Close()
		})
	}
	wait.Wait()
	r.awaitSessions(t, 0)
	r.mu.Lock()
	r.MaxConnections = 1
	r.mu.Unlock()
	p := r.open(t)
	for range 5 {
		for q := r.dial(t); q.receive() != ""; {
		}
	}
	p.Close()
	r.await(t, "connections taken again")

	got, want := scrape(t, handler), countLog(t, r.log.String())
	for series, n := range got {
		name, _, _ := strings.Cut(series, "{")
		switch {
		case strings.HasPrefix(series, "postseal_decision_seconds_bucket"), strings.HasPrefix(series, "postseal_document_seconds"):
		case strings.HasSuffix(name, "_total"), strings.HasPrefix(series, "postseal_decision_seconds"):
			if math.Abs(n-want[series]) > 1e-6 {
				t.Errorf("%s is %v, and the log has %v", series, n, want[series])
			}
		}
	}
	for series, n := range want {
		if _, ok := got[series]; !ok {
			t.Errorf("the log has %v times %s, and there is no such series", n, series)
		}
	}
	// A run without almost every series shows little.
	met := 0
	for series := range maps.Keys(want) {
		if strings.HasSuffix(strings.SplitN(series, "{", 2)[0], "_total") {
			met++
		}
	}
	for _, series := range []string{
		`postseal_messages_total{action="quarantine",marker="near-miss",mode="observe"}`, `postseal_findings_total{name="pattern:two"}`, `postseal_findings_total{name="look-alike"}`,
		`postseal_refused_recipients_total{class="unknown",reason="forwarded"}`, `postseal_refused_recipients_total{class="closed",reason="closed"}`, `postseal_refused_recipients_total{class="unknown",reason="rerouted"}`,
		`postseal_refused_recipients_total{class="unknown",reason="not-ascii"}`, `postseal_refused_recipients_total{class="unknown",reason="too-long"}`, `postseal_readings_differ_total{}`,
		`postseal_sensitive_unmarked_messages_total{action="divert",mode="enforce"}`, `postseal_lines_left_out_total{event="refused_recipient"}`,
		`postseal_sessions_broken_total{}`, `postseal_internal_errors_total{}`, `postseal_connections_refused_total{}`,
	} {
		if want[series] == 0 {
			t.Errorf("the run has no %s among %q", series, slices.Sorted(maps.Keys(want)))
		}
	}
	if met < 80 {
		t.Errorf("the run has only %d series", met)
	}
	r.Shutdown()
}
