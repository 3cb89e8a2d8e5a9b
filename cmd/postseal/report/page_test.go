package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
	"golang.org/x/net/html"
)

// crowded returns a report of some days with the longest names, the greatest numbers
// and full lists.
func crowded(days int) *Report {
	domain := strings.Repeat(strings.Repeat("x", 62)+".", 3) + "nhs.uk"
	r := &Report{LogFirst: "2026-01-01T00:00:00Z", LogLast: "2026-12-31T00:00:00Z", PartnersFew: 1, Incomplete: 1}
	for i := range days + 2 {
		day := time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		f := Figures{Of: ofDay, Since: day, Until: day}
		for j, field := range fields {
			*field.of(&f) = int64(1+i*j%97) * 1e7
		}
		r.Figures = append(r.Figures, f)
	}
	r.Figures[0].Of, r.Figures[0].Until = ofPeriod, r.Figures[days+1].Until
	r.Figures[1].Of, r.Figures[0].Messages = ofBefore, 9_000_000_000_000
	for _, kind := range marker.Kinds() {
		r.NearMisses = append(r.NearMisses, NearMiss{string(kind), 1e9, advice[kind]})
	}
	for i := range 60 {
		name := fmt.Sprintf("pattern:%s%d", strings.Repeat("w", 80), i)
		r.Findings = append(r.Findings, FindingCount{name, 1e9})
		r.Unreadable = append(r.Unreadable, ReasonCount{"no-characters", 1e9})
		r.Policies = append(r.Policies, PolicyCount{name, rules.Quarantine, 1e9})
		r.Refusals = append(r.Refusals, RefusalCount{"malformed", 1e9})
		r.Partners = append(r.Partners, Partner{domain, table.Unverified, i%2 == 0, 1e9, 1e9, 1})
		r.Exceptions = append(r.Exceptions, Exception{"(an address at " + domain + ")", name, "2026-11-30", true, 1e9})
		r.Configurations = append(r.Configurations, Configuration{Config: "aaaaaaaaaaaa", Mode: "enforce", Edition: "nhsmail-2022", Rows: 1e6, Messages: 1e9})
		r.Alerts = append(r.Alerts, Alert{"connections taken again", 1e9})
	}
	return r
}

