package address

import "strings"

// HasRoute reports whether a host could send the address on to another that
// its local part names. The forms are those by which hosts do so without
// asking who wrote the address: the percent hack (RFC 5321, appendix C), a bang
// path, an "@" inside quotes, and those of gateways. Rewritten senders are not
// among them. The host that made one bounces mail by it, and knows it again:
// SRS signs it with a key, BATV and VERP name people of the host itself or
// those of one of its lists.
func (a Address) HasRoute() bool {
	return strings.ContainsAny(a.Local, "%!@") || isGatewayForm(unquoted(a.Local))
}

// unquoted is a local part without the quotes that it may have.
func unquoted(local string) string {
	if len(local) > 1 && local[0] == '"' && local[len(local)-1] == '"' {
		return unquote(local[1 : len(local)-1])
	}
	return local
}

// isGatewayForm reports whether a gateway between mail systems finds another
// address in the local part. Exchange has IMCEASMTP-user+40example+2Ecom, and
// the same for other kinds of addresses. X.400 has attributes between slashes,
// of which DD.RFC-822 is an address of the Internet (RFC 2156, section 4.2),
// with "(a)" for its "@". DECnet has two colons after a host.
func isGatewayForm(local string) bool {
	local = strings.TrimLeft(local, " \t")
	return isEncapsulated(local) ||
		strings.HasPrefix(local, "/") && strings.Contains(local, "=") ||
		strings.Contains(local, "::") ||
		strings.Contains(local, "(a)") || strings.Contains(local, "(A)")
}

// isEncapsulated reports whether the local part is of Exchange's form: IMCEA,
// the kind of address, and the address with "+" and two hex digits, or "_",
// for what may not stand in a local part.
func isEncapsulated(local string) bool {
	const prefix = "IMCEA"
	if len(local) <= len(prefix) || !strings.EqualFold(local[:len(prefix)], prefix) {
		return false
	}
	kind, _, ok := strings.Cut(local[len(prefix):], "-")
	return ok && kind != "" && !strings.ContainsFunc(kind, func(r rune) bool {
		return !('0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z')
	})
}
