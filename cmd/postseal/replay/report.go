package replay

import (
	"cmp"
	"slices"

	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/table"
)

// Report has the figures of a replay.
type Report struct {
	Messages   int64 `json:"messages"`   // that were decided
	Unreadable int64 `json:"unreadable"` // that were not
	Totals
	Against  *Totals   `json:"against,omitempty"`
	Partners []Partner `json:"partners"` // the most affected first
	// Domains counts all affected domains.
	Domains int `json:"domains"`

	DifferentMessages int64    `json:"different_messages"`
	Changes           []Change `json:"changes"`

	Reasons []Reason `json:"unreadable_reasons"`
	Skipped int64    `json:"skipped"` // files that are no mail
	// WithoutFindings counts messages of a log that were decided as if nothing had
	// been found in them, because they were not read.
	WithoutFindings int64           `json:"without_findings"`
	LeftOut         maillog.LeftOut `json:"left_out"` // lines of logs

	Differences []Difference `json:"differences,omitempty"`
}

// Totals are the figures of one configuration.
type Totals struct {
	ByAction   map[rules.Action]int64 `json:"by_action"` // messages, by their strongest action
	Recipients int64                  `json:"recipients"`
	Sealed     int64                  `json:"sealed"`  // recipients that go through the relay
	Refused    int64                  `json:"refused"` // recipients, at RCPT
	ByClass    map[table.Class]int64  `json:"by_class"`
	ByPolicy   []PolicyCount          `json:"by_policy"`
	ByRow      []RowCount             `json:"by_row"`
}

// PolicyCount counts the recipients that a policy decides.
type PolicyCount struct {
	Policy     string       `json:"policy"`
	Action     rules.Action `json:"action"`
	Recipients int64        `json:"recipients"`
}

// RowCount counts the recipients that a row gives a class.
type RowCount struct {
	Row        string      `json:"row"` // empty if there is none
	Class      table.Class `json:"class"`
	Recipients int64       `json:"recipients"`
}

// Partner is a domain whose mail is affected: by an action, or by a difference if
// there are two configurations.
type Partner struct {
	Domain     string `json:"domain"` // empty if none can be read
	Messages   int64  `json:"messages"`
	Recipients int64  `json:"recipients"`
}

// Change counts recipients that are decided differently in the same way.
type Change struct {
	Before       rules.Action `json:"before"`
	After        rules.Action `json:"after"`
	PolicyBefore string       `json:"policy_before"`
	PolicyAfter  string       `json:"policy_after"`
	RowBefore    string       `json:"row_before"`
	RowAfter     string       `json:"row_after"`
	Recipients   int64        `json:"recipients"`
}

// Reason counts messages that cannot be read for the same reason.
type Reason struct {
	Reason  string `json:"reason"`
	Count   int64  `json:"count"`
	Example string `json:"example"` // the path of the first
}

const (
	// maxNames limits the domains, rows and changes that are counted apart, and so the
	// memory. The rest is counted under otherNames.
	maxNames   = 100_000
	otherNames = "(others)"
	// maxPartners limits the list of a report.
	maxPartners = 1000
	// maxReasons limits the reasons.
	maxReasons = 100
)

// sums are the figures that one worker counts.
type sums struct {
	messages, different, skipped, withoutFindings int64
	added                                         int64 // messages, and recipients refused before

	of       []*configSums // each configuration
	partners map[string]*partner
	changes  map[Change]int64
}

// partner counts a domain.
type partner struct{ messages, recipients, last int64 }

type configSums struct {
	byAction        [rules.Reject + 1]int64
	byClass         [table.Closed + 1]int64
	sealed, refused int64
	policies        map[PolicyCount]int64 // without a count
	rows            map[RowCount]int64
}

func newSums(configs int) *sums {
	s := &sums{partners: make(map[string]*partner), changes: make(map[Change]int64)}
	for range configs {
		s.of = append(s.of, &configSums{policies: make(map[PolicyCount]int64), rows: make(map[RowCount]int64)})
	}
	return s
}

// add counts the outcomes of a message under each configuration.
func (s *sums) add(isMessage bool, lists [][]outcome) {
	s.added++
	for i, list := range lists {
		of := s.of[i]
		strongest := rules.Accept
		for _, o := range list {
			strongest = max(strongest, o.action)
			of.byClass[o.class]++
			if o.sealed {
				of.sealed++
			}
			if o.refused {
				of.refused++
			}
			if o.policy != "" {
				count(of.policies, PolicyCount{Policy: o.policy, Action: o.action}, PolicyCount{Policy: otherNames}, 1)
			}
			count(of.rows, RowCount{Row: o.row, Class: o.class}, RowCount{Row: otherNames}, 1)
		}
		if isMessage {
			of.byAction[strongest]++
		}
	}
	if isMessage {
		s.messages++
	}
	if len(lists) > 1 {
		return
	}
	for _, o := range lists[0] {
		if o.action != rules.Accept {
			s.partner(o.domain, 1)
		}
	}
}

// addDifferences counts the differences of the message that was added last.
func (s *sums) addDifferences(list []Difference) {
	if len(list) > 0 {
		s.different++
	}
	for _, d := range list {
		s.partner(d.Domain, int64(d.Recipients))
		count(s.changes, Change{
			Before: d.Before, After: d.After, PolicyBefore: d.PolicyBefore, PolicyAfter: d.PolicyAfter, RowBefore: d.RowBefore, RowAfter: d.RowAfter,
		}, Change{RowBefore: otherNames, RowAfter: otherNames}, int64(d.Recipients))
	}
}

