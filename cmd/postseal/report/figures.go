// Package report counts what a log of serve says of a period, and shows the figures as
// a page, text, JSON or CSV. It shows no address, subject or queue ID.
package report

import (
	"time"

	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/table"
)

// Report has the figures of a period. The JSON names are stable.
type Report struct {
	// Figures begin with those of the period. Those of the period before follow, if the
	// log has it, and those of each day of the period.
	Figures []Figures `json:"figures"`

	NearMisses     []NearMiss      `json:"near_misses"`
	Findings       []FindingCount  `json:"findings"`
	Unreadable     []ReasonCount   `json:"unreadable"`
	Policies       []PolicyCount   `json:"policies"`
	Refusals       []RefusalCount  `json:"refusals"`
	Partners       []Partner       `json:"partners"`
	PartnersFew    int64           `json:"partners_few"`
	PartnersHidden int64           `json:"partners_hidden"`
	Exceptions     []Exception     `json:"exceptions"`
	Configurations []Configuration `json:"configurations"`
	Alerts         []Alert         `json:"alerts"`
	LogFirst       string          `json:"log_first"`
	LogLast        string          `json:"log_last"`
	Incomplete     int64           `json:"incomplete"`
	OtherDays      int64           `json:"other_days"`
	LeftOut        maillog.LeftOut `json:"left_out"`
}

// The values of Figures.Of.
const (
	ofPeriod = "period"
	ofBefore = "before"
	ofDay    = "day"
)

// Figures are counts of messages, unless the name says otherwise.
type Figures struct {
	Of    string `json:"of"`
	Since string `json:"since"` // the first day
	Until string `json:"until"` // the last day

	Messages             int64 `json:"messages"`
	Recipients           int64 `json:"recipients"`
	Needed               int64 `json:"needed"`      // the marker, for one recipient or more
	Marked               int64 `json:"marked"`      // of Needed
	NearMissed           int64 `json:"near_missed"` // of Needed
	Missed               int64 `json:"missed"`      // of Needed
	NeededRecipients     int64 `json:"needed_recipients"`
	SensitiveUnmarked    int64 `json:"sensitive_unmarked"`
	SensitiveUnprotected int64 `json:"sensitive_unprotected"` // of SensitiveUnmarked
	Unreadable           int64 `json:"unreadable"`
	Sealed               int64 `json:"sealed"`
	Held                 int64 `json:"held"`
	Rejected             int64 `json:"rejected"`
	Tagged               int64 `json:"tagged"`
	RefusedRecipients    int64 `json:"refused_recipients"`
	Observed             int64 `json:"observed"`
	WouldSeal            int64 `json:"would_seal"`
	WouldHold            int64 `json:"would_hold"`
	WouldReject          int64 `json:"would_reject"`
	WouldTag             int64 `json:"would_tag"`
	VisibleRecipients    int64 `json:"visible_recipients"`
	LookAlikes           int64 `json:"look_alikes"`
	LookAlikesStopped    int64 `json:"look_alikes_stopped"` // of LookAlikes
	ListAgeDays          int64 `json:"list_age_days"`
	ObserveSeconds       int64 `json:"observe_seconds"`
	EnforceSeconds       int64 `json:"enforce_seconds"`
	LinesLost            int64 `json:"lines_lost"`
}

// NearMiss counts messages that needed the marker.
type NearMiss struct {
	Kind     string `json:"kind"`
	Messages int64  `json:"messages"`
	Advice   string `json:"advice"`
}

// FindingCount counts messages with a finding.
type FindingCount struct {
	Name     string `json:"name"`
	Messages int64  `json:"messages"`
}

// ReasonCount counts messages with something that was not read.
type ReasonCount struct {
	Reason   string `json:"reason"`
	Messages int64  `json:"messages"`
}

// PolicyCount counts recipients by the policy that decided them.
type PolicyCount struct {
	Policy     string       `json:"policy"`
	Action     rules.Action `json:"action"`
	Recipients int64        `json:"recipients"`
}

// RefusalCount counts recipients that were refused at RCPT.
type RefusalCount struct {
	Kind       string `json:"kind"`
	Recipients int64  `json:"recipients"`
}

// Partner is a domain that no row names.
type Partner struct {
	Domain     string      `json:"domain"`
	Class      table.Class `json:"class"`
	Consumer   bool        `json:"consumer"` // a service at which anybody can have an address
	Messages   int64       `json:"messages"`
	Recipients int64       `json:"recipients"`
	Error      int64       `json:"error"` // by which Messages can be too high
}

// Exception is a row with an end.
type Exception struct {
	Row        string `json:"row"`
	File       string `json:"file"`
	Expires    string `json:"expires"`
	Expired    bool   `json:"expired"` // by the end of the period
	Recipients int64  `json:"recipients"`
}

// Configuration was in force in the period.
type Configuration struct {
	Config   string `json:"config"`
	First    string `json:"first"`
	Last     string `json:"last"`
	Mode     string `json:"mode"`
	Edition  string `json:"edition"`
	Rows     int    `json:"rows"`
	Messages int64  `json:"messages"`

	first, last time.Time
}

// Alert counts lines with a warning or an error.
type Alert struct {
	Event string `json:"event"`
	Lines int64  `json:"lines"`
}

