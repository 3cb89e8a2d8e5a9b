// Package finding defines findings.
package finding

import "github.com/postseal/postseal/rules/keyword"

// Name is the name of a fact that a policy can test.
type Name string

// The names. Only LookAlike is about a recipient, the others are about the
// message.
const (
	LookAlike          Name = "look-alike" // the domain is easily mistaken for a secure one
	NHSNumber          Name = "nhs-number"
	NHSNumberLikely    Name = "nhs-number-likely"
	NHSNumberInSubject Name = "nhs-number-in-subject"
	Marking            Name = "marking"
	Sensitivity        Name = "sensitivity"
	Unreadable         Name = "unreadable"
	Picture            Name = "picture"
	EncryptedMessage   Name = "encrypted"
	VisibleRecipients  Name = "visible-recipients"
	NoDisclaimer       Name = "no-disclaimer"
)

// PatternPrefix begins the name of a pattern of the site.
const PatternPrefix = "pattern:"

// UnmarshalText reads the name. Any other text is an error.
func (n *Name) UnmarshalText(text []byte) error { return keyword.Word(n, text, LookAlike) }

// Finding is a fact that was found about a message or about one of its
// recipients. It never shows a file name or text of the message.
type Finding struct {
	Name   Name   `json:"name"`
	Count  int    `json:"count,omitempty"`  // how many different ones there are
	Reason Reason `json:"reason,omitempty"` // why something is unreadable
	// Part is the number of the MIME part, as in IMAP's BODY: "2.1". The place
	// inside an archive follows "/".
	Part string `json:"part,omitempty"`
}

// Reason is why something that can hold text was not read.
type Reason string

// The reasons.
const (
	Encrypted    Reason = "encrypted"
	Damaged      Reason = "damaged"
	TooLarge     Reason = "too-large"
	TooDeep      Reason = "too-deep"
	TooSlow      Reason = "too-slow"
	UnknownType  Reason = "unknown-type"
	NoCharacters Reason = "no-characters"
)

// Reasons returns all reasons.
func Reasons() []Reason {
	return []Reason{Encrypted, Damaged, TooLarge, TooDeep, TooSlow, UnknownType, NoCharacters}
}
