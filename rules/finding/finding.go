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

// Finding is a fact that was found about a message or about one of its
// recipients. It never shows a file name or text of the message.
type Finding struct {
	Name   Name   `json:"name"`
	Count  int    `json:"count,omitempty"`  // how many different ones there are
	Reason string `json:"reason,omitempty"` // a fixed word
	Part   string `json:"part,omitempty"`   // the number of the part, as in IMAP's BODY
}
