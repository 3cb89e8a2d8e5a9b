package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/address"
	"github.com/postseal/postseal/rules/marker"
)

const explainUsage = `Usage: postseal explain [-config FILE] [-json] -from A -to B[,C...] [-client IP] FILE|-

Runs a saved message through the same code as serve, and shows what would happen
to it in mode enforce, and why. "-" means standard input. Policies with
mode = "observe" are shown as if they had mode = "enforce".
`

// explanation is the object that explain -json prints.
type explanation struct {
	Action     rules.Action        `json:"action"`
	Mode       rules.Mode          `json:"mode"`
	Marker     marker.State        `json:"marker"`
	NearMiss   marker.Kind         `json:"near_miss"`
	Findings   []maillog.Finding   `json:"findings"`
	Recipients []maillog.Recipient `json:"recipients"`
	Edits      []message.Edit      `json:"edits"`
	Reply      string              `json:"reply,omitempty"` // to the whole message, at its end

	refusals []string // the replies to RCPT
	doubt    string   // about the file
}

func explain(args []string, std stdio) int {
	c := newCommand("explain", explainUsage, std)
	asJSON := c.Bool("json", false, "print one JSON object")
	from := c.String("from", "", "envelope `SENDER`; <> is the null sender")
	var to []string
	c.Func("to", "envelope `RECIPIENTS`, separated by commas; can be repeated", func(text string) error {
		to = append(to, splitAddresses(text)...)
		return nil
	})
	client := c.String("client", "", "`IP` address of the client that sends the message")
	if code, stop := c.parse(args); stop {
		return code
	}
	if fault := missingFrom(*from, to, c.Args()); fault != "" {
		return c.misused("%s", fault)
	}
	// The client has not asked for SMTPUTF8, and the MTA has not said how it reads
	// a recipient.
	envelope := message.Envelope{Sender: address.TrimAngles(strings.TrimSpace(*from))}
	if *client != "" {
		var ok bool
		if envelope.Client, ok = milter.ParseClient(*client); !ok {
			return c.misused("-client %q is not an IP address", *client)
		}
	}
	loaded, err := config.Load(*c.config)
	if err != nil {
		return c.failed(exitConfig, err)
	}
	file, name, err := openMessage(c.Arg(0), std.in)
	if err != nil {
		return c.failed(exitFailure, err)
	}
	defer file.Close()
	e, err := explainMessage(loaded.Message, envelope, to, file)
	if err != nil {
		return c.failed(exitFailure, fmt.Errorf("%s: %w", name, err))
	}
	if e.doubt != "" {
		fmt.Fprintf(std.err, "postseal explain: %s: warning: %s\n", name, e.doubt)
	}
	if *asJSON {
		err = newEncoder(std.out).Encode(e)
	} else {
		_, err = fmt.Fprint(std.out, e.text())
	}
	if err != nil {
		return c.failed(exitFailure, err)
	}
	return exitDone
}

// openMessage opens a saved message. name is its name in errors.
func openMessage(path string, stdin io.Reader) (file io.ReadCloser, name string, err error) {
	if path == "-" {
		return io.NopCloser(stdin), "standard input", nil
	}
	opened, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	if info, err := opened.Stat(); err == nil && info.IsDir() {
		opened.Close()
		return nil, "", fmt.Errorf("%s is a directory: give one message file", path)
	}
	return opened, path, nil
}

// explainMessage runs a message through the same steps as a session.
func explainMessage(loaded *message.Config, envelope message.Envelope, to []string, file io.Reader) (explanation, error) {
	enforcing := loaded.Enforcing()
	enforcing.Read.Header, enforcing.Read.Body, enforcing.Read.Always = true, true, true
	e := explanation{Mode: loaded.Mode, Edits: []message.Edit{}}
	saved, err := message.OpenSaved(file)
	if err != nil {
		return e, err
	}
	v, refused, err := message.DecideSaved(enforcing, envelope, to, saved, time.Now())
	if err != nil {
		return e, err
	}
	d := v.Decision
	e.doubt = saved.Doubt
	for _, r := range refused {
		d.Outcomes = append(d.Outcomes, r.Outcome)
		e.refusals = append(e.refusals, r.Reply.String())
	}
	for _, o := range d.Outcomes { // refused recipients included
		e.Action = max(e.Action, o.Action)
	}
	e.Marker, e.NearMiss, e.Findings = d.Marker, d.NearMiss, maillog.Findings(d)
	e.Recipients = maillog.Recipients(d, shown.Addresses{Format: shown.Full})
	if v.Edits != nil {
		e.Edits = v.Edits
	}
	if v.Reply != nil {
		e.Reply = v.Reply.String()
	}
	return e, nil
}

func (e explanation) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "action  %s\nmode    %s\nmarker  %s", e.Action, e.Mode, e.Marker)
	if e.NearMiss != "" {
		fmt.Fprintf(&b, " (%s)", e.NearMiss)
	}
	b.WriteByte('\n')
	for _, f := range e.Findings {
		fmt.Fprintf(&b, "finding %s", f.Name)
		if f.Reason != "" {
			fmt.Fprintf(&b, " (%s)", f.Reason)
		}
		if f.Part != "" {
			fmt.Fprintf(&b, " in part %s", f.Part)
		}
		if f.Count > 0 {
			fmt.Fprintf(&b, ", count %d", f.Count)
		}
		if f.Meant != "" {
			fmt.Fprintf(&b, ": did you mean %s?", f.Meant)
		}
		b.WriteByte('\n')
	}
	for _, r := range e.Recipients {
		fmt.Fprintf(&b, "recipient %s: %s", r.Address, r.Class)
		if r.Row != "" {
			fmt.Fprintf(&b, " by row %s", r.Row)
		}
		if r.Policy != "" {
			fmt.Fprintf(&b, ", policy %s", r.Policy)
		}
		fmt.Fprintf(&b, ": %s\n", r.Action)
	}
	for _, reply := range e.refusals {
		fmt.Fprintf(&b, "reply to RCPT: %s\n", reply)
	}
	if e.Reply != "" {
		fmt.Fprintf(&b, "reply to the message: %s\n", e.Reply)
	}
	for _, edit := range e.Edits {
		fmt.Fprintf(&b, "edit: %s\n", edit)
	}
	return b.String()
}

// splitAddresses splits at the commas outside quotes, and removes the blanks
// around each address.
func splitAddresses(list string) (addresses []string) {
	quoted, escaped := false, false
	parts := strings.FieldsFunc(list, func(r rune) bool {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = quoted
		case r == '"':
			quoted = !quoted
		}
		return r == ',' && !quoted
	})
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			addresses = append(addresses, part)
		}
	}
	return addresses
}
