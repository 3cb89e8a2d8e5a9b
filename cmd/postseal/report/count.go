package report

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// Options say what is counted.
type Options struct {
	Since, Until time.Time    // the first and the last day; zero for those of the log
	Rows         []*table.Row // of a table; those with an end are listed
}

// ErrEmpty says that the log has nothing to report.
var ErrEmpty = errors.New("the log has no message of postseal in this period")

const (
	// maxDays limits the days that are counted, and so the memory.
	maxDays = 4000
	// maxGap is the longest time without a line that counts as time in a mode.
	maxGap = 31 * 24 * time.Hour
	// maxNames limits each list that is not a top. The rest is counted under otherNames.
	maxNames   = 1000
	otherNames = "(others)"
	// maxPartners limits the list of partners.
	maxPartners = 100
	// fewMessages is the fewest messages to a domain that is listed. A domain with less
	// can be that of one person.
	fewMessages = 5
)

// Read counts the logs. stdin is read for the name "-".
func Read(o Options, names []string, stdin io.Reader) (*Report, error) {
	c := &counting{
		Options: o, days: make(map[int64]*day),
		nearMisses: make(map[string]int64), findings: make(map[string]int64), unreadable: make(map[string]int64),
		policies: make(map[PolicyCount]int64), refusals: make(map[string]int64), alerts: make(map[string]int64),
		exceptions: make(map[Exception]bool), configs: make(map[string]*Configuration),
		partners: newTop(), rows: newTop(),
	}
	if !o.Since.IsZero() {
		c.since = dayOf(o.Since)
	} else {
		c.since = -1 << 40
	}
	c.until = 1 << 40
	if !o.Until.IsZero() {
		c.until = dayOf(o.Until)
	}
	for _, name := range names {
		if err := c.log(name, stdin); err != nil {
			if name != "-" && !errors.Is(err, os.ErrNotExist) {
				err = fmt.Errorf("%s: %w", name, err)
			}
			return nil, err
		}
	}
	return c.report()
}

// day has the figures of a day.
type day struct {
	Figures
	modes [2]time.Duration // by rules.Mode
}

// counting reads logs. Its memory does not depend on how long they are.
type counting struct {
	Options
	since, until int64 // days
	days         map[int64]*day
	first, last  time.Time

	// The day of the last entry, which most entries share.
	today      *day
	number     int64
	begin, end time.Time
	isIn       bool // in the period

	nearMisses, findings, unreadable, refusals, alerts map[string]int64
	policies                                           map[PolicyCount]int64
	exceptions                                         map[Exception]bool
	configs                                            map[string]*Configuration
	inForce                                            *Configuration // the last of configs
	logged                                             string         // as a line names inForce
	partners, rows                                     *top

	messages                      int64 // of the period
	hidden, incomplete, otherDays int64
	left                          maillog.LeftOut

	// The state of the daemon at its last event.
	isRunning bool
	mode      rules.Mode
	at        time.Time
}

