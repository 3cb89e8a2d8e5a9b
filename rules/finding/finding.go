// Package finding defines findings.
package finding

import (
	"fmt"
	"slices"
	"strings"
)

// Name is the name of a fact that a policy can test.
type Name string

// The names. A look-alike is about a recipient, all others are about the
// message.
const (
	LookAlike          Name = "look-alike"            // the domain is easily mistaken for a secure one
	NHSNumber          Name = "nhs-number"            // certain to be one; counts different numbers
	NHSNumberLikely    Name = "nhs-number-likely"     // valid, but without the form or context; counts
	NHSNumberInSubject Name = "nhs-number-in-subject" // counts
	Marking            Name = "marking"               // OFFICIAL-SENSITIVE or above
	Sensitivity        Name = "sensitivity"           // a header field or a label says so
	Unreadable         Name = "unreadable"            // something that can hold text was not read
	Picture            Name = "picture"               // large enough to be a scan
	EncryptedMessage   Name = "encrypted"             // the message is encrypted already
	VisibleRecipients  Name = "visible-recipients"    // too many in To and Cc; counts addresses
	NoDisclaimer       Name = "no-disclaimer"         // the site's text is missing

	// PatternPrefix begins the name of a pattern of the site. It counts matches.
	PatternPrefix = "pattern:"
)

var names = []Name{
	LookAlike, NHSNumber, NHSNumberLikely, NHSNumberInSubject, Marking, Sensitivity,
	Unreadable, Picture, EncryptedMessage, VisibleRecipients, NoDisclaimer,
}

// sensitive are the names of findings of personal or confidential information.
var sensitive = []Name{NHSNumber, NHSNumberInSubject, Marking, Sensitivity}

// Sensitive returns the names of findings of personal or confidential information.
func Sensitive() []Name { return slices.Clone(sensitive) }

// IsSensitive reports whether it is one of these names.
func (n Name) IsSensitive() bool { return slices.Contains(sensitive, n) }

// Names returns all names, without those of patterns.
func Names() []Name { return slices.Clone(names) }

// UnmarshalText reads the name. Any other text is an error.
func (n *Name) UnmarshalText(text []byte) error {
	if !slices.Contains(names, Name(text)) && !Name(text).IsPattern() {
		return fmt.Errorf("%q is not one of %q, or %q and the name of a pattern", text, names, PatternPrefix)
	}
	*n = Name(text)
	return nil
}

// IsPattern reports whether it is the name of a pattern of the site.
func (n Name) IsPattern() bool {
	name, ok := strings.CutPrefix(string(n), PatternPrefix)
	return ok && name != ""
}

// Counts reports whether findings with the name have a count.
func (n Name) Counts() bool {
	switch n {
	case NHSNumber, NHSNumberLikely, NHSNumberInSubject, VisibleRecipients:
		return true
	}
	return n.IsPattern()
}

// IsAboutMessage reports whether the finding is about the message and not about
// a recipient.
func (n Name) IsAboutMessage() bool { return n != LookAlike }

// NeedsBody reports whether the finding needs the body of the message. The
// others need the envelope or the header alone.
func (n Name) NeedsBody() bool {
	switch n {
	case LookAlike, NHSNumberInSubject, Sensitivity, VisibleRecipients:
		return false
	}
	return true
}

// MaxCount is where counts stop, because each different one needs memory. A
// count of 1,000 means 1,000 or more.
const MaxCount = 1000

// Finding is a fact that was found about a message or about one of its
// recipients. It never shows a file name or text of the message.
type Finding struct {
	Name   Name   `json:"name"`
	Count  int    `json:"count,omitempty"`  // how many different ones there are
	Reason Reason `json:"reason,omitempty"` // for Unreadable
	// Part is the number of the part, as in IMAP's BODY. The place inside an
	// archive follows "/".
	Part string `json:"part,omitempty"`
}

// Reason is why something was not read.
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
