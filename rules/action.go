package rules

import "github.com/postseal/postseal/rules/keyword"

// Action is what postseal does with a message or for one recipient. The values
// are ordered by strength.
type Action uint8

const (
	Accept     Action = iota // nothing
	Tag                      // add the header field X-Postseal
	Divert                   // route the recipient through the encryption relay
	Quarantine               // hold the message at the MTA
	Reject                   // reject the message at its end
)

var actionNames = [...]string{"accept", "tag", "divert", "quarantine", "reject"}

func (a Action) String() string { return actionNames[a] }

// MarshalText returns the name that configuration, log and JSON use.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the name. Any other text is an error.
func (a *Action) UnmarshalText(text []byte) error { return keyword.Number(a, text, actionNames[:]) }

// Mode says whether decisions are carried out.
type Mode uint8

const (
	Observe Mode = iota // decide and log, but change nothing
	Enforce
)

var modeNames = [...]string{"observe", "enforce"}

func (m Mode) String() string { return modeNames[m] }

// MarshalText returns the name that configuration, log and JSON use.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the name. Any other text is an error.
func (m *Mode) UnmarshalText(text []byte) error { return keyword.Number(m, text, modeNames[:]) }
