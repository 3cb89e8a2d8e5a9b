package rules

import (
	"fmt"
	"slices"
)

// FindingName names a fact that a policy can ask for.
type FindingName string

// LookAlikeDomain is found on a recipient whose domain is easily taken for a secure one.
const LookAlikeDomain FindingName = "look-alike"

var findingNames = []FindingName{LookAlikeDomain}

// UnmarshalText reads the name; anything else is an error.
func (n *FindingName) UnmarshalText(text []byte) error {
	if !slices.Contains(findingNames, FindingName(text)) {
		return fmt.Errorf("%q is none of %q", text, findingNames)
	}
	*n = FindingName(text)
	return nil
}

// Finding is a fact about a message, found on one of its recipients.
type Finding struct {
	Name  FindingName `json:"name"`
	Meant string      `json:"meant,omitempty"` // for LookAlikeDomain: the secure domain, if there is one
}
