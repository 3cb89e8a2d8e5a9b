// Package replytext checks the texts of a configuration that stand in a reply
// to a client.
package replytext

import "fmt"

// Bounds on the texts of a configuration that reach a client or the MTA. A
// reply of MaxReply octets stays with its recipients inside the 512 octets of
// RFC 5321, section 4.5.3.1.5.
const (
	MaxReply = 300
	MaxName  = 100
)

// Check returns what is wrong with a text that stands in an SMTP reply.
// A line break in one would be read as the answer to the client's next
// command, and Sendmail strips the eighth bit.
func Check(text string, longest int) error {
	if len(text) > longest || !isPrintable(text) {
		return fmt.Errorf("senders see this text: write one line of at most %d printable ASCII characters", longest)
	}
	return nil
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
