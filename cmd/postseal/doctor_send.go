package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/doctor"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
)

// How long doctor -send looks for the message.
const (
	maxFollow = time.Minute
	// afterCount is how long the log may be behind the figures of the daemon.
	afterCount = 5 * time.Second
)

// sent is what became of the message.
type sent struct {
	QueueID string `json:"queue_id"`
	Msg     string
	Mode    rules.Mode
	Marker  string
	// Recipients has the one of the message.
	Recipients []struct {
		Address, Policy string
		Action          rules.Action
	}
}

// sendMessage sends a marked message to an outside address, and reports whether
// postseal diverts it.
func (c command) sendMessage(loaded *config.Config, s *doctor.Site, to string) int {
	if got := loaded.Message.Rules.Classify(to, "", s.Now); !got.Class.NeedsMarker() || got.Unsafe() {
		return c.misused("-send %q: %s: name an outside address of your own that needs the marker", to, got.Reason())
	}
	if err := loaded.CheckKey(); err != nil {
		return c.failed(exitConfig, err)
	}
	before := statusReport{site: readSite(*c.config)}
	before.ask()
	begin := time.Now()
	patience := maxFollow
	sendErr := s.Send(to, "Subject: "+loaded.Message.Rules.Marker.Text()+" postseal doctor\nTo: "+to+"\n\nThis message shows that the path to the encryption relay works.\n")
	switch {
	case errors.As(sendErr, new(*exec.ExitError)): // sendmail(1) also fails if postseal refuses the message
		patience = afterCount
	case sendErr != nil:
		return c.failed(exitFailure, sendErr)
	}
	show := loaded.Message.Addresses.Address(to)
	var counted time.Time // when the daemon had decided another message
	after := statusReport{site: before.site}
	for end := time.Now().Add(patience); time.Now().Before(end) && (counted.IsZero() || time.Since(counted) < afterCount); {
		time.Sleep(200 * time.Millisecond)
		if m, ok := findSent(readJournal(begin), show); ok {
			if loaded.File.Log.Addresses == shown.Domain {
				fmt.Fprintln(c.std.out, "The log shows only domains, so this can be another message to the domain.")
			}
			return c.reportSent(m)
		}
		if after.ask(); counted.IsZero() && before.Running && after.Running && after.Today.Messages > before.Today.Messages {
			counted = time.Now()
		}
	}
	if counted.IsZero() && sendErr != nil {
		return c.failed(exitFailure, sendErr)
	} else if counted.IsZero() {
		return c.failed(exitFailure, fmt.Errorf("the message is sent, but postseal has not decided it after %s: look in the MTA's log for it", age(maxFollow)))
	}
	diverted := after.Today.ByAction[rules.Divert] > before.Today.ByAction[rules.Divert]
	switch {
	case after.Mode == rules.Observe:
		fmt.Fprintln(c.std.out, "postseal has decided a message, in mode observe: it goes out unchanged.")
	case diverted:
		fmt.Fprintln(c.std.out, "good: postseal has diverted a message.")
	default:
		fmt.Fprintln(c.std.out, "postseal has decided a message, and has not diverted it.")
	}
	fmt.Fprintln(c.std.out, "The journal cannot be read, or does not have the log of postseal, so this can be another message. Look in the log for its decision.")
	if !diverted || after.Mode == rules.Observe {
		return exitFailure
	}
	return exitDone
}

func (c command) reportSent(m sent) int {
	r := m.Recipients[0]
	said := fmt.Sprintf("postseal has decided the message %s: marker %s, action %s by policy %s, mode %s.", m.QueueID, m.Marker, r.Action, r.Policy, m.Mode)
	const look = " The MTA's log shows under this queue ID whether the relay has accepted it."
	if r.Action == rules.Divert && m.Mode == rules.Enforce {
		fmt.Fprintln(c.std.out, "good: "+printable(said)+look)
		return exitDone
	}
	fmt.Fprintln(c.std.out, printable(said))
	return exitFailure
}

// readJournal returns the log of postseal in the journal, or nothing.
func readJournal(since time.Time) string {
	ctx, cancel := context.WithTimeout(context.Background(), maxAsk)
	defer cancel()
	out, err := exec.CommandContext(ctx, "journalctl", "--identifier=postseal", "--output=cat", "--no-pager", fmt.Sprintf("--since=@%d", since.Unix())).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

// findSent returns the decision about a message to one recipient.
func findSent(log, to string) (m sent, ok bool) {
	for line := range strings.Lines(log) {
		m = sent{}
		if json.Unmarshal([]byte(line), &m) == nil && m.Msg == "decision" && len(m.Recipients) == 1 && m.Recipients[0].Address == to {
			return m, true
		}
	}
	return sent{}, false
}
