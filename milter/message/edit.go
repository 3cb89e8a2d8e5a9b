package message

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/marker"
)

// verdictField is the header field of a changed message.
const verdictField = "X-Postseal"

// Op is the kind of an Edit.
type Op string

// The kinds of edits.
const (
	DeleteRecipient Op = "delete_recipient"
	AddRecipient    Op = "add_recipient"
	DeleteHeader    Op = "delete_header"
	AddHeader       Op = "add_header"
	PrefixHeader    Op = "prefix_header"
	Hold            Op = "hold"
)

// Edit is one change to a message. Apart from addresses it shows nothing of the
// message.
type Edit struct {
	Op        Op     `json:"op"`
	Recipient string `json:"recipient,omitempty"`
	Arguments string `json:"arguments,omitempty"` // ESMTP arguments, for AddRecipient
	Name      string `json:"name,omitempty"`      // of a header field
	Index     int    `json:"index,omitempty"`     // among the fields with the name, from 1
	Value     string `json:"value,omitempty"`     // the text to add; for Hold the reason

	rest string // for PrefixHeader: the field's present value
}

// divert sends a recipient through the relay. It deletes the recipient by the
// text in RCPT, because MTAs compare this text exactly.
func (m *Message) divert(r recipient) []Edit {
	return []Edit{
		{Op: DeleteRecipient, Recipient: r.Text},
		{Op: AddRecipient, Recipient: r.Text + "." + m.Config.Rules.Relay, Arguments: m.dsnArguments(r)},
	}
}

// dsnArguments returns the arguments of RFC 3461 for the added recipient: the
// client's own NOTIFY, and its ORCPT or else the recipient itself, so that a
// bounce names the address that was typed. Sendmail gets the recipient itself
// only if the client has shown that DSN is offered.
func (m *Message) dsnArguments(r recipient) string {
	var arguments []string
	orcpt := false
	for _, argument := range r.arguments {
		switch name, _, _ := strings.Cut(argument, "="); strings.ToUpper(name) {
		case "ORCPT":
			orcpt = true
			arguments = append(arguments, argument)
		case "NOTIFY":
			arguments = append(arguments, argument)
		}
	}
	if !orcpt && (!m.Envelope.Sendmail || len(arguments) > 0) {
		arguments = append(arguments, "ORCPT="+originalRecipient(r.Text))
	}
	return strings.Join(arguments, " ")
}

// IsDSNArgument reports whether dsnArguments needs an argument of RCPT.
func IsDSNArgument(argument []byte) bool {
	name, _, _ := bytes.Cut(argument, []byte("="))
	return bytes.EqualFold(name, []byte("ORCPT")) || bytes.EqualFold(name, []byte("NOTIFY"))
}

// originalRecipient encodes an address for ORCPT: as xtext (RFC 3461, section
// 4), or if it is not ASCII as utf-8-addr-unitext (RFC 6533, section 3).
func originalRecipient(text string) string {
	var b strings.Builder
	form, escape := "rfc822;", "+%02X"
	if !address.IsASCII(text) {
		form, escape = "utf-8;", `\x{%02X}`
	}
	b.WriteString(form)
	for i := range len(text) {
		switch c := text[i]; {
		case c <= ' ', c == 0x7f, c == '+', c == '=', c == '\\' && form == "utf-8;":
			fmt.Fprintf(&b, escape, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Replacement returns the whole new value of the field, for PrefixHeader.
func (e Edit) Replacement() string { return e.Value + e.rest }

// String returns the edit in one line.
func (e Edit) String() string {
	text := strings.ReplaceAll(string(e.Op), "_", " ")
	if e.Recipient != "" {
		text += " <" + e.Recipient + ">"
	}
	if e.Arguments != "" {
		text += " " + e.Arguments
	}
	if e.Name != "" {
		text += " " + e.Name
	}
	if e.Index > 0 {
		text += fmt.Sprintf(" (number %d)", e.Index)
	}
	if e.Value != "" {
		text += ": " + e.Value
	}
	return text
}

// edits returns the changes for a decision on a message with the given
// subjects. Deletions of header fields come before additions, and from the last
// field to the first: Postfix renumbers fields after each deletion, Sendmail
// never does.
func (m *Message) edits(d rules.Decision, subjects []marker.Subject) []Edit {
	var edits []Edit
	seen := make(map[string]bool)
	for _, r := range m.recipients {
		if r.Diverted && !seen[r.Text] {
			seen[r.Text] = true
			edits = append(edits, m.divert(r)...)
		}
	}
	edits = append(edits, m.restored()...)
	edits = append(edits, m.verdictEdits(d)...)
	switch {
	case d.AddMarker:
		edits = append(edits, m.markerEdits(subjects)...)
	case d.Sealed && len(subjects) == 0 && !m.Envelope.Sendmail:
		// On the way to the relay, Postfix can put the marker only before an
		// existing subject. Sendmail uses a header field of its own instead.
		edits = append(edits, Edit{Op: AddHeader, Name: "Subject"})
	}
	if d.Action == rules.Quarantine {
		edits = append(edits, Edit{Op: Hold, Value: "postseal: policy " + d.Policy})
	}
	return edits
}

// restored adds recipients that are not diverted, but that Sendmail deletes
// with a diverted one because both lead to the same address, as through a
// CNAME.
func (m *Message) restored() []Edit {
	if !m.Envelope.Sendmail {
		return nil
	}
	deleted := make(map[string]bool)
	for _, r := range m.recipients {
		if r.Diverted && r.Resolved != nil {
			deleted[strings.ToLower(r.resolved)] = true
		}
	}
	var edits []Edit
	for _, r := range m.recipients {
		if !r.Diverted && deleted[strings.ToLower(r.resolved)] {
			edits = append(edits, Edit{Op: AddRecipient, Recipient: r.Text, Arguments: m.dsnArguments(r)})
		}
	}
	return edits
}

// verdictEdits leaves exactly one X-Postseal field on a message that is changed
// now, or was changed in an earlier pass. It leaves none on any other message.
func (m *Message) verdictEdits(d rules.Decision) []Edit {
	action := d.Action
	if d.Sealed {
		action = max(action, rules.Divert)
	}
	var want []string
	if action != rules.Accept {
		want = []string{fmt.Sprintf("%s; marker=%s", action, d.Marker)}
	}
	if slices.Equal(want, m.header.verdicts) {
		return nil
	}
	var edits []Edit
	for i := len(m.header.verdicts); i > 0; i-- {
		edits = append(edits, Edit{Op: DeleteHeader, Name: verdictField, Index: i})
	}
	for _, value := range want {
		edits = append(edits, Edit{Op: AddHeader, Name: verdictField, Value: value})
	}
	return edits
}

// markerEdits puts the marker before each Subject field that lacks it.
func (m *Message) markerEdits(subjects []marker.Subject) []Edit {
	reader := m.Config.Rules.Marker
	if len(m.header.subjects) == 0 {
		return []Edit{{Op: AddHeader, Name: "Subject", Value: reader.Text()}}
	}
	var edits []Edit
	for i, s := range m.header.subjects {
		if reader.Read(subjects[i:i+1]).State != marker.Present {
			edits = append(edits, Edit{Op: PrefixHeader, Name: "Subject", Index: i + 1, Value: reader.Text() + " ", rest: strings.TrimLeft(s, " \t")})
		}
	}
	return edits
}
