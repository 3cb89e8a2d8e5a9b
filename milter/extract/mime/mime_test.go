package mime

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/extract/sinktest"
)

// documents records what is written to the documents.
type opened struct {
	rec    *sinktest.Recorder
	number string
	octets strings.Builder
}

func (o *opened) Write(p []byte) (int, error) { return o.octets.Write(p) }

func (o *opened) Close() error {
	o.rec.Note(fmt.Sprintf("<%s %s>", o.number, o.octets.String()))
	return nil
}

// read reads a message. The body comes in pieces of n octets.
func read(message string, n int, limits Limits) string {
	var rec sinktest.Recorder
	r := NewReader(&rec, func(part string) io.WriteCloser { return &opened{rec: &rec, number: part} }, limits)
	header, body, ok := strings.Cut("\n"+message, "\n\n")
	if !ok {
		header, body = "", message
	}
	for header = strings.TrimPrefix(header, "\n"); header != ""; {
		field := header[:fieldLength(header)]
		header = header[len(field):]
		name, value, _ := strings.Cut(strings.TrimRight(field, "\n"), ":")
		r.Field(name, value)
	}
	r.EndHeader()
	for body != "" {
		n := min(n, len(body))
		r.Write([]byte(body[:n]))
		body = body[n:]
	}
	r.Close()
	return rec.String()
}

// test is a message and what it says.
type test struct{ name, message, want string }

// run reads messages with both kinds of line ends, cut in several ways.
func run(t *testing.T, tests []test) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			header, body, _ := strings.Cut(test.message, "\n\n")
			crlf := header + "\n\n" + strings.ReplaceAll(body, "\n", "\r\n")
			for _, n := range []int{1, 2, 3, 7, 100000} {
				for _, message := range []string{test.message, crlf} {
					if got := read(message, n, DefaultLimits()); strings.ReplaceAll(got, "\r", "") != test.want {
						t.Fatalf("%q in pieces of %d:\ngot  %q\nwant %q", message, n, got, test.want)
					}
				}
			}
		})
	}
}

const mixed = "Content-Type: multipart/mixed; boundary=b\n\n"

func TestText(t *testing.T) {
	run(t, []test{
		{"no MIME", "X: y\n\na\nb", "[1]a\nb"},
		{"subject", "Subject: =?utf-8?Q?a=C3=A9?=\n\nb", "[ subject]aé[1]b"},
		{"8bit", "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\ncaf\xe9", "[1]café"},
		{"quoted-printable", "Content-Transfer-Encoding: quoted-printable\n\n99=\n9=20=C3=A9", "[1]999 é"},
		{"base64", "Content-Transfer-Encoding: base64\n\nOTk5IDAw\nMCAwMDE4", "[1]999 000 0018"},
		{"encodings by odd names", "Content-Transfer-Encoding: \"Base-64\" (x)\n\nOTk5", "[1]999"},
		{"a comment before an encoding", "Content-Transfer-Encoding: (x) base64\n\nOTk5", "[1]999"},
		{"a comment before a type", "Content-Type: (x) text/html\n\n9<b>9", "[1]99"},
		{"unknown encoding", "Content-Transfer-Encoding: x-new\n\nOTk5", "{unreadable damaged 1}[1]OTk5"},
		{"base64 that is text", "Content-Transfer-Encoding: base64\n\nDear Jane, the number is 999 000 0018.", "{unreadable damaged 1}[1]Dear Jane, the number is 999 000 0018."},
		{"two encodings", "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\nOTk5", "{unreadable damaged 1}[1]999"},
		{"the same encoding twice", "Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: BASE64\n\nOTk5", "[1]999"},
		{"HTML", "Content-Type: text/html; charset=utf-8\n\n<p>9<b>99</b>", "[1]999"},
		{"flowed", "Content-Type: text/plain; format=flowed; delsp=yes\n\n9 \n99", "[1]999"},
		{"type in capitals, without blanks", "Content-Type:TEXT/HTML;CHARSET=\"KOI8-R\"\n\n<p>\xc1", "[1]а"},
		{"charset in parts", "Content-Type: text/plain;\n charset*0=koi8;\n charset*1=\"-r\"\n\n\xc1", "[1]а"},
		{"charset with its own charset", "Content-Type: text/plain; charset*=us-ascii'en'koi8%2Dr\n\n\xc1", "[1]а"},
		{"no semicolon", "Content-Type: text/plain charset=koi8-r\n\n\xc1", "[1]а"},
		{"unknown type", "Content-Type: application/x-new\n\nabc", "[1]abc"},
		{"empty", "Content-Type: text/plain\n\n", ""},
		{"partial", "Content-Type: message/partial; id=a\n\nabc", "{unreadable unknown-type 1}[1]abc"},
	})
}

