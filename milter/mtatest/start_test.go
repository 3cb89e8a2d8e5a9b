package mtatest_test

import (
	"strings"
	"testing"
)

// postlogd waited for itself for ever where programs logged as they started.
func TestPostfixStartsWithoutWarnings(t *testing.T) {
	start(t, "enforce", "")
	send(t, []string{"<bob@gmail.com>"}, mail("Subject: [secure] x"))
	settle(t)
	for line := range strings.Lines(postfix.Log()) {
		if strings.Contains(line, "main.cf") || strings.Contains(line, "master.cf") {
			t.Error(line)
		}
	}
}
