package rules

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/postseal/postseal/rules/address"
)

var errAddressOfClient = errors.New("this is the IP address of a client: write it under client")

// readSender reads a condition on the sender: an address, a domain (without a
// local part), or "<>" (with neither).
func readSender(text string) (address.Mailbox, error) {
	if text == "<>" {
		return address.Mailbox{}, nil
	}
	if _, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return address.Mailbox{}, errAddressOfClient
	}
	if !strings.Contains(text, "@") {
		domain, err := address.NormalizeDomain(text)
		return address.Mailbox{Domain: domain}, err
	}
	a, err := address.RuleAddress(strings.TrimSuffix(text, "."))
	if err != nil {
		return address.Mailbox{}, err
	}
	return a.Mailbox(), nil
}

// senderOf returns a sender in the spelling of conditions, so that the two can
// be compared. U-labels and A-labels, a trailing dot, unneeded quotes, a source
// route and capital letters make no difference. If the sender cannot be read,
// the text after the last "@" is the domain.
func senderOf(text string) address.Mailbox {
	if text == "" {
		return address.Mailbox{}
	}
	if text[0] == '@' {
		_, text, _ = strings.Cut(text, ":")
	}
	if a := address.Parse(text); a.Domain != "" {
		return a.Mailbox()
	}
	from := address.Mailbox{Local: text + "@"} // no condition has this form
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		from.Domain, _ = address.NormalizeDomain(text[at+1:])
	}
	return from
}

// takes reports whether the condition matches the sender: it is the sender's
// address or domain, or a domain above it.
func takes(want, from address.Mailbox) bool {
	if want.Local != "" || want.Domain == "" {
		return want == from
	}
	return address.IsAtOrBelow(from.Domain, want.Domain)
}