// Period returns the figures of the period.
func (r *Report) Period() *Figures { return &r.Figures[0] }

// before returns the figures of the period before, or nil.
func (r *Report) before() *Figures {
	if len(r.Figures) > 1 && r.Figures[1].Of == ofBefore {
		return &r.Figures[1]
	}
	return nil
}

// days returns the figures of each day of the period.
func (r *Report) days() []Figures {
	if r.before() != nil {
		return r.Figures[2:]
	}
	return r.Figures[1:]
}

// field is a figure as it is shown.
type field struct {
	name, group, label string
	of                 func(*Figures) *int64
	isPart             bool // of the field above that is no part
	isGreatest         bool // of the days, and not their sum
}

// fields are all figures in their order.
var fields = []field{
	{name: "messages", group: "Messages", label: "All messages", of: func(f *Figures) *int64 { return &f.Messages }},
	{name: "recipients", group: "Messages", label: "Recipients of these", of: func(f *Figures) *int64 { return &f.Recipients }},
	{name: "needed", group: "The marker", label: "Messages that needed the marker", of: func(f *Figures) *int64 { return &f.Needed }},
	{name: "marked", group: "The marker", label: "marked", of: func(f *Figures) *int64 { return &f.Marked }, isPart: true},
	{name: "near_missed", group: "The marker", label: "nearly marked (near miss)", of: func(f *Figures) *int64 { return &f.NearMissed }, isPart: true},
	{name: "missed", group: "The marker", label: "not marked", of: func(f *Figures) *int64 { return &f.Missed }, isPart: true},
	{name: "needed_recipients", group: "The marker", label: "Recipients that needed the marker", of: func(f *Figures) *int64 { return &f.NeededRecipients }},
	{name: "sensitive_unmarked", group: "Sensitive content", label: "Sensitive and not marked", of: func(f *Figures) *int64 { return &f.SensitiveUnmarked }},
	{name: "sensitive_unprotected", group: "Sensitive content", label: "neither sealed, held nor rejected", of: func(f *Figures) *int64 { return &f.SensitiveUnprotected }, isPart: true},
	{name: "unreadable", group: "Sensitive content", label: "With a part that could not be read", of: func(f *Figures) *int64 { return &f.Unreadable }},
	{name: "sealed", group: "What postseal did", label: "Sealed (sent through the encryption relay)", of: func(f *Figures) *int64 { return &f.Sealed }},
	{name: "held", group: "What postseal did", label: "Held for a decision", of: func(f *Figures) *int64 { return &f.Held }},
	{name: "rejected", group: "What postseal did", label: "Rejected", of: func(f *Figures) *int64 { return &f.Rejected }},
	{name: "tagged", group: "What postseal did", label: "Tagged, and sent as they were", of: func(f *Figures) *int64 { return &f.Tagged }},
	{name: "refused_recipients", group: "What postseal did", label: "Recipients refused", of: func(f *Figures) *int64 { return &f.RefusedRecipients }},
	{name: "observed", group: "Observe mode", label: "Messages decided in mode observe", of: func(f *Figures) *int64 { return &f.Observed }},
	{name: "would_seal", group: "Observe mode", label: "would have been sealed", of: func(f *Figures) *int64 { return &f.WouldSeal }, isPart: true},
	{name: "would_hold", group: "Observe mode", label: "would have been held", of: func(f *Figures) *int64 { return &f.WouldHold }, isPart: true},
	{name: "would_reject", group: "Observe mode", label: "would have been rejected", of: func(f *Figures) *int64 { return &f.WouldReject }, isPart: true},
	{name: "would_tag", group: "Observe mode", label: "would have been tagged", of: func(f *Figures) *int64 { return &f.WouldTag }, isPart: true},
	{name: "visible_recipients", group: "Misdirected mail", label: "With many visible recipients", of: func(f *Figures) *int64 { return &f.VisibleRecipients }},
	{name: "look_alikes", group: "Misdirected mail", label: "To a look-alike of a secure domain", of: func(f *Figures) *int64 { return &f.LookAlikes }},
	{name: "look_alikes_stopped", group: "Misdirected mail", label: "rejected or held", of: func(f *Figures) *int64 { return &f.LookAlikesStopped }, isPart: true},
	{name: "list_age_days", group: "Operation", label: "Greatest age of the accredited list, in days", of: func(f *Figures) *int64 { return &f.ListAgeDays }, isGreatest: true},
	{name: "observe_seconds", group: "Operation", label: "Hours in mode observe", of: func(f *Figures) *int64 { return &f.ObserveSeconds }},
	{name: "enforce_seconds", group: "Operation", label: "Hours in mode enforce", of: func(f *Figures) *int64 { return &f.EnforceSeconds }},
	{name: "lines_lost", group: "Operation", label: "Log lines lost", of: func(f *Figures) *int64 { return &f.LinesLost }},
}

// add adds the figures of a day.
func (f *Figures) add(day *Figures) {
	for _, field := range fields {
		sum, n := field.of(f), *field.of(day)
		if field.isGreatest {
			*sum = max(*sum, n)
		} else {
			*sum += n
		}
	}
}
