package milter

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The model decides messages independently of the program. It is written from
// postseal(7), postseal.toml(5) and postseal-log(5). It parses nothing: each
// recipient, subject and line of a body comes with what is known about it.

// The names that the model shares with the log.
const (
	local, secure, unverified, unknown, closedClass = "local", "secure", "unverified", "unknown", "closed"
	present, nearMiss, missing                      = "present", "near-miss", "missing"
	accept, tag, divert, quarantine, reject         = "accept", "tag", "divert", "quarantine", "reject"
)

var (
	classOrder  = []string{local, secure, unverified, unknown, closedClass}
	actionOrder = []string{accept, tag, divert, quarantine, reject}
)

func needsMarker(class string) bool { return class == unverified || class == unknown }

func stronger(order []string, a, b string) bool {
	return slices.Index(order, a) > slices.Index(order, b)
}

// policyModel is a row of the decision table.
type policyModel struct {
	name                        string
	recipient, marker, findings []string
	domain                      []string
	minCount                    int
	sender                      []string // in lower case
	client                      []string
	action                      string
	observe, addMarker          bool
	reply                       string
}

// String leaves out the conditions that the row does not have.
func (p policyModel) String() string {
	text := p.name
	add := func(format string, value any, has bool) {
		if has {
			text += fmt.Sprintf(format, value)
		}
	}
	add(" recipient %v", p.recipient, len(p.recipient) > 0)
	add(" domain %v", p.domain, len(p.domain) > 0)
	add(" marker %v", p.marker, len(p.marker) > 0)
	add(" findings %v", p.findings, len(p.findings) > 0)
	add(" min_count %d", p.minCount, p.minCount > 0)
	add(" sender %v", p.sender, len(p.sender) > 0)
	add(" client %v", p.client, len(p.client) > 0)
	add(" mode %s", "observe", p.observe)
	add(" reply %q", p.reply, p.reply != "")
	text += ": " + p.action
	add(" and %s", "add_marker", p.addMarker)
	return text
}

// configModel is a configuration.
type configModel struct {
	hash     string
	observe  bool
	policies []policyModel
	relay    string
	partner  string // the class of partner.example; empty without a row
	start    bool   // marker.position
}

// The rest of every configuration.
const (
	visibleRecipients = 3
	disclaimer        = "This message may contain confidential information."
	patternName       = "pattern:ward"
	patternMatch      = `\bRX\d{6}\b`
)

// asksFor reports whether a policy tests a finding of the kind.
func (c *configModel) asksFor(kind func(finding string) bool) bool {
	return slices.ContainsFunc(c.policies, func(p policyModel) bool { return slices.ContainsFunc(p.findings, kind) })
}

func isAboutMessage(finding string) bool { return finding != "look-alike" }

func isInBody(finding string) bool {
	return isAboutMessage(finding) && !slices.Contains([]string{"nhs-number-in-subject", "sensitivity", "visible-recipients"}, finding)
}

// recipientModel is a RCPT and what is known about it.
type recipientModel struct {
	text     string // as RCPT has it, without angle brackets
	resolved string // {rcpt_addr}; empty without the macro
	angles   bool   // {rcpt_addr} has angle brackets
	dsn      []string
	typed    readingModel // what the text says
	mta      readingModel // what the MTA reads in it
	bare     bool         // the text has no domain, and the MTA reads it as mta or keeps it
	keeps    bool         // the MTA reads it as the name of a local user
	ascii    bool
	huge     bool // an argument of RCPT is huge
}

// reading is one reading of an address.
type readingModel struct {
	domain    string // empty if it cannot be read
	fault     string // unreadable, trailing dot, or empty
	route     bool   // the local part names another host
	lookAlike string // the domain that it is taken for
}

// facts are what the model knows of a recipient under one configuration.
type facts struct {
	class, refusal, lookAlike string
	domain                    string
	bearsRelay                bool
	differs                   bool // the MTA reads another domain
}

// classOf returns the class of one reading.
func (c *configModel) classOf(r readingModel, length int) (class, refusal string, bearsRelay bool) {
	switch {
	case r.fault == "too long":
		return unknown, "too-long", false
	case r.domain == "":
		return unknown, "malformed", false
	}
	below := func(name string) bool { return r.domain == name || strings.HasSuffix(r.domain, "."+name) }
	switch {
	case c.relay != "" && below(c.relay):
		class, bearsRelay = secure, true
	case c.partner != "" && r.domain == "partner.example":
		class = c.partner
	case below("trust.example"):
		class = local
	case below("gsi.gov.uk"), below("gcsx.gov.uk"), below("gsx.gov.uk"), below("gse.gov.uk"):
		class = closedClass
	case below("nhs.net"), below("gov.uk"), below("cjsm.net"), below("police.uk"), below("parliament.uk"):
		class = secure
	default:
		class = unknown
	}
	switch {
	case r.fault != "":
		refusal = "malformed"
	case length+len(".")+len(c.relay) > 253, len(r.domain)+len(".")+len(c.relay) > 253:
		refusal = "too-long"
	}
	if r.route && !bearsRelay && (class == local || class == secure) {
		if class == local {
			refusal = "rerouted"
		}
		class = unknown
	}
	return class, refusal, bearsRelay
}

