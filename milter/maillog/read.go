package maillog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// Reader reads the events of a log. A line may be as the daemon wrote it, or as
// journald, syslog or a container stored it. The log may be compressed with gzip.
type Reader struct {
	// LeftOut counts the lines that were not read.
	LeftOut LeftOut

	in      *bufio.Reader
	line    int64
	pending map[string]*Entry // decisions whose recipients follow, by queue ID
	order   []string          // their queue IDs, the oldest first
	ready   []*Entry          // entries that Next returns before it reads on
	next    int               // the first of them that it has not returned
	err     error
}

// LeftOut counts lines.
type LeftOut struct {
	Others     int64 `json:"others"`     // of other programs, and text for people
	Cut        int64 `json:"cut"`        // of postseal, but not complete
	Unknown    int64 `json:"unknown"`    // of postseal, but with events or words of another version
	Recipients int64 `json:"recipients"` // "decision recipients" without their decision
}

// Add adds the counts of another log.
func (l *LeftOut) Add(other LeftOut) {
	l.Others += other.Others
	l.Cut += other.Cut
	l.Unknown += other.Unknown
	l.Recipients += other.Recipients
}

// Entry is an event of a log.
type Entry struct {
	Time time.Time
	Line int64 // its number, from 1
	// Event points to an event of this package, such as *Decision. A Decision has all
	// recipients, and DecisionRecipients is not returned.
	Event Event
	// Incomplete says that recipients of a Decision are missing from the log.
	Incomplete bool
}

// NewReader returns a Reader. The error says why the log cannot be unpacked.
func NewReader(r io.Reader) (*Reader, error) {
	in := bufio.NewReaderSize(r, bufferSize)
	switch start, _ := in.Peek(6); {
	case bytes.HasPrefix(start, []byte("\x1f\x8b")):
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = bufio.NewReaderSize(unpacked, bufferSize)
	case bytes.HasPrefix(start, []byte("\xfd7zXZ")):
		return nil, errors.New("it is compressed with xz: unpack it with unxz")
	case bytes.HasPrefix(start, []byte("\x28\xb5\x2f\xfd")):
		return nil, errors.New("it is compressed with zstd: unpack it with unzstd")
	case bytes.HasPrefix(start, []byte("BZh")):
		return nil, errors.New("it is compressed with bzip2: unpack it with bunzip2")
	}
	return &Reader{in: in, pending: make(map[string]*Entry)}, nil
}

const (
	// bufferSize is far above maxLine: journalctl -o json writes many keys beside a
	// line, and six octets for some characters.
	bufferSize = 256 << 10
	// maxPending is how many decisions wait for the rest of their recipients. The
	// lines of one message follow each other, with those of other sessions between
	// them.
	maxPending = 1000
)

// Next returns the next event, or io.EOF at the end.
func (r *Reader) Next() (*Entry, error) {
	for r.next == len(r.ready) {
		if r.err != nil {
			return nil, r.err
		}
		r.next, r.ready = 0, r.ready[:0]
		r.readLine()
	}
	r.next++
	return r.ready[r.next-1], nil
}

// readLine reads one line. At the end, the decisions that are not complete become
// ready.
func (r *Reader) readLine() {
	line, err := r.in.ReadSlice('\n')
	if len(line) > 0 {
		r.line++
	}
	if errors.Is(err, bufio.ErrBufferFull) { // no line of postseal
		r.LeftOut.Others++
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.in.ReadSlice('\n')
		}
		line = nil
	}
	if err != nil {
		r.err = err
	}
	if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
		r.read(line)
	}
	if r.err != nil {
		for len(r.order) > 0 {
			r.giveUp()
		}
	}
}

func (r *Reader) read(line []byte) {
	text := string(payload(line))
	if text == "" {
		r.LeftOut.Others++
		return
	}
	msg, at := msgOf(text)
	if msg == "" {
		if inner, ok := innerLine(text); ok {
			text = inner
			msg, at = msgOf(text)
		}
	}
	switch {
	case msg == "" && strings.HasPrefix(text, `{"time":"`): // as slog begins a line
		r.LeftOut.Cut++
		return
	case msg == "":
		r.LeftOut.Others++
		return
	}
	e, known, cut := decode(text, msg)
	switch {
	case cut:
		r.LeftOut.Cut++
		return
	case !known:
		r.LeftOut.Unknown++
		return
	}
	e.Line = r.line
	var err error
	if e.Time, err = time.Parse(time.RFC3339Nano, at); err != nil {
		r.LeftOut.Unknown++
		return
	}
	r.join(e)
}

