package address

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// unlistedSuffixes are not in the Public Suffix List. Separate bodies have
// names below them, and nobody has an address at the suffix itself.
var unlistedSuffixes = []string{"mod.uk", "pnn.police.uk", "sch.uk"}

// sharedSuffixes are not in the list either. A company gives anybody who asks a
// name below them, as Microsoft does for each of its tenants.
var sharedSuffixes = []string{"onmicrosoft.com", "onmicrosoft.de", "onmicrosoft.us", "partner.onmschina.cn"}

// IsPublicSuffix reports whether others can have a name below the name.
// registry is true if the rule is a domain registry's. It is false if a company
// lets its customers have such names, or a body its parts, as with gov.scot.
func IsPublicSuffix(name string) (is, registry bool) {
	switch {
	case slices.Contains(unlistedSuffixes, name):
		return true, true
	case slices.Contains(sharedSuffixes, name):
		return true, false
	}
	// For np, ck and others the list says only that each name below them is a
	// suffix.
	child := "any-name." + name
	if suffix, registry := publicsuffix.PublicSuffix(child); suffix == child {
		return true, registry
	}
	suffix, registry := publicsuffix.PublicSuffix(name)
	// A last label that is not in the list counts as a suffix by default.
	return suffix == name && (registry || strings.Contains(name, ".")), registry
}

// IsOpenToAnybody reports whether strangers can have a name below the name.
// They can for every public suffix, except those that a government keeps to
// itself.
func IsOpenToAnybody(name string) bool {
	is, registry := IsPublicSuffix(name)
	return is && (registry || !slices.Contains(strings.Split(name, "."), "gov"))
}

// IsInTheDNS reports whether a registry gives others names like this one.
func IsInTheDNS(name string) bool {
	_, registry := publicsuffix.PublicSuffix(name)
	return registry
}
