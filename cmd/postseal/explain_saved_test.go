package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

const (
	postcatEnvelope = "*** ENVELOPE RECORDS hold/4XYZ ***\nmessage_size:             424             742\nsender: ward@trust.example\nnamed_attribute: encoding=8bit\nrecipient: a@nhs.net\n"
	postcatContents = "*** MESSAGE CONTENTS hold/4XYZ ***\n"
	postcatEnd      = "*** HEADER EXTRACTED hold/4XYZ ***\nnamed_attribute: encoding=8bit\n*** MESSAGE FILE END hold/4XYZ ***\n"
	plainMail       = "Received: by mx\nSubject: =?utf-8?q?[sec?=\n =?utf-8?q?ure]_999_000_0018?=\nFrom: a@trust.example\n\nbody\n"
)

// TestExplainReadsSavedForms has one message in the forms in which mail
// programs and postcat save it. milter/mtatest tests the real postcat.
func TestExplainReadsSavedForms(t *testing.T) {
	mbox := "From a@trust.example Sat Nov 21 09:00:00 2026\n"
	header, _, _ := strings.Cut(plainMail, "\n\n")
	for name, text := range map[string]string{
		"as it is sent":              plainMail,
		"CR LF":                      strings.ReplaceAll(plainMail, "\n", "\r\n"),
		"header alone":               header,
		"postcat -q":                 postcatEnvelope + postcatContents + plainMail + postcatEnd,
		"postcat -q with CR LF":      strings.ReplaceAll(postcatEnvelope+postcatContents+plainMail+postcatEnd, "\n", "\r\n"),
		"postcat -q, much envelope":  postcatEnvelope + strings.Repeat("recipient: "+strings.Repeat("x", 30_000)+"@nhs.net\n", 9) + postcatContents + plainMail,
		"postcat -q with a warning":  "postcat: warning: x\n" + postcatEnvelope + postcatContents + plainMail + postcatEnd,
		"postcat -eh":                postcatEnvelope + postcatContents + header + "\n" + postcatEnd,
		"emlx":                       "84\n" + plainMail + "<?xml version=\"1.0\"?>\n<plist></plist>\n",
		"emlx with blanks":           "84        \n" + plainMail,
		"byte order mark":            byteOrderMark + plainMail,
		"blank line":                 "\n" + plainMail,
		"blank lines":                "\r\n \r\n\t\n" + plainMail,
		"mark and blank line":        byteOrderMark + "\n" + plainMail,
		"line of Exchange":           "Microsoft Mail Internet Headers Version 2.0\r\n" + plainMail,
		"mbox":                       mbox + plainMail,
		"quoted mbox":                ">" + mbox + plainMail,
		"both":                       mbox + ">" + mbox + plainMail,
		"blank line and mbox":        "\n" + mbox + plainMail,
		"mark and mbox":              byteOrderMark + mbox + plainMail,
		"a long separator":           "From " + strings.Repeat("x", 20_000) + "\n" + plainMail,
		"postcat and a separator":    postcatEnvelope + postcatContents + ">" + mbox + plainMail,
		"NUL octets in the body":     plainMail + "\x00\x00",
		"a body that looks like PDF": plainMail + "%PDF-1.4",
	} {
		code, stdout, stderr := runWith(text, "explain", "-from", "<>", "-to", "b@gmail.com", "-")
		if code != exitDone || !strings.Contains(stdout, "marker  present\n") || stderr != "" {
			t.Errorf("%s: exit %d\n%s%s", name, code, stdout, stderr)
		}
	}
}

const byteOrderMark = "\xef\xbb\xbf"

// encodeUTF16 encodes text in UTF-16, little-endian or big-endian.
func encodeUTF16(text string, big bool) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		low, high := byte(unit), byte(unit>>8)
		if big {
			low, high = high, low
		}
		b.WriteByte(low)
		b.WriteByte(high)
	}
	return b.String()
}