// join adds the recipients that follow a decision to it.
func (r *Reader) join(e *Entry) {
	switch event := e.Event.(type) {
	case *Decision:
		if len(event.Recipients) >= event.RecipientCount {
			break
		}
		if _, ok := r.pending[event.QueueID]; ok { // two messages without a queue ID
			r.complete(event.QueueID)
		}
		if len(r.order) >= maxPending {
			r.giveUp()
		}
		e.Incomplete = true
		r.pending[event.QueueID] = e
		r.order = append(r.order, event.QueueID)
		return
	case *DecisionRecipients:
		of, ok := r.pending[event.QueueID]
		if !ok {
			r.LeftOut.Recipients++
			return
		}
		decision := of.Event.(*Decision)
		decision.Recipients = append(decision.Recipients, event.Recipients...)
		if len(decision.Recipients) >= decision.RecipientCount {
			of.Incomplete = false
			r.complete(event.QueueID)
		}
		return
	}
	r.ready = append(r.ready, e)
}

// giveUp makes the oldest decision ready whose recipients are missing.
func (r *Reader) giveUp() { r.complete(r.order[0]) }

// complete makes a decision ready.
func (r *Reader) complete(queueID string) {
	r.ready = append(r.ready, r.pending[queueID])
	delete(r.pending, queueID)
	for i, id := range r.order {
		if id == queueID {
			r.order = append(r.order[:i], r.order[i+1:]...)
			return
		}
	}
}

// tag begins the name of the program in the prefix of a line.
const tag = "postseal"

// payload returns the JSON object in a line, or nil if the line is not from
// postseal. Text of another program that quotes a line has that program's name
// before it.
func payload(line []byte) []byte {
	start := bytes.IndexByte(line, '{')
	switch {
	case start == 0:
		return line
	case start < 0 || start > maxPrefix:
		return nil
	}
	prefix := strings.TrimRight(string(line[:start]), " ")
	words := strings.Fields(prefix)
	switch n := len(words); {
	case n == 0:
		return nil
	case strings.HasPrefix(prefix, "<"): // RFC 5424
		if n < 4 || !strings.HasPrefix(words[3], tag) {
			return nil
		}
	case words[n-1] == "F" && n == 3 && words[1] == "stderr": // Kubernetes
	case !strings.HasPrefix(words[n-1], tag) || !strings.HasSuffix(prefix, ":"):
		return nil
	default:
		for _, word := range words[:n-1] {
			if strings.HasSuffix(word, ":") {
				return nil
			}
		}
	}
	return line[start:]
}

// maxPrefix is the longest text that journald or syslog writes before a line.
const maxPrefix = 400

// msgOf returns the values of msg and time.
func msgOf(text string) (msg, at string) {
	s := scanner{text: text}
	s.object(func(key string) { // slog writes these keys first
		switch {
		case key == "time" && s.next() == '"':
			at = s.str()
		case key == "msg" && s.next() == '"':
			msg = s.str()
		default:
			s.skip()
		}
		if msg != "" && at != "" {
			s.at, s.text = 0, "}" // enough
		}
	})
	return msg, at
}

// innerLine returns the line in an object of journalctl -o json or of Docker.
func innerLine(text string) (line string, ok bool) {
	s := scanner{text: text}
	isOurs := true
	s.object(func(key string) {
		switch {
		case (key == "MESSAGE" || key == "log") && s.next() == '"':
			line = s.str()
		case key == "SYSLOG_IDENTIFIER" && s.next() == '"':
			isOurs = strings.HasPrefix(s.str(), tag)
		default:
			s.skip()
		}
	})
	return line, !s.bad && isOurs && strings.HasPrefix(line, "{")
}

// types has the type of each event by its msg.
var types = func() map[string]reflect.Type {
	list := make(map[string]reflect.Type)
	for _, e := range []Event{
		Decision{}, DecisionRecipients{}, RefusedRecipient{}, ReadingsDiffer{}, LinesLeftOut{}, InternalError{}, SessionBroken{},
		TooManyConnections{}, ConnectionsTakenAgain{}, LinesLost{}, SocketLost{}, SocketOpened{}, Started{}, Reloaded{}, ReloadRefused{},
		Draining{}, Stopped{}, ListOld{}, RowExpired{}, RowExpiresSoon{}, TableReviewDue{}, Doctor{},
	} {
		_, msg := e.event()
		list[msg] = reflect.TypeOf(e)
	}
	return list
}()

// The words of the log, by their values.
var (
	actions = words(rules.Accept, rules.Tag, rules.Divert, rules.Quarantine, rules.Reject)
	modes   = words(rules.Observe, rules.Enforce)
	markers = words(marker.Present, marker.NearMiss, marker.Missing)
	classes = words(table.Local, table.Secure, table.Unverified, table.Unknown, table.Closed)
)

