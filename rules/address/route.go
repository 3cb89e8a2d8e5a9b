package address

import "strings"

// HasRoute reports whether a host could send the address on to another host
// that its local part names. Hosts do so, whoever wrote the address, with these
// forms: the percent hack (RFC 5321, appendix C), a bang path, an "@" inside
// quotes, and those of gateways.
//
// Rewritten senders are not among them, because the host that made one
// recognises it and uses it only for bounces. SRS signs it with a key. BATV and
// VERP name people of the host itself, or of one of its lists.
func (a Address) HasRoute() bool {
	return strings.ContainsAny(a.Local, "%!@") || isGatewayForm(unquoted(a.Local))
}

// unquoted returns a local part without its quotes, if it has any.
func unquoted(local string) string {
	if len(local) > 1 && local[0] == '"' && local[len(local)-1] == '"' {
		return unquote(local[1 : len(local)-1])
	}
	return local
}

// isGatewayForm reports whether a gateway between mail systems finds another
// address in the local part. Exchange has IMCEASMTP-user+40example+2Ecom, and
// the same for other kinds of addresses. X.400 has attributes between slashes.
// One of them, DD.RFC-822, is an internet address with "(a)" for its "@" (RFC
// 2156, section 4.2). DECnet has two colons after a host.
func isGatewayForm(local string) bool {
	local = strings.TrimLeft(local, " \t")
	return isEncapsulated(local) ||
		strings.HasPrefix(local, "/") && strings.Contains(local, "=") ||
		strings.Contains(local, "::") ||
		strings.Contains(local, "(a)") || strings.Contains(local, "(A)")
}

// isEncapsulated reports whether the local part has Exchange's form: IMCEA, the
// kind of address, and the address. "+" and two hex digits, or "_", stand for
// characters that a local part cannot contain.
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