// classify applies SEALING of postseal(7) to a recipient.
func (c *configModel) classify(r recipientModel, smtputf8 bool) facts {
	var f facts
	const longest = 254 // RFC 5321
	if len(r.text) > longest {
		r.typed = readingModel{fault: "too long"}
	}
	if len(r.resolved) > longest {
		r.mta = readingModel{fault: "too long"}
	}
	f.class, f.refusal, f.bearsRelay = c.classOf(r.typed, len(r.text))
	if !r.typed.route {
		f.domain = r.typed.domain
	}
	looks := r.typed.lookAlike
	switch {
	case r.resolved == "":
	case r.bare:
		if f.class, _, _ = c.classOf(r.mta, len(r.resolved)); r.keeps {
			f.class = local
		}
		looks = r.mta.lookAlike
	case r.keeps:
	case f.bearsRelay && r.mta.domain+"."+c.relay == r.typed.domain:
	default:
		class, _, bearsRelay := c.classOf(r.mta, len(r.resolved))
		if r.mta.domain != r.typed.domain {
			f.differs = true
			switch {
			case f.refusal != "" && r.typed.fault != "trailing dot":
			case r.typed.route || r.mta.route:
				f.refusal = "rerouted"
			case !needsMarker(f.class):
				f.refusal = "forwarded"
			}
		}
		if stronger(classOrder, class, f.class) {
			f.class, f.bearsRelay = class, bearsRelay
		}
	}
	if !smtputf8 && !r.ascii && f.refusal == "" {
		f.refusal = "not-ascii"
	}
	if f.class == unknown && f.refusal != "forwarded" && !r.typed.route {
		f.lookAlike = looks
	}
	switch {
	case f.class == closedClass:
		f.refusal = "closed"
	case !needsMarker(f.class):
		f.refusal = ""
	}
	return f
}

// subjectModel is a Subject field. A marker that is not at the start is a near
// miss if marker.position is start.
type subjectModel struct {
	value   string
	state   string
	kind    string
	atStart bool
	number  int // the NHS number in it; 0 without one
	marking bool
}

// contentModel is what a message says.
type contentModel struct {
	subjects    []subjectModel
	numbers     []int    // certain NHS numbers of the body
	patterns    []string // what patternMatch finds
	marking     bool
	sensitivity bool
	encrypted   bool // it has a part that is encrypted
	text        bool // it has other text
	disclaimer  bool
	visible     map[string]readingModel // the addresses in To and Cc
}

// marker returns the state of the marker and the kind of near miss.
func (c *configModel) marker(subjects []subjectModel) (state, kind string) {
	states := []string{present, nearMiss, missing}
	best, worst := missing, missing
	for i, s := range subjects {
		state, as := s.state, s.kind
		if c.start && state == present && !s.atStart {
			state, as = nearMiss, "not-at-start"
		}
		if i == 0 || stronger(states, best, state) {
			best, kind = state, as
		}
		if i == 0 || stronger(states, state, worst) {
			worst = state
		}
	}
	if best == present && worst != present {
		return nearMiss, "some-fields"
	}
	return best, kind
}

// findings returns the findings about a message, with their counts. A finding
// that is not about a count has the count 0.
func (c *configModel) findings(m contentModel) map[string]int {
	found := make(map[string]int)
	if !c.asksFor(isAboutMessage) {
		return found
	}
	body := c.asksFor(isInBody)
	certain, inSubject := make(map[int]bool), make(map[int]bool)
	for _, s := range m.subjects {
		if s.number != 0 {
			certain[s.number], inSubject[s.number] = true, true
		}
		if s.marking {
			found["marking"] = 0
		}
	}
	if m.sensitivity {
		found["sensitivity"] = 0
	}
	if body {
		for _, n := range m.numbers {
			certain[n] = true
		}
		if m.marking {
			found["marking"] = 0
		}
		if len(m.patterns) > 0 {
			found[patternName] = len(slices.Compact(slices.Sorted(slices.Values(m.patterns))))
		}
		switch {
		case m.encrypted && m.text:
			found["unreadable"] = 0
		case m.encrypted:
			found["encrypted"] = 0
		}
		if !m.disclaimer {
			found["no-disclaimer"] = 0
		}
	}
	if len(certain) > 0 {
		found["nhs-number"] = len(certain)
	}
	if len(inSubject) > 0 {
		found["nhs-number-in-subject"] = len(inSubject)
	}
	visible := 0
	for _, r := range m.visible {
		if class, _, _ := c.classOf(r, 0); needsMarker(class) || class == closedClass {
			visible++
		}
	}
	if visible >= visibleRecipients {
		found["visible-recipients"] = visible
	}
	return found
}

