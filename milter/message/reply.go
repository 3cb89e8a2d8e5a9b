package message

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/table"
)

// Reply is an SMTP reply.
type Reply struct {
	Code     int    // of RFC 5321, section 4.2
	Enhanced string // of RFC 3463
	Text     string // printable ASCII
}

var tooManyRecipients = Reply{452, "4.5.3", "too many recipients for one message: send the rest separately"}

// String returns the reply as it is on the SMTP line.
func (r Reply) String() string { return fmt.Sprintf("%d %s %s", r.Code, r.Enhanced, r.Text) }

// maxNamed is how many recipients a reply names.
const maxNamed = 2

// refusalReason says why a recipient is refused and what to do instead. The
// addresses say how the domain to which the recipient forwards is shown.
func refusalReason(r rules.Recipient, addresses shown.Addresses) string {
	switch {
	case r.Class == table.Closed:
		return cmp.Or(r.Row.Note, "no mail can be sent to this address: ask its owner for another address")
	case r.Fault == address.SentOn:
		return forwardsTo(cmp.Or(addresses.DomainName(r.Resolved.Domain), noAddress))
	}
	remedy := "write it as name@domain"
	if r.Fault == address.NotShown {
		remedy = "ask the mail administrator to replace non_smtpd_milters with the content_filter in contrib/postfix/README.md"
	}
	return fmt.Sprintf("the address cannot be rewritten safely, because %s: %s", r.Fault, remedy)
}

// noAddress replaces an address that cannot be read.
const noAddress = "an address that cannot be read"

// inFull is for the client, who typed the address.
var inFull = shown.Addresses{Format: shown.Full}

// forwardsTo says that the MTA would deliver to an address that was not typed.
func forwardsTo(where string) string {
	return "it forwards to " + where + ", which is not known to be secure: check with its owner, or write to that address directly"
}

// refusalReply names in full the address to which a recipient forwards. The log may
// be set to show no addresses.
func refusalReply(r rules.Recipient) Reply {
	reason := refusalReason(r, inFull)
	if r.Class != table.Closed && r.Fault == address.SentOn && r.Resolved.Domain != "" {
		reason = forwardsTo(printable(r.Resolved.Local + "@" + r.Resolved.Domain))
	}
	return Reply{550, "5.7.1", namedText([]string{r.Text}, reason)}
}

// rejectReply returns the reply at the end of a message. It says what to do
// about the first recipient that it applies to, and names others with the same
// remedy. logged is the reply as the log shows it.
func rejectReply(d rules.Decision, marker string, addresses shown.Addresses) (reply Reply, logged string) {
	var recipients []string
	var text string
	for _, o := range d.Outcomes {
		if o.Action != rules.Reject || o.Mode != rules.Enforce {
			continue
		}
		cure := rejectReason(o, d, marker, inFull)
		if text == "" {
			text, logged = cure, rejectReason(o, d, marker, addresses)
		}
		if cure == text {
			recipients = append(recipients, o.Text)
		}
	}
	return Reply{550, "5.7.1", namedText(recipients, text)}, logged
}

func rejectReason(o rules.Outcome, d rules.Decision, marker string, addresses shown.Addresses) string {
	switch meant := o.Meant; {
	case o.Refused():
		return refusalReason(o.Recipient, addresses)
	case o.Policy == d.Policy && d.Reply != "":
		return d.Reply
	case meant != "":
		return "did you mean " + shorten(meant) + "? Correct the address, or ask the mail administrator to add its domain"
	case o.LooksLike():
		return "the domain is easily mistaken for another: check its spelling, or ask the mail administrator to add it"
	}
	return "not known to be secure: put " + marker + " in the subject and send the message again"
}

// namedText puts the recipients before the text, in angle brackets.
func namedText(recipients []string, text string) string {
	var b strings.Builder
	for i, r := range recipients {
		if i == maxNamed {
			fmt.Fprintf(&b, " and %d more", len(recipients)-i)
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("<" + shorten(printable(r)) + ">")
	}
	return b.String() + ": " + text
}

// printable replaces characters that a reply must not contain: Sendmail removes
// the eighth bit, and a control character would end the line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// shorten keeps a reply within the length of its line.
func shorten(s string) string {
	const longest = 80
	if len(s) > longest {
		return s[:longest] + "..."
	}
	return s
}
