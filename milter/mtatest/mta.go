package mtatest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// MTA is a running private mail server.
type MTA interface {
	Addr() string      // host:port of its SMTP server
	Directory() string // contains all files that it writes
	SocketDir() string // contains the filter's socket

	// Submit submits a message with sendmail(1).
	Submit(from string, to []string, message []byte) error
	// Queue lists what is still in the queue.
	Queue() ([]Queued, error)
	// Release releases a held message.
	Release(id string) error
	// Retry tries to deliver everything that waits, now.
	Retry() error

	Log() string
	Stop() error
}

var _, _ MTA = (*Postfix)(nil), (*Sendmail)(nil)

// Options say where outgoing mail goes. All addresses are host:port.
type Options struct {
	Root     string // the checkout whose contrib is used
	Relay    string // the encryption relay
	Internet string // every other host
	Milter   bool   // with the filter
	MC       string // for Sendmail: lines of sendmail.mc before the filter's
	MCAfter  string // and lines after it
	Debian   bool   // Sendmail with Debian's configuration, which queries the DNS
}

// Queued is one message of a queue.
type Queued struct {
	// Queue is "hold", or "deferred" if the message was tried and waits.
	// Otherwise it is the MTA's word for mail on its way.
	Queue      string   `json:"queue_name"`
	ID         string   `json:"queue_id"`
	Recipients []string `json:"-"`
}

// Settle waits until only held mail is left in the queue, so that all other
// mail has arrived, and returns what is held. It can miss a message that moves
// from one queue to the next while the queues are read. Two readings in a row
// must therefore agree.
func Settle(m MTA, limit time.Duration) ([]Queued, error) {
	deadline := time.Now().Add(limit)
	for still := 0; ; {
		queue, err := m.Queue()
		if err != nil {
			return nil, err
		}
		still++
		if slices.ContainsFunc(queue, func(q Queued) bool { return q.Queue != "hold" }) {
			still = 0
		}
		if still == 2 {
			return queue, nil
		}
		if time.Now().After(deadline) {
			return queue, fmt.Errorf("mail is still queued after %v: %+v", limit, queue)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Root returns the checkout that contains the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory: run this in the checkout")
		}
		dir = parent
	}
}

// FreeAddr returns an address of 127.0.0.1 with a port that the kernel picks.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Patience is how long a test waits for what is certain to happen. It is long
// because the machine may be busy. A test that passes does not wait that long.
const Patience = 4 * time.Minute

// Within waits until isSo returns true, for at most Patience, and reports
// whether it did.
func Within(isSo func() bool) bool {
	for deadline := time.Now().Add(Patience); !isSo(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func waitListening(addr string) (err error) {
	Within(func() bool {
		var c net.Conn
		if c, err = net.Dial("tcp", addr); err == nil {
			err = c.Close()
		}
		return err == nil
	})
	return err
}

// privateDirectory creates the directory of an instance. The users of its MTA may
// enter it.
func privateDirectory(mta string) (string, error) {
	if os.Geteuid() != 0 {
		return "", fmt.Errorf("a private %s needs root: run as root or through sudo", mta)
	}
	dir, err := os.MkdirTemp("", "postseal-"+strings.ToLower(mta)+"-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// adapt reads a file of contrib, and replaces what it names with what is
// private.
func adapt(path, named, private string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(text), named) {
		return "", fmt.Errorf("%s no longer names %s", path, named)
	}
	return strings.ReplaceAll(string(text), named, private), nil
}

func chownTo(user, group, path string) error {
	if out, err := exec.Command("chown", strings.Join([]string{user, group}, ":"), path).CombinedOutput(); err != nil {
		return fmt.Errorf("chown: %w: %s", err, out)
	}
	return nil
}
