package metrics

import (
	"context"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/mantest"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

const expires = "2027-01-31"

// testDaemon returns a daemon whose configuration has a list and a row that expires.
func testDaemon(t *testing.T) Daemon {
	t.Helper()
	rows, err := table.Load(table.Sources{Edition: editions.Default, Files: []string{"local.toml"}}, func(string) ([]byte, error) {
		return []byte("table.name = \"local\"\ntable.review_by = 2026-12-24\n[[domain]]\nname = \"hospice.example\"\nclass = \"secure\"\nexpires = " + expires + "\n"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := marker.NewReader([]string{"secure"}, nil, marker.Anywhere)
	if err != nil {
		t.Fatal(err)
	}
	ruleset, err := rules.NewRuleset(rows, reader, "encrypt.invalid", rules.ShippedPolicies())
	if err != nil {
		t.Fatal(err)
	}
	config := &message.Config{Rules: ruleset, Hash: "c0ffee"}
	return Daemon{
		Version:   "v1",
		InForce:   func() InForce { return InForce{config, editions.Default, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)} },
		Sessions:  func() int { return 3 },
		Refused:   func() int { return 4 },
		LinesLost: func() int { return 5 },
	}
}

// TestManPage checks that postseal-metrics(5) has every metric with its type, its
// labels and their values, and no others.
func TestManPage(t *testing.T) {
	m := New()
	m.Handler(testDaemon(t))
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	page := mantest.Read(t, "postseal-metrics.5")
	var described, registered []string
	for _, group := range page.Below("METRICS") {
		for _, term := range mantest.Terms(page["METRICS/"+group]) {
			title, _, _ := strings.Cut(term, "\n")
			labels := mantest.Found(title, mantest.Span)
			slices.Sort(labels[1:])
			described = append(described, strings.Join(mantest.Found(title, `\((\w+)\)`), "")+" "+strings.Join(labels, " "))
		}
	}
	values := make(map[string][]string) // by label
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "postseal_") {
			continue
		}
		text := strings.ToLower(family.GetType().String()) + " " + family.GetName()
		for _, label := range family.GetMetric()[0].GetLabel() {
			text += " " + label.GetName()
		}
		registered = append(registered, text)
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if name := label.GetName(); !strings.HasSuffix(family.GetName(), "_info") && !slices.Contains(values[name], label.GetValue()) {
					values[name] = append(values[name], label.GetValue())
				}
			}
		}
	}
	mantest.Same(t, "METRICS", described, registered)
	for label, got := range values {
		term := regexp.MustCompile("(?m)^`" + label + "`\n: (.*)$").FindString(page["LABELS"])
		switch label {
		case "kind":
			mantest.Same(t, label, mantest.Names(mantest.Read(t, "postseal.8")["NEAR MISSES"]), got)
		case "name":
			mantest.Same(t, label, mantest.Names(mantest.Read(t, "postseal.toml.5")["POLICIES/policy.findings"]), append(got, "pattern:NAME"))
		case "reason":
			mantest.Same(t, label, mantest.Names(page["REFUSALS"]), got)
		default:
			mantest.Same(t, label, mantest.Found(term, mantest.Span)[1:], got)
		}
		values[label] = nil
	}
	for _, name := range []string{"kind", "name", "reason"} {
		if _, ok := values[name]; !ok {
			t.Errorf("no metric has the label %s", name)
		}
	}
	var requests []string
	d := testDaemon(t)
	d.Probe = func(context.Context) error { return nil }
	mux := m.routes(d)
	for _, path := range mantest.Names(page["REQUESTS"]) {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest("HEAD", path, nil))
		if answer.Code == 200 {
			requests = append(requests, path)
		}
	}
	mantest.Same(t, "REQUESTS", requests, []string{"/metrics", "/healthz", "/status"})
	mantest.Same(t, "STATUS", mantest.Typed(page["STATUS"]), mantest.Fields(reflect.TypeFor[Status]()))
}
