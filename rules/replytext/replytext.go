// Package replytext checks the texts of a configuration that are part of a
// reply to a client.
package replytext

import "fmt"

// Limits on the texts of a configuration that reach a client or the MTA. A
// reply of MaxReply octets and its recipients fit into the 512 octets of RFC
// 5321, section 4.5.3.1.5.
const (
	MaxReply = 300
	MaxName  = 100
)

// Check returns what is wrong with a text for an SMTP reply. The client would
// read a second line as the answer to its next command, and Sendmail removes
// the eighth bit.
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
