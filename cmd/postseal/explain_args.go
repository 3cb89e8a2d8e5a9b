package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/postseal/postseal/rules/address"
)

// missingFrom says which of explain's arguments is missing, too many or none of
// the kind, or "".
func missingFrom(from, to string, files []string) string {
	if i := slices.IndexFunc(files, func(f string) bool { return len(f) > 1 && f[0] == '-' }); i >= 0 {
		return fmt.Sprintf("%q stands after the file: options go before it", files[i])
	}
	var missing []string
	if from == "" {
		missing = append(missing, "-from is missing: give the envelope sender, or <> for the null sender")
	}
	if len(splitAddresses(to)) == 0 {
		missing = append(missing, "-to is missing: give the recipients, with commas between them")
	}
	missing = append(missing, notAddresses("-from", []string{from})...)
	missing = append(missing, notAddresses("-to", splitAddresses(to))...)
	switch {
	case len(files) == 0:
		missing = append(missing, "the file is missing: name a saved message, or - for standard input")
	case len(files) > 1:
		missing = append(missing, fmt.Sprintf("%q is one file too many: explain takes one", files[1]))
	}
	return strings.Join(missing, "; ")
}

// notAddresses names what people write in the place of one envelope address. No
// MTA sends it, so serve would decide something else.
func notAddresses(option string, addresses []string) (faults []string) {
	for _, text := range addresses {
		if hasStray(address.TrimAngles(strings.TrimSpace(text))) {
			faults = append(faults, fmt.Sprintf("%s %q is not an envelope address: give each as name@domain alone, with commas between them", option, text))
		}
	}
	return faults
}

// hasStray reports whether a blank, a semicolon or an angle bracket stands in
// the address outside of quotes and comments.
func hasStray(address string) bool {
	quoted, escaped, depth := false, false, 0
	for _, r := range address {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case r == '"' && depth == 0:
			quoted = !quoted
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			depth--
		case depth == 0 && (unicode.IsSpace(r) || strings.ContainsRune(";<>", r)):
			return true
		}
	}
	return false
}