func counts(finding string) bool {
	return strings.HasPrefix(finding, "nhs-number") || strings.HasPrefix(finding, "pattern:") || finding == "visible-recipients"
}

// holds reports whether a policy applies to a recipient.
func (p policyModel) holds(f facts, m *messageModel, marker string, found map[string]int) bool {
	allows := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	asked := len(p.findings) == 0 || slices.ContainsFunc(p.findings, func(finding string) bool {
		if finding == "look-alike" {
			return f.lookAlike != ""
		}
		count, ok := found[finding]
		return ok && (!counts(finding) || count >= p.minCount)
	})
	from := len(p.sender) == 0 || slices.ContainsFunc(p.sender, func(want string) bool {
		sender := strings.ToLower(m.sender)
		switch {
		case want == "<>":
			return sender == ""
		case strings.Contains(want, "@"):
			return sender == want
		}
		_, domain, _ := strings.Cut(sender, "@")
		return domain == want || strings.HasSuffix(domain, "."+want)
	})
	client := len(p.client) == 0 || slices.ContainsFunc(p.client, func(network string) bool {
		addr, err := netip.ParseAddr(m.client)
		return err == nil && netip.MustParsePrefix(network).Contains(addr)
	})
	to := len(p.domain) == 0 || slices.ContainsFunc(p.domain, func(want string) bool {
		return f.domain == want || strings.HasSuffix(f.domain, "."+want)
	})
	return asked && from && client && to && allows(p.recipient, f.class) && allows(p.marker, marker)
}

// messageModel is a message as the MTA shows it, with what the model knows of it.
type messageModel struct {
	sender, client, auth string
	smtputf8             bool
	sendmail             bool // the MTA is Sendmail
	submitted            bool // it is mail of sendmail(1) on Postfix
	noReply              bool // the MTA does not read a reply to RCPT
	noBody               bool // the MTA does not send the body
	recipients           []recipientModel
	refused              []recipientModel
	verdicts             []string // values of X-Postseal in its header
	content              contentModel
	pastLimit            bool
}

// outcome is what happens to a recipient.
type outcome struct {
	recipientModel
	facts
	policy, action string
	observe        bool
	diverted       bool
}

// decision is what the program must do at the end of a message.
type decision struct {
	action, marker, nearMiss string
	policy                   policyModel // that decided
	findings                 map[string]int
	outcomes                 []outcome
	addMarker                bool
	sealed                   bool
	verdict                  string // the value of X-Postseal; empty for none
	replies                  []int  // codes of which one must come; empty for a message that goes on
	undecided                bool   // an error takes the place of the decision
}

// decide returns the decision under a configuration.
func (c *configModel) decide(m *messageModel) decision {
	if m.pastLimit {
		code := 451
		if m.submitted {
			code = 552
		}
		return decision{replies: []int{code}, undecided: true}
	}
	if m.noBody && c.asksFor(isInBody) {
		return decision{replies: []int{451}, undecided: true}
	}
	var d decision
	d.marker, d.nearMiss = c.marker(m.content.subjects)
	// Sendmail delivers to a refused recipient that contains a comma. If it
	// reads an accepted recipient as the same address, it removes that one.
	recipients := slices.Clone(m.recipients)
	if m.sendmail {
		for _, r := range m.refused {
			if strings.Contains(r.text, ",") || slices.ContainsFunc(m.recipients, func(other recipientModel) bool {
				return strings.EqualFold(other.resolved, r.resolved)
			}) {
				recipients = append(recipients, r)
			}
		}
	}
	needed := false
	for _, r := range m.recipients {
		needed = needed || needsMarker(c.classify(r, m.smtputf8).class)
	}
	if needed {
		d.findings = c.findings(m.content)
	}
	c.apply(&d, m, recipients, nil)
	if m.submitted {
		// Postfix would not find the recipients to delete.
		c.apply(&d, m, recipients, d.outcomes)
	}
	if d.action == reject {
		d.replies = []int{550}
		if m.noReply {
			d.replies = []int{550, 451}
		}
	} else if c.observe {
		d.verdict = ""
	}
	if c.observe {
		d.replies = nil
	}
	return d
}

