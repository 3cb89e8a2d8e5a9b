package mtatest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

// TestNagios checks contrib's definitions with Nagios, together with Debian's.
func TestNagios(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := mtatest.Unpack(root, dir, "nagios4-core", "nagios4-common"); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("cfg_file=%[2]s/contrib/alerting/nagios/postseal.cfg\ncfg_file=%[1]s/host.cfg\nlog_file=%[1]s/log\ntemp_path=%[1]s\ntemp_file=%[1]s/temp\n"+
		"check_result_path=%[1]s\nobject_cache_file=%[1]s/cache\nstate_retention_file=%[1]s/state\nlock_file=%[1]s/lock\nnagios_user=root\nnagios_group=root\n", dir, root)
	for _, name := range []string{"templates", "timeperiods", "contacts", "commands"} {
		config += "cfg_file=" + filepath.Join(dir, "etc/nagios4/objects", name+".cfg") + "\n"
	}
	for name, text := range map[string]string{
		"nagios.cfg": config,
		"host.cfg":   "define host {\n  host_name mx1\n  use generic-host\n  address 127.0.0.1\n  max_check_attempts 3\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(filepath.Join(dir, "usr/sbin/nagios4"), "-v", filepath.Join(dir, "nagios.cfg")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Checked 1 services.") || !strings.Contains(string(out), "Total Errors:   0") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestPluginCommands runs "postseal status" with the options in contrib's files for
// Nagios, Icinga and Zabbix.
func TestPluginCommands(t *testing.T) {
	t.Parallel()
	commands := 0
	for _, file := range []string{"nagios/nrpe.cfg", "nagios/postseal.cfg", "nagios/icinga2.conf", "zabbix/postseal.conf"} {
		text, err := os.ReadFile(filepath.Join(root, "contrib/alerting", file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			options := []string(nil)
			if _, after, ok := strings.Cut(line, "/usr/sbin/postseal status "); ok {
				after, _, _ = strings.Cut(strings.Trim(after, "'\"\n"), " 2>")
				options = strings.Fields(after)
			} else if option, _, ok := strings.Cut(strings.TrimSpace(line), `" = "$postseal_`); ok && strings.HasPrefix(option, `"-`) {
				options = []string{strings.Trim(option, `"`), "1h"}
			}
			if options == nil || options[0] == "-config" {
				continue
			}
			commands++
			cmd := exec.Command(binary, append(append([]string{"status"}, options...), "-no-queue", "-config", "/nonexistent")...)
			if out, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() == 2 && !strings.HasPrefix(string(out), "POSTSEAL ") || strings.Contains(string(out), "Usage") {
				t.Errorf("%s: %v: %v: %s", file, options, err, out)
			}
		}
	}
	if commands != 8 {
		t.Errorf("%d commands", commands)
	}
}
