package address

import (
	"slices"
	"strings"
)

// consumerDomains are domains at which anybody can have an address: the large
// consumer services, and the internet providers of the UK. The list is short on
// purpose: it should catch a slip or a forgery in a list, not name every such
// service.
//
// The domains come from the help pages on which the providers list the domains
// of their own mailboxes: Google's on Gmail, Microsoft's on Outlook.com, Yahoo's
// and AOL's on account names, Apple's (support.apple.com/118230), Proton's and
// Tuta's on address domains, and GMX's, Fastmail's, BT's, Virgin Media's, Sky's,
// TalkTalk's and Plusnet's on mail settings. Those of other countries are the
// large ones of Mozilla's database of providers (github.com/thunderbird/autoconfig).
var consumerDomains = strings.Fields(`
	gmail.com googlemail.com
	msn.com windowslive.com
	ymail.com rocketmail.com
	aim.com
	icloud.com me.com mac.com
	proton.me protonmail.com protonmail.ch pm.me
	tuta.com tuta.io tutamail.com tutanota.com tutanota.de
	web.de mail.com email.com fastmail.com fastmail.fm hey.com hushmail.com zoho.com zohomail.com zohomail.eu
	mail.ru yandex.ru yandex.com qq.com 163.com 126.com naver.com
	btinternet.com btopenworld.com btconnect.com talk21.com
	virginmedia.com virgin.net ntlworld.com blueyonder.co.uk
	sky.com talktalk.net tiscali.co.uk lineone.net
	plus.com freeserve.co.uk fsnet.co.uk wanadoo.co.uk orange.net o2.co.uk
	comcast.net verizon.net att.net sbcglobal.net cox.net charter.net earthlink.net
	t-online.de freenet.de orange.fr free.fr libero.it o2.pl daum.net bigpond.com
`)

// consumerNames are services that have a domain of this name in each country,
// such as yahoo.co.uk.
var consumerNames = []string{"aol", "gmx", "hotmail", "live", "outlook", "yahoo"}

// IsConsumerMail reports whether the name, as NormalizeDomain returns it, is
// the domain of a well-known mail service at which anybody can have an address,
// or is below one.
func IsConsumerMail(name string) bool {
	for {
		label, rest, ok := strings.Cut(name, ".")
		if slices.Contains(consumerDomains, name) || slices.Contains(consumerNames, label) && isCountrySuffix(rest) {
			return true
		}
		if !ok {
			return false
		}
		name = rest
	}
}

// isCountrySuffix reports whether the name is com, net, or a country's general
// suffix such as fr, co.uk or com.au. Under other suffixes the name is not the
// service: live.nhs.uk is not Microsoft's.
func isCountrySuffix(name string) bool {
	second, country, ok := strings.Cut(name, ".")
	if !ok {
		return len(name) == 2 || name == "com" || name == "net"
	}
	return len(country) == 2 && (second == "co" || second == "com")
}
