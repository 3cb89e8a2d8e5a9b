package config

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/table"
)

// Lint returns the warnings of the rules and of the files.
func (c *Config) Lint(now time.Time) []table.Warning {
	found := c.Message.Rules.Lint(now)
	if days, old := c.ListAge(now); old {
		found = append(found, table.Warning{
			File: c.File.Rules.Accredited, Row: "the list",
			Fault:  fmt.Sprintf("imported %d days ago, which is more than %d", days, MaxListAge),
			Remedy: "run postseal import with today's list",
		})
	}
	return slices.Concat(found, c.lintMode(), c.lintPaths(), c.lintPatterns(), c.lintListen(), c.lintMetrics(), c.lintFolders())
}

// warning returns a warning about a key of the configuration.
func (c *Config) warning(path, row, fault, remedy string) table.Warning {
	if line, _, ok := c.places.At(path); ok {
		row = fmt.Sprintf("line %d: %s", line, row)
	}
	return table.Warning{Row: row, Fault: fault, Remedy: remedy}
}

// lintMode finds a mode that was probably meant for the whole configuration. At the
// end of the file it belongs to the last policy.
func (c *Config) lintMode() (found []table.Warning) {
	if _, _, ok := c.places.At("mode"); ok {
		return nil
	}
	for i, p := range c.File.Policy {
		if p.Mode != nil && *p.Mode == rules.Enforce {
			found = append(found, c.warning(fmt.Sprintf("policy[%d].mode", i), fmt.Sprintf("policy %d (%q)", i+1, p.Name),
				"this mode applies only to the policy, and the mode of the configuration is "+c.File.Mode.String(),
				`put mode = "enforce" above the first [section] to set the mode of the configuration`))
		}
	}
	return found
}

// lintPaths finds relative patterns. serve runs in another directory than somebody who
// checks the configuration, and it is no error that a pattern matches nothing there.
func (c *Config) lintPaths() (found []table.Warning) {
	for _, path := range c.File.Rules.Files {
		if isPattern(path) && !filepath.IsAbs(path) {
			found = append(found, c.warning("rules.files", fmt.Sprintf("rules.files (%q)", path), "a relative pattern depends on the directory in which a command runs", "write an absolute path"))
		}
	}
	return found
}

// lintPatterns finds patterns that no policy tests, and those that every message has.
func (c *Config) lintPatterns() (found []table.Warning) {
	for i, p := range c.File.Pattern {
		name := finding.PatternPrefix + finding.Name(p.Name)
		warn := func(fault, remedy string) {
			found = append(found, c.warning(fmt.Sprintf("pattern[%d]", i), fmt.Sprintf("pattern %d (%q)", i+1, p.Name), fault, remedy))
		}
		if !slices.ContainsFunc(c.File.Policy, func(p policyTable) bool { return slices.Contains(p.Findings, name) }) {
			warn("no policy tests it", fmt.Sprintf("put %q into the findings of a policy, or remove the pattern", name))
		}
		match, err := regexp.Compile(p.Match)
		if err == nil && len(p.Context) == 0 && p.Check == "" && (match.MatchString("the") || match.MatchString("1")) {
			warn("it matches almost every message", "write an expression that needs more, or add context")
		}
	}
	return found
}

// unitDirectories are the directories that may contain postseal.socket. With that unit,
// listen is not used.
var unitDirectories = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// lintListen finds sockets that strangers can reach, or that serve cannot open.
func (c *Config) lintListen() []table.Warning {
	warn := func(fault, remedy string) []table.Warning {
		return []table.Warning{c.warning("listen", fmt.Sprintf("listen (%q)", c.File.Listen), fault, remedy)}
	}
	if c.hasUnit("postseal.socket") {
		return nil
	}
	network, address, err := milter.ParseListen(c.File.Listen)
	switch {
	case err != nil: // an error of Load
	case network == "unix":
		if err := milter.CheckSocket(address); err != nil {
			return warn("serve cannot start", err.Error())
		}
	case isWildcard(address):
		return warn("anyone who can reach this host can use the socket", "write inet:127.0.0.1 and the port, or restrict access with a firewall")
	}
	return nil
}

// hasUnit reports whether systemd has a unit that uses the file. name may be a
// pattern. Units use the default file.
func (c *Config) hasUnit(name string) bool {
	return c.Origin == Default && slices.ContainsFunc(unitDirectories, func(dir string) bool {
		found, _ := filepath.Glob(filepath.Join(dir, name))
		return len(found) > 0
	})
}

// The fault of metrics.listen under systemd, and its remedy.
const (
	NoNetwork    = "the unit postseal.service has no network, so serve does not start"
	EnableSocket = "run systemctl enable postseal-metrics.socket, then systemctl restart postseal"
)

// lintMetrics finds a socket for the metrics that serve cannot open.
func (c *Config) lintMetrics() []table.Warning {
	network, _, _ := milter.ParseListen(c.File.Metrics.Listen)
	if network != "tcp" || !c.hasUnit("postseal.service") || c.hasUnit("*.wants/postseal-metrics.socket") {
		return nil
	}
	return []table.Warning{c.warning("metrics.listen", fmt.Sprintf("metrics.listen (%q)", c.File.Metrics.Listen), NoNetwork, EnableSocket)}
}

func isWildcard(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.Unmap().IsUnspecified()
}

// lintFolders finds the files beside the rule files that no pattern matches, such
// as local.tml and local.toml.bak. It ignores hidden files, which belong to editors.
func (c *Config) lintFolders() (found []table.Warning) {
	read, err := expand(c.File.Rules.Files)
	if err != nil {
		return nil // an error of Load
	}
	read = append(read, c.File.Rules.Accredited, c.Origin)
	var seen []string
	for _, pattern := range c.File.Rules.Files {
		dir := filepath.Dir(pattern)
		if !isPattern(pattern) || isPattern(dir) || slices.Contains(seen, dir) {
			continue
		}
		seen = append(seen, dir)
		for _, name := range unread(dir, read) {
			found = append(found, table.Warning{
				File: name, Row: "the file",
				Fault:  "postseal does not read it, because no entry of rules.files matches it",
				Remedy: fmt.Sprintf("rename it to match %s, or move it to another directory", pattern),
			})
		}
	}
	return found
}

// unread lists the files of a folder that are not in read.
func unread(dir string, read []string) (names []string) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		name := filepath.Join(dir, entry.Name())
		info, err := os.Stat(name)
		if strings.HasPrefix(entry.Name(), ".") || err != nil || !info.Mode().IsRegular() {
			continue
		}
		if !slices.ContainsFunc(read, func(other string) bool { return isFile(other, info) }) {
			names = append(names, name)
		}
	}
	return names
}

func isFile(name string, info os.FileInfo) bool {
	other, err := os.Stat(name)
	return err == nil && os.SameFile(info, other)
}
