package milter

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// logLine has the keys of all lines that the model reads.
type logLine struct {
	Msg            string         `json:"msg"`
	QueueID        string         `json:"queue_id"`
	Client         string         `json:"client"`
	Auth           string         `json:"auth"`
	Sender         string         `json:"sender"`
	Action         string         `json:"action"`
	Mode           string         `json:"mode"`
	Marker         string         `json:"marker"`
	NearMiss       string         `json:"near_miss"`
	Findings       []loggedFact   `json:"findings"`
	Recipients     []loggedPerson `json:"recipients"`
	RecipientCount int            `json:"recipient_count"`
	ByClass        map[string]int `json:"by_class"`
	ByAction       map[string]int `json:"by_action"`
	Reason         string         `json:"reason"`
	Config         string         `json:"config"`
	Address        string         `json:"address"`
	Kind           string         `json:"kind"`
	Fault          string         `json:"fault"`
	Stack          string         `json:"stack"`
}

type loggedFact struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
	Meant string `json:"meant"`
}

type loggedPerson struct {
	Address  string       `json:"address"`
	Class    string       `json:"class"`
	Policy   string       `json:"policy"`
	Action   string       `json:"action"`
	Findings []loggedFact `json:"findings"`
}

// logModel collects the lines of a server.
type logModel struct {
	mu      sync.Mutex
	came    sync.Cond
	ends    map[string]*logLine // of each message, by its queue ID
	refused map[string]int      // by kind and address
	broken  int
	fault   string // the first line that must not come
	hostile bool   // other peers cause lines too; their messages have no queue ID of the model
}

func newLogModel() *logModel {
	l := &logModel{ends: make(map[string]*logLine), refused: make(map[string]int)}
	l.came.L = &l.mu
	return l
}

// Write takes one line.
func (l *logModel) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var line logLine
	err := json.Unmarshal(text, &line)
	known := l.ends[line.QueueID]
	switch {
	case l.hostile && !strings.HasPrefix(line.QueueID, "Q"):
		if line.Stack != "" {
			l.wrong("a fault of the program: %s", text)
		}
	case err != nil:
		l.wrong("a line is not JSON: %s", text)
	case line.Msg == "decision" && known == nil, line.Msg == "internal error" && known == nil && line.QueueID != "":
		l.ends[line.QueueID] = &line
	case line.Msg == "decision recipients" && known != nil:
		known.Recipients = append(known.Recipients, line.Recipients...)
	case line.Msg == "refused recipient":
		l.refused[line.Kind+" "+line.Address]++
	case line.Msg == "readings differ":
	case line.Msg == "session broken":
		l.broken++
	default:
		l.wrong("a line must not come: %s", text)
	}
	l.came.Broadcast()
	return len(text), nil
}

func (l *logModel) wrong(format string, args ...any) {
	if l.fault == "" {
		l.fault = fmt.Sprintf(format, args...)
	}
}

// await waits until a condition is true. The caller holds the mutex.
func (l *logModel) await(is func() bool, what string) {
	if is() {
		return
	}
	late := time.AfterFunc(patience, func() {
		l.mu.Lock()
		l.wrong("no line %s", what)
		l.mu.Unlock()
		l.came.Broadcast()
	})
	defer late.Stop()
	for l.fault == "" && !is() {
		l.came.Wait()
	}
}

// take waits for the line at the end of a message, and returns it.
func (l *logModel) take(queueID string) (line logLine, fault string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.await(func() bool {
		known := l.ends[queueID]
		return known != nil && len(known.Recipients) >= known.RecipientCount
	}, "at the end of "+queueID)
	if l.fault != "" {
		return logLine{}, l.fault
	}
	line = *l.ends[queueID]
	delete(l.ends, queueID)
	return line, ""
}

// rest compares the lines that concern no end of a message, and forgets them.
func (l *logModel) rest(refused map[string]int, turnedAway int) (fault string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.await(func() bool { return l.broken >= turnedAway || l.hostile }, "about a session that is broken")
	switch {
	case l.fault != "":
		fault = l.fault
	case len(l.ends) > 0:
		fault = fmt.Sprintf("lines about the end of messages that did not end: %q", slices.Sorted(maps.Keys(l.ends)))
	case l.hostile:
	case !maps.Equal(l.refused, refused):
		fault = fmt.Sprintf("refused recipients in the log are %v, want %v", l.refused, refused)
	case l.broken != turnedAway:
		fault = fmt.Sprintf("%d sessions are broken, want %d", l.broken, turnedAway)
	}
	clear(l.ends)
	clear(l.refused)
	l.broken, l.fault = 0, ""
	return fault
}

// fault compares the line at the end of a message with a decision.
func (line logLine) fault(c *configModel, msg *openMessage, d decision) string {
	switch {
	case d.undecided && (line.Msg != "internal error" || line.Stack != ""):
		return fmt.Sprintf("the line of a message that cannot be decided is %+v", line)
	case d.undecided:
		return ""
	case line.Msg != "decision":
		return fmt.Sprintf("the line of a decision is %+v", line)
	}
	mode := "enforce"
	if c.observe {
		mode = "observe"
	}
	byClass, byAction := make(map[string]int), make(map[string]int)
	var people []string
	want := make(map[string]bool)
	for finding, count := range d.findings {
		want[fmt.Sprint(finding, " ", count, " ")] = true
	}
	for _, o := range d.outcomes {
		byClass[o.class]++
		byAction[o.action]++
		looks := ""
		if o.lookAlike != "" {
			looks = "look-alike 0 " + o.lookAlike
			want[looks] = true
		}
		people = append(people, fmt.Sprintf("%s %s %q %s %s", o.text, o.class, o.policy, o.action, looks))
	}
	var got []string
	for _, r := range line.Recipients {
		looks := ""
		for _, f := range r.Findings {
			looks += fmt.Sprint(f.Name, " ", f.Count, " ", f.Meant)
		}
		got = append(got, fmt.Sprintf("%s %s %q %s %s", r.Address, r.Class, r.Policy, r.Action, looks))
	}
	found := make(map[string]bool)
	for _, f := range line.Findings {
		found[fmt.Sprint(f.Name, " ", f.Count, " ", f.Meant)] = true
	}
	for _, test := range []struct {
		key       string
		got, want any
	}{
		{"config", line.Config, c.hash},
		{"client", line.Client, msg.client},
		{"auth", line.Auth, msg.auth},
		{"sender", line.Sender, msg.sender},
		{"action", line.Action, d.action},
		{"mode", line.Mode, mode},
		{"marker", line.Marker + " " + line.NearMiss, d.marker + " " + d.nearMiss},
		{"recipients", strings.Join(got, "\n  "), strings.Join(people, "\n  ")},
		{"recipient_count", line.RecipientCount, len(d.outcomes)},
		{"by_class", fmt.Sprint(line.ByClass), fmt.Sprint(byClass)},
		{"by_action", fmt.Sprint(line.ByAction), fmt.Sprint(byAction)},
		{"findings", slices.Sorted(maps.Keys(found)), slices.Sorted(maps.Keys(want))},
		{"a reason", line.Reason != "", d.action == reject || d.action == quarantine},
	} {
		if fmt.Sprint(test.got) != fmt.Sprint(test.want) {
			return fmt.Sprintf("the log has %s\n  %v\nwant\n  %v", test.key, test.got, test.want)
		}
	}
	return ""
}
