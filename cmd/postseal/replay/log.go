package replay

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/table"
)

// Why a logged decision cannot be decided again.
var (
	errIncomplete = errors.New("recipients are missing from the log")
	errCut        = errors.New("the log has a long address that is cut off")
	errHashed     = errors.New("addresses are logged as hashes, and no row shows the domain of a recipient")
	errDomain     = errors.New("addresses are logged as hashes, and a policy tests the domain of a recipient")
	errAddressRow = errors.New("addresses are logged without the local part, and a row is for one address of the domain")
	errSender     = errors.New("the sender is not logged in full, and a policy tests senders")
	errNoMarker   = errors.New("the recipient was refused at RCPT, so the log has no marker")
)

// Log replays the decisions in the logs. Their names are only shown. stdin is read
// for the name "-".
func Log(o Options, names []string, stdin io.Reader) (*Report, error) {
	var left maillog.LeftOut
	var fault error
	report, err := replay(o, func(r *run) {
		for _, name := range names {
			if fault = r.log(name, stdin, &left); fault != nil {
				return
			}
		}
	})
	report.LeftOut = left
	return report, errors.Join(err, fault)
}

// counter counts what is read of a file.
type counter struct {
	io.Reader
	progress Progress
}

func (c counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.progress.Read(int64(n))
	return n, err
}

func (r *run) log(name string, stdin io.Reader, left *maillog.LeftOut) error {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil {
			r.Progress.Found(info.Size())
		}
		in = file
	}
	log, err := maillog.NewReader(counter{in, r.Progress})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer func() { left.Add(log.LeftOut) }()
	for {
		entry, err := log.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		switch e := entry.Event.(type) {
		case *maillog.Decision:
			if !r.emit(logged{Place{Path: name, QueueID: e.QueueID}, e, entry.Incomplete}) {
				return nil
			}
		case *maillog.RefusedRecipient:
			if !r.emit(loggedRefusal{Place{Path: name, QueueID: e.QueueID}, e}) {
				return nil
			}
		}
	}
}

// logged is a decision in a log.
type logged struct {
	place        Place
	d            *maillog.Decision
	isIncomplete bool
}

func (l logged) name() string { return l.place.Path }

func (l logged) replay(w *worker) {
	if l.isIncomplete {
		w.unreadable(l.place.Path, errIncomplete.Error())
		return
	}
	lists := make([][]outcome, len(w.configs))
	withoutFindings := false
	for i, known := range w.known {
		list, isRead, err := known.decide(l.d, w)
		if err != nil {
			w.unreadable(l.place.Path, err.Error())
			return
		}
		lists[i] = list
		withoutFindings = withoutFindings || !isRead
	}
	if withoutFindings {
		w.sums.withoutFindings++
	}
	w.decided(l.place, true, lists)
}

// loggedRefusal is a recipient that was refused at RCPT. Its line does not say which
// message it belongs to.
type loggedRefusal struct {
	place Place
	r     *maillog.RefusedRecipient
}

func (l loggedRefusal) name() string { return l.place.Path }

func (l loggedRefusal) replay(w *worker) {
	if l.r.Kind == message.TooMany { // the client sends the message to it later
		return
	}
	as := maillog.Recipient{Address: l.r.Address, Class: l.r.Class, Row: l.r.Row, Action: rules.Reject}
	lists := make([][]outcome, len(w.configs))
	for i, known := range w.known {
		r, err := known.recipient(as, formOf(l.r.Sender, []maillog.Recipient{as}), l.r.Config, w)
		if err == nil && !r.Refused() && r.Class.NeedsMarker() {
			err = errNoMarker
		}
		if err != nil {
			w.unreadable(l.place.Path, err.Error())
			return
		}
		o := rules.Outcome{Recipient: r}
		if r.Refused() {
			o.Action = rules.Reject
		}
		lists[i] = []outcome{outcomeOf(o)}
		lists[i][0].refused = r.Refused()
	}
	w.decided(l.place, false, lists)
}