func TestExplainRefusesOtherFiles(t *testing.T) {
	const (
		noHeader = "it does not begin with the header of a message, such as From: or Subject:; give a message as it is sent (.eml), or the output of postcat -q"
		utf16    = ": save the message as .eml, or convert it to UTF-8 with iconv"
		options  = "it is the output of postcat with one of the options -d, -o and -v: leave those out"
		contents = "it is a part of postcat's output: give all of it, from the first line"
		envelope = "it is an envelope without a message: run postcat -q, without the option -e"
	)
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "it is empty"},
		{"blank lines", "\n\r\n \n", noHeader},
		{"mark alone", byteOrderMark, noHeader},
		{"a separator alone", "From a@trust.example Sat Nov 21 09:00:00 2026\n", noHeader},
		{"a number", "42", noHeader},
		{"prose", "Dear colleague,\n\nSubject: [secure] 999 000 0018\n", noHeader},
		{"prose with a colon", "Note: 999 000 0018\n\nSubject: x\n", noHeader},
		{"postcat -qb", "\nDear colleague, 999 000 0018\n", noHeader},
		{"calendar", "BEGIN:VCALENDAR\nSUMMARY:[secure]\n", noHeader},
		{"JSON", "{\"subject\": 1}\n", noHeader},
		{"key and value", "mode: enforce\n", noHeader},
		{"TOML", "mode = \"enforce\"\n", noHeader},
		{"only a field that is folded", " Subject: [secure]\n\n", noHeader},
		{"Outlook", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00", "it is an Outlook message (.msg) or an old Office file: save the message as .eml"},
		{"Outlook's store", "!BDN\x00", "it is an Outlook data file (.pst): save the message as .eml"},
		{"winmail.dat", "\x78\x9f\x3e\x22\x01", "it is an Outlook attachment (winmail.dat): save the message as .eml"},
		{"gzip", "\x1f\x8b\x08\x00", "it is compressed with gzip: unpack it with gunzip"},
		{"bzip2", "BZh91AY", "it is compressed with bzip2: unpack it with bunzip2"},
		{"xz", "\xfd7zXZ\x00\x00", "it is compressed with xz: unpack it with unxz"},
		{"zstd", "\x28\xb5\x2f\xfd\x00", "it is compressed with zstd: unpack it with unzstd"},
		{"ZIP", "PK\x03\x04\x14", "it is a ZIP archive or an Office document: unpack it, and give one message"},
		{"7-Zip", "7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive: unpack it, and give one message"},
		{"RAR", "Rar!\x1a\x07", "it is a RAR archive: unpack it, and give one message"},
		{"PDF", "%PDF-1.7\n", "it is a PDF document: save the message itself as .eml"},
		{"RTF", "{\\rtf1\\ansi", "it is an RTF document: save the message itself as .eml"},
		{"HTML", "<!DOCTYPE html>\n<html>", "it is a web page or XML: save the message itself as .eml"},
		{"HTML after blanks and a mark", byteOrderMark + "\r\n  <HTML>", "it is a web page or XML: save the message itself as .eml"},
		{"UTF-16, little-endian with a mark", "\xff\xfe" + encodeUTF16(plainMail, false), "it is text in UTF-16 or UTF-32" + utf16},
		{"UTF-16, big-endian with a mark", "\xfe\xff" + encodeUTF16(plainMail, true), "it is text in UTF-16" + utf16},
		{"UTF-16, little-endian", encodeUTF16(plainMail, false), "it is text in UTF-16 or UTF-32" + utf16},
		{"UTF-16, big-endian", encodeUTF16(plainMail, true), "it is text in UTF-16 or UTF-32" + utf16},
		{"NUL octets", strings.Repeat("\x00", 600), "it is not text: give a message as it is sent (.eml)"},
		{"LF CR", strings.ReplaceAll(plainMail, "\n", "\n\r"), `its lines end in LF and CR: convert it with tr -d '\r'`},
		{"picture", "\x89PNG\r\n\x1a\n\x00", "it is a picture: save the message itself as .eml"},
		{"CR alone", strings.ReplaceAll(plainMail, "\n", "\r"), `its lines end in CR alone: convert it with tr '\r' '\n'`},
		{"CR in the header, LF in the text", strings.Replace(strings.ReplaceAll(plainMail, "\n", "\r"), "body", "body\n", 1), `its lines end in CR alone: convert it with tr '\r' '\n'`},
		{"page saved by a browser", "From: <Saved by Blink>\r\nSubject: Mail\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n", "it is a saved web page (.mht): save the message itself as .eml"},
		{"page saved by Internet Explorer", "From: \"Saved by Windows Internet Explorer 8\"\r\nSubject: Mail\r\n\r\n", "it is a saved web page (.mht): save the message itself as .eml"},
		{"postcat without its first line", "sender: a@trust.example\nrecipient: b@gmail.com\n" + postcatContents + plainMail, contents},
		{"postcat from the contents", postcatContents + plainMail, contents},
		{"a file of Postfix's queue", "C_             424             742               3               0             424               0T\x11", "it is a file of Postfix's queue: give the output of postcat -q, with the queue ID"},
		{"a file of Sendmail's queue", "V8\nT1800000000\nK0\nN0\nH??Subject: [secure]\n", `it is a control file of Sendmail's queue: give the message, with (sed -n 's/^H?[^?]*?//p; /^[ \t]/p' qfID; echo; cat dfID)`},
		{"postcat -e", postcatEnvelope + postcatContents + postcatEnd, envelope},
		{"postcat, cut off", postcatEnvelope, envelope},
		{"postcat -o", "*** ENVELOPE RECORDS hold/4XYZ ***\n        0 message_size: 1\n     1300 *** MESSAGE CONTENTS hold/4XYZ ***\n      742 Subject: [secure]\n", options},
		{"postcat -v", postcatEnvelope + "pointer_record:            1202\n" + postcatContents, options},
		{"postcat -v without pointers", postcatEnvelope + postcatContents + "regular_text: Subject: [secure]\n", options},
		{"postcat -q of a message without a header", postcatEnvelope + postcatContents + "\nbody\n" + postcatEnd, noHeader},
	} {
		path := filepath.Join(t.TempDir(), "saved")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, argument := range map[string]string{"standard input": "-", path: path} {
			code, stdout, stderr := runWith(test.text, "explain", "-json", "-from", "<>", "-to", "b@gmail.com", argument)
			if want := "postseal explain: " + name + ": " + test.want + "\n"; code != exitFailure || stdout != "" || stderr != want {
				t.Errorf("%s: exit %d\ngot  %s%s\nwant %s", test.name, code, stdout, stderr, want)
			}
		}
	}
	dir := t.TempDir()
	if code, stdout, stderr := runWith("", "explain", "-from", "<>", "-to", "b@gmail.com", dir); code != exitFailure || stdout != "" ||
		stderr != "postseal explain: "+dir+" is a directory: give one message file\n" {
		t.Errorf("a directory: exit %d, %s%s", code, stdout, stderr)
	}
}

