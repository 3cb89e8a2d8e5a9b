package mtatest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
)

// TestReportOfRealMail compares postseal report with jq on the log of mail that MTAs
// have passed in both modes.
func TestReportOfRealMail(t *testing.T) {
	onEach(t, []*world{postfix, sendmail}, func(t *T) {
		log := ""
		for _, mode := range []string{"observe", "enforce"} {
			d := t.startDaemon(mode, everyFinding)
			t.sendVariety(d)
			if err := d.Stop(); err != nil {
				t.Error(err)
			}
			log += d.Log()
		}
		file := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(file, []byte(log), 0o644); err != nil {
			t.Fatal(err)
		}
		var want map[string]map[string]int64
		t.printed(&want, "jq", "-nRc", "--arg", "since", "0", "--arg", "until", "9", "-f", filepath.Join(root, "testdata", "report.jq"), file)
		var report map[string]any
		t.printed(&report, binary, "report", "-json", file)

		period := report["figures"].([]any)[0].(map[string]any)
		for name, n := range want["figures"] {
			if period[name] != float64(n) {
				t.Errorf("%s: got %v, want %d", name, period[name], n)
			}
		}
		if want["figures"]["messages"] < 100 || want["figures"]["observed"] == 0 {
			t.Errorf("few messages: %v", want["figures"])
		}
		for list, columns := range map[string][2]string{
			"near_misses": {"kind", "messages"}, "findings": {"name", "messages"}, "unreadable": {"reason", "messages"}, "alerts": {"event", "lines"},
			"refusals": {"kind", "recipients"}, "configurations": {"config", "messages"}, "partners": {"domain", "messages"},
		} {
			got := make(map[string]int64)
			for _, row := range report[list].([]any) {
				row := row.(map[string]any)
				got[row[columns[0]].(string)] = int64(row[columns[1]].(float64))
			}
			if !reflect.DeepEqual(got, want[list]) {
				t.Errorf("%s: got %v, want %v", list, got, want[list])
			}
		}
	})
}

// printed reads the JSON that a command prints.
func (t *T) printed(into any, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