// dayOf returns the number of a local day.
func dayOf(t time.Time) int64 {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// dayName returns a day as in 2026-11-29.
func dayName(number int64) string {
	return time.Unix(number*86400, 0).UTC().Format(time.DateOnly)
}

func (c *counting) log(name string, stdin io.Reader) error {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	log, err := maillog.NewReader(in)
	if err != nil {
		return err
	}
	defer func() { c.left.Add(log.LeftOut) }()
	for {
		e, err := log.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		c.add(e)
	}
}

func (c *counting) add(e *maillog.Entry) {
	if !c.on(e.Time) {
		c.otherDays++
		return
	}
	if c.first.IsZero() || e.Time.Before(c.first) {
		c.first = e.Time
	}
	if e.Time.After(c.last) {
		c.last = e.Time
	}
	c.state(e)
	f := &c.today.Figures
	switch event := e.Event.(type) {
	case *maillog.Decision:
		f.decision(event)
		if c.isIn {
			c.decision(e, event)
		}
		return
	case *maillog.RefusedRecipient:
		if event.Kind != message.TooMany { // the client sends the message to it later
			f.RefusedRecipients++
			c.count(c.refusals, word(string(event.Kind)), 1)
		}
		return
	case *maillog.LinesLeftOut:
		f.RefusedRecipients += int64(event.RefusedRecipient)
		c.count(c.refusals, "(not logged)", int64(event.RefusedRecipient))
	case *maillog.LinesLost:
		f.LinesLost += int64(event.Lost)
	case *maillog.ListOld:
		f.ListAgeDays = max(f.ListAgeDays, int64(event.AgeDays))
	}
	if !c.isIn {
		return
	}
	switch event := e.Event.(type) {
	case *maillog.Started:
		c.config(e.Time, event.Config).set(event.Mode, event.Edition, event.Rows)
	case *maillog.Reloaded:
		c.config(e.Time, event.Config).set(event.Mode, event.Edition, event.Rows)
	case *maillog.RowExpired:
		c.exception(event.Row, event.File, event.Expires)
	case *maillog.RowExpiresSoon:
		c.exception(event.Row, event.File, event.Expires)
	}
	if alert := alertOf(e.Event); alert != "" {
		c.alerts[alert]++
	}
}

// on sets the day, and reports whether it is counted.
func (c *counting) on(t time.Time) bool {
	if c.today != nil && !t.Before(c.begin) && t.Before(c.end) {
		return true
	}
	local := t.In(time.Local)
	number := dayOf(local)
	of := c.days[number]
	if of == nil {
		if len(c.days) >= maxDays {
			return false
		}
		of = &day{}
		c.days[number] = of
	}
	y, m, d := local.Date()
	c.today, c.number = of, number
	c.begin, c.end = time.Date(y, m, d, 0, 0, 0, 0, time.Local), time.Date(y, m, d+1, 0, 0, 0, 0, time.Local)
	c.isIn = c.since <= number && number <= c.until
	return true
}

// state counts the time in each mode.
func (c *counting) state(e *maillog.Entry) {
	if e.Incomplete { // not in the order of the log
		return
	}
	switch since := e.Time.Sub(c.at); {
	case since < -time.Hour || since > maxGap || !c.isRunning: // another file, or a start
		c.isRunning = false
		c.at = e.Time
	case since > 0 && !c.at.Before(c.begin): // the same day
		c.today.modes[c.mode] += since
		c.at = e.Time
	case since > 0:
		for c.at.Before(e.Time) {
			local := c.at.In(time.Local)
			y, m, d := local.Date()
			end := time.Date(y, m, d+1, 0, 0, 0, 0, time.Local)
			if end.After(e.Time) {
				end = e.Time
			}
			number := dayOf(local)
			if c.days[number] == nil && len(c.days) < maxDays { // a day without a line
				c.days[number] = &day{}
			}
			if of := c.days[number]; of != nil {
				of.modes[c.mode] += end.Sub(c.at)
			}
			c.at = end
		}
	}
	switch event := e.Event.(type) {
	case *maillog.Started:
		c.isRunning, c.mode = true, event.Mode
	case *maillog.Reloaded:
		c.isRunning, c.mode = true, event.Mode
	case *maillog.Decision: // if the line of the start or of the reload is missing
		c.isRunning, c.mode = true, event.Mode
	case *maillog.Stopped:
		c.isRunning = false
	}
}

// decision counts a message in the figures of its day.
func (f *Figures) decision(d *maillog.Decision) {
	f.Messages++
	f.Recipients += int64(d.RecipientCount)
	needed := d.Needed()
	f.NeededRecipients += int64(needed)
	isEnforced := d.Mode == rules.Enforce
	if needed > 0 {
		f.Needed++
		switch d.Marker {
		case marker.Present:
			f.Marked++
		case marker.NearMiss:
			f.NearMissed++
		default:
			f.Missed++
		}
	}
	isUnreadable, isVisible, isLookAlike := false, false, false
	for i := range d.Findings {
		switch d.Findings[i].Name {
		case finding.Unreadable:
			isUnreadable = true
		case finding.VisibleRecipients:
			isVisible = true
		case finding.LookAlike:
			isLookAlike = true
		}
	}
	if d.IsSensitiveUnmarked() {
		f.SensitiveUnmarked++
		if !isEnforced || d.Action < rules.Divert {
			f.SensitiveUnprotected++
		}
	}
	if isUnreadable {
		f.Unreadable++
	}
	if isVisible {
		f.VisibleRecipients++
	}
	if isLookAlike {
		f.LookAlikes++
		if isEnforced && d.Action >= rules.Quarantine {
			f.LookAlikesStopped++
		}
	}
	done := [...]*int64{rules.Tag: &f.Tagged, rules.Divert: &f.Sealed, rules.Quarantine: &f.Held, rules.Reject: &f.Rejected}
	if !isEnforced {
		f.Observed++
		done = [...]*int64{rules.Tag: &f.WouldTag, rules.Divert: &f.WouldSeal, rules.Quarantine: &f.WouldHold, rules.Reject: &f.WouldReject}
	}
	if n := done[d.Action]; n != nil {
		*n++
	}
}

// decision counts a message in the lists.
func (c *counting) decision(e *maillog.Entry, d *maillog.Decision) {
	c.messages++
	if e.Incomplete {
		c.incomplete++
	}
	config := c.config(e.Time, d.Config)
	config.Messages++
	if config.Mode == "" {
		config.Mode = d.Mode.String()
	}
	if d.Marker == marker.NearMiss && d.Needed() > 0 {
		c.count(c.nearMisses, word(string(d.NearMiss)), 1)
	}
	for i, f := range d.Findings {
		if !slices.ContainsFunc(d.Findings[:i], func(g maillog.Finding) bool { return g.Name == f.Name }) {
			c.count(c.findings, label(string(f.Name)), 1)
		}
		if f.Name == finding.Unreadable && !slices.ContainsFunc(d.Findings[:i], func(g maillog.Finding) bool { return g.Name == f.Name && g.Reason == f.Reason }) {
			c.count(c.unreadable, word(string(f.Reason)), 1)
		}
	}
	for i := range d.Recipients {
		r := &d.Recipients[i]
		if r.Policy != "" {
			p := PolicyCount{Policy: label(r.Policy), Action: r.Action}
			if _, ok := c.policies[p]; !ok && len(c.policies) >= maxNames {
				p.Policy = otherNames
			}
			c.policies[p]++
		}
		if r.Row != "" {
			c.rows.add(rowName(r.Row), c.messages, uint8(r.Class))
		}
		if r.Class == table.Unverified || r.Class == table.Unknown && r.Row == "" {
			if domain := domainOf(r.Address); domain != "" {
				c.partners.add(domain, c.messages, uint8(r.Class))
			} else {
				c.hidden++
			}
		}
	}
}

// count adds to a list of the period.
func (c *counting) count(list map[string]int64, name string, n int64) {
	if !c.isIn {
		return
	}
	if _, ok := list[name]; !ok && len(list) >= maxNames {
		name = otherNames
	}
	list[name] += n
}

// config returns a configuration that was in force at a time.
func (c *counting) config(at time.Time, logged string) *Configuration {
	of := c.inForce
	if of == nil || logged != c.logged {
		hash := word(logged)
		if of = c.configs[hash]; of == nil && len(c.configs) >= maxNames {
			hash = otherNames
			of = c.configs[hash]
		}
		if of == nil {
			of = &Configuration{Config: hash, first: at, last: at}
			c.configs[hash] = of
		}
		c.inForce, c.logged = of, logged
	}
	if at.Before(of.first) {
		of.first = at
	}
	if at.After(of.last) {
		of.last = at
	}
	return of
}

func (c *Configuration) set(mode rules.Mode, edition string, rows int) {
	c.Mode, c.Edition, c.Rows = mode.String(), word(edition), rows
}

func (c *counting) exception(row, file, expires string) {
	if _, err := time.Parse(time.DateOnly, expires); err == nil && len(c.exceptions) < maxNames {
		c.exceptions[Exception{Row: rowName(row), File: label(filepath.Base(file)), Expires: expires}] = true
	}
}

// The texts of the log that are shown. An administrator chooses most of them, so none
// should be an address; one that can be is replaced.
const replaced = "(not shown)"

// word returns a word of the log, such as the kind of a near miss.
func word(text string) string {
	if text == "" || len(text) > 64 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return replaced
	}
	return text
}

