package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// usage is what processes have used, and use now.
type usage struct {
	cpu      time.Duration
	pss      int            // KiB
	switches map[string]int // voluntary context switches of each thread that runs
}

// used adds up the usage of processes and of all that they have started.
func used(pids []int) (usage, error) {
	total := usage{switches: make(map[string]int)}
	for _, pid := range pids {
		u, err := usedBy(pid)
		if err != nil {
			return usage{}, err
		}
		below, err := used(mtatest.Children(pid))
		if err != nil {
			return usage{}, err
		}
		total.cpu += u.cpu + below.cpu
		total.pss += u.pss + below.pss
		maps.Copy(total.switches, u.switches)
		maps.Copy(total.switches, below.switches)
	}
	return total, nil
}

// usedBy returns the usage of one process. A process that has ended has none:
// what it used is in its parent's.
func usedBy(pid int) (u usage, err error) {
	dir := fmt.Sprintf("/proc/%d", pid)
	if u.cpu, err = cpu(dir); err == nil {
		u.pss, err = number(filepath.Join(dir, "smaps_rollup"), "Pss:")
	}
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			err = nil
		}
		return usage{}, err
	}
	u.switches = make(map[string]int)
	threads, _ := filepath.Glob(filepath.Join(dir, "task", "*", "status"))
	for _, status := range threads {
		n, err := number(status, "voluntary_ctxt_switches:")
		if err == nil { // the thread has not ended
			u.switches[status] = n
		}
	}
	return u, nil
}

// switchesSince returns the voluntary context switches of the threads that run now.
// Those of threads that have ended are lost.
func (u usage) switchesSince(before usage) (n int) {
	for thread, now := range u.switches {
		n += now - before.switches[thread]
	}
	return n
}

// cpu returns the time of a process and of its children that have ended:
// utime, stime, cutime and cstime (proc(5)).
func cpu(dir string) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return 0, err
	}
	// The name of the program, in brackets, can contain blanks.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return 0, fmt.Errorf("%s/stat: %q", dir, text)
	}
	var ticks int64
	for _, field := range fields[11:15] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s/stat: %w", dir, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100, nil // Linux always shows 100 ticks a second
}

// number returns the number in the line of a file that begins with the label.
func number(path, label string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(label)); ok {
			if fields := bytes.Fields(rest); len(fields) > 0 {
				return strconv.Atoi(string(fields[0]))
			}
		}
	}
	return 0, fmt.Errorf("%s: no number after %s", path, label)
}
