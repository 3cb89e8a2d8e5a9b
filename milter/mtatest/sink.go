package mtatest

import (
	"errors"
	"io"
	"log"
	"net"
	"strings"
	"sync"

	"github.com/emersion/go-smtp"
)

// Delivery is one message that a stand-in host received.
type Delivery struct {
	From       string
	Recipients []DeliveredTo
	Data       []byte // header and body, CRLF line ends
}

// DeliveredTo is one RCPT with its DSN arguments (RFC 3461).
type DeliveredTo struct {
	Address           string // with its local part unquoted
	OriginalRecipient string
	Notify            []smtp.DSNNotify
}

// Sink is a stand-in SMTP host that keeps mail in memory. It accepts every
// recipient except "nobody", whose mail bounces.
type Sink struct {
	Addr     string
	listener net.Listener
	server   *smtp.Server
	done     chan struct{}
	served   error // valid after done

	mu   sync.Mutex
	mail []Delivery
}

// StartSink listens on a port of 127.0.0.1 that the kernel picks.
func StartSink() (*Sink, error) { return StartSinkAt("127.0.0.1:0") }

// StartSinkAt is like StartSink, at the address of a host that was stopped.
func StartSinkAt(addr string) (*Sink, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &Sink{Addr: l.Addr().String(), listener: l, done: make(chan struct{})}
	s.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &sinkSession{sink: s}, nil
	}))
	s.server.Domain = "sink.invalid"
	s.server.EnableSMTPUTF8 = true
	s.server.EnableDSN = true
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	go func() {
		s.served = s.server.Serve(l)
		close(s.done)
	}()
	return s, nil
}

// Stop closes the host and its connections. A second Stop is an error.
func (s *Sink) Stop() error {
	err := s.server.Close()
	// The server does not know the listener before Serve has begun.
	if closeErr := s.listener.Close(); !errors.Is(closeErr, net.ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	<-s.done
	return errors.Join(err, s.served)
}

// Take returns what has arrived since the last call.
func (s *Sink) Take() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	mail := s.mail
	s.mail = nil
	return mail
}

type sinkSession struct {
	sink *Sink
	got  Delivery
}

func (s *sinkSession) Reset() { s.got = Delivery{} }

func (s *sinkSession) Logout() error { return nil }

func (s *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	s.got = Delivery{From: from}
	return nil
}

func (s *sinkSession) Rcpt(to string, o *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody@") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	s.got.Recipients = append(s.got.Recipients, DeliveredTo{
		Address: to, OriginalRecipient: o.OriginalRecipient, Notify: o.Notify,
	})
	return nil
}

func (s *sinkSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.got.Data = data
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.mail = append(s.sink.mail, s.got)
	return nil
}

// Header returns the fields with the name, in order and as written: the text
// after the colon, including folds, without the last line end.
func (d Delivery) Header(name string) []string {
	header, _, _ := strings.Cut(string(d.Data), "\r\n\r\n")
	var values []string
	open := false
	for line := range strings.SplitSeq(header, "\r\n") {
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			if open {
				values[len(values)-1] += "\r\n" + line
			}
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		if open = strings.EqualFold(field, name); open {
			values = append(values, value)
		}
	}
	return values
}