// label returns a name that the site has chosen.
func label(text string) string {
	if text == "" || len(text) > 100 || strings.Contains(text, "@") || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return replaced
	}
	return text
}

// rowName returns the name of a row. An address is shown by its domain.
func rowName(row string) string {
	if at := strings.LastIndexByte(row, '@'); at >= 0 {
		domain, err := address.NormalizeDomain(row[at+1:])
		if err != nil {
			return "(an address)"
		}
		return "(an address at " + domain + ")"
	}
	if isHash(row) {
		return "(an address)"
	}
	if name, err := address.NormalizeDomain(row); err == nil {
		return name
	}
	return replaced
}

// isHash reports whether log.addresses is hash, and the text is one.
func isHash(text string) bool {
	return len(text) == 12 && strings.Trim(text, "0123456789abcdef") == ""
}

// domainOf returns the domain of a logged address, or "".
func domainOf(text string) string {
	if strings.Contains(text, "@") {
		return address.Parse(text).Domain
	}
	if !strings.Contains(text, ".") { // a hash, or a bare name
		return ""
	}
	domain, _ := address.NormalizeDomain(text)
	return domain
}

// alertOf returns the event of a line that is a warning or an error, or "".
func alertOf(e maillog.Event) string {
	switch e.(type) {
	case *maillog.ReadingsDiffer:
		return "readings differ"
	case *maillog.LinesLeftOut:
		return "lines left out"
	case *maillog.InternalError:
		return "internal error"
	case *maillog.SessionBroken:
		return "session broken"
	case *maillog.TooManyConnections:
		return "too many connections"
	case *maillog.LinesLost:
		return "lines lost"
	case *maillog.SocketLost:
		return "socket lost"
	case *maillog.ReloadRefused:
		return "reload refused"
	case *maillog.ListOld:
		return "list old"
	case *maillog.RowExpired:
		return "row expired"
	case *maillog.RowExpiresSoon:
		return "row expires soon"
	case *maillog.TableReviewDue:
		return "table review due"
	case *maillog.Doctor:
		return "doctor"
	}
	return ""
}

