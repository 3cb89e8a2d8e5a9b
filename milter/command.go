package milter

import (
	"bytes"
	"iter"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules/address"
)

// command keeps those parts of the last commands of a message that go-milter
// drops.
type command struct {
	smtputf8  bool          // an argument of MAIL
	path      string        // of RCPT, without angle brackets
	arguments []string      // of RCPT, for DSN
	macrosOf  gomilter.Code // the command that the last macros were for, until it arrives
	macros    macros        // of the command that arrived last
}

// takeMacros keeps the macros of the command that follows.
func (c *command) takeMacros(payload []byte) (err error) {
	c.macrosOf = gomilter.Code(payload[0])
	c.macros, err = readMacros(payload[1:])
	return err
}

// dropOtherMacros drops the macros if they were for another command.
func (c *command) dropOtherMacros(code gomilter.Code) {
	if c.macrosOf != code {
		c.macros = nil
	}
	c.macrosOf = 0
}

func (c *command) takeMail(payload []byte) {
	c.smtputf8 = false
	for argument := range cStrings(payload) {
		c.smtputf8 = c.smtputf8 || bytes.EqualFold(argument, []byte("SMTPUTF8"))
	}
}

// takeRecipient keeps the path exactly as it was sent, because edits need it
// like that: go-milter removes all brackets. Of the arguments it keeps those
// that a recipient must not lose.
func (c *command) takeRecipient(payload []byte) {
	first := true
	c.arguments = nil
	for word := range cStrings(payload) {
		if first {
			c.path = address.TrimAngles(string(word))
		} else if message.IsDSNArgument(word) {
			c.arguments = append(c.arguments, string(word))
		}
		first = false
	}
}

// cStrings splits NUL-terminated strings.
func cStrings(payload []byte) iter.Seq[[]byte] {
	return bytes.SplitSeq(bytes.TrimSuffix(payload, []byte{0}), []byte{0})
}
