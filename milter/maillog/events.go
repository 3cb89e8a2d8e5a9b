package maillog

import (
	"log/slog"
	"slices"

	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// Event is an event of the log: a struct whose fields, in their order, are the
// keys of its line. postseal-log(5) describes each event and its keys.
type Event interface {
	// event returns the level, and the value of the key msg.
	event() (slog.Level, string)
}

// Decision is the line of a message that was decided.
type Decision struct {
	QueueID        string               `json:"queue_id"`
	Client         string               `json:"client"`
	Auth           string               `json:"auth"`
	Sender         string               `json:"sender"`
	Action         rules.Action         `json:"action"`
	Mode           rules.Mode           `json:"mode"`
	Marker         marker.State         `json:"marker"`
	NearMiss       marker.Kind          `json:"near_miss"`
	Findings       []Finding            `json:"findings"`
	Recipients     []Recipient          `json:"recipients"`
	RecipientCount int                  `json:"recipient_count"`
	ByClass        counts[table.Class]  `json:"by_class"`
	ByAction       counts[rules.Action] `json:"by_action"`
	Reason         string               `json:"reason"`
	Config         string               `json:"config"`
	TookUS         int64                `json:"took_us"`
}

func (Decision) event() (slog.Level, string) { return slog.LevelInfo, "decision" }

// Needed returns how many recipients need the marker.
func (d *Decision) Needed() int { return d.ByClass[table.Unverified] + d.ByClass[table.Unknown] }

// IsSensitiveUnmarked reports whether sensitive mail without the marker has a recipient
// that needs the marker.
func (d *Decision) IsSensitiveUnmarked() bool {
	return d.Marker == marker.Missing && d.Needed() > 0 &&
		slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Name.IsSensitive() })
}

// DecisionRecipients has recipients that do not fit into the line of their
// Decision.
type DecisionRecipients struct {
	QueueID    string      `json:"queue_id"`
	Recipients []Recipient `json:"recipients"`
	Config     string      `json:"config"`
}

func (DecisionRecipients) event() (slog.Level, string) { return slog.LevelInfo, "decision recipients" }

// Recipient is an element of "recipients" in the log and in the output of
// "postseal explain".
type Recipient struct {
	Address string       `json:"address"`
	Class   table.Class  `json:"class"`
	Row     string       `json:"row"`
	Policy  string       `json:"policy"`
	Action  rules.Action `json:"action"`
	// Findings are those about this recipient.
	Findings []Finding `json:"findings"`
}

// Finding is an element of "findings", in the same outputs.
type Finding struct {
	finding.Finding
	Meant string `json:"meant,omitempty"` // for a look-alike: the secure domain, if there is one
}

// counts has the number of recipients of each kind. There are five classes and five
// actions.
type counts[K interface {
	~uint8
	String() string
}] [5]int

// LogValue returns the counts in the order of their kinds. A kind without recipients
// is left out.
func (c counts[K]) LogValue() slog.Value {
	var attrs []slog.Attr
	for kind, n := range c {
		if n > 0 {
			attrs = append(attrs, slog.Int(K(kind).String(), n))
		}
	}
	if len(attrs) == 0 {
		return slog.AnyValue(struct{}{}) // handlers leave out an empty group with its key
	}
	return slog.GroupValue(attrs...)
}

// RefusedRecipient is the line of a RCPT that was refused.
type RefusedRecipient struct {
	QueueID string      `json:"queue_id"`
	Client  string      `json:"client"`
	Sender  string      `json:"sender"`
	Address string      `json:"address"`
	Class   table.Class `json:"class"`
	Row     string      `json:"row"`
	Reason  string      `json:"reason"`
	// Kind is the reason in one word.
	Kind   message.RefusalKind `json:"kind"`
	Config string              `json:"config"`
}

func (RefusedRecipient) event() (slog.Level, string) { return slog.LevelInfo, "refused recipient" }

// ReadingsDiffer is the line of a recipient that the MTA reads as an address of
// another domain.
type ReadingsDiffer struct {
	QueueID  string      `json:"queue_id"`
	Domain   string      `json:"domain"` // empty if it cannot be read
	Resolved string      `json:"resolved"`
	Class    table.Class `json:"class"`
	Config   string      `json:"config"`
}

func (ReadingsDiffer) event() (slog.Level, string) { return slog.LevelWarn, "readings differ" }

// LinesLeftOut counts the lines of one message beyond maxLinesOfKind.
type LinesLeftOut struct {
	QueueID          string `json:"queue_id"`
	Client           string `json:"client"`
	RefusedRecipient int    `json:"refused_recipient"`
	ReadingsDiffer   int    `json:"readings_differ"`
	Config           string `json:"config"`
}

func (LinesLeftOut) event() (slog.Level, string) { return slog.LevelWarn, "lines left out" }

