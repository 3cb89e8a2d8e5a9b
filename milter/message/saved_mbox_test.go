package message

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/postseal/postseal/rules/address"
)

// splitMbox returns the messages of an mbox file as they are saved, and as they were
// before.
func splitMbox(t testing.TB, file string) (saved, mails []string) {
	t.Helper()
	box := NewMbox(strings.NewReader(file))
	last := int64(0)
	for {
		start, end, err := box.Next()
		if errors.Is(err, io.EOF) {
			return saved, mails
		}
		if err != nil || start != last || end <= start || end > int64(len(file)) {
			t.Fatalf("got %d to %d after %d: %v", start, end, last, err)
		}
		last = end
		saved = append(saved, file[start:end])
		in, err := openSaved(strings.NewReader(file[start:end]))
		if err != nil {
			mails = append(mails, "error: "+err.Error())
			continue
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, string(text))
	}
}

func TestMbox(t *testing.T) {
	const (
		from  = "From a@trust.example Sat Nov 21 09:00:00 2026\n"
		first = "Subject: one\n\nbody\n"
		other = "Subject: two\n\nbody\n"
	)
	for _, test := range []struct {
		name, file string
		want       []string
	}{
		{"two", from + first + "\n" + from + other + "\n", []string{first, other}},
		{"CR LF", strings.ReplaceAll(from+first+"\n"+from+other, "\n", "\r\n"), []string{strings.ReplaceAll(first, "\n", "\r\n"), strings.ReplaceAll(other, "\n", "\r\n")}},
		{"no end", from + first + "\n" + from + strings.TrimSuffix(other, "\n"), []string{first, strings.TrimSuffix(other, "\n")}},
		{"mboxo", from + first + ">From me at 09:00\n\n" + from + other, []string{first + "From me at 09:00\n", other}},
		{"mboxrd", from + first + ">>From me\n>>>From\n> From\n", []string{first + ">From me\n>>>From\n> From\n"}},
		{"not changed, no time", from + first + "\nFrom here on\n", []string{first + "\nFrom here on\n"}},
		{"not changed, no empty line", from + first + "From 09:00 on\n", []string{first + "From 09:00 on\n"}},
		{"empty lines", from + first + "\n\n\n" + from + other, []string{first + "\n\n", other}},
		{"Thunderbird", "From - Sat Nov 21 09:00:00 2026\nX-Mozilla-Status: 0001\n" + first, []string{"X-Mozilla-Status: 0001\n" + first}},
		{"Google", "From 1234@xxx Sat Nov 21 09:00:00 +0000 2026\n" + first, []string{first}},
		{"no time in the first", "From a\n" + first, []string{first}},
		{"before it", byteOrderMark + "\n \n" + from + first, []string{first}},
		{"empty lines before it", "\n\n" + from + first + "\n" + from + other, []string{first, other}},
		{"quoted line after it", from + ">" + from + first, []string{first}},
		{"no message", from + "\n" + from + other, []string{"error: " + errNoHeader.Error(), other}},
		{"long line", from + "Subject: x\n\n" + strings.Repeat("x", 100_000) + "\n\n" + from + other, []string{"Subject: x\n\n" + strings.Repeat("x", 100_000) + "\n", other}},
		{"end of a long line", from + "Subject: x\n\n" + strings.Repeat("x", 8<<10) + "From 09:00\n", []string{"Subject: x\n\n" + strings.Repeat("x", 8<<10) + "From 09:00\n"}},
		{"empty", "", nil},
	} {
		saved, mails := splitMbox(t, test.file)
		if !slices.Equal(mails, test.want) || strings.Join(saved, "") != test.file {
			t.Errorf("%s: got %.300q\nwant %.300q", test.name, mails, test.want)
		}
	}
	fault := errors.New("fault")
	if _, _, err := NewMbox(io.MultiReader(strings.NewReader(from+first), iotest.ErrReader(fault))).Next(); !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
}

