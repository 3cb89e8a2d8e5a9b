package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

// silent are the settings of a run without progress.
func silent(t *testing.T, args ...string) settings {
	t.Helper()
	s, err := parse(args)
	if err != nil {
		t.Fatal(err)
	}
	s.say = t.Logf
	return s
}

// TestBench measures every rival for a moment. It checks what is written, not how
// fast a rival is.
func TestBench(t *testing.T) {
	root, err := mtatest.Root()
	if err != nil {
		t.Fatal(err)
	}
	s := silent(t, "-cases", "all", "-senders", "2", "-recipients", "20", "-sizes", "4", "-connections", "reused", "-rounds", "2", "-seconds", "0.5")
	measured, err := bench(t.Context(), root, s)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := measured.write(dir, measured.markdown()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "bench.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.Date == "" || r.Machine.Count == 0 || r.Versions["postfix"] == "" || r.Versions["rspamd"] == "" || len(r.Results) != len(rivals) {
		t.Errorf("got %s", text)
	}
	for _, result := range r.Results {
		for _, m := range result.Rounds {
			filter := result.Rival != "none"
			if m.Messages == 0 || m.Queued != m.Messages || m.Ratio <= 0 || (m.PSS > 0) != filter || (m.Switches > 0) != filter {
				t.Errorf("%s: got %+v", result.Rival, m)
			}
		}
		if (result.CPU.Max > 0) != (result.Rival != "none") { // a round can be shorter than the clock's tick
			t.Errorf("%s: got CPU times %+v", result.Rival, result.CPU)
		}
		if len(result.Rounds) != 2 || result.Ratio.Median < result.Ratio.Min || result.Ratio.Median > result.Ratio.Max {
			t.Errorf("%s: got ratio %+v of %d rounds", result.Rival, result.Ratio, len(result.Rounds))
		}
	}
	table, err := os.ReadFile(filepath.Join(dir, "bench.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rival := range rivals {
		if !strings.Contains(string(table), rival.title) {
			t.Errorf("%q is missing in the table:\n%s", rival.title, table)
		}
	}
}

// TestABrokenRivalIsAnError checks a rival that does not do its job, one that
// Postfix does not ask, and one that does not start.
func TestABrokenRivalIsAnError(t *testing.T) {
	root, err := mtatest.Root()
	if err != nil {
		t.Fatal(err)
	}
	lazy := rival{name: "lazy", programs: doNothing(), checks: tagged("X-Postseal", sealed)}
	unasked := rival{name: "unasked", programs: doNothing(), checks: []check{{mail: plain, want: unchanged}}}
	dead := rival{name: "dead", programs: doNothing("quiet"), checks: []check{{mail: plain, want: unchanged}}}
	w, err := startWorld(root)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	}()
	if err := w.configure([]rival{lazy, unasked, dead}); err != nil {
		t.Fatal(err)
	}
	service := w.entrants[1].addr + "/inet/smtpd_milters="
	if err := w.postfix.Run("postconf", "-P", service); err != nil {
		t.Fatal(err)
	}
	if err := w.postfix.Reload(); err != nil {
		t.Fatal(err)
	}
	// Its socket cannot be made.
	if err := os.RemoveAll(w.entrants[2].dir); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"did not do its job", "Postfix does not ask this filter", "no such file"} {
		if err := w.check(w.entrants[i]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", w.entrants[i].name, err, want)
		}
	}
}

// TestVerdict makes each bound the only one that postseal does not keep to.
func TestVerdict(t *testing.T) {
	for worse := range 2 * len(bounds) {
		r := &report{}
		for _, c := range quickCases {
			for _, rival := range []string{"c-tag", "c-divert"} {
				r.Results = append(r.Results, result{testCase: c, Rival: rival, Rounds: []measurement{{Rate: 1, CPU: 1}}})
			}
		}
		for i, b := range bounds {
			rate, cpu := b.rate, b.cpu
			if worse == 2*i {
				rate -= 0.01
			}
			if worse == 2*i+1 {
				cpu += 0.01
			}
			r.Results = append(r.Results, result{testCase: b.c, Rival: b.rival, Rounds: []measurement{{Rate: rate, CPU: cpu}}})
		}
		lines, broken := r.verdict()
		if broken != 1 || strings.Count(lines, "WORSE") != 1 {
			t.Errorf("got %d, want 1:\n%s", broken, lines)
		}
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		args  string
		cases int // 0 for an error
	}{
		{"", len(mainCases)},
		{"-cases all", 36},
		{"-senders 10 -connections each", 3},
		{"-cases all -senders 7 -sizes 1", 6},
		{"-quick", len(quickCases)},
		{"-senders 7", 0},
		{"-senders 0", 0},
		{"-sizes 4,", 0},
		{"-connections shared", 0},
		{"-cases some", 0},
		{"-rivals none,sendmail", 0},
		{"-rounds 0", 0},
		{"-seconds 0", 0},
		{"extra", 0},
	} {
		s, err := parse(strings.Fields(test.args))
		if len(s.cases) != test.cases && err == nil || (err != nil) != (test.cases == 0) {
			t.Errorf("%q: got %d cases, error %v, want %d", test.args, len(s.cases), err, test.cases)
		}
	}
}

func TestSpreadOf(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   spread
	}{
		{[]float64{2}, spread{2, 2, 2}},
		{[]float64{3, 1}, spread{2, 1, 3}},
		{[]float64{9, 1, 2}, spread{2, 1, 9}},
	} {
		if got := spreadOf(test.values); got != test.want {
			t.Errorf("%v: got %+v, want %+v", test.values, got, test.want)
		}
	}
}
