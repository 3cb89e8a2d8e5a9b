package rules

import (
	"errors"
	"net/netip"
	"strings"
)

var errAddressOfClient = errors.New("this is the IP address of a client: write it under client")

// readSender reads a condition on the sender: an address, a domain, which has
// no local part, or "<>", which has neither.
func readSender(text string) (mailbox, error) {
	if text == "<>" {
		return mailbox{}, nil
	}
	if _, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return mailbox{}, errAddressOfClient
	}
	if !strings.Contains(text, "@") {
		domain, err := NormalizeDomain(text)
		return mailbox{domain: domain}, err
	}
	a, err := ruleAddress(strings.TrimSuffix(text, "."))
	if err != nil {
		return mailbox{}, err
	}
	return a.mailbox(), nil
}

// senderOf spells a sender as a condition is spelt, so that the two can be
// compared: U-labels and A-labels, a trailing dot, quotes that nothing needs,
// a source route and capital letters make no difference. Of one that cannot be
// read, what follows the last "@" is the domain.
func senderOf(text string) mailbox {
	if text == "" {
		return mailbox{}
	}
	if text[0] == '@' {
		_, text, _ = strings.Cut(text, ":")
	}
	if a := ParseAddress(text); a.Domain != "" {
		return a.mailbox()
	}
	from := mailbox{local: text + "@"} // as no condition has it
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		from.domain, _ = NormalizeDomain(text[at+1:])
	}
	return from
}

// takes reports whether the condition holds for the sender: it is the address,
// or of the domain or one below it.
func (want mailbox) takes(from mailbox) bool {
	if want.local != "" || want.domain == "" {
		return want == from
	}
	return isAtOrBelow(from.domain, want.domain)
}
