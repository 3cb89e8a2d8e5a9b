// Package queue counts the mail in the MTA's queue that is held, and the sealed
// mail that waits for the relay. It returns no text of the queue.
package queue

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Waiting is mail that waits in the queue.
type Waiting struct {
	Count  int
	Oldest time.Duration // since it arrived; 0 if there is none
}

func (w *Waiting) add(age time.Duration) {
	w.Count++
	w.Oldest = max(w.Oldest, age)
}

// Figures are the figures of a queue.
type Figures struct {
	Held   Waiting // in Postfix's hold queue, or quarantined by Sendmail
	Sealed Waiting // with a recipient below the relay domain, and not held
}

// MTA is a kind of MTA.
type MTA uint8

// The MTA of this host is Postfix if postqueue(1) is installed, and Sendmail otherwise.
const (
	OfThisHost MTA = iota
	Postfix
	Sendmail
)

// Read asks the MTA. An empty relay domain means that no mail is sealed.
func Read(ctx context.Context, mta MTA, relay string, now time.Time) (f Figures, err error) {
	program := find("postqueue")
	if program == "" && mta == Postfix {
		return f, errors.New("this host has no postqueue command")
	}
	if program != "" && mta != Sendmail {
		err = run(ctx, func(r io.Reader) error {
			f, err = readPostfix(r, relay, now)
			return err
		}, program, "-j")
		return f, err
	}
	if program = find("sendmail"); program == "" {
		return f, errors.New("this host has no postqueue or sendmail command")
	}
	// Sendmail prints long addresses shortened, so it selects the recipients
	// itself. Without the option -O, a limit of sendmail.cf shortens the list.
	ask := func(into *Waiting, args ...string) error {
		return run(ctx, func(r io.Reader) error {
			*into, err = readSendmail(r, now)
			return err
		}, program, append([]string{"-OMaxQueueRunSize=0", "-bp"}, args...)...)
	}
	err = ask(&f.Held, "-qQ")
	if err == nil && relay != "" {
		err = ask(&f.Sealed, "-qR."+relay+">")
	}
	return f, err
}

// find returns the path of a program. The search path of a monitoring agent often
// lacks the directories of system programs.
func find(name string) string {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/lib") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(path) {
			return path
		}
	}
	return ""
}

// run passes the output of a command to read. If the command fails, the last line
// of its standard error is the reason.
func run(ctx context.Context, read func(io.Reader) error, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second // a child may have the output open
	var faults faults
	cmd.Stderr = &faults
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	readErr := read(bufio.NewReader(out))
	if readErr != nil {
		out.Close() // ends the command
	}
	err = cmd.Wait()
	base := filepath.Base(name)
	reason := strings.TrimPrefix(faults.last(), base+": ")
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s takes too long", base)
	case err != nil && reason != "":
		return fmt.Errorf("%s: %s", base, reason)
	case readErr != nil:
		return fmt.Errorf("%s: %w", base, readErr)
	case err != nil:
		return fmt.Errorf("%s: %w", base, err)
	}
	return nil
}

// faults keeps the beginning of what is written, and drops the rest.
type faults []byte

func (f *faults) Write(p []byte) (int, error) {
	const enough = 4 << 10
	*f = append(*f, p[:min(len(p), enough-len(*f))]...)
	return len(p), nil
}

// last returns the last line in printable ASCII. A line that may have an address is
// left out.
func (f faults) last() string {
	text := strings.TrimSpace(string(f))
	line := text[strings.LastIndexByte(text, '\n')+1:]
	if strings.Contains(line, "@") {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, line[:min(len(line), 200)])
}
