package message

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// errNoHeader is the error for text that does not begin with a header.
var errNoHeader = errors.New("it does not begin with the header of a message, such as From: or Subject:; give a message as it is sent (.eml), or the output of postcat -q")

// openSaved returns a reader at the first header field of a saved message. It
// skips what mail programs and postcat(1) write before that, and refuses files
// that contain no message, or one in another form. The reader ends with the message.
func openSaved(r io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, 8<<10)
	start, err := in.Peek(4 << 10)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("reading the message: %w", err)
	case len(start) == 0:
		return nil, errors.New("it is empty")
	}
	if err := refuseForeign(start); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(start, []byte(byteOrderMark)) {
		in.Discard(len(byteOrderMark))
	}
	return skipPreamble(in)
}

const byteOrderMark = "\xef\xbb\xbf"

// Form is a form of files with saved messages.
type Form uint8

const (
	SavedMail   Form = iota // anything that OpenSaved reads, if it can be read at all
	MboxFile                // messages that Mbox finds
	PostcatText             // the output of postcat(1), with an envelope
	QueueFile               // a file of Postfix's queue, which postcat(1) reads
)

// FormOf returns the form of a file by its first octets.
func FormOf(start []byte) Form {
	text := bytes.TrimLeft(bytes.TrimPrefix(start, []byte(byteOrderMark)), " \t\r\n")
	switch {
	case bytes.HasPrefix(text, []byte(mboxFrom)):
		return MboxFile
	case bytes.HasPrefix(text, []byte(envelopeRecords)), bytes.HasPrefix(text, []byte("postcat: ")):
		return PostcatText
	case bytes.HasPrefix(start, []byte("C")) && isQueueFile(start):
		return QueueFile
	}
	return SavedMail
}

