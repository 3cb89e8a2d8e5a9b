package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// Lint checks the table as it is at the given time, and finds policies that can
// never match.
func (r *Ruleset) Lint(now time.Time) (found []table.Warning) {
	found = r.Table.Lint(now)
	for i, p := range r.policies {
		add := func(fault, remedy string) {
			found = append(found, table.Warning{Row: fmt.Sprintf("policy %d (%q)", i+1, p.Name), Fault: fault, Remedy: remedy})
		}
		if hiders := hidersOf(p, r.policies[:i]); len(hiders) > 0 {
			add("never applies: everything that it matches is matched earlier by "+strings.Join(hiders, ", "), "move it up, or remove it")
		}
		if !allows(p.Recipient, table.Unknown) && !r.Table.HasClass(p.Recipient, now) {
			add(fmt.Sprintf("never applies: no row of the table has a class of %q", classTexts(p.Recipient)), "add such rows, or remove it")
		}
	}
	return found
}

func classTexts(classes []table.Class) (texts []string) {
	for _, c := range classes {
		texts = append(texts, c.String())
	}
	return texts
}

// hidersOf names the earlier policies that together match every message that p
// could decide. It returns nil if any message is left for p.
func hidersOf(p Policy, earlier []Policy) (names []string) {
	for _, class := range []table.Class{table.Unverified, table.Unknown} {
		for _, state := range []marker.State{marker.Present, marker.NearMiss, marker.Missing} {
			if !allows(p.Recipient, class) || !allows(p.Marker, state) {
				continue
			}
			i := slices.IndexFunc(earlier, func(e Policy) bool {
				return allows(e.Recipient, class) && allows(e.Marker, state) && e.coversRest(p)
			})
			if i < 0 {
				return nil
			}
			if name := fmt.Sprintf("%q", earlier[i].Name); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// coversRest reports whether the policy matches every domain, sender, client and
// finding that the other policy matches.
func (p Policy) coversRest(other Policy) bool {
	sender := func(other address.Mailbox) bool { return slices.ContainsFunc(p.from, Facts{from: other}.isFrom) }
	client := func(n netip.Prefix) bool {
		return slices.ContainsFunc(p.Client, func(wide netip.Prefix) bool {
			return wide.Bits() <= n.Bits() && wide.Contains(n.Addr())
		})
	}
	finding := func(n finding.Name) bool {
		return slices.Contains(p.Findings, n) && (!n.Counts() || p.MinCount <= other.MinCount)
	}
	return (len(p.Findings) == 0 || len(other.Findings) > 0 && all(other.Findings, finding)) &&
		(len(p.Domain) == 0 || len(other.Domain) > 0 && all(other.domains, p.isTo)) &&
		(len(p.Sender) == 0 || len(other.Sender) > 0 && all(other.from, sender)) &&
		(len(p.Client) == 0 || len(other.Client) > 0 && all(other.Client, client))
}

func all[T any](list []T, holds func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !holds(v) })
}
