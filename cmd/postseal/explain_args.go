package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/postseal/postseal/rules/address"
)

// missingFrom says which of explain's arguments are missing, superfluous or
// invalid. It returns "" if all are good.
func missingFrom(from string, to, files []string) string {
	if i := slices.IndexFunc(files, func(f string) bool { return len(f) > 1 && f[0] == '-' }); i >= 0 {
		return fmt.Sprintf("%q follows the file: put options before it", files[i])
	}
	var missing []string
	if from == "" {
		missing = append(missing, "-from is missing: give the envelope sender, or <> for the null sender")
	}
	if len(to) == 0 {
		missing = append(missing, "-to is missing: give the recipients, separated by commas")
	}
	missing = append(missing, notAddresses("-from", []string{from})...)
	missing = append(missing, notAddresses("-to", to)...)
	switch {
	case len(files) == 0:
		missing = append(missing, "the file is missing: name a saved message, or - for standard input")
	case len(files) > 1:
		missing = append(missing, fmt.Sprintf("%q is one file too many: give one file", files[1]))
	}
	return strings.Join(missing, "; ")
}

// notAddresses reports arguments that are not one envelope address, such as
// "Name <user@domain>". An MTA never sends those, so the answer would differ from
// what serve decides.
func notAddresses(option string, addresses []string) (faults []string) {
	for _, text := range addresses {
		if hasStray(address.TrimAngles(strings.TrimSpace(text))) {
			faults = append(faults, fmt.Sprintf("%s %q is not an envelope address: write only name@domain, and separate addresses with commas", option, text))
		}
	}
	return faults
}

// hasStray reports whether the address has a blank, a semicolon or an angle
// bracket outside quotes and comments.
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