// foreign are the beginnings of files that people save or attach instead of a
// message.
var foreign = []struct{ start, is, remedy string }{
	{"\xd0\xcf\x11\xe0", "an Outlook message (.msg) or an old Office file", "save the message as .eml"},
	{"!BDN", "an Outlook data file (.pst)", "save the message as .eml"},
	{"\x78\x9f\x3e\x22", "an Outlook attachment (winmail.dat)", "save the message as .eml"},
	{"\xff\xfe", "text in UTF-16 or UTF-32", "save the message as .eml, or convert it to UTF-8 with iconv"},
	{"\xfe\xff", "text in UTF-16", "save the message as .eml, or convert it to UTF-8 with iconv"},
	{"\x1f\x8b", "compressed with gzip", "unpack it with gunzip"},
	{"BZh", "compressed with bzip2", "unpack it with bunzip2"},
	{"\xfd7zXZ\x00", "compressed with xz", "unpack it with unxz"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it with unzstd"},
	{"PK\x03\x04", "a ZIP archive or an Office document", "unpack it, and give one message"},
	{"7z\xbc\xaf", "a 7-Zip archive", "unpack it, and give one message"},
	{"Rar!", "a RAR archive", "unpack it, and give one message"},
	{"%PDF-", "a PDF document", "save the message itself as .eml"},
	{`{\rtf`, "an RTF document", "save the message itself as .eml"},
	{"\x89PNG", "a picture", "save the message itself as .eml"},
	{"\xff\xd8\xff", "a picture", "save the message itself as .eml"},
	{"<", "a web page or XML", "save the message itself as .eml"},
}

// refuseForeign looks at the first octets of a file. If the file is not a
// message, it returns an error that names its form.
func refuseForeign(start []byte) error {
	text := bytes.TrimLeft(bytes.TrimPrefix(start, []byte(byteOrderMark)), " \t\r\n")
	for _, f := range foreign {
		if bytes.HasPrefix(text, []byte(f.start)) {
			return fmt.Errorf("it is %s: %s", f.is, f.remedy)
		}
	}
	if isSavedPage(start) {
		return errors.New("it is a saved web page (.mht): save the message itself as .eml")
	}
	switch nul := bytes.IndexByte(start[:min(len(start), 16)], 0); {
	case nul >= 0 && len(start) > 2 && (start[0] == 0) != (start[1] == 0):
		return errors.New("it is text in UTF-16 or UTF-32: save the message as .eml, or convert it to UTF-8 with iconv")
	case nul >= 0:
		return errors.New("it is not text: give a message as it is sent (.eml)")
	case start[0] == 'C' && isQueueFile(start):
		return errors.New("it is a file of Postfix's queue: give the output of postcat -q, with the queue ID")
	case isSendmailQueueFile(start):
		return errors.New(`it is a control file of Sendmail's queue: give the message, with (sed -n 's/^H?[^?]*?//p; /^[ \t]/p' qfID; echo; cat dfID)`)
	case linesEndInCR(start):
		return errors.New(`its lines end in CR alone: convert it with tr '\r' '\n'`)
	case linesEndInLFCR(start):
		return errors.New(`its lines end in LF and CR: convert it with tr -d '\r'`)
	}
	return nil
}

// isSavedPage reports whether the header has the sender that browsers write into a page
// that is saved as a message with its pictures.
func isSavedPage(start []byte) bool {
	for line := range bytes.Lines(start) {
		if bytes.HasPrefix(line, []byte(`From: "Saved by `)) || bytes.HasPrefix(line, []byte("From: <Saved by ")) {
			return true
		}
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if len(line) == 0 || bytes.IndexByte(line, '\r') >= 0 {
			return false
		}
	}
	return false
}

// linesEndInCR reports whether the first line has another line after a CR. The text of
// such a message can have an LF.
func linesEndInCR(start []byte) bool {
	line, _, _ := bytes.Cut(start, []byte("\n"))
	return bytes.IndexByte(bytes.TrimRight(line, "\r"), '\r') >= 0
}

// linesEndInLFCR reports whether the first line ends in LF CR.
func linesEndInLFCR(start []byte) bool {
	at := bytes.IndexByte(start, '\n')
	return at > 0 && start[at-1] != '\r' && len(start) > at+2 && start[at+1] == '\r' && start[at+2] != '\n'
}

// isQueueFile reports whether the file begins like Postfix's queue files: with
// a record of type C with its length, and numbers padded with blanks.
func isQueueFile(start []byte) bool {
	const padded = 15
	return len(start) > 2+padded && int(start[1]) > padded && bytes.Trim(start[2:2+padded], " 0123456789") == nil
}

// isSendmailQueueFile reports whether the file begins like the control files of
// Sendmail's queue: with the version of their form, and the time of arrival.
func isSendmailQueueFile(start []byte) bool {
	version, rest, _ := bytes.Cut(start, []byte("\n"))
	return len(version) > 1 && version[0] == 'V' && isNumber(string(version[1:])) && len(rest) > 1 && rest[0] == 'T' && isNumber(string(rest[1:2]))
}

// skipPreamble reads up to the first line that belongs to the message. It returns a
// reader that ends with the message.
func skipPreamble(in *bufio.Reader) (*bufio.Reader, error) {
	for inMbox, inQueueFile := false, false; ; {
		start, _ := in.Peek(64)
		line, _, _ := bytes.Cut(start, []byte("\n"))
		text := string(bytes.TrimRight(line, " \t\r"))
		switch {
		case len(start) == 0:
			return nil, errNoHeader
		case strings.HasPrefix(text, envelopeRecords) && !inQueueFile:
			inQueueFile = true
			var e QueueEnvelope
			if err := e.readRecords(in); err != nil {
				return nil, err
			}
			if err := checkContents(in); err != nil {
				return nil, err
			}
			in = bufio.NewReaderSize(&contentsReader{in: in, end: e.extracted(), begins: true}, 8<<10)
		case strings.HasPrefix(text, messageContents):
			return nil, errContents
		case strings.HasPrefix(text, mboxFrom) && !inQueueFile && !inMbox:
			inMbox = true
			skipLine(in)
			in = bufio.NewReaderSize(&mboxReader{in: in, begins: true}, 8<<10)
		case text == "", isSeparator(text),
			isNumber(text), // the first line of Apple's .emlx
			text == outlookHeader,
			strings.HasPrefix(text, "postcat: "): // a warning, with 2>&1
			skipLine(in)
		default:
			return in, nil
		}
	}
}

// outlookHeader is the line that Outlook and Exchange write before a header that is
// copied or exported.
const outlookHeader = "Microsoft Mail Internet Headers Version 2.0"

// isSeparator reports whether a line begins a message of an mbox file.
func isSeparator(text string) bool {
	return strings.HasPrefix(text, mboxFrom) || strings.HasPrefix(text, ">"+mboxFrom)
}

func isNumber(text string) bool { return strings.Trim(text, "0123456789") == "" }

// skipLine reads to the end of a line, however long it is.
func skipLine(in *bufio.Reader) {
	for {
		if _, err := in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// usualFields are the fields of which every message has at least one. Lines of
// other text can look like header fields.
var usualFields = map[string]bool{
	"from": true, "to": true, "cc": true, "bcc": true, "subject": true, "date": true, "sender": true, "reply-to": true,
	"message-id": true, "received": true, "return-path": true, "delivered-to": true, "mime-version": true,
	"resent-from": true, "resent-to": true, "resent-date": true,
}

// isUsualField reports whether messages usually have a field with the name.
func isUsualField(name string) bool {
	return usualFields[strings.ToLower(strings.TrimRight(name, " \t"))]
}
