package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

// rspamd has one rule and no module. It scans in one process for each processor.
func rspamd(w *world, e *entrant) ([]program, error) {
	root, err := w.unpack("rspamd")
	if err != nil {
		return nil, err
	}
	if err := e.writeTable(); err != nil {
		return nil, err
	}
	// A short list of top-level domains: rspamd would compile the whole of its own
	// for minutes.
	if err := os.WriteFile(filepath.Join(e.dir, "suffixes"), []byte("example\n"), 0o644); err != nil {
		return nil, err
	}
	if _, err := e.fill(w, "rspamd.lua", "rule.lua"); err != nil {
		return nil, err
	}
	config, err := e.fill(w, "rspamd.conf", "conf", "PROCESSORS", strconv.Itoa(runtime.NumCPU()))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(root, "usr/bin/rspamd"), "-f", "-i", "-c", config)
	cmd.Env = append(os.Environ(),
		"LD_LIBRARY_PATH="+filepath.Join(root, "usr/lib/rspamd"),
		"LUALIBDIR="+filepath.Join(root, "usr/share/rspamd/lualib"))
	return []program{{cmd, e.socket(), ""}}, nil
}
