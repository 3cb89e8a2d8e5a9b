package rules

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/postseal/postseal/rules/address"
)

var errAddressOfClient = errors.New("this is the IP address of a client: write it under client")

// readSender reads a condition on the sender: an address, a domain, which has
// no local part, or "<>", which has neither.
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

// senderOf spells a sender as a condition is spelt, so that the two can be
// compared: U-labels and A-labels, a trailing dot, quotes that nothing needs,
// a source route and capital letters make no difference. Of one that cannot be
// read, what follows the last "@" is the domain.
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
	from := address.Mailbox{Local: text + "@"} // as no condition has it
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		from.Domain, _ = address.NormalizeDomain(text[at+1:])
	}
	return from
}

// takes reports whether the condition holds for the sender: it is the address,
// or of the domain or one below it.
func takes(want, from address.Mailbox) bool {
	if want.Local != "" || want.Domain == "" {
		return want == from
	}
	return address.IsAtOrBelow(from.Domain, want.Domain)
}
