package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/config/configtest"
)

// TestMetricsNeedTheirSocketUnderSystemd checks that serve does not start with a
// socket that nobody could reach, and exits as with any faulty configuration.
func TestMetricsNeedTheirSocketUnderSystemd(t *testing.T) {
	config := configtest.Write(t, "listen = \"unix:/DIR/s\"\n[metrics]\nlisten = \"inet:127.0.0.1:0\"\n")
	daemon := exec.Command(os.Args[0], "serve", "-config", config)
	daemon.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+t.TempDir())
	out, err := daemon.CombinedOutput()
	if code := daemon.ProcessState.ExitCode(); code != exitConfig || !strings.Contains(string(out), "run systemctl enable postseal-metrics.socket") {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
}
