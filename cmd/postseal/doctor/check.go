package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postseal/postseal/rules"
)

// check looks for the findings of one id.
type check struct {
	id       ID
	severity Severity // of a finding that has none
	find     func(*Site) ([]Finding, error)
}

// look returns the findings, each once. Services often share a setting.
func (c check) look(s *Site) (found []Finding, err error) {
	all, err := c.find(s)
	for _, f := range all {
		if !slices.Contains(found, f) {
			found = append(found, f)
		}
	}
	return found, err
}

// The checks, by what they look at. A list is in the file of its name.
var (
	postfixChecks  = slices.Concat(postfixServices, postfixSocket, postfixDomains, postfixRoutes, postfixCopies, postfixAliases, postfixNeighbours)
	sendmailChecks = slices.Concat(sendmailFilter, sendmailRoutes)
	ownChecks      = slices.Concat(own)
)

// IDs returns the ids of all checks, each once.
func IDs() (ids []ID) {
	for _, c := range slices.Concat(postfixChecks, sendmailChecks, ownChecks) {
		if !slices.Contains(ids, c.id) {
			ids = append(ids, c.id)
		}
	}
	return ids
}

// Site is what the checks look at. Postfix or Sendmail is nil.
type Site struct {
	Rules    *rules.Ruleset
	Local    []string // local_domains
	Markers  bool     // a policy has add_marker
	Relay    string   // relay.domain, or "" if no policy diverts or holds
	Sockets  []string // where the MTA reaches postseal: "unix:/path" or "inet:host:port"
	Own      Own
	Now      time.Time
	Postfix  *Postfix
	Sendmail *Sendmail

	// connect connects to a unix socket as a user, in a chroot and a directory.
	connect func(user, chroot, directory, path string) error
}

// NewSite returns a site that connects to real sockets.
func NewSite() *Site { return &Site{connect: connectAs} }

// Look runs the checks that apply, and returns the findings, the worst first. The
// error names what could not be looked at; the findings are then not complete.
func (s *Site) Look(accepted []ID) ([]Finding, error) {
	checks := ownChecks
	if s.Postfix != nil {
		checks = slices.Concat(postfixChecks, checks)
	}
	if s.Sendmail != nil {
		checks = slices.Concat(sendmailChecks, checks)
	}
	found, faults := []Finding{}, []error(nil)
	for _, c := range checks {
		findings, err := c.look(s)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", c.id, err))
		}
		for _, f := range findings {
			f.ID, f.Severity = c.id, cmp.Or(f.Severity, c.severity)
			f.Accepted = slices.Contains(accepted, c.id)
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(compareBool(a.Accepted, b.Accepted), cmp.Compare(a.Severity, b.Severity))
	})
	return found, errors.Join(faults...)
}

// compareBool puts false first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// outside reports whether mail to the address needs the marker. The MTA completes a
// name without a domain.
func (s *Site) outside(address string) bool {
	if address == "" {
		return false
	}
	if !strings.Contains(address, "@") {
		if s.Postfix == nil {
			return false
		}
		address += "@" + s.Postfix.Param(nil, "myorigin")
	}
	return s.Rules.Classify(address, "", s.Now).Class.NeedsMarker()
}