// InternalError is a fault of postseal or of the machine.
type InternalError struct {
	QueueID string `json:"queue_id"` // empty if the fault concerns no message
	Fault   string `json:"fault"`
	Stack   string `json:"stack"` // empty unless the program is at fault
}

func (InternalError) event() (slog.Level, string) { return slog.LevelError, "internal error" }

// SessionBroken is a connection that the MTA or a fault broke.
type SessionBroken struct {
	QueueID string `json:"queue_id"`
	Client  string `json:"client"`
	Reason  string `json:"reason"`
}

func (SessionBroken) event() (slog.Level, string) { return slog.LevelWarn, "session broken" }

// TooManyConnections says that connections are closed at the limit.
type TooManyConnections struct {
	Limit int `json:"limit"`
}

func (TooManyConnections) event() (slog.Level, string) {
	return slog.LevelError, "too many connections"
}

// ConnectionsTakenAgain ends the state that TooManyConnections or an
// InternalError began.
type ConnectionsTakenAgain struct {
	Refused int `json:"refused"`
}

func (ConnectionsTakenAgain) event() (slog.Level, string) {
	return slog.LevelInfo, "connections taken again"
}

// LinesLost counts lines that could not be written.
type LinesLost struct {
	Lost   int    `json:"lost"`
	Since  string `json:"since"` // as in RFC 3339
	Reason string `json:"reason"`
}

func (LinesLost) event() (slog.Level, string) { return slog.LevelError, "lines lost" }

// SocketLost says that the MTA cannot reach a socket file.
type SocketLost struct {
	Listen string `json:"listen"`
	Reason string `json:"reason"`
}

func (SocketLost) event() (slog.Level, string) { return slog.LevelError, "socket lost" }

// SocketOpened says that the MTA can reach the file again.
type SocketOpened struct {
	Listen string `json:"listen"`
}

func (SocketOpened) event() (slog.Level, string) { return slog.LevelInfo, "socket opened" }

// Started says that the daemon is ready.
type Started struct {
	Version string     `json:"version"`
	Listen  string     `json:"listen"`
	File    string     `json:"file"`
	Mode    rules.Mode `json:"mode"`
	Edition string     `json:"edition"`
	Rows    int        `json:"rows"`
	Config  string     `json:"config"`
}

func (Started) event() (slog.Level, string) { return slog.LevelInfo, "started" }

// Reloaded says that a new configuration is in force.
type Reloaded struct {
	Cause         string     `json:"cause"`
	ConfigRefused bool       `json:"config_refused"`
	Mode          rules.Mode `json:"mode"`
	Edition       string     `json:"edition"`
	Rows          int        `json:"rows"`
	Config        string     `json:"config"`
}

func (Reloaded) event() (slog.Level, string) { return slog.LevelInfo, "reloaded" }

// ReloadRefused says why a new configuration is not in force.
type ReloadRefused struct {
	Cause  string `json:"cause"`
	Reason string `json:"reason"`
	Config string `json:"config"` // that stays in force
}

func (ReloadRefused) event() (slog.Level, string) { return slog.LevelError, "reload refused" }

// Draining says that the daemon was told to stop.
type Draining struct {
	Messages int `json:"messages"` // under way
}

func (Draining) event() (slog.Level, string) { return slog.LevelInfo, "draining" }

// Stopped says that the daemon has ended.
type Stopped struct {
	CutOff int `json:"cut_off"` // messages
}

func (Stopped) event() (slog.Level, string) { return slog.LevelInfo, "stopped" }

// ListOld says that the accredited list was not imported for long.
type ListOld struct {
	File    string `json:"file"`
	AgeDays int    `json:"age_days"`
	MaxAge  int    `json:"max_age"` // in days
}

func (ListOld) event() (slog.Level, string) { return slog.LevelWarn, "list old" }

// RowExpired is a row that is ignored.
type RowExpired struct {
	Row     string `json:"row"`
	File    string `json:"file"`
	Expires string `json:"expires"` // the day
}

func (RowExpired) event() (slog.Level, string) { return slog.LevelWarn, "row expired" }

// RowExpiresSoon is a row that must be renewed.
type RowExpiresSoon struct {
	Row      string `json:"row"`
	File     string `json:"file"`
	Expires  string `json:"expires"` // the day
	DaysLeft int    `json:"days_left"`
}

func (RowExpiresSoon) event() (slog.Level, string) { return slog.LevelWarn, "row expires soon" }

// TableReviewDue is a table that has reached its review date.
type TableReviewDue struct {
	Table    string `json:"table"`
	File     string `json:"file"`
	ReviewBy string `json:"review_by"` // the day
}

func (TableReviewDue) event() (slog.Level, string) { return slog.LevelWarn, "table review due" }

// Doctor is a finding of "postseal doctor -log".
type Doctor struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Setting  string `json:"setting"`
	Service  string `json:"service"`
	Effect   string `json:"effect"`
}

func (Doctor) event() (slog.Level, string) { return slog.LevelWarn, "doctor" }
