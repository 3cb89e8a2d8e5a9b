package address

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// unlistedSuffixes lack from the Public Suffix List: below them, too, names
// are given to separate bodies, and nobody's address is on the name itself.
var unlistedSuffixes = []string{"mod.uk", "pnn.police.uk", "sch.uk"}

// sharedSuffixes lack from it as well: a company gives anybody who asks a name
// below them. Microsoft does so to each of its tenants.
var sharedSuffixes = []string{"onmicrosoft.com", "onmicrosoft.de", "onmicrosoft.us", "partner.onmschina.cn"}

// IsPublicSuffix reports whether others can have a name below the name.
// registry is true if that is a domain registry's rule, and false if a company
// lets its customers have them, or a body its parts, as with gov.scot.
func IsPublicSuffix(name string) (is, registry bool) {
	switch {
	case slices.Contains(unlistedSuffixes, name):
		return true, true
	case slices.Contains(sharedSuffixes, name):
		return true, false
	}
	// Of np, ck and others the list says only that each name below them is a
	// suffix.
	child := "any-name." + name
	if suffix, registry := publicsuffix.PublicSuffix(child); suffix == child {
		return true, registry
	}
	suffix, registry := publicsuffix.PublicSuffix(name)
	// A last label that the list does not know is its own suffix by default.
	return suffix == name && (registry || strings.Contains(name, ".")), registry
}

// IsOpenToAnybody reports whether strangers can have a name below the name:
// below every public suffix but those that a government keeps to itself.
func IsOpenToAnybody(name string) bool {
	is, registry := IsPublicSuffix(name)
	return is && (registry || !slices.Contains(strings.Split(name, "."), "gov"))
}

// IsInTheDNS reports whether a registry gives names of this kind to others.
func IsInTheDNS(name string) bool {
	_, registry := publicsuffix.PublicSuffix(name)
	return registry
}