// advice says what training can correct, by the kind of a near miss.
var advice = map[marker.Kind]string{
	marker.WrongBrackets:  "Type square brackets: [secure], not (secure).",
	marker.BrokenBrackets: "Type both brackets, around the whole word.",
	marker.BlanksInside:   "Leave no blank or full stop inside the brackets.",
	marker.LookAlike:      "Type the marker. Do not copy it from a document or a web page.",
	marker.Misspelt:       "Check the spelling. A button or a template in the mail program helps.",
	marker.ExtraWords:     "Put nothing but the word inside the brackets.",
	marker.OtherMarker:    "Use the marker of this organisation, not that of another.",
	marker.BareWord:       "Put the word in square brackets.",
	marker.NotAtStart:     "Put the marker at the start of the subject.",
	marker.Escaped:        "Correct the program that writes the subject. Training does not help.",
	marker.Undecodable:    "Correct the program that encodes the subject. Training does not help.",
	marker.SomeFields:     "Correct the program that writes two subjects. Training does not help.",
}

// report returns the figures.
func (c *counting) report() (*Report, error) {
	r := &Report{
		NearMisses: []NearMiss{}, Findings: []FindingCount{}, Unreadable: []ReasonCount{}, Policies: []PolicyCount{}, Refusals: []RefusalCount{},
		Partners: []Partner{}, PartnersHidden: c.hidden, Exceptions: []Exception{}, Configurations: []Configuration{}, Alerts: []Alert{},
		Incomplete: c.incomplete, OtherDays: c.otherDays, LeftOut: c.left,
	}
	if c.messages == 0 {
		return nil, ErrEmpty
	}
	if c.Options.Since.IsZero() {
		c.since = dayOf(c.first.In(time.Local))
	}
	if c.Options.Until.IsZero() {
		c.until = dayOf(c.last.In(time.Local))
	}
	c.since = max(c.since, c.until-maxDays+1)
	r.LogFirst, r.LogLast = c.first.Format(time.RFC3339), c.last.Format(time.RFC3339)
	r.Figures = append(r.Figures, c.sum(ofPeriod, c.since, c.until))
	length := c.until - c.since + 1
	if before := c.sum(ofBefore, c.since-length, c.since-1); before.Messages > 0 {
		r.Figures = append(r.Figures, before)
	}
	for number := c.since; number <= c.until; number++ {
		r.Figures = append(r.Figures, c.sum(ofDay, number, number))
	}
	c.lists(r)
	return r, nil
}

