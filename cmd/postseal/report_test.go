package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/cmd/postseal/report"
	"github.com/postseal/postseal/rules/marker"
)

// jq counts a log with testdata/report.jq.
func jq(t *testing.T, log, since, until string) (want map[string]map[string]int64) {
	t.Helper()
	cmd := exec.Command("jq", "-nRc", "--arg", "since", since, "--arg", "until", until, "-f", "../../testdata/report.jq", log)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
	}
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// reported returns the report on a log.
func reported(t *testing.T, args ...string) (r report.Report) {
	t.Helper()
	code, stdout, stderr := runWith("", append([]string{"report", "-json"}, args...)...)
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// sameFigures compares figures with those of jq, without the time in each mode.
func sameFigures(t *testing.T, got report.Figures, want map[string]int64) {
	t.Helper()
	of := reflect.ValueOf(got)
	for i := range of.NumField() {
		name := of.Type().Field(i).Tag.Get("json")
		n, isCounted := want[name]
		switch {
		case of.Field(i).Kind() != reflect.Int64 || strings.HasSuffix(name, "_seconds"):
		case !isCounted || n != of.Field(i).Int():
			t.Errorf("%s to %s: %s: got %d, want %d", got.Since, got.Until, name, of.Field(i).Int(), n)
		}
	}
}

// sameLists compares the lists with those of jq.
func sameLists(t *testing.T, r report.Report, want map[string]map[string]int64) {
	t.Helper()
	got := make(map[string]map[string]int64)
	add := func(list, name string, n int64) {
		if got[list] == nil {
			got[list] = make(map[string]int64)
		}
		got[list][name] += n
	}
	for _, n := range r.NearMisses {
		add("near_misses", n.Kind, n.Messages)
	}
	for _, f := range r.Findings {
		add("findings", f.Name, f.Messages)
	}
	for _, u := range r.Unreadable {
		add("unreadable", u.Reason, u.Messages)
	}
	for _, a := range r.Alerts {
		add("alerts", a.Event, a.Lines)
	}
	for _, f := range r.Refusals {
		add("refusals", f.Kind, f.Recipients)
	}
	for _, p := range r.Policies {
		add("policies", p.Policy+" "+p.Action.String(), p.Recipients)
	}
	for _, c := range r.Configurations {
		if c.Messages > 0 {
			add("configurations", c.Config, c.Messages)
		}
	}
	for _, p := range r.Partners {
		add("partners", p.Domain, p.Messages)
	}
	for name, list := range want {
		if name != "figures" && (len(list) > 0 || len(got[name]) > 0) && !reflect.DeepEqual(got[name], list) {
			t.Errorf("%s: got %v\nwant %v", name, got[name], list)
		}
	}
}

const exampleLog = "../../contrib/log/examples.jsonl"

func TestReportOfExamples(t *testing.T) {
	r := reported(t, exampleLog)
	want := jq(t, exampleLog, "2026-11-29", "2026-11-29")
	// jq counts the recipients of the line that has no decision.
	delete(want["policies"], "rest tag")
	sameFigures(t, r.Figures[0], want["figures"])
	sameLists(t, r, want)
	if len(r.Exceptions) != 2 || r.Exceptions[0] != (report.Exception{Row: "hospice.example", File: "local.toml", Expires: "2026-11-28", Expired: true}) {
		t.Errorf("exceptions: %+v", r.Exceptions)
	}
}

// writtenLog writes a log of ten weeks from 1 September 2026, with lines that report
// cannot use, and returns their number.
func writtenLog(t testing.TB, path string) (cut, unknown, others int64) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	var log bytes.Buffer
	write := func(at time.Time, rest string) (isWhole bool) {
		line := fmt.Sprintf(`{"time":%q,%s}`, at.Format(time.RFC3339Nano), rest)
		switch random.IntN(100) {
		case 0:
			cut++
			log.WriteString(line[:50+random.IntN(len(line)-51)] + "\n")
			return false
		case 1:
			others++
			line = "Nov 29 09:00:00 mx postfix/smtpd[1]: connect\n" + line
		case 2:
			others++
			log.WriteString("Nov 29 09:00:00 mx another[1]: " + line + "\n") // quotes the line
		}
		log.WriteString(line + "\n")
		return true
	}
	start := time.Date(2026, 9, 1, 6, 0, 0, 0, time.Local)
	for i := range 4000 {
		at := start.Add(time.Duration(i) * 25 * time.Minute)
		mode, config := "observe", "aaaaaaaaaaaa"
		if i > 2500 {
			mode, config = "enforce", "bbbbbbbbbbbb"
		}
		switch random.IntN(30) {
		case 0:
			write(at, fmt.Sprintf(`"level":"INFO","msg":"refused recipient","queue_id":"4X","client":"","sender":"jane@trust.example","address":"x@gcsx.gov.uk","class":"closed","row":"gcsx.gov.uk","reason":"r","kind":%q,"config":%q`,
				pick("closed", "malformed", "too-many"), config))
			continue
		case 1:
			write(at, `"level":"WARN","msg":"list old","file":"/var/lib/postseal/accredited.csv","age_days":`+strconv.Itoa(15+i/60)+`,"max_age":14`)
			continue
		case 2:
			write(at, pick(`"level":"ERROR","msg":"lines lost","lost":3,"since":"2026-11-29T08:58:12Z","reason":"no space"`,
				`"level":"WARN","msg":"lines left out","queue_id":"4X","client":"","refused_recipient":12,"readings_differ":0,"config":"aaaaaaaaaaaa"`,
				`"level":"INFO","msg":"draining","messages":2`))
			continue
		case 3:
			isWhole := write(at, pick(`"level":"INFO","msg":"perfumed","scent":"rose"`,
				`"level":"INFO","msg":"decision","queue_id":"4X","action":"shred","mode":"enforce","marker":"missing","findings":[],"recipients":[],"recipient_count":1,"by_class":{"unknown":1},"by_action":{}`))
			if isWhole {
				unknown++
			}
			continue
		}
		state, kind := pick("present", "near-miss", "missing", "missing"), ""
		if state == "near-miss" {
			kind = pick("misspelt", "wrong-brackets", "bare-word")
		}
		var findings, recipients []string
		for range random.IntN(3) {
			findings = append(findings, pick(`{"name":"nhs-number","count":2,"part":"1"}`, `{"name":"unreadable","reason":"encrypted","part":"2"}`,
				`{"name":"unreadable","reason":"damaged"}`, `{"name":"look-alike","meant":"nhs.net"}`, `{"name":"visible-recipients","count":20}`, `{"name":"marking"}`, `{"name":"pattern:hospital-number","count":1}`))
		}
		byClass, action, n := make(map[string]int), pick("accept", "tag", "divert", "quarantine", "reject"), 1+random.IntN(3)
		for range n {
			class, row, domain := "unknown", "", fmt.Sprintf("d%d.example", int(random.ExpFloat64()*20))
			switch random.IntN(4) {
			case 0:
				class, row, domain = "secure", "nhs.net", "nhs.net"
			case 1:
				class, row, domain = "unverified", "nhs.uk", fmt.Sprintf("t%d.nhs.uk", random.IntN(9))
			case 2:
				row, domain = "gmail.com", "gmail.com"
			}
			byClass[class]++
			recipients = append(recipients, fmt.Sprintf(`{"address":"jane.roe@%s","class":%q,"row":%q,"policy":%q,"action":%q,"findings":[]}`, domain, class, row, pick("", "marked", "rest"), action))
		}
		counts, _ := json.Marshal(byClass)
		write(at, fmt.Sprintf(`"level":"INFO","msg":"decision","queue_id":"4bKX8Q","client":"192.0.2.7","auth":"jane","sender":"john.doe@trust.example","action":%q,"mode":%q,"marker":%q,"near_miss":%q,"findings":[%s],"recipients":[%s],"recipient_count":%d,"by_class":%s,"by_action":{%q:%d},"reason":"","config":%q,"took_us":412`,
			action, mode, state, kind, strings.Join(findings, ","), strings.Join(recipients, ","), n, counts, action, n, config))
	}
	if err := os.WriteFile(path, log.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return cut, unknown, others
}

// TestReportEqualsJQ compares each figure of a long log with jq: of the period, of the
// period before, and of each day.
func TestReportEqualsJQ(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	writtenLog(t, log)
	whole := reported(t, log)
	want := jq(t, log, "0", "9")
	sameFigures(t, whole.Figures[0], want["figures"])
	sameLists(t, whole, want)

	r := reported(t, "-since", "2026-10-05", "-until", "2026-10-18", log)
	want = jq(t, log, "2026-10-05", "2026-10-18")
	sameFigures(t, r.Figures[0], want["figures"])
	sameLists(t, r, want)
	if want["figures"]["held"] == 0 || want["figures"]["would_hold"] == 0 || len(want["partners"]) == 0 {
		t.Errorf("the log is poor: %v", want)
	}
	if len(r.Figures) != 2+14 || r.Figures[1].Of != "before" {
		t.Fatalf("got %d figures", len(r.Figures))
	}
	sameFigures(t, r.Figures[1], jq(t, log, "2026-09-21", "2026-10-04")["figures"])
	for _, day := range r.Figures[2:5] {
		sameFigures(t, day, jq(t, log, day.Since, day.Until)["figures"])
	}
	for _, n := range whole.NearMisses {
		if n.Advice == "" {
			t.Errorf("no advice on %s", n.Kind)
		}
	}

	// CSV has the same figures.
	_, stdout, _ := runWith("", "report", "-csv", "-since", "2026-10-05", "-until", "2026-10-18", log)
	lines, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil || len(lines) != 1+len(r.Figures) {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for i, f := range r.Figures {
		of := reflect.ValueOf(f)
		for j := range of.NumField() {
			if name := of.Type().Field(j).Tag.Get("json"); lines[0][j] != name || lines[i+1][j] != fmt.Sprint(of.Field(j)) {
				t.Errorf("line %d: %s is %s, not %v of %s", i+1, lines[0][j], lines[i+1][j], of.Field(j), name)
			}
		}
	}
}

func TestReportSaysWhatItLeavesOut(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	cut, unknown, others := writtenLog(t, log)
	left := reported(t, log).LeftOut
	if left.Cut != cut || left.Unknown != unknown || left.Others != others || cut*unknown*others == 0 {
		t.Errorf("left out %+v, not %d cut, %d of another version and %d of others", left, cut, unknown, others)
	}
	_, text, _ := runWith("", "report", log)
	for _, want := range []string{
		fmt.Sprintf("%d  lines of other programs", left.Others), fmt.Sprintf("%d  lines that are cut off", left.Cut),
		fmt.Sprintf("%d  lines with events or words of another version", left.Unknown),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// TestReportCountsHours follows the mode over restarts, reloads, nights and files in
// the wrong order.
func TestReportCountsHours(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, lines ...string) string {
		path := filepath.Join(dir, name)
		var b strings.Builder
		for _, line := range lines {
			day, rest, _ := strings.Cut(line, " ")
			clock, rest, _ := strings.Cut(rest, " ")
			at, err := time.ParseInLocation("2006-01-02 15:04", day+" "+clock, time.Local)
			if err != nil {
				t.Fatal(err)
			}
			msg, mode, _ := strings.Cut(rest, " ")
			fmt.Fprintf(&b, `{"time":%q,"level":"INFO","msg":%q,"mode":%q}`+"\n", at.Format(time.RFC3339), msg, mode)
		}
		b.WriteString(strings.ReplaceAll(lineOfDecision(t), "2026-11-29T09", "2026-12-01T12"))
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	older := write("log.1", "2026-11-28 20:00 started observe", "2026-11-30 02:00 reloaded enforce", "2026-11-30 03:00 stopped", "2026-11-30 10:00 started enforce")
	newer := write("log", "2026-12-01 10:00 started observe")
	for _, order := range [][]string{{older, newer}, {newer, older}} {
		got := make(map[string]string)
		r := reported(t, order...)
		for _, f := range r.Figures[1:] {
			got[f.Since] = fmt.Sprintf("%d %d", f.ObserveSeconds/3600, f.EnforceSeconds/3600)
		}
		// At the end of the older file the daemon still runs.
		want := map[string]string{"2026-11-28": "4 0", "2026-11-29": "24 0", "2026-11-30": "2 15", "2026-12-01": "2 12"}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %v, want %v", order, got, want)
		}
	}
}

// lineOfDecision is no variable, because the test starts itself again to read a
// document, and then it may open no file.
func lineOfDecision(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(exampleLog)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line + "\n"
}

func TestReportForms(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile(exampleLog)
	if err != nil {
		t.Fatal(err)
	}
	packed := filepath.Join(dir, "log.gz")
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	w.Close()
	broken := filepath.Join(dir, "broken.gz")
	rules := configWithRow(t)
	for path, data := range map[string][]byte{packed: b.Bytes(), broken: b.Bytes()[:b.Len()-20]} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := reported(t, packed), reported(t, exampleLog); !reflect.DeepEqual(a, b) {
		t.Errorf("gzip: got %+v\nwant %+v", a, b)
	}
	if _, stdout, _ := runWith(string(text), "report", "-json", "-"); !strings.Contains(stdout, `"messages":1`) {
		t.Errorf("standard input: %s", stdout)
	}
	if _, stdout, _ := runWith(string(text), "report", "-o", "-", "-"); !strings.HasPrefix(stdout, "<!DOCTYPE html>") {
		t.Errorf("-o -: %.100s", stdout)
	}
	// A clock that was not set does not hide the days of the log.
	unset := `{"time":"1970-01-01T00:00:09Z","level":"INFO","msg":"draining","messages":0}` + "\n"
	code, stdout, stderr := runWith(unset+string(text), "report", "-csv", "-")
	if lines := strings.Split(strings.TrimSpace(stdout), "\n"); code != exitDone || len(lines) != 2+4000 || !strings.HasPrefix(lines[4001], "day,2026-11-29,2026-11-29,1,1,") {
		t.Errorf("1970: exit %d, %s, %d lines", code, stderr, len(lines))
	}
	if got := reported(t, "-config", rules, exampleLog).Exceptions; len(got) != 3 || got[2].Expires != "2099-01-31" || got[2].Row != "(an address at clinic.example)" {
		t.Errorf("-config: %+v", got)
	}
	page := filepath.Join(dir, "page.html")
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{}, exitUsage, "the log is missing"},
		{[]string{"-text", "-csv", exampleLog}, exitUsage, "give one of"},
		{[]string{exampleLog, "-csv"}, exitUsage, "put options before"},
		{[]string{"-since", "29/11/2026", exampleLog}, exitUsage, "as in 2026-11-29"},
		{[]string{"-since", "2026-11-30", "-until", "2026-11-29", exampleLog}, exitUsage, "before -since"},
		{[]string{"-since", "2026-11-30", "-o", page, exampleLog}, exitFailure, "no message of postseal"},
		{[]string{"-o", page, filepath.Join(dir, "gone")}, exitFailure, "no such file"},
		{[]string{"-o", page, broken}, exitFailure, "broken.gz: unexpected EOF"},
		{[]string{"-o", filepath.Join(dir, "no", "page"), exampleLog}, exitFailure, "no such file"},
		{[]string{"-config", filepath.Join(dir, "gone"), exampleLog}, exitConfig, "no such file"},
	} {
		code, stdout, stderr := runWith("", append([]string{"report"}, test.args...)...)
		if code != test.code || !strings.Contains(stderr, test.want) || stdout != "" {
			t.Errorf("%q: exit %d, %s%s", test.args, code, stdout, stderr)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("left behind: %q", left)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

// configWithRow writes a configuration with a row for an address that has an end.
func configWithRow(t *testing.T) string {
	return withRules(t, "[rules]\nfiles = [\"/DIR/local.rules\"]\n", "[table]\nname = \"local\"\n[[domain]]\naddress = \"jane.roe@clinic.example\"\nclass = \"secure\"\nexpires = 2099-01-31\n")
}

// TestReportShowsNobody looks for every address, login, client and queue ID of a log in
// each output, whatever log.addresses is.
func TestReportShowsNobody(t *testing.T) {
	log, page := filepath.Join(t.TempDir(), "log"), filepath.Join(t.TempDir(), "page.html")
	writtenLog(t, log)
	line := strings.NewReplacer(`"policy":"marked"`, `"policy":"jane@x.example"`, `"near_miss":"misspelt"`, `"near_miss":"Jane Roe"`,
		`"row":"nhs.nte"`, `"row":"jane.roe@nhs.nte"`, `"name":"nhs-number"`, `"name":"pattern:jane@x"`, `"reason":"encrypted"`, `"reason":"Jane Roe"`).Replace(lineOfDecision(t))
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, line+`{"time":"2026-11-29T09:00:00Z","level":"WARN","msg":"row expired","row":"jane.roe@x.example","file":"/home/jane/jane@x.toml","expires":"2026-11-28"}`+"\n"...)
	if err := os.WriteFile(log, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := runWith("", "report", "-config", configWithRow(t), "-o", page, log); code != exitDone {
		t.Fatal(stderr)
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{"page": string(html)}
	for _, format := range []string{"-text", "-json", "-csv"} {
		_, outputs[format], _ = runWith("", "report", "-config", configWithRow(t), format, log)
	}
	for name, output := range outputs {
		if len(output) < 1000 {
			t.Errorf("%s: %q", name, output)
		}
		for _, secret := range []string{"jane", "Jane", "john", "@", "192.0.2", "4bKX", "ward"} {
			if at := strings.Index(output, secret); at >= 0 && !(secret == "@" && strings.HasPrefix(output[at:], "@page")) && !strings.HasPrefix(output[at:], "@media") {
				t.Errorf("%s: %q in %.100q", name, secret, output[max(0, at-50):])
			}
		}
	}
}

// TestReportAdvice checks that each kind of near miss has advice.
func TestReportAdvice(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	var b strings.Builder
	for _, kind := range marker.Kinds() {
		b.WriteString(strings.ReplaceAll(lineOfDecision(t), "misspelt", string(kind)))
	}
	if err := os.WriteFile(log, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	r := reported(t, log)
	if len(r.NearMisses) != len(marker.Kinds()) || slices.ContainsFunc(r.NearMisses, func(n report.NearMiss) bool { return n.Advice == "" }) {
		t.Errorf("got %+v", r.NearMisses)
	}
}
