package main

import (
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/table"
)

// The levels, in Postfix's words.
const (
	levelMay     = "may"
	levelEncrypt = "encrypt"
	levelVerify  = "verify"
)

// The formats, one for each MTA.
const (
	formatPostfix  = "postfix"
	formatSendmail = "sendmail"
)

// tlsRow is the row of a TLS policy for a name, or for all names below it if the
// key starts with a dot.
type tlsRow struct {
	key    string
	secure bool
	table  *table.Info // that the row comes from; nil if no row of the table covers the name
}

// line returns the row in the MTA's format.
//
// With the option skip of FEATURE(`access_db'), Sendmail's SKIP means the site's
// own default. Without that option it is a value that requires nothing.
// Sendmail looks Try_TLS up by the server's name, TLS_Rcpt by the recipient.
func (r tlsRow) line(level, format string) string {
	switch {
	case format == formatPostfix && !r.secure:
		return r.key + "\t" + levelMay + "\n"
	case format == formatPostfix:
		return r.key + "\t" + level + "\n"
	case !r.secure:
		return "TLS_Rcpt:" + r.key + "\tSKIP\n"
	case level == levelMay:
		return "Try_TLS:" + r.key + "\tYES\n"
	case level == levelEncrypt:
		return "TLS_Rcpt:" + r.key + "\tENCR:128\n"
	}
	return "TLS_Rcpt:" + r.key + "\tVERIFY:128\n"
}

// tlsPolicy is sorted by name, each name before what is below it.
type tlsPolicy []tlsRow

// newTLSPolicy returns the fewest rows with which the MTA finds the same secure
// domains as the table, and also one row for every name that is secure in the
// table. The first key of a domain that has a row decides. For a.b.c the MTAs try
// these keys (see smtp_tls_policy_maps in postconf(5), and ruleset D of proto.m4):
//
//   - Postfix: a.b.c, .b.c, .c
//   - Sendmail: a.b.c, .b.c, b.c, .c, c; those with a leading dot only with the
//     option lookupdotdomain of FEATURE(`access_db')
//
// Level may requires nothing, so no row needs to remove a requirement.
func newTLSPolicy(r *rules.Ruleset, level, format string, now time.Time) tlsPolicy {
	var policy tlsPolicy
	add := func(name, key string, row *table.Row, otherwise bool) bool {
		secure := isSecure(row)
		switch {
		case !secure && (!otherwise || level == levelMay):
			return false
		case secure && otherwise && row.Name != name:
			return false
		}
		next := tlsRow{key: key, secure: secure}
		if row != nil {
			next.table = row.Table
		}
		policy = append(policy, next)
		return true
	}
	for _, name := range r.Table.Names() {
		if name == r.Relay {
			continue // its next hop is the relay, not the domain
		}
		_, parent, _ := strings.Cut(name, ".")
		otherwise := isSecure(r.Table.Below(parent, now))
		at := r.Table.Lookup(name, now)
		added := add(name, name, at, otherwise)
		if added && format == formatSendmail {
			otherwise = isSecure(at)
		}
		add(name, "."+name, r.Table.Below(name, now), otherwise)
	}
	return policy
}

func isSecure(row *table.Row) bool { return row != nil && row.Class == table.Secure }

// sources returns the tables that the rows come from, each once and sorted.
func (p tlsPolicy) sources() []string {
	var sources []string
	for _, row := range p {
		if row.table == nil {
			continue
		}
		text := row.table.Name + ": " + row.table.Source
		if issued := day(row.table.Issued); issued != "" {
			text += ", issued " + issued
		}
		// Line ends in a source would end the comment.
		sources = append(sources, strings.Join(strings.Fields(text), " "))
	}
	slices.Sort(sources)
	return slices.Compact(sources)
}