// FuzzMbox puts two messages into an mbox file as RFC 4155 and mboxrd do, and reads
// them back.
func FuzzMbox(f *testing.F) {
	f.Add("Subject: x\n\nbody\n", "To: a\n\nFrom 09:00\n\n>From 09:00\n")
	f.Add("a\n\n\nFrom a 09:00", "\r\n\r\nFrom :00:00\r\n")
	f.Add(strings.Repeat("x", 9000)+"\n\n", ">>>From ")
	f.Fuzz(func(t *testing.T, first, second string) {
		splitMbox(t, first) // whatever it is
		var file strings.Builder
		var want []string
		for _, mail := range []string{first, second} {
			mail = "To: a\n" + mail
			if !strings.HasSuffix(mail, "\n") {
				mail += "\n"
			}
			want = append(want, mail)
			file.WriteString("From a Sat Nov 21 09:00:00 2026\n")
			for line := range strings.Lines(mail) {
				if strings.HasPrefix(strings.TrimLeft(line, ">"), mboxFrom) {
					line = ">" + line
				}
				file.WriteString(line)
			}
			file.WriteString("\n")
		}
		if saved, mails := splitMbox(t, file.String()); !slices.Equal(mails, want) {
			t.Errorf("got %q, %q\nwant %q", saved, mails, want)
		}
	})
}

// TestQueueEnvelope reads postcat's output of a message that postseal has held, with
// each of its recipients once, as the client sent it.
func TestQueueEnvelope(t *testing.T) {
	const (
		records = "message_size: 1\nsender: ward@trust.example\nnamed_attribute: client_address=192.0.2.7\n" +
			"named_attribute: dsn_orig_rcpt=rfc822;bob@gmail.com\noriginal_recipient: bob@gmail.com\ncanceled_recipient: bob@gmail.com\n" +
			"original_recipient: info@nhs.net\nrecipient: a@nhs.net\noriginal_recipient: info@nhs.net\nrecipient: b@nhs.net\n" +
			"recipient: C@nhs.net\nrecipient: c@nhs.net\ndone_recipient: d@nhs.net\n" +
			"original_recipient: bob@gmail.com.encrypt.invalid\nrecipient: bob@gmail.com.encrypt.invalid\n"
		body     = "Subject: x\n\n*** HEADER EXTRACTED other/1 ***\nrecipient: forged@example.org\n"
		envelope = "*** ENVELOPE RECORDS hold/4XYZ ***\n"
		contents = "*** MESSAGE CONTENTS hold/4XYZ ***\n"
		end      = "*** HEADER EXTRACTED hold/4XYZ ***\nrecipient: e@nhs.net\n*** MESSAGE FILE END hold/4XYZ ***\n"
		want     = "[info@nhs.net C@nhs.net d@nhs.net bob@gmail.com e@nhs.net]"
	)
	for name, text := range map[string]string{
		"postcat":                envelope + records + contents + body + end,
		"postcat -e":             envelope + records + contents + end,
		"with a warning":         "postcat: warning: x\n" + envelope + records + contents + body + end,
		"with CR LF":             strings.ReplaceAll(envelope+records+contents+body+end, "\n", "\r\n"),
		"with a long line in it": envelope + records + contents + body + strings.Repeat("x", 1<<20) + "\n" + end,
	} {
		e, err := ReadQueueEnvelope(strings.NewReader(text), "encrypt.invalid")
		if err != nil || e.Sender != "ward@trust.example" || fmt.Sprint(e.Recipients) != want || e.Client.String() != "192.0.2.7" {
			t.Errorf("%s: %v, %+v", name, err, e)
		}
	}
	in, err := openSaved(strings.NewReader(envelope + records + contents + body + end))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(in); err != nil || string(text) != body {
		t.Errorf("got %v, %q", err, text)
	}
	for _, text := range []string{"", "x", envelope, envelope + records, envelope + strings.Repeat("x", 100)} {
		if e, err := ReadQueueEnvelope(strings.NewReader(text), "encrypt.invalid"); err == nil {
			t.Errorf("%q: got %+v", text, e)
		}
	}
}

