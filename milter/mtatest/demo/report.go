package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postseal/postseal/milter/mtatest"
)

// report is what was seen of one mail.
type report struct {
	sample     sample
	marker     string // from postseal's decision line
	action     string
	recipients []seen
	strays     []string // mail at addresses that it was not sent to
}

// seen is what was seen of one recipient.
type seen struct {
	to       string
	class    string // from postseal's log
	arrivals []arrival
	reply    string // from Postfix, if it refused the recipient or the mail
}

// arrival is one recipient's mail at one place. The subject is empty if nobody
// gets to read it.
type arrival struct {
	place   place
	subject string
}

func newReport(m sample) *report {
	r := &report{sample: m}
	for _, want := range m.Recipients {
		r.recipients = append(r.recipients, seen{to: want.To})
	}
	return r
}

// answered records the SMTP replies, and reports whether a recipient was
// accepted.
func (r *report) answered(sent mtatest.Sent) (taken bool) {
	note := func(s *seen, p place, reply mtatest.Reply) {
		if reply.Code < 500 {
			p = putOff
		}
		s.arrivals, s.reply = append(s.arrivals, arrival{place: p}), reply.String()
	}
	for i, reply := range sent.Recipients {
		switch s := &r.recipients[i]; {
		case reply.Code != 250:
			note(s, refused, reply)
		case sent.End.Code != 250:
			note(s, rejected, sent.End)
		}
		taken = taken || reply.Code == 250
	}
	return taken
}

// saw records postseal's decision line.
func (r *report) saw(decision mtatest.Event) {
	r.marker, _ = decision["marker"].(string)
	r.action, _ = decision["action"].(string)
	list, _ := decision["recipients"].([]any)
	for _, item := range list {
		fields, _ := item.(map[string]any)
		r.sawRecipient(fields)
	}
}

// sawRecipient records what a decision line, or the line about a refused
// recipient, says about a recipient.
func (r *report) sawRecipient(fields map[string]any) {
	for i := range r.recipients {
		if s := &r.recipients[i]; fields["address"] == s.to {
			s.class, _ = fields["class"].(string)
		}
	}
}

// arrived records that a recipient's mail arrived at a place.
func (r *report) arrived(to string, a arrival) {
	i := slices.IndexFunc(r.recipients, func(s seen) bool { return s.to == to })
	if i < 0 {
		r.strays = append(r.strays, fmt.Sprintf("%s, which is not a recipient, got it: %s", to, a))
		return
	}
	r.recipients[i].arrivals = append(r.recipients[i].arrivals, a)
}

// differences returns where the mail did not go as its sample says.
func (r *report) differences() []string {
	var list []string
	file := r.sample.name + ".toml"
	if r.marker != r.sample.Marker {
		list = append(list, fmt.Sprintf("marker: got %q, %s has %q", r.marker, file, r.sample.Marker))
	}
	for i, s := range r.recipients {
		got, want := s.places(), r.sample.Recipients[i].arrivals()
		if !slices.Equal(got, want) {
			list = append(list, fmt.Sprintf("%s: got %s; %s has %s", s.to, chain(got), file, chain(want)))
		}
		if s.class == "" {
			list = append(list, s.to+": postseal's log has no line about this recipient")
		}
	}
	return append(list, r.strays...)
}

// places returns the recipient's arrivals, or a single place that says that
// there were none.
func (s seen) places() []arrival {
	if len(s.arrivals) == 0 {
		return []arrival{{place: nowhere}}
	}
	return s.arrivals
}

func (a arrival) String() string {
	if a.subject == "" {
		return string(a.place)
	}
	return fmt.Sprintf("%s %q", a.place, a.subject)
}

// chain lists arrivals one after the other.
func chain(arrivals []arrival) string {
	var parts []string
	for _, a := range arrivals {
		parts = append(parts, a.String())
	}
	return strings.Join(parts, ", then ")
}
