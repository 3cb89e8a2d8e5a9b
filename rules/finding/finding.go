// Package finding says what a finding is.
package finding

import "github.com/postseal/postseal/rules/keyword"

// Name names a fact that a policy can ask for.
type Name string

// LookAlike is found on a recipient whose domain is easily taken for a secure one.
const LookAlike Name = "look-alike"

// UnmarshalText reads the name; anything else is an error.
func (n *Name) UnmarshalText(text []byte) error { return keyword.Word(n, text, LookAlike) }

// Finding is a fact about a message, found on one of its recipients.
type Finding struct {
	Name  Name   `json:"name"`
	Meant string `json:"meant,omitempty"` // for LookAlike: the secure domain, if there is one
}
