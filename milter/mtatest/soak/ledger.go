package main

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"
)

// leg is a way by which mail leaves the MTA.
type leg string

const (
	direct  leg = "direct"
	relay   leg = "relay"
	nowhere leg = "nowhere" // the client gets 5xx
)

// want is what must happen to the mail for one recipient.
type want struct {
	leg     leg
	held    bool // the mail is held, and takes the leg once it is released
	bounces bool // the host refuses the recipient, and the sender gets a bounce
	expires bool // the leg is the relay while the row has expired
	stamped bool // postseal adds X-Postseal to the message
}

// arrival is the mail for one recipient at a host, or a bounce that names the recipient.
type arrival struct {
	leg      leg    // of a bounce: the leg on which the host refused the recipient
	queue    string // the queue ID of the MTA's last hop
	bounced  bool
	body     bool // it has the whole body, or a bounce has some of it
	marked   bool // the relay finds its marker
	at       time.Time
	released bool // it came after held mail was released
	stamped  bool // it has X-Postseal
}

func (a arrival) String() string {
	kind := "mail"
	if a.bounced {
		kind = "bounce"
	}
	return fmt.Sprintf("%s %s %s %s", kind, a.leg, a.queue, a.at.Format(time.TimeOnly))
}

// answer is what the client knows about the mail for one recipient.
type answer int

const (
	waits   answer = iota // the mail is still the client's
	taken                 // 250
	refused               // 5xx
)

type recipient struct {
	address string
	want
	answer
	queue    string // the ID in the MTA's reply, if it gave one
	unknown  int    // how often the connection broke before the reply to the message
	arrivals []arrival
}

type message struct {
	number     int
	from       string
	text       []byte
	began      time.Time
	submitted  bool // with sendmail(1)
	recipients []*recipient
}

// window is the time of a fault.
type window struct{ from, to time.Time }

// ledger has an entry for each recipient of each message.
type ledger struct {
	mu       sync.Mutex
	messages []*message // number n is messages[n]
	again    int        // attempts that the clients must repeat
	strays   []string   // mail that no client has sent
	released bool
	expired  []window // faults that let the row expire
	mta      []window // faults that break the MTA's own connections
}

// add gives a message its number.
func (l *ledger) add(compose func(number int) *message) *message {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := compose(len(l.messages))
	m.began = time.Now()
	l.messages = append(l.messages, m)
	return m
}

// arrived records mail at a host. The mail is for the recipient, or for the sender if it
// is a bounce.
func (l *ledger) arrived(number int, address, sender string, a arrival, data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.released = l.released
	if number >= 0 && number < len(l.messages) {
		m := l.messages[number]
		if a.body = bytes.Contains(data, []byte(textWord)); !a.bounced {
			_, body, _ := bytes.Cut(m.text, []byte("\r\n\r\n"))
			a.body = bytes.HasSuffix(data, body)
		}
		for _, r := range m.recipients {
			if r.address == address && (!a.bounced || m.from == "<"+sender+">") {
				r.arrivals = append(r.arrivals, a)
				return
			}
		}
	}
	l.strays = append(l.strays, fmt.Sprintf("message %d: unexpected mail for %q, bounce %t", number, address, a.bounced))
}

// complete reports whether all mail of a message has arrived.
func (l *ledger) complete(m *message) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !slices.ContainsFunc(m.recipients, func(r *recipient) bool { return len(r.arrivals) == 0 })
}

// retry counts an attempt that the client must repeat.
func (l *ledger) retry() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.again++
}

// release notes that mail that arrives from now on may have been held.
func (l *ledger) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released = true
}

// window records the time of a fault.
func (l *ledger) window(f *fault, w window) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.expires {
		l.expired = append(l.expired, w)
	}
	if f.mta {
		l.mta = append(l.mta, w)
	}
}

// sums is the result of a run. Each recipient of each message counts once.
type sums struct {
	Messages, Direct, Sealed, Held, Returned, Refused int

	Retried       int // attempts answered with 4xx, or not at all
	ClientRepeats int // the client lost the reply, and sent the message again
	MTARepeats    int // the MTA lost a reply during a fault of its own, and sent the mail again

	Lost, InClear, Twice, WrongLeg, WronglyRefused, Undecided, Waiting, Strays int

	faults []string
}

// account checks each entry.
func (l *ledger) account() (s sums) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Messages, s.Retried, s.Strays, s.faults = len(l.messages), l.again, len(l.strays), slices.Clone(l.strays)
	for _, m := range l.messages {
		for _, r := range m.recipients {
			fault := func(count *int, what string) {
				*count++
				s.faults = append(s.faults, fmt.Sprintf("message %d, begun at %s, %s: %s: %+v, answer %d, %d unknown, arrivals %v",
					m.number, m.began.Format(time.TimeOnly), r.address, what, r.want, r.answer, r.unknown, r.arrivals))
			}
			l.check(m, r, &s, fault)
		}
	}
	return s
}

func (l *ledger) check(m *message, r *recipient, s *sums, fault func(*int, string)) {
	last := m.began
	queues := make(map[string]bool)
	for _, a := range r.arrivals {
		last, queues[a.queue] = a.at, true
	}
	during := func(faults []window) bool {
		return slices.ContainsFunc(faults, func(w window) bool { return w.from.Before(last) && w.to.After(m.began) })
	}
	accepted := 0
	switch {
	case r.answer == waits:
		fault(&s.Waiting, "the client still has it")
	case r.answer == refused && r.leg != nowhere:
		fault(&s.WronglyRefused, "refused")
	case r.answer == refused:
		s.Refused++
	case r.leg == nowhere:
		fault(&s.WrongLeg, "not refused")
	case len(queues) == 0:
		fault(&s.Lost, "lost")
	case r.queue != "" && !queues[r.queue]:
		fault(&s.Lost, "lost, but not an earlier attempt: the MTA accepted it as "+r.queue)
	case r.bounces:
		s.Returned++
	case r.held:
		s.Held++
	case r.arrivals[0].leg == relay:
		s.Sealed++
	default:
		s.Direct++
	}
	if r.answer == taken {
		accepted = 1
	}
	for _, a := range r.arrivals {
		switch {
		case a.leg == direct && r.leg != direct:
			fault(&s.InClear, "in clear")
		case a.leg == relay && !a.bounced && !a.marked:
			fault(&s.InClear, "without the relay's marker")
		case a.bounced && a.body:
			fault(&s.InClear, "the bounce has the body")
		case !a.bounced && !a.body:
			fault(&s.Lost, "not the whole body")
		case a.leg != r.leg && !(r.expires && a.leg == relay && during(l.expired)):
			fault(&s.WrongLeg, "on the wrong leg")
		case a.bounced != r.bounces:
			fault(&s.WrongLeg, "returned or not returned")
		case a.released != r.held:
			fault(&s.WrongLeg, "held or not held")
		case r.stamped && !a.stamped:
			fault(&s.Undecided, "without a decision")
		}
	}
	// The same queue ID again is the MTA's repeat. Another one is another message for
	// the MTA: the client sent it again, or with sendmail(1) the MTA's own loop did.
	others := max(0, len(queues)-accepted)
	byClient := min(others, r.unknown)
	switch rest := len(r.arrivals) - accepted - byClient; {
	case rest > 0 && during(l.mta) && (others == byClient || m.submitted):
		s.MTARepeats += rest
	case rest > 0:
		fault(&s.Twice, "twice")
	}
	s.ClientRepeats += byClient
}
