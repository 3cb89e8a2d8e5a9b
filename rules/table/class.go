package table

import "github.com/postseal/postseal/rules/keyword"

// Class is the table's answer for a recipient. The values are ordered: a
// greater one demands more of the sender.
type Class uint8

const (
	Local      Class = iota // mail that never leaves
	Secure                  // nothing to do
	Unverified              // on a national suffix, not confirmed: needs the marker
	Unknown                 // needs the marker
	Closed                  // a retired name: refused
)

var classNames = [...]string{"local", "secure", "unverified", "unknown", "closed"}

func (c Class) String() string { return classNames[c] }

// MarshalText returns the name that configuration, log and JSON use.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the name. Any other text is an error.
func (c *Class) UnmarshalText(text []byte) error { return keyword.Number(c, text, classNames[:]) }

// NeedsMarker reports whether mail to recipients of the class must have the
// marker.
func (c Class) NeedsMarker() bool { return c == Unverified || c == Unknown }