// facts is what a configuration must know of an address that is not logged in full.
type facts struct {
	*message.Config
	senders      []string        // that policies test, in the form of Facts.Sender
	addressRows  map[string]bool // domains of which a row has one address
	above        map[string]bool // names with a row below them
	addressAbove map[string]bool // the same for rows of one address
}

func factsOf(config *message.Config) *facts {
	f := &facts{Config: config, addressRows: make(map[string]bool), above: make(map[string]bool), addressAbove: make(map[string]bool)}
	for _, s := range config.Rules.Senders() {
		if s == "<>" {
			continue
		}
		if !strings.Contains(s, "@") {
			s = unknownLocal + s
		}
		f.senders = append(f.senders, s)
	}
	for _, row := range config.Rules.Table.Rows() {
		domain := row.Name[strings.LastIndexByte(row.Name, '@')+1:]
		if row.IsAddress() {
			f.addressRows[domain] = true
		}
		for name := domain; ; {
			_, parent, ok := strings.Cut(name, ".")
			if !ok {
				break
			}
			name = parent
			f.above[name] = true
			f.addressAbove[name] = f.addressAbove[name] || row.IsAddress()
		}
	}
	return f
}

// unknownLocal begins an address whose local part is not known. No row and no
// policy has it.
const unknownLocal = `" "@`

// form is how an address was logged.
type form uint8

const (
	inFull form = iota
	asDomain
	asHash
)

func isHash(text string) bool {
	return len(text) == 12 && strings.Trim(text, "0123456789abcdef") == ""
}

// formOf returns how the addresses of a line were logged. A line has one form.
func formOf(sender string, recipients []maillog.Recipient) form {
	have := inFull
	add := func(text string, isDomain bool) {
		switch {
		case isHash(text):
			have = asHash
		case have == inFull && isDomain:
			have = asDomain
		}
	}
	add(sender, strings.Contains(sender, "."))
	isFull := strings.Contains(sender, "@")
	for _, r := range recipients {
		// No policy decides a bare name, because it is refused or local.
		add(r.Address, strings.Contains(r.Address, ".") || r.Policy != "")
		isFull = isFull || strings.Contains(r.Address, "@")
	}
	if isFull {
		return inFull
	}
	return have
}

// decide decides a logged message. isRead is false if a recipient needs the marker
// now, but none did when the message was logged, so that it was not read.
func (f *facts) decide(d *maillog.Decision, w *worker) (list []outcome, isRead bool, err error) {
	logged := formOf(d.Sender, d.Recipients)
	m := rules.Facts{Sender: d.Sender, Marker: d.Marker, NearMiss: d.NearMiss, Recipients: make([]rules.Recipient, len(d.Recipients))}
	m.Client, _ = netip.ParseAddr(d.Client)
	for _, f := range d.Findings {
		if f.Name.IsAboutMessage() {
			m.Findings = append(m.Findings, f.Finding)
		}
	}
	needed, needs := false, false
	for i, r := range d.Recipients {
		if m.Recipients[i], err = f.recipient(r, logged, d.Config, w); err != nil {
			return nil, false, err
		}
		needed = needed || r.Class.NeedsMarker()
		needs = needs || m.Recipients[i].Class.NeedsMarker()
	}
	senders, err := f.sendersOf(d.Sender, logged)
	if err != nil {
		return nil, false, err
	}
	var decision rules.Decision
	for i, sender := range senders {
		m.Sender = sender
		again := f.Rules.Decide(m)
		if i > 0 && !slices.EqualFunc(again.Outcomes, decision.Outcomes, func(a, b rules.Outcome) bool { return a.Policy == b.Policy && a.Action == b.Action }) {
			return nil, false, errSender
		}
		decision = again
	}
	list = make([]outcome, len(decision.Outcomes))
	for i, o := range decision.Outcomes {
		list[i] = outcomeOf(o)
		list[i].refused = o.Refused()
	}
	return list, needed || !needs || !f.Read.Header, nil
}

