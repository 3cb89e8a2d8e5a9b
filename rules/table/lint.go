package table

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/rules/address"
)

// Warning describes something in a table or in the policies that is allowed,
// but is probably a mistake. What is not allowed is an error of Load.
type Warning struct {
	File   string // empty for the configuration itself
	Row    string // the row, by number and name if it has them
	Fault  string
	Remedy string
}

// Lint checks the table as it is at the given time.
func (t *Table) Lint(now time.Time) []Warning {
	var found []Warning
	for _, table := range t.Tables() {
		if table.ReviewDue(now) {
			found = append(found, Warning{table.File, fmt.Sprintf("table %q", table.Name),
				"its review was due by " + table.ReviewBy.Format(time.DateOnly),
				"review it and set a later review_by; a newer release may have a newer edition"})
		}
	}
	if !t.HasClass([]Class{Local}, now) {
		found = append(found, Warning{"", ownDomains, "the list is empty, so mail to your own people is treated as outgoing", `name every domain that your mail host delivers itself, as in local_domains = ["trust.example"]`})
	}
	found = append(found, t.listWarnings...)
	hidden := t.hidden(now)
	for row := range t.all() {
		found = append(found, t.lintRow(row, now)...)
		found = append(found, lintHiding(row, hidden[row])...)
	}
	for _, d := range t.doubles {
		found = append(found, d.left.warning("duplicates "+d.kept.where(), "remove one of the two rows"))
	}
	return found
}

func (t *Table) lintRow(row *Row, now time.Time) (found []Warning) {
	add := func(fault, remedy string) { found = append(found, row.warning(fault, remedy)) }
	if row.Expired(now) {
		add("expired on "+row.Expires.Format(time.DateOnly)+" and is no longer in force", "remove it, or set a later expires")
	}
	if own := t.ownAbove(row, now); own == nil && row.IsRelay() && address.IsInTheDNS(row.Name) {
		add("this name may exist in the DNS: without the route to the relay, diverted mail goes there unencrypted", "choose a name below invalid, such as encrypt.invalid")
	} else if own != nil {
		add("below your own domain "+own.Name+": the mail host may deliver diverted mail itself, unencrypted", "choose a name below invalid, such as encrypt.invalid")
	}
	switch row.layer {
	case localLayer:
		if fault, remedy := lintSuffix(row); fault != "" {
			add(fault, remedy)
		}
		if row.Class.trusts() && !row.IsAddress() && !row.IsRelay() && address.IsConsumerMail(row.Name) {
			add("a consumer mail service: anybody can have an address at "+row.Name, "name the addresses that you mean, each in a row with address = \"…\", or remove the row")
		}
		if row.Table.Name == ownDomains && t.isUnlisted(row.Name, now) {
			add("your own domain is not on the accredited list: other sites do not treat it as secure", "correct the spelling, or get the domain accredited")
		}
	case accreditedLayer:
		if retired := t.walk(row.Name, now, retiredLayer, nil); retired.layer == retiredLayer {
			add("hidden by the retired name "+retired.Name+": mail there is still refused", "remove it from the list")
		}
	}
	return found
}

// ownAbove returns the local row of class local above the relay domain, if row
// is the row of the relay domain.
func (t *Table) ownAbove(row *Row, now time.Time) *Row {
	if !row.IsRelay() {
		return nil
	}
	_, parent, _ := strings.Cut(row.Name, ".")
	if above := t.Lookup(parent, now); above != nil && above.Class == Local && (above.subdomains || above.Name == parent) {
		return above
	}
	return nil
}

// lintSuffix checks the rows for public suffixes that Load accepts.
func lintSuffix(row *Row) (fault, remedy string) {
	is, registry := address.IsPublicSuffix(row.Name)
	switch {
	case !is || row.number == 0 && !registry: // the suffix owner's own domain
	case !row.subdomains:
		return "equals a public suffix and covers no name below it", "write the domain that you mean, or set subdomains = true"
	case row.Class.trusts():
		return "trusts every name below the public suffix " + row.Name, "name the domains that you mean, or choose an edition that trusts it"
	case row.Class == Closed:
		return "refuses mail to every name below the public suffix " + row.Name, "name the domains that you mean"
	}
	return "", ""
}

// isUnlisted reports whether there is an accredited list, and neither it nor
// another shared table says that the domain is secure.
func (t *Table) isUnlisted(domain string, now time.Time) bool {
	if t.accredited.n == 0 {
		return false
	}
	row := t.walk(domain, now, retiredLayer, nil)
	return row == nil || row.Class != Secure
}

// hidden returns, for each local row of a rule file, the rows of weaker layers
// that never decide because of it.
func (t *Table) hidden(now time.Time) map[*Row][]*Row {
	by := make(map[*Row][]*Row)
	for row := range t.all() {
		if row.layer == localLayer {
			continue
		}
		if hider := t.hider(row, now); hider != nil && hider.number > 0 {
			by[hider] = append(by[hider], row)
		}
	}
	return by
}

// hider returns the local row that covers every name that row covers.
func (t *Table) hider(row *Row, now time.Time) *Row {
	for name, exact := row.Name, true; ; exact = false {
		local := t.in(localLayer, name)
		if local != nil && !local.Expired(now) && (local.subdomains || exact && !row.subdomains) {
			return local
		}
		_, parent, ok := strings.Cut(name, ".")
		if !ok {
			return nil
		}
		name = parent
	}
}

// lintHiding warns if a row that overrides others has neither a note nor an end
// date, or if it is no longer needed.
func lintHiding(row *Row, hidden []*Row) []Warning {
	var others []string
	for _, h := range hidden {
		switch {
		case h.layer == retiredLayer && h.Class == row.Class: // needed below a local suffix
		case h.Class == row.Class && h.Name == row.Name && h.subdomains == row.subdomains:
			return []Warning{row.warning(fmt.Sprintf("repeats the row of %s", h.Table.Name), "remove it, so that changes there apply")}
		case h.Class != row.Class && row.Note == "" && row.Expires.IsZero():
			others = append(others, fmt.Sprintf("%s of %s (%s)", h.Name, h.Table.Name, h.Class))
		}
	}
	if len(others) == 0 {
		return nil
	}
	names := others[0]
	if more := len(others) - 1; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return []Warning{row.warning("hides "+names, "add a note that says why, or an expires, or remove it")}
}

func (t *Table) HasClass(classes []Class, now time.Time) bool {
	return t.accredited.n > 0 && slices.Contains(classes, Secure) || slices.ContainsFunc(t.list, func(row *Row) bool {
		return slices.Contains(classes, row.Class) && !row.Expired(now)
	})
}
