package mtatest_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// zabbixItem is an item of contrib's template for Zabbix.
type zabbixItem struct {
	UUID, Key     string
	Type          string
	Preprocessing []struct {
		Type       string
		Parameters []string
	}
	MasterItem struct{ Key string } `json:"master_item"`
	Triggers   []struct{ UUID, Name, Expression, Priority string }
}

// yaml decodes a file of contrib/alerting.
func yaml(t *testing.T, name string, to any) (asJSON string) {
	t.Helper()
	cmd := exec.Command("python3", "-c", "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)", filepath.Join(root, "contrib/alerting", name))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	if err := json.Unmarshal(out, to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}

// zabbixItems returns the items of the template. Its UUIDs must be of version 4 and
// unique.
func zabbixItems(t *testing.T) []zabbixItem {
	t.Helper()
	var file struct {
		Export struct {
			Version   string
			Templates []struct{ Items []zabbixItem }
		} `json:"zabbix_export"`
	}
	text := yaml(t, "zabbix/postseal.yaml", &file)
	if file.Export.Version != "6.0" || len(file.Export.Templates) != 1 {
		t.Fatalf("got %.200s", text)
	}
	seen := make(map[string]bool)
	for _, id := range regexp.MustCompile(`"uuid": "([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !regexp.MustCompile(`^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$`).MatchString(id[1]) || seen[id[1]] {
			t.Errorf("the UUID %s is not of version 4, or not unique", id[1])
		}
		seen[id[1]] = true
	}
	return file.Export.Templates[0].Items
}

// TestZabbix checks contrib's template for Zabbix against a daemon and its log.
func TestZabbix(tt *testing.T) {
	t := on(tt, postfix)
	items := zabbixItems(t.T)
	d := t.serve("enforce", "[metrics]\nlisten = \"unix:"+filepath.Join(t.TempDir(), "metrics.sock")+"\"\n")
	if _, err := d.Await("started", nil); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "status", "-json", "-config", d.Config)
	cmd.Env = append(cmd.Environ(), "MAIL_CONFIG="+filepath.Join(t.mta.Directory(), "etc"))
	status, _ := cmd.Output() // the exit status says that something is wrong, such as an old list

	lines := randomLog(rand.New(rand.NewPCG(13, 5)), 2000)
	var msgs []string
	for _, line := range lines {
		var l logLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		msgs = append(msgs, l.Msg)
	}
	keys := make(map[string]bool)
	for _, item := range items {
		keys[item.Key] = true
	}
	logs, paths, named := 0, 0, 0
	for _, item := range items {
		if item.MasterItem.Key != "" && !keys[item.MasterItem.Key] {
			t.Errorf("%s has no master %s", item.Key, item.MasterItem.Key)
		}
		for _, p := range item.Preprocessing {
			if p.Type == "JSONPATH" {
				paths++
				if found, ok := jsonPath(status, p.Parameters[0]); !ok {
					t.Errorf("%s: %s is not in %s", item.Key, p.Parameters[0], status)
				} else if b, isBool := found.(bool); isBool && item.Key == "postseal.running" && !b {
					t.Errorf("the daemon does not run: %s", status)
				}
			}
		}
		if strings.HasPrefix(item.Key, "log[") {
			logs++
			zabbixLogItem(t.T, item.Key, lines)
		}
		for _, trigger := range item.Triggers {
			for _, ref := range regexp.MustCompile(`/postseal/([a-z._]+)`).FindAllStringSubmatch(trigger.Expression, -1) {
				if !keys[ref[1]] {
					t.Errorf("%s: there is no item %s", trigger.Name, ref[1])
				}
			}
			for _, msg := range regexp.MustCompile(`"eq","([^"]*)"`).FindAllStringSubmatch(trigger.Expression, -1) {
				named++
				if !slices.Contains(msgs, msg[1]) {
					t.Errorf("%s: there is no event %q", trigger.Name, msg[1])
				}
			}
		}
	}
	if logs != 3 || paths < 15 || named < 11 {
		t.Errorf("%d logs, %d paths, %d events", logs, paths, named)
	}
}

// jsonPath finds the value of a path such as $.queue.held.
func jsonPath(text []byte, path string) (value any, ok bool) {
	if json.Unmarshal(text, &value) != nil {
		return nil, false
	}
	for _, key := range strings.Split(strings.TrimPrefix(path, "$."), ".") {
		object, _ := value.(map[string]any)
		if value, ok = object[key]; !ok {
			return nil, false
		}
	}
	return value, true
}

// zabbixLogItem counts what a log item finds in lines.
func zabbixLogItem(t *testing.T, key string, lines []string) {
	t.Helper()
	parts := regexp.MustCompile(`^log\["\{\$POSTSEAL\.LOG\}","((?:[^"\\]|\\.)*)",,,skip,\\1\]$`).FindStringSubmatch(key)
	if parts == nil {
		t.Fatalf("the key is %s", key)
	}
	expression, err := regexp.Compile(strings.ReplaceAll(parts[1], `\"`, `"`))
	if err != nil {
		t.Fatal(err)
	}
	found, want := make(map[string]float64), make(map[string]float64)
	for line := range strings.Lines(asFile(lines)) {
		if m := expression.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil && strings.Contains(line, "postseal[812]: {") {
			found[m[1]]++
		}
	}
	for i, line := range lines {
		if i%4 < 2 { // without a heading
			continue
		}
		for name, n := range seriesOf(t, []string{line}) {
			switch {
			case strings.Contains(key, "look-alike"):
				if name == `postseal_findings_total{name="look-alike"}` {
					want["look-alike"] += n
				}
			case strings.Contains(key, "sensitivity"):
				if strings.HasPrefix(name, "postseal_sensitive") && (strings.Contains(name, `"observe"`) || strings.Contains(name, `"accept"`) || strings.Contains(name, `"tag"`)) {
					want["sensitive"] += n
				}
			case strings.HasPrefix(name, "postseal_alert_lines_total"):
				want[strings.Split(name, `"`)[1]] += n
			}
		}
	}
	if strings.Contains(key, "sensitivity") {
		total := 0.0
		for _, n := range found {
			total += n
		}
		found = map[string]float64{"sensitive": total}
	}
	wantCounts(t, key, found, want)
}

func wantCounts(t *testing.T, what string, got, want map[string]float64) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("%.60s: nothing to find", what)
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%.60s: found %s %v times, want %v", what, name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%.60s: found %v, want %v", what, got, want)
	}
}

// notInZabbix are the alerts that have no trigger: a usual rate needs Prometheus.
var notInZabbix = []string{"PostsealNearMisses"}

// TestZabbixNamesAlerts compares the triggers with the alerts of Prometheus.
func TestZabbixNamesAlerts(t *testing.T) {
	t.Parallel()
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert  string
				Labels struct{ Severity string }
			}
		}
	}
	yaml(t, "prometheus/postseal.rules.yml", &rules)
	priorities := map[string]string{"critical": "HIGH", "warning": "WARNING", "info": "INFO"}
	want := make(map[string]string)
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" && !slices.Contains(notInZabbix, rule.Alert) {
				want[rule.Alert] = priorities[rule.Labels.Severity]
			}
		}
	}
	got := make(map[string]string)
	for _, item := range zabbixItems(t) {
		for _, trigger := range item.Triggers {
			name, _, _ := strings.Cut(trigger.Name, ":")
			got[name] = trigger.Priority
		}
	}
	if !maps.Equal(got, want) || len(got) < 20 {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