// sum returns the figures of the days.
func (c *counting) sum(of string, since, until int64) Figures {
	f := Figures{Of: of, Since: dayName(since), Until: dayName(until)}
	var modes [2]time.Duration
	for number, day := range c.days {
		if since <= number && number <= until {
			f.add(&day.Figures)
			modes[0] += day.modes[0]
			modes[1] += day.modes[1]
		}
	}
	f.ObserveSeconds, f.EnforceSeconds = int64(modes[rules.Observe].Seconds()), int64(modes[rules.Enforce].Seconds())
	return f
}

// lists sets the lists.
func (c *counting) lists(r *Report) {
	for _, kind := range byCount(c.nearMisses) {
		r.NearMisses = append(r.NearMisses, NearMiss{kind, c.nearMisses[kind], advice[marker.Kind(kind)]})
	}
	for _, name := range byCount(c.findings) {
		r.Findings = append(r.Findings, FindingCount{name, c.findings[name]})
	}
	for _, reason := range byCount(c.unreadable) {
		r.Unreadable = append(r.Unreadable, ReasonCount{reason, c.unreadable[reason]})
	}
	for _, kind := range byCount(c.refusals) {
		r.Refusals = append(r.Refusals, RefusalCount{kind, c.refusals[kind]})
	}
	for _, event := range byCount(c.alerts) {
		r.Alerts = append(r.Alerts, Alert{event, c.alerts[event]})
	}
	for p, n := range c.policies {
		p.Recipients = n
		r.Policies = append(r.Policies, p)
	}
	slices.SortFunc(r.Policies, func(a, b PolicyCount) int {
		return cmp.Or(cmp.Compare(b.Recipients, a.Recipients), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.Action, b.Action))
	})
	for _, p := range c.partners.sorted() {
		switch {
		case p.messages-p.err < fewMessages:
			r.PartnersFew++
		case len(r.Partners) < maxPartners:
			r.Partners = append(r.Partners, Partner{p.name, table.Class(p.value), address.IsConsumerMail(p.name), p.messages, p.recipients, p.err})
		}
	}
	for _, row := range c.Rows {
		if !row.Expires.IsZero() {
			c.exception(row.Name, row.Table.File, row.Expires.Format(time.DateOnly))
		}
	}
	for e := range c.exceptions {
		e.Recipients = c.rows.recipients(e.Row)
		e.Expired = e.Expires <= r.Period().Until
		r.Exceptions = append(r.Exceptions, e)
	}
	slices.SortFunc(r.Exceptions, func(a, b Exception) int {
		return cmp.Or(cmp.Compare(a.Expires, b.Expires), cmp.Compare(a.Row, b.Row), cmp.Compare(a.File, b.File))
	})
	for _, config := range c.configs {
		config.First, config.Last = config.first.Format(time.RFC3339), config.last.Format(time.RFC3339)
		r.Configurations = append(r.Configurations, *config)
	}
	slices.SortFunc(r.Configurations, func(a, b Configuration) int {
		return cmp.Or(a.first.Compare(b.first), cmp.Compare(a.Config, b.Config))
	})
}

// byCount returns the names, those with the greatest counts first.
func byCount(list map[string]int64) []string {
	names := make([]string, 0, len(list))
	for name := range list {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(list[b], list[a]), cmp.Compare(a, b))
	})
	return names
}
