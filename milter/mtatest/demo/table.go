package main

import (
	"cmp"
	"fmt"
	"strings"
)

// width is the greatest length of lines of text, in characters.
const width = 100

// heading comes first. %d is the number of mails.
const heading = `This demo sends %d sample mails through a real Postfix. Nothing leaves this machine.
Mail marked [secure] goes through the encryption relay to recipients not known to be secure.

The settings are those of contrib/postfix, in mode enforce, with two more policies: unmarked mail
from research@trust.example is held, and unmarked mail from finance@trust.example is rejected.

    SUBJECT AS TYPED                                        WHAT POSTSEAL SAW AND DID
    RECIPIENT                        CLASS      WENT        SUBJECT AS IT ARRIVED
`

// legend comes second to last.
const legend = `
direct    arrived at the recipient's own server, as ordinary mail
relay     arrived through the encryption relay
held      kept in the queue; "then" is where it went after it was released with postsuper -H
refused   the recipient was refused, with the reason shown; the others got their mail
rejected  nobody got the mail, with the reason shown
class     local and secure need no marker; unverified and unknown need one; closed does not exist
action    accept: unchanged; tag: sent with a header field that notes the missing marker;
          divert: through the relay to those who need it; quarantine: held; reject: rejected

`

// text returns the part of the table for one mail.
func (r *report) text(number int) string {
	var b strings.Builder
	subject := fmt.Sprintf("%q", r.sample.subject)
	fmt.Fprintf(&b, "\n%2d. %-55s marker %s, action %s\n", number, subject, cmp.Or(r.marker, "?"), cmp.Or(r.action, "?"))
	b.WriteString(wrapped(r.sample.Shows, "    "))
	for i, s := range r.recipients {
		b.WriteString(s.rows())
		last := i == len(r.recipients)-1 || r.recipients[i+1].reply != s.reply
		if s.reply != "" && last {
			b.WriteString(wrapped("The sender is told: "+s.reply, "        "))
		}
	}
	for _, difference := range r.differences() {
		b.WriteString(wrapped("DIFFERENT: "+difference, "    "))
	}
	return b.String()
}

// rows returns a line for each place at which the recipient's mail arrived.
func (s seen) rows() string {
	var b strings.Builder
	to, class, then := s.to, cmp.Or(s.class, "?"), ""
	for _, a := range s.places() {
		line := fmt.Sprintf("    %-32s %-10s %-11s ", to, class, then+string(a.place))
		if a.subject != "" {
			line += fmt.Sprintf("%q", a.subject)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		to, class, then = "", "", "then "
	}
	return b.String()
}

// wrapped breaks text at blanks into lines that begin with the indent.
func wrapped(text, indent string) string {
	var b strings.Builder
	line := indent
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			line += word
		case len(line)+1+len(word) > width:
			b.WriteString(line + "\n")
			line = indent + word
		default:
			line += " " + word
		}
	}
	return b.String() + line + "\n"
}