func TestMultipart(t *testing.T) {
	run(t, []test{
		{"parts", mixed + "--b\n\na\n--b\nContent-Type: text/html\n\n<p>c\n--b--\n", "[1]a\n[2]c"},
		{"alternative", "Content-Type: multipart/alternative; boundary=b\n\n--b\n\na\n--b\nContent-Type: text/html\n\n<p>c\n--b--\n", "[1]a\n[2]c"},
		{"nested", mixed + "--b\nContent-Type: multipart/x; boundary=c\n\n--c\n\na\n--c--\n--b\n\nd\n--b--", "[1.1]a\n[2]d\n"},
		{"no closing boundary", mixed + "--b\nContent-Type: multipart/x; boundary=c\n\n--c\n\na\n--b\n\nd", "[1.1]a\n[2]d"},
		{"a boundary that never comes", mixed + "a\n--c\nb", "[]a\n--c\nb"},
		{"preamble and epilogue", mixed + "a\n--b\n\nc\n--b--\nd\n", "[]a\n[1]c\n[]d\n"},
		{"a part after the end", mixed + "--b\n\na\n--b--\n--b\n\nc\n", "[1]a\n[2]c\n"},
		{"no boundary", "Content-Type: multipart/mixed\n\nx\n--b\nContent-Type: text/html\n\n<p>a\n--b--", "[]x\n[1]Content-Type: text/html\n\n[1]a"},
		{"another boundary", mixed + "--c\ncontent-transfer-encoding: base64\n\nOTk5\n--c--", "[1]content-transfer-encoding: base64\n\n[1]999"},
		{"a line like a boundary before one", mixed + "--c\n--b\n\na", "[]--c\n[1]a"},
		{"a boundary inside another", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bc\n\n--bc\n\na\n--bc--\n--b\n\nd", "[1.1]a\n[2]d"},
		{"text after a boundary", mixed + "--bx\nContent-Type: text/html\n\n<p>a", "[1]Content-Type: text/html\n\n[1]a"},
		{"blanks after a boundary", mixed + "--b \t\n\na\n--b--  \nc", "[1]a\n[]c"},
		{"odd boundary", "Content-Type: multipart/mixed; boundary=\"=_b'()+,/:=? \\\"x\"\n\n--=_b'()+,/:=? \"x\n\na", "[1]a"},
		{"escapes that are none", "Content-Type: multipart/mixed; boundary=\"a\\b\"\n\n--a\\b\n\na", "[1]a"},
		{"single quotes", "Content-Type: multipart/mixed; boundary='b'\n\n--b\n\na", "[1]a"},
		{"a quote without an end", "Content-Type: multipart/mixed; boundary=\"b\n\n--b\n\na", "[1]a"},
		{"boundary in parts", "Content-Type: multipart/mixed; boundary*0=\"b\"; boundary*1=\"c\"\n\n--bc\n\na", "[1]a"},
		{"folded", "Content-Type: multipart/mixed;\n\tboundary=b\n\n--b\nContent-Type:\n text/html\n\n<p>a", "[1]a"},
		{"two types", "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\na", "[1]a"},
		{"two boundaries", "Content-Type: multipart/mixed; boundary=c\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\na\n--c\n\nd", "[1]a\n[2]d"},
		{"two types of text", "Content-Type: text/plain\nContent-Type: text/html\n\na", "{unreadable damaged 1}[1]a"},
		{"no header", mixed + "--b\nNHS 999 000 0018\nand more\n\nc\n", "[1]NHS 999 000 0018\nand more\n\nc\n"},
		{"prose like a header", "X: y\n\nReceived: 12 June\nNHS number:\n\n9990000018", "[1]Received: 12 June\nNHS number:\n\n9990000018"},
		{"a document without a header", mixed + "--b\n%PDF-1.7\n\nx", "<1 %PDF-1.7\n\nx>"},
		{"only a header", mixed + "--b\nNHS: 999 000 0018\n--b--", "[1]NHS: 999 000 0018\n"},
		{"text between fields", mixed + "--b\nContent-Type: text/html\nx y\nContent-Transfer-Encoding: base64\n\nPHA+OTk5\n", "[1]Content-Type: text/html\nx y\nContent-Transfer-Encoding: base64\n\n[1]999"},
		{"no line after a header", mixed + "--b\nContent-Type: text/html\n<p>9<b>9\n", "[1]Content-Type: text/html\n<p>9<b>9\n[1]99"},
		{"blanks after a header", mixed + "--b\nContent-Transfer-Encoding: base64\n \nOTk5\n", "[1]Content-Transfer-Encoding: base64\n \nOTk5\n[1]999"},
		{"a header without a body", mixed + "--b\nContent-Type: text/rfc822-headers\n\nContent-Type: text/html\nSubject: =?utf-8?Q?s?=\n", "[1 subject]s[1.1]Content-Type: text/html\nSubject: =?utf-8?Q?s?=\n"},
		{"encoded multipart", "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\nLS1iCgo5OTkK", "[1]999\n"},
		{"an encoding that is not used", "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: quoted-printable\n\n--b\n\n=39", "[1]=39"},
		{"CR alone in a header", mixed + "--b\n\n\n--b--\r--b\rContent-Type: text/html\r\r<p>a", "[2]a"},
		{"HTML without its boundary", mixed + "<html><p>9<b>9", "[]99[]<html><p>9<b>9"},
		{"no subtype", "Content-Type: multipart; boundary=b\n\n--b\n\na", "[1]a"},
		{"no type", "Content-Type: ; boundary=b\n\n--b\n\na", "[1]a"},
		{"file names", mixed + "--b\nContent-Type: text/plain; name=\"=?utf-8?Q?c=C3=A9?=\"\nContent-Disposition: attachment; filename*=utf-8''c%C3%A9\nContent-Description: d\n\na", "[1]cé\n[1]d\n[1]a"},
		{"CR alone", mixed + "--b\n\na\r--b\n\nc", "[1]a\n[2]c"},
		{"dashes", mixed + "--b\n\n-\n--\n---b\n-- b\nb\n", "[1]-\n--\n---b\n-- b\nb\n"},
	})
}

func TestMessages(t *testing.T) {
	const inner = "Subject: s\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\na\n--c\n\nd\n--c--\n"
	long := strings.Repeat("bob@example.org,\n ", 80) + "eve@example.org"
	run(t, []test{
		{"attached", mixed + "--b\n\nx\n--b\nContent-Type: message/rfc822\n\n" + inner + "--b--", "[1]x\n[2 subject]s[2.1]a\n[2.2]d\n"},
		{"attached text", mixed + "--b\nContent-Type: message/rfc822\n\nSubject: s\n\na\n--b--", "[1 subject]s[1.1]a\n"},
		{"attached twice", mixed + "--b\nContent-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nSubject: s\n\na", "[1.1 subject]s[1.1.1]a"},
		{"alone", "Content-Type: message/rfc822\n\nSubject: s\n\na", "[1 subject]s[1.1]a"},
		{"in base64", mixed + "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogcwoKYQ==\n", "[1 subject]s[1.1]a"},
		{"digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: s\n\na\n--b\nContent-Type: text/plain\n\nc", "[1 subject]s[1.1]a\n[2]c"},
		{"by content", mixed + "--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\nTUlNRS1WZXJzaW9uOiAxLjAKU3ViamVjdDogcwoKYQ==\n", "[1 subject]s[1.1]MIME-Version: 1.0\nSubject: s\n\na"},
		{"by content, after a long field", mixed + "--b\nContent-Type: application/octet-stream\n\nTo: " + long + "\nContent-Transfer-Encoding: base64\n\nT1Rr\n", "[1.1]To: " + long + "\nContent-Transfer-Encoding: base64\n\n[1.1]OTk"},
		{"in an mbox", mixed + "--b\nContent-Type: message/rfc822\n\nFrom a@b.example Mon\nSubject: s\n\na", "[1 subject]s[1.1]a"},
		{"an mbox", mixed + "--b\n\nFrom a@b.example Mon Nov\nMessage-ID: <x>\n\na\n\nFrom here\n\nFrom a@b.example Tue Nov\nContent-Transfer-Encoding: base64\n\nT1Rr\n", "[1.1]From a@b.example Mon Nov\nMessage-ID: <x>\n\na\n\nFrom here\n\n[1/2.1]From a@b.example Tue Nov\nContent-Transfer-Encoding: base64\n\n[1/2.1]OTk"},
		{"no header", mixed + "--b\nContent-Type: message/rfc822\n\nDear Jane\n", "[1.1]Dear Jane\n"},
	})
}

func TestBlocks(t *testing.T) {
	const file = "begin 644 a.txt\n#86)C\n`\nend\n"
	const pgp = "-----BEGIN PGP MESSAGE-----\nVersion: x\n\nhQEMA\n=abcd\n-----END PGP MESSAGE-----\n"
	run(t, []test{
		{"uuencode", "X: y\n\na\n" + file + "b\n", "[1]a\nbegin 644 a.txt\n[1/1]abc[1]b\n"},
		{"two files", "X: y\n\n" + file + file, "[1]begin 644 a.txt\n[1/1]abc[1]begin 644 a.txt\n[1/2]abc"},
		{"as an encoding", "Content-Type: application/pdf\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n')5!$1BTQ+@``\n`\nend\n", "[1]begin 644 a\n<1/1 %PDF-1.>"},
		{"base64", "X: y\n\nbegin-base64 644 a\nYWJj\nZGVm\n====\nb\n", "[1]begin-base64 644 a\n[1/1]abcdef[1]b\n"},
		{"base64 without an end", "X: y\n\nbegin-base64 644 a\nYWJj\nDear Jane\n", "[1]begin-base64 644 a\n[1/1]abc[1]Dear Jane\n"},
		{"a document in base64", "X: y\n\nbegin-base64 644 a\nJVBERi0x\n====\n", "[1]begin-base64 644 a\n<1/1 %PDF-1>"},
		{"yEnc", "X: y\n\na\n=ybegin line=128 size=3 name=a\n\x8b\x8c\n=yend size=3\n", "[1]{unreadable unknown-type 1}a\n=ybegin line=128 size=3 name=a\n‹Œ\n=yend size=3\n"},
		{"prose", "X: y\n\nbegin 644 times\nand Then\nbegin\nbe", "[1]begin 644 times\nand Then\nbegin\nbe"},
		{"no end", "X: y\n\nbegin 644 a\n#86)C\nDear Jane\n", "[1]begin 644 a\n[1/1]abc[1]Dear Jane\n"},
		{"inline PGP", "Subject: s\n\n" + pgp, "[ subject]s{encrypted  1}"},
		{"inline PGP and text", "X: y\n\nDear Jane\n" + pgp + "Bye\n", "[1]Dear Jane\n[1]Bye\n{unreadable encrypted 1}"},
		{"inline PGP that is cut", "X: y\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\nDear Jane, hello\n", "[1]Dear Jane, hello\n{unreadable encrypted 1}"},
		{"signed by PGP", "X: y\n\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\na\n", "[1]-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\na\n"},
		{"PGP/MIME", "Content-Type: multipart/encrypted; boundary=b\n\nThis is an encrypted message.\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\nContent-Type: application/octet-stream\n\n" + pgp + "\n--b--\n", "[]This is an encrypted message.\n[2]\n{encrypted  2}"},
		{"PGP/MIME beside text", mixed + "--b\n\nNHS\n--b\nContent-Type: application/octet-stream\n\n" + pgp + "\n--b--\n", "[1]NHS\n[2]\n{unreadable encrypted 2}"},
	})
}
