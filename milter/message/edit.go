package message

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/postseal/postseal/rules/address"
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
	var edits []Edit
	for _, text := range m.typedAs(r) {
		edits = append(edits, Edit{Op: DeleteRecipient, Recipient: text})
	}
	return append(edits, Edit{
		Op:        AddRecipient,
		Recipient: r.Text + "." + m.Config.Rules.Relay,
		Arguments: m.dsnArguments(r),
	})
}

// typedAs returns what the recipient may have been before the MTA rewrote it.
// Over SMTP that is the text in RCPT. For mail of sendmail(1), Postfix shows
// the rewritten recipient, but deletes by what was typed.
func (m *Message) typedAs(r recipient) []string {
	if !m.Envelope.DecideAtEnd {
		return []string{r.Text}
	}
	local, domain := r.Address.Local, r.Text[len(r.Address.Local)+1:]
	return []string{r.Text, r.Text + ".", local + "%" + domain, domain + "!" + local}
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