func pageOf(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Page(&b, "v1.0.0", time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPageStandsAlone checks that each element is closed, that the page has neither a
// script nor a reference to anything else, and that its tables and charts are named.
func TestPageStandsAlone(t *testing.T) {
	for name, r := range map[string]*Report{"crowded": crowded(30), "one day": crowded(1), "year": crowded(365), "empty": {Figures: make([]Figures, 2)}} {
		text := pageOf(t, r)
		for _, bad := range []string{"://", "@import", "<script", "javascript:", "NaN", "Inf", "ZgotmplZ", "%!", "<no value>"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: the page has %q", name, bad)
			}
		}
		if refs := strings.Count(text, "url("); refs != strings.Count(text, "url(#hatch)") || refs == 0 {
			t.Errorf("%s: the page refers to something else", name)
		}
		var open []string
		count := make(map[string]int)
		for z := html.NewTokenizer(strings.NewReader(text)); ; {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			token := z.Token()
			switch kind {
			case html.StartTagToken:
				count[token.Data]++
				attrs := make(map[string]string)
				for _, a := range token.Attr {
					attrs[a.Key] = a.Val
				}
				for _, a := range []string{"src", "href", "action", "data", "onload", "onclick", "xlink:href"} {
					if _, ok := attrs[a]; ok {
						t.Errorf("%s: <%s> has %s", name, token.Data, a)
					}
				}
				if token.Data == "th" && attrs["scope"] == "" || token.Data == "svg" && attrs["aria-hidden"] == "" && attrs["aria-label"] == "" {
					t.Errorf("%s: %s has no name", name, token)
				}
				if token.Data != "meta" && token.Data != "br" {
					open = append(open, token.Data)
				}
			case html.EndTagToken:
				if len(open) == 0 || open[len(open)-1] != token.Data {
					t.Fatalf("%s: </%s> in %v", name, token.Data, open)
				}
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 || count["h1"] != 1 || count["main"] != 1 || count["h2"] < 8 || count["table"] < 2 || count["figure"] < 1 {
			t.Errorf("%s: open %v, elements %v", name, open, count)
		}
	}
}

// TestPageHasTheFigures checks that the page shows each figure with its label.
func TestPageHasTheFigures(t *testing.T) {
	r := &Report{Figures: []Figures{{Of: ofPeriod, Since: "2026-11-01", Until: "2026-11-30"}, {Of: ofBefore, Since: "2026-10-02", Until: "2026-10-31"}}}
	for i, field := range fields {
		*field.of(&r.Figures[0]) = int64(1_000_000 + i)
		*field.of(&r.Figures[1]) = int64(2_000_000)
	}
	text := pageOf(t, r)
	for _, field := range fields {
		want := fmt.Sprintf(`%s</th><td class="n">%s</td><td class="n">%s</td><td class="n">−50`, field.label, field.shown(&r.Figures[0]), field.shown(&r.Figures[1]))
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, want := range []string{"1 November 2026 to 30 November 2026", "2 October 2026 to 31 October 2026", "postseal v1.0.0"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestChange(t *testing.T) {
	for _, test := range []struct {
		before, now int64
		want        string
	}{
		{0, 0, "0 %"}, {0, 5, "new"}, {5, 0, "−100 %"}, {3, 4, "+33 %"}, {3, 2, "−33 %"}, {3, 5, "+67 %"}, {1000, 1001, "0 %"}, {1, 30, "× 30"},
	} {
		if got := strings.ReplaceAll(change(test.before, test.now), "\u00a0", " "); got != test.want {
			t.Errorf("%d to %d: %s, not %s", test.before, test.now, got, test.want)
		}
	}
}

func TestShownNumbers(t *testing.T) {
	for got, want := range map[string]string{
		thousands(0): "0", thousands(999): "999", thousands(1000): "1,000", thousands(1234567): "1,234,567",
		hours(0): "0", hours(1800): "0.5", hours(3600): "1", hours(360 * 999): "99.9", hours(360 * 1004): "100", hours(86400 * 365): "8,760",
	} {
		if got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

// TestBuckets adds the days of charts.
func TestBuckets(t *testing.T) {
	for days, want := range map[int]string{1: "1 day", 31: "31 day", 32: "5 week", 217: "31 week", 218: "8 month"} {
		var list []Figures
		for i := range days {
			day := time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
			list = append(list, Figures{Since: day, Until: day, Marked: 1, ListAgeDays: int64(i)})
		}
		buckets, unit := bucketed(list)
		sum := Figures{}
		for i := range buckets {
			sum.add(&buckets[i])
		}
		if got := fmt.Sprintf("%d %s", len(buckets), unit); got != want || sum.Marked != int64(days) || sum.ListAgeDays != int64(days-1) || buckets[len(buckets)-1].Until != list[days-1].Until {
			t.Errorf("%d days: %s, %+v", days, got, sum)
		}
	}
}

// TestTop counts exactly up to maxCounters names, and keeps a frequent name among any
// number of others.
func TestTop(t *testing.T) {
	few := newTop()
	for i := range int64(maxCounters) {
		for range 1 + i%3 {
			few.add(fmt.Sprint(i), i+1, 0)
		}
	}
	for _, c := range few.sorted() {
		if c.messages != 1 || c.err != 0 {
			t.Fatalf("%+v", c)
		}
	}
	many, message := newTop(), int64(0)
	for i := range 200_000 {
		message++
		many.add(fmt.Sprintf("d%d.example", i), message, 0)
		if i%100 == 0 {
			message++
			many.add("partner.example", message, 1)
			many.add("partner.example", message, 1)
		}
	}
	first := many.sorted()[0]
	if len(many.byName) != maxCounters || len(many.heap) != maxCounters {
		t.Errorf("%d names", len(many.byName))
	}
	if first.name != "partner.example" || first.messages < 2000 || first.messages-first.err > 2000 {
		t.Errorf("got %+v", first)
	}
}
