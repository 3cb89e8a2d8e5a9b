//go:build graphs

package mtatest_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// graphs are the expressions of the picture.
var graphs = []string{
	"60 * sum by (action) (rate(postseal_messages_total[30s])) > 0",
	"sum by (kind) (increase(postseal_near_misses_total[1h])) > 0",
}

// TestGraphs sends mail for two minutes, and writes graphs.png. "make graphs" puts the
// files that Prometheus's pages need into bin/graphs.
func TestGraphs(tt *testing.T) {
	p := unpackPrometheus(tt)
	debs, err := filepath.Glob(filepath.Join(root, "bin", "graphs", "*.deb"))
	if err != nil || len(debs) == 0 {
		tt.Fatalf("%v, %v: run make graphs", debs, err)
	}
	for _, deb := range debs {
		if out, err := exec.Command("dpkg", "-x", deb, p.dir).CombinedOutput(); err != nil {
			tt.Fatalf("%v: %s", err, out)
		}
	}
	t := on(tt, postfix)
	metrics := unusedAddr(tt)
	t.serve("enforce", "[metrics]\nlisten = \"inet:"+metrics+"\"\n")
	p.start(tt, metrics, unusedAddr(tt), "--web.local-assets="+filepath.Join(p.dir, "usr", "share", "prometheus", "web"))
	p.await(tt, "postseal_messages_total", "0")

	begin := time.Now()
	for i := 0; time.Since(begin) < 2*time.Minute; i++ {
		subject, pause := "Minutes of the meeting", 400*time.Millisecond
		switch {
		case i%11 == 3:
			subject = "(secure) Discharge letter"
		case i%17 == 4:
			subject = "[sercure] Referral"
		case i%5 == 1:
			subject = "[secure] Referral"
		case i%13 == 5:
			subject = "Patient 999 000 0018"
		}
		if time.Since(begin).Seconds() > 60 {
			pause /= 2
		}
		to := "<bob@gmail.com>"
		if i%3 == 0 {
			to = "<team@nhs.net>"
		}
		t.send([]string{to}, mail("Subject: "+subject))
		time.Sleep(pause)
	}
	t.settle()

	query := ""
	for i, expr := range graphs {
		query += fmt.Sprintf("&g%d.expr=%s&g%d.tab=0&g%d.range_input=2m&g%d.step_input=1&g%d.stacked=%d", i, url.QueryEscape(expr), i, i, i, i, map[bool]int{true: 1}[i == 0])
	}
	shot := filepath.Join(t.TempDir(), "graphs.png")
	out, err := exec.Command("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir="+t.TempDir(),
		"--window-size=900,1700", "--virtual-time-budget=15000", "--screenshot="+shot, p.url+"/graph?"+query[1:]).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	picture, err := os.ReadFile(shot)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, alerting, "prometheus", "graphs.png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}
