package mtatest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

// prometheus is Debian's package, unpacked, with the configuration of the page about
// alerting.
type prometheus struct {
	dir  string
	url  string // of the running server
	page string
}

const alerting = "contrib/alerting"

func unpackPrometheus(t *testing.T) *prometheus {
	t.Helper()
	p := &prometheus{dir: t.TempDir(), page: read(t, alerting+"/README.md")}
	if err := mtatest.Unpack(root, p.dir, "prometheus"); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *prometheus) bin(name string) string { return filepath.Join(p.dir, "usr", "bin", name) }

// commands runs the commands of the page that have these beginnings. They see the unpacked files
// and the running servers instead of those of the host.
func (p *prometheus) commands(t *testing.T, rules string, begin ...string) (out string) {
	t.Helper()
	here := strings.NewReplacer("/etc/prometheus/", filepath.Join(p.dir, "etc", "prometheus")+"/", "/etc/postseal/rules.d/", rules+"/",
		"promtool", p.bin("promtool"), "http://127.0.0.1:9090", p.url)
	for _, begin := range begin {
		lines := regexp.MustCompile("(?m)^ {7}"+regexp.QuoteMeta(begin)+" .*$").FindAllString(p.page, -1)
		if len(lines) != 1 {
			t.Fatalf("the page has the commands %q that begin with %s", lines, begin)
		}
		cmd := exec.Command("sh", "-c", here.Replace(lines[0]))
		cmd.Dir = filepath.Join(root, alerting, "prometheus")
		shown, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", lines[0], err, shown)
		}
		out += string(shown)
	}
	return out
}

// edit changes a file below /etc/prometheus.
func (p *prometheus) edit(t *testing.T, name string, change func(string) string) {
	t.Helper()
	path := filepath.Join(p.dir, "etc", "prometheus", name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(change(string(text))), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start follows the page, and starts Prometheus with the metrics of a daemon and of a
// node_exporter. It looks every second, and no alert is pending for longer.
func (p *prometheus) start(t *testing.T, daemon, node string, options ...string) {
	t.Helper()
	p.commands(t, "", "cp postseal.rules.yml", "cat scrape.yml", "sed -i", "promtool check")
	p.edit(t, "prometheus.yml", func(text string) string {
		text = regexp.MustCompile(`_interval:( +)\d+s`).ReplaceAllString(text, "_interval:${1}1s")
		text = strings.Replace(text, "scrape_timeout: 5s", "scrape_timeout: 1s", 1)
		return strings.NewReplacer("127.0.0.1:9899", daemon, "localhost:9100", node).Replace(text)
	})
	p.edit(t, "postseal.rules.yml", func(text string) string {
		return regexp.MustCompile(`(?m)^( +(?:for|interval)): \w+$`).ReplaceAllString(text, "$1: 1s")
	})
	addr := unusedAddr(t)
	p.url = "http://" + addr
	cmd := exec.Command(p.bin("prometheus"), append([]string{
		"--config.file=" + filepath.Join(p.dir, "etc", "prometheus", "prometheus.yml"), "--storage.tsdb.path=" + filepath.Join(t.TempDir(), "data"),
		"--web.listen-address=" + addr, "--log.level=error"}, options...)...)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("prometheus: %v\n%s", err, &log)
		}
	})
}

func unusedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ask asks the API for a path, and decodes the key data of the answer.
func (p *prometheus) ask(path string, data any) error {
	response, err := http.Get(p.url + "/api/v1/" + path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	answer := struct {
		Data  any    `json:"data"`
		Error string `json:"error"`
	}{Data: data}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Error != "" {
		return fmt.Errorf("%s: %v: %s", path, err, body)
	}
	return nil
}

// value returns the sum of the series of an expression, or -1 if there are none.
func (p *prometheus) value(expr string) string {
	var data struct{ Result []struct{ Value [2]any } }
	if err := p.ask("query?query="+url.QueryEscape("sum("+expr+")"), &data); err != nil || len(data.Result) != 1 {
		return fmt.Sprint("none: ", err)
	}
	return fmt.Sprint(data.Result[0].Value[1])
}

func (p *prometheus) await(t *testing.T, expr, want string) {
	t.Helper()
	until(t, func() bool { return p.value(expr) == want }, func() string {
		return fmt.Sprintf("%s is %s, not %s", expr, p.value(expr), want)
	})
}

// alert is an alert that is pending or fires.
type alert struct {
	Labels, Annotations map[string]string
	State               string
}

func (p *prometheus) awaitAlert(t *testing.T, name string) (found alert) {
	t.Helper()
	var data struct{ Alerts []alert }
	until(t, func() bool {
		if p.ask("alerts", &data) != nil {
			return false
		}
		i := slices.IndexFunc(data.Alerts, func(a alert) bool { return a.Labels["alertname"] == name && a.State == "firing" })
		if i >= 0 {
			found = data.Alerts[i]
		}
		return i >= 0
	}, func() string { return fmt.Sprintf("no alert %s, but %v", name, data.Alerts) })
	return found
}

// rule is a rule, as the API shows it.
type rule struct {
	Name, Type, Query, Health, LastError string
	Labels, Annotations                  map[string]string
}

// alertLabels are the labels that an alert may have. None of them holds an address or
// a domain of mail.
var alertLabels = []string{"alertname", "severity", "job", "instance", "mode"}

// metricsIn returns the metrics of postseal that expressions name.
func metricsIn(exprs ...string) []string {
	names := regexp.MustCompile(`\bpostseal_\w+`).FindAllString(strings.Join(exprs, "\n"), -1)
	slices.Sort(names)
	return slices.Compact(names)
}

// TestAlertingRules runs the tests of the rules.
func TestAlertingRules(t *testing.T) {
	t.Parallel()
	p := unpackPrometheus(t)
	rules := filepath.Join(root, alerting, "prometheus", "postseal.rules.yml")
	tests := []string{strings.TrimSuffix(rules, ".yml") + "_test.yml", strings.TrimSuffix(rules, ".yml") + "_weeks_test.yml"}
	t.Cleanup(func() { // all parts have ended
		var text string
		for _, path := range tests {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text += string(data)
		}
		for _, name := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(read(t, alerting+"/prometheus/postseal.rules.yml"), -1) {
			if !strings.Contains(text, `'ALERTS{alertname="`+name[1]+`", alertstate="firing"`) {
				t.Errorf("no test in which %s fires", name[1])
			}
		}
	})
	for _, args := range [][]string{{"check", "rules", rules}, {"test", "rules", tests[0]}, {"test", "rules", tests[1]}} {
		t.Run(args[0]+" "+filepath.Base(args[2]), func(t *testing.T) {
			t.Parallel()
			if out, err := exec.Command(p.bin("promtool"), args...).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestFirstAlert follows the page with a daemon, and looks at the rules and at the
// dashboard as Prometheus reads them.
func TestFirstAlert(tt *testing.T) {
	p := unpackPrometheus(tt)
	t := on(tt, postfix)
	metrics := unusedAddr(tt)
	queue := t.queueFigures()
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, queue) }))
	defer node.Close()
	d := t.serve("observe", "[metrics]\nlisten = \"inet:"+metrics+"\"\n")
	code, findings, faults := hostCommand(t, "doctor", "-prometheus", "-config", d.Config, "-config-directory", filepath.Join(t.mta.Directory(), "etc"))()
	if code > 1 || faults != "" {
		tt.Fatalf("doctor: exit %d: %s", code, faults)
	}
	queue += findings
	p.start(tt, metrics, strings.TrimPrefix(node.URL, "http://"))
	p.await(tt, "postseal_messages_total", "0")

	// One message of two has a finding.
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: Patient 999 000 0018"))
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: Lunch"))
	t.settle()
	p.await(tt, "postseal_messages_total", "2")
	a := p.awaitAlert(tt, "PostsealSensitiveUnmarked")
	if a.Labels["mode"] != "observe" || !strings.Contains(a.Annotations["description"], " messages with an NHS number") {
		t.Errorf("got %+v", a)
	}

	etc := filepath.Dir(d.Config)
	p.commands(tt, filepath.Join(etc, "rules.d"), "echo")
	a = p.awaitAlert(tt, "PostsealReloadRefused")
	if shown := p.commands(tt, "", "promtool query"); !strings.Contains(shown, `alertname="PostsealReloadRefused", alertstate="firing"`) {
		t.Errorf("promtool shows %s", shown)
	}
	p.commands(tt, filepath.Join(etc, "rules.d"), "rm")
	p.await(tt, "postseal_configuration_refused", "0")
	for name, text := range a.Annotations {
		if text == "" || strings.Contains(text, "error") || strings.Contains(text, "no value") {
			t.Errorf("%s: %q", name, text)
		}
	}
	if want := "on " + metrics; !strings.Contains(a.Annotations["summary"], want) {
		t.Errorf("got %q, want %q in it", a.Annotations["summary"], want)
	}

	t.Run("rules and page", func(t *T) { p.compareRules(t.T) })
	t.Run("dashboard", func(t *T) { p.checkDashboard(t.T) })
	t.Run("privacy", func(t *T) {
		var series []map[string]string
		if err := p.ask("series?match[]="+url.QueryEscape(`{__name__=~".+"}`), &series); err != nil || len(series) < 100 {
			t.Fatalf("%d series, %v", len(series), err)
		}
		for _, labels := range series {
			if text := fmt.Sprint(labels); strings.ContainsAny(text, "@") || strings.Contains(text, "gmail") || strings.Contains(text, "trust.example") || strings.Contains(text, "999") && strings.Contains(text, "0018") {
				t.Errorf("got %v", labels)
			}
		}
	})
}

// names returns the names of all metrics that Prometheus has.
func (p *prometheus) names(t *testing.T) (names []string) {
	t.Helper()
	if err := p.ask("label/__name__/values", &names); err != nil {
		t.Fatal(err)
	}
	return names
}

// compareRules compares the rules with the metrics and with the sections of the page.
func (p *prometheus) compareRules(t *testing.T) {
	var loaded []rule
	until(t, func() bool {
		var data struct{ Groups []struct{ Rules []rule } }
		if p.ask("rules", &data) != nil {
			return false
		}
		loaded = nil
		for _, group := range data.Groups {
			loaded = append(loaded, group.Rules...)
		}
		return len(loaded) > 0 && !slices.ContainsFunc(loaded, func(r rule) bool { return r.Health == "unknown" })
	}, func() string { return fmt.Sprint("not all rules were evaluated: ", loaded) })

	metrics, sections := p.names(t), regexp.MustCompile(`(?ms)^### (Postseal\w+)\n(.*?)(?:^#|\z)`)
	_, alerts, _ := strings.Cut(p.page, "\n## The alerts\n")
	alerts = strings.ReplaceAll(alerts, "\n### ", "\n#\n### ") // so that each section ends before the next
	explained := make(map[string]string)
	for _, section := range sections.FindAllStringSubmatch(alerts, -1) {
		explained[section[1]] = section[2]
	}
	for _, r := range loaded {
		if r.Health != "ok" {
			t.Errorf("%s: %s", r.Name, r.LastError)
		}
		for _, name := range metricsIn(r.Query) {
			if !slices.Contains(metrics, name) {
				t.Errorf("%s: no metric %s", r.Name, name)
			}
		}
		for _, by := range regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`).FindAllStringSubmatch(r.Query, -1) {
			for label := range strings.SplitSeq(by[1], ", ") {
				if label != "" && !slices.Contains(alertLabels, label) {
					t.Errorf("%s has the label %s", r.Name, label)
				}
			}
		}
		if r.Type != "alerting" {
			continue
		}
		for _, part := range []string{"What happened", "Who is affected", "First", "Threshold"} {
			if !strings.Contains(explained[r.Name], "\n* **"+part+":** ") {
				t.Errorf("the section %s of the page does not say: %s", r.Name, part)
			}
		}
		delete(explained, r.Name)
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) || r.Annotations["summary"] == "" || !strings.Contains(r.Annotations["description"], "First ") ||
			!strings.HasSuffix(r.Annotations["runbook_url"], alerting+"/README.md#"+strings.ToLower(r.Name)) {
			t.Errorf("%s: labels %v, annotations %v", r.Name, r.Labels, r.Annotations)
		}
	}
	if len(explained) > 0 {
		t.Errorf("the page has sections without an alert: %v", explained)
	}
}

// checkDashboard asks Prometheus for every expression of the dashboard.
func (p *prometheus) checkDashboard(t *testing.T) {
	var dashboard struct {
		SchemaVersion int
		Panels        []struct {
			ID                       int
			Type, Title, Description string
			GridPos                  struct{ X, Y, W, H int }
			FieldConfig              struct{ Defaults struct{ Unit string } }
			Targets                  []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, alerting+"/grafana/postseal.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*")
	metrics, asked := p.names(t), 0
	taken, ids := make(map[[2]int]string), make(map[int]bool)
	for _, panel := range dashboard.Panels {
		for x := range panel.GridPos.W {
			for y := range panel.GridPos.H {
				at := [2]int{panel.GridPos.X + x, panel.GridPos.Y + y}
				if other := taken[at]; other != "" || at[0] >= 24 {
					t.Fatalf("%s lies over %q or the edge", panel.Title, other)
				}
				taken[at] = panel.Title
			}
		}
		if ids[panel.ID] {
			t.Errorf("%s: two panels have its id", panel.Title)
		}
		ids[panel.ID] = true
		if panel.Type == "row" {
			continue
		}
		if panel.Title == "" || panel.Description == "" || panel.FieldConfig.Defaults.Unit == "" || len(panel.Targets) == 0 {
			t.Errorf("no title, description, unit or expression: %+v", panel)
		}
		for _, target := range panel.Targets {
			var data any
			if err := p.ask("query?query="+url.QueryEscape(variables.Replace(target.Expr)), &data); err != nil {
				t.Errorf("%s: %v", panel.Title, err)
			}
			for _, name := range metricsIn(target.Expr) {
				if !slices.Contains(metrics, name) {
					t.Errorf("%s: no metric %s", panel.Title, name)
				}
			}
			asked++
		}
	}
	if asked < 20 || dashboard.SchemaVersion < 38 {
		t.Errorf("%d expressions, schema %d", asked, dashboard.SchemaVersion)
	}
}

// queueFigures runs the command of postseal-queue.service with its capabilities, and
// returns what node_exporter then serves.
func (t *T) queueFigures() string {
	t.Helper()
	unit := read(t, alerting+"/prometheus/postseal-queue.service")
	command := regexp.MustCompile(`(?m)^ExecStart=/bin/sh -c '(.*)' /.*\.prom$`).FindStringSubmatch(unit)
	allowed := regexp.MustCompile(`(?m)^CapabilityBoundingSet=(.*)$`).FindStringSubmatch(unit)
	if command == nil || allowed == nil {
		t.Fatal("no command or no capabilities")
	}
	set := strings.ToLower(strings.ReplaceAll(" "+allowed[1], " CAP_", ",+"))
	path := filepath.Join(t.TempDir(), "postseal.prom")
	cmd := exec.Command("setpriv", "--no-new-privs", "--bounding-set", "-all"+set, "sh", "-c", command[1], path)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "MAIL_CONFIG="+filepath.Join(t.mta.Directory(), "etc"))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
