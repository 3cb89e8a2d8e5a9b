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

// The MTAs that a policy can be for.
const (
	formatPostfix  = "postfix"
	formatSendmail = "sendmail"
)

// tlsRow is the row of a TLS policy for a name, or for all below it where the
// key starts with a dot.
type tlsRow struct {
	key    string
	secure bool
	table  *table.Info // behind it; nil where no row of the table is
}

// line is the row as the MTA reads it.
//
// Sendmail's SKIP gives the site's own default where FEATURE(`access_db')
// has the option skip, and is a value that demands nothing where it has not.
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

// newTLSPolicy gives the fewest rows by which the MTA finds the secure domains
// as the table does, and beside them one for every name that the table calls
// secure. A domain's first key that has a row counts; for a.b.c the MTAs try, by
// smtp_tls_policy_maps in postconf(5) and by the ruleset D of proto.m4,
//
//   - Postfix: a.b.c, .b.c, .c
//   - Sendmail: a.b.c, .b.c, b.c, .c, c, the dotted ones with the option
//     lookupdotdomain of FEATURE(`access_db') alone
//
// At level may nothing is demanded, so that no row takes it back.
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

// sources names the tables behind the rows, each once and sorted.
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