// partner counts recipients of the message that was added last.
func (s *sums) partner(domain string, recipients int64) {
	p := s.partners[domain]
	if p == nil {
		if len(s.partners) >= maxNames {
			domain = otherNames
			p = s.partners[domain]
		}
		if p == nil {
			p = &partner{}
			s.partners[domain] = p
		}
	}
	if p.last != s.added {
		p.last = s.added
		p.messages++
	}
	p.recipients += recipients
}

// merge adds the figures of another worker.
func (s *sums) merge(other *sums) {
	s.messages += other.messages
	s.different += other.different
	s.skipped += other.skipped
	s.withoutFindings += other.withoutFindings
	for i, of := range other.of {
		mine := s.of[i]
		for action, n := range of.byAction {
			mine.byAction[action] += n
		}
		for class, n := range of.byClass {
			mine.byClass[class] += n
		}
		mine.sealed += of.sealed
		mine.refused += of.refused
		mergeCounts(mine.policies, of.policies)
		mergeCounts(mine.rows, of.rows)
	}
	mergeCounts(s.changes, other.changes)
	for domain, p := range other.partners {
		if mine := s.partners[domain]; mine != nil {
			mine.messages += p.messages
			mine.recipients += p.recipients
		} else {
			s.partners[domain] = p
		}
	}
}

func mergeCounts[K comparable](into, from map[K]int64) {
	for key, n := range from {
		into[key] += n
	}
}

// count adds to an element, or to that for all others if there are too many.
func count[K comparable](m map[K]int64, key, others K, n int64) {
	if _, ok := m[key]; !ok && len(m) >= maxNames {
		key = others
	}
	m[key] += n
}

// fill sets the figures.
func (r *Report) fill(s *sums) {
	r.Messages, r.DifferentMessages, r.Skipped, r.WithoutFindings = s.messages, s.different, s.skipped, s.withoutFindings
	r.Totals = s.of[0].totals()
	if len(s.of) > 1 {
		against := s.of[1].totals()
		r.Against = &against
	}
	r.Domains, r.Partners, r.Changes = len(s.partners), []Partner{}, []Change{}
	for domain, p := range s.partners {
		r.Partners = append(r.Partners, Partner{domain, p.messages, p.recipients})
	}
	slices.SortFunc(r.Partners, func(a, b Partner) int {
		return cmp.Or(cmp.Compare(b.Recipients, a.Recipients), cmp.Compare(a.Domain, b.Domain))
	})
	r.Partners = r.Partners[:min(len(r.Partners), maxPartners)]
	for c, n := range s.changes {
		c.Recipients = n
		r.Changes = append(r.Changes, c)
	}
	slices.SortFunc(r.Changes, func(a, b Change) int {
		return cmp.Or(
			cmp.Compare(b.Recipients, a.Recipients), cmp.Compare(a.Before, b.Before), cmp.Compare(a.After, b.After),
			cmp.Compare(a.PolicyBefore, b.PolicyBefore), cmp.Compare(a.PolicyAfter, b.PolicyAfter),
			cmp.Compare(a.RowBefore, b.RowBefore), cmp.Compare(a.RowAfter, b.RowAfter))
	})
	slices.SortFunc(r.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
}

func (c *configSums) totals() Totals {
	t := Totals{
		ByAction: make(map[rules.Action]int64), ByClass: make(map[table.Class]int64), ByPolicy: []PolicyCount{}, ByRow: []RowCount{},
		Sealed: c.sealed, Refused: c.refused,
	}
	for action, n := range c.byAction {
		t.ByAction[rules.Action(action)] = n
	}
	for class, n := range c.byClass {
		t.ByClass[table.Class(class)] = n
		t.Recipients += n
	}
	for p, n := range c.policies {
		p.Recipients = n
		t.ByPolicy = append(t.ByPolicy, p)
	}
	slices.SortFunc(t.ByPolicy, func(a, b PolicyCount) int {
		return cmp.Or(cmp.Compare(b.Recipients, a.Recipients), cmp.Compare(a.Policy, b.Policy))
	})
	for row, n := range c.rows {
		row.Recipients = n
		t.ByRow = append(t.ByRow, row)
	}
	slices.SortFunc(t.ByRow, func(a, b RowCount) int {
		return cmp.Or(cmp.Compare(b.Recipients, a.Recipients), cmp.Compare(a.Row, b.Row), cmp.Compare(a.Class, b.Class))
	})
	return t
}

// addUnreadable counts a message that was not decided.
func (r *Report) addUnreadable(u unreadable) {
	r.Unreadable++
	i := slices.IndexFunc(r.Reasons, func(known Reason) bool { return known.Reason == u.reason })
	if i < 0 && len(r.Reasons) >= maxReasons {
		i, u.reason = slices.IndexFunc(r.Reasons, func(known Reason) bool { return known.Reason == otherNames }), otherNames
	}
	if i < 0 {
		i = len(r.Reasons)
		r.Reasons = append(r.Reasons, Reason{u.reason, 0, u.path})
	}
	r.Reasons[i].Count++
}

func newReport() *Report { return &Report{Reasons: []Reason{}} }
