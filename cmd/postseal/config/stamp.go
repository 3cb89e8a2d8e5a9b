package config

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Stamp changes when one of the table's files does, or its owner or mode: the
// time of the last change of the inode tells of those.
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

// ListAge is the time since the accredited list was imported, in whole days;
// old tells whether it is over the limit.
func (c *Config) ListAge(now time.Time) (days int, old bool) {
	limit := c.File.Rules.MaxAge
	if c.listModified.IsZero() || limit == 0 {
		return 0, false
	}
	days = int(now.Sub(c.listModified) / (24 * time.Hour))
	return days, days > limit
}