// sendersOf returns the senders of which one stands for the logged sender: one for
// each set of conditions that it can meet.
func (f *facts) sendersOf(sender string, logged form) ([]string, error) {
	switch {
	case strings.HasSuffix(sender, "…") && len(f.senders) > 0:
		return nil, errCut
	case sender == "" || logged == inFull:
		return []string{sender}, nil
	case logged == asHash:
		return append([]string{unknownLocal + "sender.invalid"}, f.senders...), nil
	}
	list := []string{unknownLocal + sender}
	for _, s := range f.senders {
		if domain := address.Parse(s).Domain; domain == sender && !strings.HasPrefix(s, unknownLocal) {
			list = append(list, s)
		}
	}
	return list, nil
}

// recipient looks up a logged recipient.
func (f *facts) recipient(r maillog.Recipient, logged form, config string, w *worker) (rules.Recipient, error) {
	// Refused because of its form, or of the address to which the MTA sends it on.
	wasUnsafe := r.Action == rules.Reject && r.Policy == "" && r.Class.NeedsMarker()
	var got rules.Recipient
	switch text := r.Address; {
	case strings.HasSuffix(text, "…"):
		return got, errCut
	case logged == inFull && strings.Contains(text, "@"):
		got = f.Rules.Classify(text, "", w.Now)
		wasUnsafe = wasUnsafe && got.Fault == ""
	case logged == inFull: // a bare name
		resolved := ""
		if r.Class == table.Local {
			resolved = text
		}
		return f.Rules.Classify(text, resolved, w.Now), nil
	case config == f.Hash: // the same table, so the log has the answer
		got = rules.Recipient{Class: r.Class}
		if logged == asDomain {
			got.Address.Domain = text
		}
		if r.Row != "" {
			got.Row = &table.Row{Name: r.Row, Class: r.Class}
		}
		for _, found := range r.Findings {
			got.Findings = append(got.Findings, found.Finding)
		}
	case logged == asDomain && text == "": // no domain can be read
		got = rules.Recipient{Class: table.Unknown, Fault: address.BadDomain}
	case logged == asDomain:
		if f.addressRows[text] {
			return got, errAddressRow
		}
		got = f.Rules.Classify(unknownLocal+text, "", w.Now)
	default:
		var err error
		if got, err = f.hashed(r, w); err != nil {
			return got, err
		}
	}
	if logged == asHash && got.Class.NeedsMarker() && !got.Refused() && f.Rules.TestsDomains() {
		return got, errDomain
	}
	if logged == asDomain && config != f.Hash && w.isRerouted(r, config) {
		got.Class, got.Findings = max(got.Class, r.Class), nil
	}
	if wasUnsafe {
		got.Class = max(got.Class, r.Class)
		if got.Fault == "" {
			got.Fault = address.SentOn
		}
	}
	return got, nil
}

// isRerouted reports whether the log shows that the domain alone did not decide a
// recipient: the local part named another host, or the MTA sent it on. Only the
// configuration by which the recipient was decided can tell.
func (w *worker) isRerouted(r maillog.Recipient, config string) bool {
	for _, f := range w.known {
		if f.Hash == config {
			by := f.Rules.Classify(unknownLocal+r.Address, "", w.Now)
			return by.Class != r.Class || len(by.Findings) != len(r.Findings)
		}
	}
	return false
}

// hashed looks up a recipient of which only the row is known. The recipient's domain
// is the row's name or below it. If the table still has the row, it covers the same
// domains. Otherwise the answer must be the same for all of these.
func (f *facts) hashed(r maillog.Recipient, w *worker) (rules.Recipient, error) {
	name, rows := r.Row, f.Rules.Table
	if name == "" || isHash(name) || f.above[name] {
		return rules.Recipient{}, errHashed
	}
	if f.addressRows[name] || f.addressAbove[name] {
		return rules.Recipient{}, errAddressRow
	}
	at, below := rows.Lookup(name, w.Now), rows.Below(name, w.Now)
	if at == nil || at.Name != name && (below == nil || at.Class != below.Class) {
		return rules.Recipient{}, errHashed
	}
	got := rules.Recipient{Class: at.Class, Row: at}
	for _, found := range r.Findings {
		if found.Name == finding.LookAlike && got.Class == table.Unknown {
			got.Findings = append(got.Findings, found.Finding)
		}
	}
	return got, nil
}
