package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// TestDialect compares two messages with what Postfix 3.7.11 sent to postseal.
func TestDialect(t *testing.T) {
	answer := binary.BigEndian.AppendUint32([]byte("O\x00\x00\x00\x06\x00\x00\x01\xbd"), 0x853c2)
	answer = append(answer, "\x00\x00\x00\x02i w {auth_authen}\x00\x00\x00\x00\x03i {rcpt_addr}\x00\x00\x00\x00\x05i\x00"...)
	d, err := newDialect(answer)
	if err != nil {
		t.Fatal(err)
	}
	m := mail{sender: "a@trust.example", recipients: []string{"a@nhs.net", "bob@gmail.com"}, header: [][2]string{{"Subject", "x"}, {"To", "a@nhs.net"}}, body: "hello\r\n"}
	const (
		connect = "\x00\x00\x00sDCj\x00mx.trust.example\x00{daemon_name}\x00mx.trust.example\x00{daemon_addr}\x00127.0.0.1\x00v\x00Postfix 3.7.11\x00_\x00unknown [192.0.2.7]\x00" +
			"\x00\x00\x00\x1aC[192.0.2.7]\x004\xc7n192.0.2.7\x00\x00\x00\x00\x02DH"
		envelope = "\x00\x00\x00\x02DM\x00\x00\x00\x13M<a@trust.example>\x00\x00\x00\x00\x18DR{rcpt_addr}\x00a@nhs.net\x00\x00\x00\x00\x0dR<a@nhs.net>\x00"
		second   = "\x00\x00\x00*DRi\x00027A4A2429E\x00{rcpt_addr}\x00bob@gmail.com\x00\x00\x00\x00\x11R<bob@gmail.com>\x00"
		data     = "\x00\x00\x00\x10DTi\x00027A4A2429E\x00"
		content  = "\x00\x00\x00\x10DLi\x00027A4A2429E\x00\x00\x00\x00\x0bLSubject\x00x\x00\x00\x00\x00\x10DLi\x00027A4A2429E\x00\x00\x00\x00\x0eLTo\x00a@nhs.net\x00" +
			"\x00\x00\x00\x10DBi\x00027A4A2429E\x00\x00\x00\x00\x08Bhello\r\n\x00\x00\x00\x10DEi\x00027A4A2429E\x00\x00\x00\x00\x01E"
	)
	for first, before := range map[bool]string{true: connect, false: "\x00\x00\x00\x01A"} {
		var got []string
		for _, s := range d.message(m, "027A4A2429E", first) {
			got = append(got, string(bytes.Join(s.writes, nil)))
		}
		if want := []string{before + envelope, second, data, content}; !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

// TestLoad runs a closed and an open loop, with and without the body, and checks the
// figures against each other.
func TestLoad(t *testing.T) {
	f, err := build()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.remove() })
	const connections, recipients, rate = 12, 3, 100
	for _, k := range []kind{withoutBody, withContent} {
		for _, rate := range []float64{0, rate} {
			t.Run(fmt.Sprintf("%s %v", k.Name, rate), func(t *testing.T) {
				err := f.with(k, connections, mails(recipients, k.Rows), func(_ *running, l *load) error {
					l.rate = rate
					result, err := l.run(50*time.Millisecond, 250*time.Millisecond)
					check(t, result, connections, recipients, rate)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func check(t *testing.T, r result, connections, recipients int, rate float64) {
	t.Helper()
	n := r.messages
	if n == 0 || r.replies["end c"] != n || len(r.end) != n || len(r.message) != n {
		t.Errorf("%d messages, replies %v, %d times of their ends", n, r.replies, len(r.end))
	}
	// A message under way at either end of the time counts in part.
	if got := r.replies["rcpt c"]; got != len(r.rcpt) || math.Abs(float64(got-n*recipients)) > float64(connections*recipients) {
		t.Errorf("%d replies to RCPT for %d messages", got, n)
	}
	if r.edits != n { // of three recipients, one needs the marker
		t.Errorf("%d edits for %d messages", r.edits, n)
	}
	if rate > 0 && float64(n) > rate*r.took.Seconds()+float64(2*connections) {
		t.Errorf("%d messages in %v", n, r.took)
	}
	for name, list := range map[string]times{"RCPT": r.rcpt, "end": r.end, "message": r.message} {
		p50, p99, p999, most := list.percentile(50), list.percentile(99), list.percentile(99.9), list.percentile(100)
		if p50 <= 0 || p50 > p99 || p99 > p999 || p999 > most || most > r.took+time.Minute {
			t.Errorf("%s: %v, %v, %v, %v", name, p50, p99, p999, most)
		}
	}
	if r.message.percentile(50) < r.end.percentile(50) {
		t.Error("a message takes less time than its end")
	}
}

func TestPercentile(t *testing.T) {
	var list times
	for i := range 1000 {
		list = append(list, time.Duration(999-i))
	}
	for p, want := range map[float64]time.Duration{0: 0, 50: 499, 99: 989, 99.9: 998, 100: 999} {
		if got := list.percentile(p); got != want {
			t.Errorf("%v percent: %d, want %d", p, got, want)
		}
	}
	if got := (times{7}).percentile(99.9); got != 7 {
		t.Errorf("of one: %d", got)
	}
}
