package config

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Stamp returns a text that changes if one of the table's files changes. It
// contains the inode's change time, which covers the owner and the mode.
func (f *File) Stamp() (string, error) {
	files, err := expand(f.Rules.Files) // a bad pattern is a fault of the configuration
	if f.Rules.Accredited != "" {
		files = append(files, f.Rules.Accredited)
	}
	var b strings.Builder
	for _, file := range files {
		fmt.Fprintf(&b, "%s\x00", file)
		if info, err := os.Stat(file); err == nil {
			stat := info.Sys().(*syscall.Stat_t)
			fmt.Fprint(&b, info.ModTime().UnixNano(), " ", stat.Ctim.Nano(), " ", stat.Size, " ", stat.Dev, " ", stat.Ino, "\x00")
		}
	}
	return b.String(), err
}

// MaxListAge is how many days old the accredited list may be. The published list
// changes about every six days, so that two changes are missing from an older one.
const MaxListAge = 14

// ListImported returns when the accredited list was imported, or the zero time if
// there is none.
func (c *Config) ListImported() time.Time { return c.listModified }

// ListAge returns the time since the accredited list was imported, in whole days.
// old reports whether that is more than MaxListAge.
func (c *Config) ListAge(now time.Time) (days int, old bool) {
	if c.listModified.IsZero() {
		return 0, false
	}
	days = int(now.Sub(c.listModified) / (24 * time.Hour))
	return days, days > MaxListAge
}