// TestExplainDoubtsAHeader has headers that a person reads further than an MTA does.
func TestExplainDoubtsAHeader(t *testing.T) {
	const (
		emptyLine = "an empty line ends its header, so "
		noField   = "a line of its header is not a field, so "
		from      = "From: a@trust.example\n"
		subject   = "Subject: [secure]\n\nbody\n"
	)
	for _, test := range []struct{ name, text, want string }{
		{"empty line in it", "Received: by mx\n" + from + "\n" + subject, emptyLine + "Subject"},
		{"empty line after each field", "Received: by mx\n\nReceived: by mx\n\n" + subject, emptyLine + "Received"},
		{"fold without its blank", "Received: from x\nby mx\n" + from + subject, noField + "From"},
		{"line of Exchange in it", from + "Microsoft Mail Internet Headers Version 2.0\nX-MimeOLE: x\n" + subject, noField + "Subject"},
		{"fold without its blank before MIME", from + "Subject: x\ny\nContent-Type: text/html\n\nbody\n", noField + "Content-Type"},
		{"quoted web page", from + "Subject: x\n\nFrom: <Saved by Blink>\n", ""},
		{"field with another letter", from + "Subj\u00e9ct: x\n" + subject, noField + "Subject"},
		{"text that begins with fields", from + "To: b@gmail.com\nSubject: x\n\nFrom: b@gmail.com\n" + subject, ""},
		{"no subject, and a forwarded message", from + "To: b@gmail.com\n\nFrom: b@gmail.com\n" + subject, ""},
		{"attached message", from + "Content-Type: message/rfc822\n\n" + subject, ""},
		{"no empty line", from + "body: x\nFrom me to you\n\nTo: x\n", ""},
	} {
		code, stdout, stderr := runWith(test.text, "explain", "-from", "<>", "-to", "b@gmail.com", "-")
		want := test.want
		if want != "" {
			want = "postseal explain: standard input: warning: " + want + " and what follows count as text: "
		}
		if code != exitDone || !strings.Contains(stdout, "marker  missing\n") || !strings.HasPrefix(stderr, want) || want == "" && stderr != "" {
			t.Errorf("%s: exit %d\n%s%s", test.name, code, stdout, stderr)
		}
	}
}

// TestExplainEndsWithTheMessage checks that nothing after a message is read as its
// body.
func TestExplainEndsWithTheMessage(t *testing.T) {
	const mbox, marking = "From a@trust.example Sat Nov 21 09:00:00 2026\n", "OFFICIAL-SENSITIVE\n"
	for name, text := range map[string]string{
		"mbox":    mbox + plainMail + "\n" + mbox + "Subject: x\n\n" + marking,
		"postcat": postcatEnvelope + postcatContents + plainMail + "*** HEADER EXTRACTED hold/4XYZ ***\n" + marking,
	} {
		if got := foundIn(t, text); slices.Contains(got, "marking") {
			t.Errorf("%s: got %q", name, got)
		}
		if got := foundIn(t, strings.Replace(text, "\nbody\n", "\n"+marking, 1)); !slices.Contains(got, "marking") {
			t.Errorf("%s, in the body: got %q", name, got)
		}
	}
}