// decode returns the event of a line. If not known, the line has an event or a word
// of another version. If cut, the line is no whole object.
func decode(text, msg string) (e *Entry, known, cut bool) {
	s := scanner{text: text}
	switch msg {
	case "decision":
		of := new(struct { // one piece of memory, because most lines are decisions
			Entry
			Decision
			first [1]Recipient
		})
		of.Recipients = of.first[:0]
		s.decision(&of.Decision)
		e, of.Event = &of.Entry, &of.Decision
	case "decision recipients":
		e = &Entry{Event: s.decisionRecipients()}
	case "refused recipient":
		e = &Entry{Event: s.refusedRecipient()}
	default:
		of, ok := types[msg]
		if !ok {
			s.skip()
			return nil, false, s.bad
		}
		event := reflect.New(of)
		if err := json.Unmarshal([]byte(text), event.Interface()); err != nil {
			return nil, false, !json.Valid([]byte(text))
		}
		return &Entry{Event: event.Interface().(Event)}, true, false
	}
	if s.bad || s.next() != 0 {
		return nil, false, !json.Valid([]byte(text))
	}
	return e, true, false
}

func (s *scanner) decision(d *Decision) {
	s.object(func(key string) {
		switch key {
		case "queue_id":
			d.QueueID = s.str()
		case "client":
			d.Client = s.str()
		case "auth":
			d.Auth = s.str()
		case "sender":
			d.Sender = s.str()
		case "action":
			d.Action = word(s, actions)
		case "mode":
			d.Mode = word(s, modes)
		case "marker":
			d.Marker = word(s, markers)
		case "near_miss":
			d.NearMiss = marker.Kind(s.str())
		case "findings":
			d.Findings = s.findings()
		case "recipients":
			d.Recipients = s.recipients(d.Recipients[:0])
		case "recipient_count":
			d.RecipientCount = int(s.number())
		case "by_class":
			s.object(func(key string) { d.ByClass[keyword(s, key, classes)] = int(s.number()) })
		case "by_action":
			s.object(func(key string) { d.ByAction[keyword(s, key, actions)] = int(s.number()) })
		case "reason":
			d.Reason = s.str()
		case "config":
			d.Config = s.str()
		case "took_us":
			d.TookUS = s.number()
		default:
			s.skip()
		}
	})
}

func (s *scanner) decisionRecipients() *DecisionRecipients {
	d := &DecisionRecipients{}
	s.object(func(key string) {
		switch key {
		case "queue_id":
			d.QueueID = s.str()
		case "recipients":
			d.Recipients = s.recipients(nil)
		case "config":
			d.Config = s.str()
		default:
			s.skip()
		}
	})
	return d
}

func (s *scanner) refusedRecipient() *RefusedRecipient {
	d := &RefusedRecipient{}
	s.object(func(key string) {
		switch key {
		case "queue_id":
			d.QueueID = s.str()
		case "client":
			d.Client = s.str()
		case "sender":
			d.Sender = s.str()
		case "address":
			d.Address = s.str()
		case "class":
			d.Class = word(s, classes)
		case "row":
			d.Row = s.str()
		case "reason":
			d.Reason = s.str()
		case "kind":
			d.Kind = message.RefusalKind(s.str())
		case "config":
			d.Config = s.str()
		default:
			s.skip()
		}
	})
	return d
}

// recipients appends to a list.
func (s *scanner) recipients(list []Recipient) []Recipient {
	s.array(func() {
		var r Recipient
		s.object(func(key string) {
			switch key {
			case "address":
				r.Address = s.str()
			case "class":
				r.Class = word(s, classes)
			case "row":
				r.Row = s.str()
			case "policy":
				r.Policy = s.str()
			case "action":
				r.Action = word(s, actions)
			case "findings":
				r.Findings = s.findings()
			default:
				s.skip()
			}
		})
		list = append(list, r)
	})
	return list
}

// findings reads a list of findings. A name of another version stays as it is.
func (s *scanner) findings() []Finding {
	list := []Finding{}
	s.array(func() {
		var f Finding
		s.object(func(key string) {
			switch key {
			case "name":
				f.Name = finding.Name(s.str())
			case "count":
				f.Count = int(s.number())
			case "reason":
				f.Reason = finding.Reason(s.str())
			case "part":
				f.Part = s.str()
			case "meant":
				f.Meant = s.str()
			default:
				s.skip()
			}
		})
		list = append(list, f)
	})
	return list
}
