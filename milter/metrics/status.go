package metrics

import (
	"time"

	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/rules"
)

// Status is the answer to GET /status. Times are in the form of RFC 3339.
type Status struct {
	Version      string     `json:"version"`
	Mode         rules.Mode `json:"mode"`
	Edition      string     `json:"edition"`
	Rows         int        `json:"rows"`
	Config       string     `json:"config"`  // the hash
	Started      string     `json:"started"` // when the daemon started
	Loaded       string     `json:"loaded"`  // when the configuration in force was loaded
	Refused      bool       `json:"refused"` // a file on disk is refused
	ListImported string     `json:"list_imported"`
	NextExpiry   string     `json:"next_expiry"` // a day, as in 2027-01-31
	RowsExpired  int        `json:"rows_expired"`
	Sessions     int        `json:"sessions"`
	Today        Today      `json:"today"`
	LinesLost    int        `json:"lines_lost"` // from the log, since the start
	LastError    *LastError `json:"last_error"` // nil if there was none
}

// DaysToExpiry returns the days until a row expires. ok is false if none does.
func (s *Status) DaysToExpiry(now time.Time) (days int, ok bool) {
	day, err := time.Parse(time.DateOnly, s.NextExpiry)
	if err != nil {
		return 0, false
	}
	year, month, today := now.Date()
	return int(day.Sub(time.Date(year, month, today, 0, 0, 0, 0, time.UTC)) / (24 * time.Hour)), true
}

// Today counts since midnight, or since the start if that was later.
type Today struct {
	Date              string               `json:"date"`
	Messages          int                  `json:"messages"`
	ByAction          map[rules.Action]int `json:"by_action"`
	RefusedRecipients int                  `json:"refused_recipients"`
	SensitiveUnmarked int                  `json:"sensitive_unmarked"`
}

// LastError is the last event of level ERROR.
type LastError struct {
	Time string `json:"time"`
	Msg  string `json:"msg"`
	Text string `json:"text"`
}

// state is the state of the daemon, from its events.
type state struct {
	started, loaded time.Time
	unread          bool            // a file on disk is refused
	lost            map[string]bool // socket files
	lastError       *LastError
	day             [3]int // of the counts
	byAction        [actions]int
	refusedToday    int
	sensitiveToday  int
}

// note records an event.
func (s *state) note(e maillog.Event, now time.Time) {
	s.turn(now)
	if msg := maillog.Error(e); msg != "" {
		s.lastError = &LastError{now.Format(time.RFC3339), msg, errorText(e)}
	}
	switch e := e.(type) {
	case maillog.Decision:
		s.byAction[e.Action]++
		if e.IsSensitiveUnmarked() {
			s.sensitiveToday++
		}
	case maillog.RefusedRecipient:
		s.refusedToday++
	case maillog.Reloaded:
		s.loaded, s.unread = now, e.ConfigRefused
	case maillog.ReloadRefused:
		s.unread = true
	case maillog.SocketLost:
		s.lost[e.Listen] = true
	case maillog.SocketOpened:
		delete(s.lost, e.Listen)
	}
}

// turn resets the counts when a day begins.
func (s *state) turn(now time.Time) {
	year, month, day := now.Date()
	if today := [3]int{year, int(month), day}; s.day != today {
		s.day, s.byAction, s.refusedToday, s.sensitiveToday = today, [actions]int{}, 0, 0
	}
}

// errorText returns the text of an event of level ERROR. Every local user can read
// the status, so the reason for a refused reload is only in the log: it can name
// recipients, and quote the configuration.
func errorText(e maillog.Event) string {
	switch e := e.(type) {
	case maillog.InternalError:
		return e.Fault
	case maillog.LinesLost:
		return e.Reason
	case maillog.SocketLost:
		return e.Reason
	case maillog.TooManyConnections:
		return "new connections are closed"
	}
	return "the log has the reason"
}

func (m *Metrics) status(d Daemon) Status {
	in := d.InForce()
	s := Status{
		Version: d.Version, Mode: in.Config.Mode, Edition: in.Edition, Rows: in.Config.Rules.Table.Len(), Config: in.Config.Hash,
		Sessions: d.Sessions(), LinesLost: d.LinesLost(),
		Today: Today{ByAction: make(map[rules.Action]int)},
	}
	if !in.ListImported.IsZero() {
		s.ListImported = in.ListImported.Format(time.RFC3339)
	}
	now := m.now()
	found := m.expiries(in.Config, now)
	s.RowsExpired = found.expired
	if !found.next.IsZero() {
		s.NextExpiry = found.next.Format(time.DateOnly)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(now)
	s.Started, s.Loaded, s.Refused, s.LastError = m.started.Format(time.RFC3339), m.loaded.Format(time.RFC3339), m.unread, m.lastError
	s.Today.Date, s.Today.RefusedRecipients, s.Today.SensitiveUnmarked = now.Format(time.DateOnly), m.refusedToday, m.sensitiveToday
	for action := range actions {
		s.Today.ByAction[action] = m.byAction[action]
		s.Today.Messages += m.byAction[action]
	}
	return s
}
