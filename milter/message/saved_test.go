package message

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

// FuzzReadSaved checks that at most as many fields are read as there are lines
// with a colon, and that text before the message does not change them.
func FuzzReadSaved(f *testing.F) {
	const envelope = "*** ENVELOPE RECORDS hold/1 ***\nsender: a\n*** MESSAGE CONTENTS hold/1 ***\n"
	for _, seed := range []string{
		"Subject: x\r\n\ty\r\n\r\nbody", "Subject: [secure]", "", "\n", "no colon\nSubject: x\n", " fold first\nSubject: x\n", ":\n", "A:\n b\n\nSubject: x",
		envelope + "To: a\n", envelope, "84\nTo: a\n", ">From a\nTo: a\n", "\xef\xbb\xbfTo: a\n", "C_             1", "\x00a", "a\rb",
	} {
		f.Add([]byte(seed))
	}
	config := testConfig(f)
	f.Fuzz(func(t *testing.T, mail []byte) {
		read := func(text string) (headerFacts, error) {
			m := New(config, Envelope{})
			saved, err := OpenSaved(strings.NewReader(text))
			if err == nil {
				err = m.ReadSaved(saved)
			}
			return m.header, err
		}
		got, err := read(string(mail))
		if most := bytes.Count(mail, []byte(":")); got.fields > most {
			t.Errorf("%d fields from %d colons", got.fields, most)
		}
		if err != nil || !isFieldName(string(mail[:1])) || bytes.HasPrefix(mail, []byte("***")) || bytes.HasPrefix(mail, []byte("regular_text")) {
			return
		}
		for _, before := range []string{"\xef\xbb\xbf", "\n", "84\n", "From a\n", ">From a\r\n", envelope} {
			if again, err := read(before + string(mail)); err != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("after %q: got %+v, %v, want %+v", before, again, err, got)
			}
		}
	})
}

// FuzzSavedAsSent checks that a saved message is decided as a session decides the same
// fields and body.
func FuzzSavedAsSent(f *testing.F) {
	f.Add(" [secure] x\n", "To", " a@x.example, b@x.example,\n c@x.example", "NHS number 999 000 0018\n", false)
	f.Add(" =?utf-8?Q?=5Bsecure=5D?=", "Content-Type", " multipart/mixed; boundary=b", "--b\r\n\r\nNHS number 999 000 0018\r\n--b--", true)
	f.Add("", "Subject ", "(secure)", "From a\n\nx", false)
	f.Add("x", "X-Postseal", " tag", "", true)
	f.Add("x", "Content-Transfer-Encoding", "base64", "TkhTIG51bWJlciA5OTkgMDAwIDAwMTgK", false)
	config, now := reading(f), time.Now()
	fold := strings.NewReplacer("\r", "", "\n", "\n ")
	f.Fuzz(func(t *testing.T, subject, name, value, body string, crlf bool) {
		subject, value = fold.Replace(subject), fold.Replace(value)
		if !isFieldName(name) || strings.Contains(name, ":") {
			return
		}
		header := "Subject:" + subject + "\n" + name + ":" + value + "\n\n"
		if crlf {
			header = strings.ReplaceAll(header, "\n", "\r\n")
		}
		saved, err := OpenSaved(strings.NewReader(header + body))
		if err != nil {
			return // a form that is not read
		}
		got, _, gotErr := DecideSaved(config, Envelope{}, []string{"bob@gmail.com"}, saved, now)
		m := New(config, Envelope{Body: true})
		defer m.Discard()
		m.Recipient("bob@gmail.com", "", nil, now)
		m.Header("Subject", subject)
		m.Header(name, value)
		m.Body([]byte(body))
		want, wantErr := m.End()
		if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || !reflect.DeepEqual(got, want) {
			t.Errorf("saved: got %+v, %v, want %+v, %v", got, gotErr, want, wantErr)
		}
	})
}

// endless repeats a text.
type endless string

func (e endless) Read(p []byte) (int, error) {
	n := copy(p, e)
	for n+len(e) <= len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}

// TestSavedMessageWithoutAnEnd checks that explain reads no more of a file than
// the limit of a message.
func TestSavedMessageWithoutAnEnd(t *testing.T) {
	config := testConfig(t)
	for _, text := range []endless{"X-Other: x\n", "Subject: x\n", " x\n", "x", "\n x", "Subject:\n \n"} {
		m := New(config, Envelope{})
		in := io.MultiReader(strings.NewReader("Subject: x\n "), text)
		saved, err := OpenSaved(in)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if err := m.ReadSaved(saved); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := m.End(); err == nil {
			t.Errorf("%q: the message is decided", text)
		}
	}
}
