package mtatest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// TestDaemonThatEndsAtOnce holds that a test does not wait for a daemon that
// has a fault, and names the fault.
func TestDaemonThatEndsAtOnce(t *testing.T) {
	began := time.Now()
	_, err := mtatest.StartDaemon(mta, mtatest.DaemonOptions{Root: root, Binary: binary, Mode: "enforce", TOML: "nonsense = 1\n"})
	if err == nil || !strings.Contains(err.Error(), "exit status 78") || !strings.Contains(err.Error(), "unknown key") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took >= mtatest.Patience {
		t.Errorf("it took %v", took)
	}
}

// TestInstallBeginsClean holds that no test runs on the rule files of another.
func TestInstallBeginsClean(t *testing.T) {
	options := mtatest.DaemonOptions{Root: root, Binary: binary, Mode: "enforce"}
	config, err := mtatest.Install(mta, options)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(filepath.Dir(config), "rules.d", "left.toml")
	if err := os.WriteFile(left, []byte("table.name = \"left\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := mtatest.Install(mta, options); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the file of the test before is there: %v", err)
	}
}
