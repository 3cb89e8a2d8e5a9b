package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// pollInterval is how often the files of the table are looked at.
const pollInterval = 3 * time.Second

// tick is called at every poll. It reloads when a file of the table has
// changed, opens a socket again that is lost, and reminds of ages and expiries
// once a local day.
func (d *daemon) tick(now time.Time) {
	d.poll(now)
	d.watchSockets()
	if now.Format(time.DateOnly) != d.reminded {
		d.remind(now)
	}
}

// poll reloads once the files have changed and then lain still for one poll,
// so that no file is read while it is being written. What was tried and
// refused is not tried again until it changes.
func (d *daemon) poll(now time.Time) {
	current := d.current.Load()
	stamp, err := current.file.stamp()
	if outOfDescriptors(err) { // which says nothing of the files
		return
	}
	still := stamp == d.polled
	d.polled = stamp
	if stamp == d.tried || !still {
		return
	}
	// The configuration file itself waits for SIGHUP: it may be half edited.
	fresh, err := buildConfig(current.origin, current.text)
	if err == nil {
		err = fresh.takeKey()
	}
	if outOfDescriptors(err) { // the next poll tries again
		return
	}
	d.tried = stamp
	if err == nil {
		err = lostRows(current, fresh)
	}
	d.refused.files = err != nil
	d.swap(fresh, err, "file changed", now)
}

// lostRows refuses what looks like a file that was cut short or is gone. A
// file with fewer rows trusts fewer recipients or, where rows withdraw trust,
// more; neither shall happen unless somebody says so.
func lostRows(old, fresh *config) error {
	had, left := old.milter.Rules.Table.RowsByFile(), fresh.milter.Rules.Table.RowsByFile()
	for _, file := range slices.Sorted(maps.Keys(had)) {
		if halved(had[file], left[file]) {
			return fmt.Errorf("%s: only %d of %d rows are left: send SIGHUP, or run systemctl reload postseal, if this is meant", file, left[file], had[file])
		}
	}
	return nil
}

// halved tells whether a table of so many rows has lost more than half of them.
func halved(had, left int) bool { return left*2 < had }

// stamp changes when one of the table's files does, or its owner or mode: the
// time of the last change of the inode tells of those.
func (f *configFile) stamp() (string, error) {
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

// listAge is the time since the accredited list was imported, in whole days;
// old tells whether it is over the limit.
func (c *config) listAge(now time.Time) (days int, old bool) {
	limit := c.file.Rules.MaxAge
	if c.listModified.IsZero() || limit == 0 {
		return 0, false
	}
	days = int(now.Sub(c.listModified) / (24 * time.Hour))
	return days, days > limit
}

// remind logs what the calendar has brought: an old list, rows that expire or
// have expired, and tables whose review is due.
func (d *daemon) remind(now time.Time) {
	d.reminded = now.Format(time.DateOnly)
	c := d.current.Load()
	if days, old := c.listAge(now); old {
		d.log.Warn("list old", "file", c.file.Rules.Accredited, "age_days", days, "max_age", c.file.Rules.MaxAge)
	}
	for _, table := range c.milter.Rules.Table.Tables() {
		if table.ReviewDue(now) {
			d.log.Warn("table review due", "table", table.Name, "file", table.File, "review_by", table.ReviewBy.Format(time.DateOnly))
		}
	}
	notice := c.file.Rules.ExpiryNotice
	for _, row := range c.milter.Rules.Table.Rows() {
		days, expires := row.DaysLeft(now)
		if !expires || len(notice) == 0 {
			continue
		}
		keys := []any{"row", c.milter.Addresses.Row(row.Name), "file", row.Table.File, "expires", row.Expires.Format(time.DateOnly), "days_left", days}
		switch {
		case row.Expired(now):
			d.log.Warn("row expired", keys[:6]...)
		case slices.Contains(notice, days):
			d.log.Warn("row expires soon", keys...)
		}
	}
}
