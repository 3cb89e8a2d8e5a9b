package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// machine is where the measurements were made.
type machine struct {
	Processor string `json:"processor"`
	Count     int    `json:"processors"`
	Memory    int    `json:"memory_mib"`
	Kernel    string `json:"kernel"`
	// Load is the load average of the last minute before the bench. If there is other
	// work on the machine, the ratios say little.
	Load string `json:"load"`
}

func (m machine) String() string {
	return fmt.Sprintf("%d × %s, Linux %s, load %s before", m.Count, m.Processor, m.Kernel, m.Load)
}

// thisMachine describes this machine. What cannot be read stays empty.
func thisMachine() machine {
	m := machine{Count: runtime.NumCPU()}
	if found := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(contents("/proc/cpuinfo")); found != nil {
		m.Processor = string(found[1])
	}
	if kib, err := number("/proc/meminfo", "MemTotal:"); err == nil {
		m.Memory = kib / 1024
	}
	m.Kernel = strings.TrimSpace(string(contents("/proc/sys/kernel/osrelease")))
	m.Load, _, _ = strings.Cut(string(contents("/proc/loadavg")), " ")
	return m
}

func contents(path string) []byte {
	text, _ := os.ReadFile(path)
	return text
}

// versions returns the versions of the programs that are compared.
func versions(root string) map[string]string {
	list := map[string]string{"go": runtime.Version()}
	git := exec.Command("git", "describe", "--always", "--dirty")
	git.Dir = root
	if out, err := git.Output(); err == nil {
		list["postseal"] = strings.TrimSpace(string(out))
	}
	for _, name := range []string{"postfix", "libmilter-dev", "opendkim"} {
		if out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", name).Output(); err == nil {
			list[name] = string(out)
		}
	}
	for _, name := range []string{"rspamd", "mimedefang"} {
		debs, _ := filepath.Glob(filepath.Join(root, "bin", "debs", name+"_*.deb"))
		for _, deb := range debs {
			if out, err := exec.Command("dpkg-deb", "-f", deb, "Version").Output(); err == nil {
				list[name] = strings.TrimSpace(string(out))
			}
		}
	}
	return list
}