// FuzzPostcat writes what postcat prints of a message, and reads the envelope and the
// message back.
func FuzzPostcat(f *testing.F) {
	f.Add("ward@trust.example", "bob@gmail.com", "Bob@gmail.com.encrypt.invalid", "Subject: x\n\nbody\n")
	f.Add("\"*** MESSAGE CONTENTS \"@x.example", "", "<a@nhs.net>", "To: a\n*** HEADER EXTRACTED hold/1 ***\nrecipient: b@nhs.net")
	f.Add("postcat: warning", "pointer_record: ", "regular_text: ", strings.Repeat("x", 9000)+"\r\n")
	f.Fuzz(func(t *testing.T, sender, first, second, mail string) {
		ReadQueueEnvelope(strings.NewReader(mail), "") // whatever it is
		line := strings.NewReplacer("\n", "", "\r", "")
		sender, first, second = line.Replace(sender), line.Replace(first), line.Replace(second)
		const envelope, contents, extracted = "*** ENVELOPE RECORDS hold/2 ***\n", "*** MESSAGE CONTENTS hold/2 ***\n", "*** HEADER EXTRACTED hold/2 ***\n"
		if strings.Contains(mail, strings.TrimSuffix(extracted, "\n")) {
			return // nobody can write this, because the queue ID is not known before
		}
		mail = "To: a\n" + mail
		if !strings.HasSuffix(mail, "\n") {
			mail += "\n"
		}
		file := envelope + "message_size: 1 2 3\nsender: " + sender + "\nnamed_attribute: client_address=192.0.2.7\n" +
			"original_recipient: " + first + "\nrecipient: x@nhs.net\n" + contents + mail + extracted + "recipient: " + second + "\n*** MESSAGE FILE END hold/2 ***\n"
		var want []string
		for _, to := range []string{cmp.Or(first, "x@nhs.net"), second} {
			to = strings.TrimSuffix(address.TrimAngles(to), ".encrypt.invalid")
			lower := strings.ToLower(to)
			if to != "" && !slices.ContainsFunc(want, func(other string) bool { return lower == strings.ToLower(other) }) {
				want = append(want, to)
			}
		}
		e, err := ReadQueueEnvelope(strings.NewReader(file), "encrypt.invalid")
		if err != nil || e.Sender != sender || !slices.Equal(e.Recipients, want) || e.Client.String() != "192.0.2.7" {
			t.Errorf("got %v, %q, %q, %v; want %q, %q", err, e.Sender, e.Recipients, e.Client, sender, want)
		}
		in, err := openSaved(strings.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(in); err != nil || string(text) != mail {
			t.Errorf("got %v, %q, want %q", err, text, mail)
		}
	})
}

func TestEnvelopeOfAHeader(t *testing.T) {
	for _, test := range []struct{ header, want string }{
		{"From: Ward <ward@trust.example>, b@trust.example\nTo: A <a@nhs.net>, \"x, y\" <b@nhs.net>;\nCc: A@nhs.net,\n c@nhs.net\nBcc: d@nhs.net\n", "ward@trust.example a@nhs.net b@nhs.net c@nhs.net d@nhs.net"},
		{"Return-Path: <bounce@x.example> (comment)\nReturn-Path: <other@x.example>\nFrom: ward@trust.example\nTo: a@nhs.net\n", "bounce@x.example a@nhs.net"},
		{"return-path:<>\nFrom: ward@trust.example\nTo: a@nhs.net\n", " a@nhs.net"},
		{"Delivered-To: bob@trust.example\nX-Original-To: duty@trust.example\nDelivered-To: Bob@trust.example\nFrom: a@nhs.net\nTo: list@nhs.net\n", "a@nhs.net bob@trust.example duty@trust.example"},
		{"X-Original-To: <duty@trust.example>\nFrom: a@nhs.net\nTo: list@nhs.net\n", "a@nhs.net duty@trust.example"},
		{"Delivered-To:\nSubject: x\nTo: undisclosed-recipients:;\n", ""},
		{"To : team: a@nhs.net, b@nhs.net;\n", " a@nhs.net b@nhs.net"},
		{"Subject: x\n", ""},
	} {
		s, err := OpenSaved(bytes.NewReader([]byte(test.header + "\n")))
		if err != nil {
			t.Fatal(err)
		}
		sender, recipients := s.Envelope()
		if got := strings.Join(append([]string{sender}, recipients...), " "); got != test.want {
			t.Errorf("%q: got %q, want %q", test.header, got, test.want)
		}
	}
}