// apply decides about each recipient. Recipients that were diverted before cannot
// be.
func (c *configModel) apply(d *decision, m *messageModel, recipients []recipientModel, before []outcome) {
	d.action, d.policy, d.outcomes, d.addMarker, d.sealed = accept, policyModel{}, nil, false, false
	for i, r := range recipients {
		o := outcome{recipientModel: r, facts: c.classify(r, m.smtputf8), action: accept}
		var p policyModel
		switch {
		case o.refusal != "" || before != nil && before[i].diverted:
			o.action = reject
		case needsMarker(o.class):
			p = c.policies[slices.IndexFunc(c.policies, func(p policyModel) bool { return p.holds(o.facts, m, d.marker, d.findings) })]
			o.policy, o.action, o.observe = p.name, p.action, p.observe
		}
		d.outcomes = append(d.outcomes, o)
		if o.observe {
			continue
		}
		if stronger(actionOrder, o.action, d.action) {
			d.action, d.policy = o.action, p
		}
		d.addMarker = d.addMarker || p.addMarker
	}
	d.addMarker = d.addMarker && d.marker != present
	for i := range d.outcomes {
		o := &d.outcomes[i]
		switch d.action {
		case reject:
		case quarantine:
			o.diverted = c.relay != "" && needsMarker(o.class)
		default:
			o.diverted = o.action == divert && !o.observe
		}
		d.sealed = d.sealed || o.diverted || o.bearsRelay
	}
	action := d.action
	if d.sealed && !stronger(actionOrder, action, divert) {
		action = divert
	}
	d.verdict = ""
	if action != accept {
		d.verdict = fmt.Sprintf("%s; marker=%s", action, d.marker)
	}
}

// edits returns the packets that carry out a decision on a message that goes on.
func (c *configModel) edits(m *messageModel, d decision) (packets []string) {
	if c.observe || len(d.replies) > 0 {
		return nil
	}
	add := func(r recipientModel, suffix string) {
		packets = append(packets, "2<"+r.text+suffix+">\x00"+arguments(r, m.sendmail)+"\x00")
	}
	deleted := make(map[string]bool) // by the address as typed
	gone := make(map[string]bool)    // by the address as Sendmail reads it
	for _, o := range d.outcomes {
		if o.diverted && !deleted[o.text] {
			deleted[o.text] = true
			packets = append(packets, "-<"+o.text+">\x00")
			add(o.recipientModel, "."+c.relay)
		}
		if o.diverted && o.differs {
			gone[strings.ToLower(o.resolved)] = true
		}
	}
	for _, o := range d.outcomes {
		if m.sendmail && !o.diverted && gone[strings.ToLower(o.resolved)] {
			add(o.recipientModel, "")
		}
	}
	if !slices.Equal(m.verdicts, nonEmpty(d.verdict)) {
		for i := len(m.verdicts); i > 0; i-- {
			packets = append(packets, fmt.Sprintf("m\x00\x00\x00%cX-Postseal\x00\x00", i))
		}
		if d.verdict != "" {
			packets = append(packets, "hX-Postseal\x00"+d.verdict+"\x00")
		}
	}
	switch {
	case d.addMarker && len(m.content.subjects) == 0:
		packets = append(packets, "hSubject\x00[secure]\x00")
	case d.addMarker:
		for i, s := range m.content.subjects {
			if state, _ := c.marker([]subjectModel{s}); state != present {
				packets = append(packets, fmt.Sprintf("m\x00\x00\x00%cSubject\x00[secure] %s\x00", i+1, unfoldedStart(s.value)))
			}
		}
	case d.sealed && len(m.content.subjects) == 0 && !m.sendmail:
		packets = append(packets, "hSubject\x00\x00")
	}
	if d.action == quarantine {
		packets = append(packets, "qpostseal: policy "+d.policy.name+"\x00")
	}
	return packets
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// unfoldedStart is the value of a field after its marker. Postfix needs LF as the
// line end.
func unfoldedStart(value string) string {
	return strings.ReplaceAll(strings.TrimLeft(value, " \t"), "\r\n", "\n")
}

// arguments returns the ESMTP arguments of an added recipient. A bounce must name
// the address that was typed. Sendmail loses a recipient with ORCPT if its site
// does not offer DSN, which the client's own arguments show.
func arguments(r recipientModel, sendmail bool) string {
	list := slices.Clone(r.dsn)
	if !slices.ContainsFunc(list, func(a string) bool { return strings.HasPrefix(strings.ToUpper(a), "ORCPT=") }) && (!sendmail || len(list) > 0) {
		list = append(list, "ORCPT="+xtext(r))
	}
	return strings.Join(list, " ")
}

func xtext(r recipientModel) string {
	if !r.ascii {
		return "utf-8;" + strings.NewReplacer(" ", `\x{20}`, "+", `\x{2B}`, "=", `\x{3D}`, `\`, `\x{5C}`).Replace(r.text)
	}
	return "rfc822;" + strings.NewReplacer(" ", "+20", "+", "+2B", "=", "+3D").Replace(r.text)
}
