package rules

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// unlistedSuffixes lack from the Public Suffix List: below them, too, names
// are given to separate bodies, and nobody's address is on the name itself.
var unlistedSuffixes = []string{"mod.uk", "pnn.police.uk", "sch.uk"}

// isPublicSuffix tells whether others can have a name below the name. registry
// is true where that is a domain registry's rule, and false where a company
// lets its customers have them, or a body its parts, as with gov.scot.
func isPublicSuffix(name string) (is, registry bool) {
	if slices.Contains(unlistedSuffixes, name) {
		return true, true
	}
	suffix, registry := publicsuffix.PublicSuffix(name)
	// A last label that the list does not know is its own suffix by default.
	return suffix == name && (registry || strings.Contains(name, ".")), registry
}

// isRegistrySuffix tells whether the name is a domain registry's own. The
// others, such as gov.scot, have addresses of their own.
func isRegistrySuffix(name string) bool {
	is, registry := isPublicSuffix(name)
	return is && registry
}
