// Package finding defines findings.
package finding

import "github.com/postseal/postseal/rules/keyword"

// Name is the name of a fact that a policy can test.
type Name string

// LookAlike is found on a recipient whose domain is easily mistaken for a
// secure one.
const LookAlike Name = "look-alike"

// UnmarshalText reads the name. Any other text is an error.
func (n *Name) UnmarshalText(text []byte) error { return keyword.Word(n, text, LookAlike) }

// Finding is a fact that was found about one recipient of a message.
type Finding struct {
	Name  Name   `json:"name"`
	Meant string `json:"meant,omitempty"` // for LookAlike: the secure domain, if there is one
}
