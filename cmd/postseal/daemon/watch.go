package daemon

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/rules/table"
)

// pollInterval is the time between two checks of the files.
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

// poll reloads if the files have changed and then not changed for one poll, so that
// no file is read while it is being written. It does not try refused files again
// until they change.
func (d *daemon) poll(now time.Time) {
	current := d.current.Load()
	stamp, err := current.File.Stamp()
	if config.OutOfDescriptors(err) { // the files need not be at fault
		return
	}
	still := stamp == d.polled
	d.polled = stamp
	if stamp == d.tried || !still {
		return
	}
	defer useMany()()
	// Only SIGHUP reloads the configuration file, which may be half edited.
	fresh, err := config.Build(current.Origin, current.Text)
	if err == nil {
		err = fresh.TakeKey()
	}
	if config.OutOfDescriptors(err) { // the next poll tries again
		return
	}
	d.tried = stamp
	if err == nil {
		err = lostRows(current, fresh)
	}
	d.refused.files = err != nil
	d.swap(fresh, err, "file changed", now)
}

// lostRows returns an error if a file seems to be cut short or missing. Fewer rows
// mean fewer trusted recipients, or more if the missing rows withdraw trust. Either
// change needs a reload by the admin.
func lostRows(old, fresh *config.Config) error {
	had, left := old.Message.Rules.Table.RowsByFile(), fresh.Message.Rules.Table.RowsByFile()
	for _, file := range slices.Sorted(maps.Keys(had)) {
		if table.Halved(had[file], left[file]) {
			return fmt.Errorf("%s: only %d of %d rows are left: if you removed the rows on purpose, run systemctl reload postseal or send SIGHUP", file, left[file], had[file])
		}
	}
	return nil
}

// expiryNotice are the days before the expiry of a row on which the log reminds of
// it: a month before, because renewing an accreditation takes about as long, and
// twice more.
var expiryNotice = []int{30, 14, 7}

// remind logs an old list, rows that expire or have expired, and tables whose
// review is due.
func (d *daemon) remind(now time.Time) {
	d.reminded = now.Format(time.DateOnly)
	c := d.current.Load()
	if days, old := c.ListAge(now); old {
		maillog.Write(d.log, maillog.ListOld{File: c.File.Rules.Accredited, AgeDays: days, MaxAge: config.MaxListAge})
	}
	for _, table := range c.Message.Rules.Table.Tables() {
		if table.ReviewDue(now) {
			maillog.Write(d.log, maillog.TableReviewDue{Table: table.Name, File: table.File, ReviewBy: table.ReviewBy.Format(time.DateOnly)})
		}
	}
	for _, row := range c.Message.Rules.Table.Rows() {
		days, expires := row.DaysLeft(now)
		if !expires {
			continue
		}
		name, day := c.Message.Addresses.Row(row.Name), row.Expires.Format(time.DateOnly)
		switch {
		case row.Expired(now):
			maillog.Write(d.log, maillog.RowExpired{Row: name, File: row.Table.File, Expires: day})
		case slices.Contains(expiryNotice, days):
			maillog.Write(d.log, maillog.RowExpiresSoon{Row: name, File: row.Table.File, Expires: day, DaysLeft: days})
		}
	}
}
