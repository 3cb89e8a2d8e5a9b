//go:build !race

package mime

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/growthtest"
)

// repeated are bodies that repeat a text.
var repeated = []struct{ name, header, text string }{
	{"text", "text/plain", "Dear Jane, the letter is attached.\r\n"},
	{"not UTF-8", "text/plain", "caf\xe9 "},
	{"flowed", "text/plain; format=flowed", "> a \r\n"},
	{"UTF-16", "text/plain; charset=utf-16le", "a\x00"},
	{"UTF-7", "text/plain; charset=utf-7", "+AOk-"},
	{"no line ends", "text/plain", "a"},
	{"bare CRs", "text/plain", "\r"},
	{"dashes", "multipart/mixed; boundary=b", "-"},
	{"lines of dashes", "multipart/mixed; boundary=b", "--\r\n"},
	{"lines like a delimiter", "multipart/mixed; boundary=bc", "--b\r\n"},
	{"delimiters", "multipart/mixed; boundary=b", "--b\r\n"},
	{"ends", "multipart/mixed; boundary=b", "--b--\r\n"},
	{"parts", "multipart/mixed; boundary=b", "--b\r\nContent-Type: text/html\r\n\r\na\r\n"},
	{"delimiters that are guessed", "multipart/mixed", "--b\r\nContent-\r\n"},
	{"header without an end", "message/rfc822", "X: y\r\n"},
	{"messages", "message/rfc822", "Content-Type: message/rfc822\r\n\r\n"},
	{"multiparts", "message/rfc822", "Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n"},
	{"files", "text/plain", "begin 644 a\n#86)C\n`\nend\n"},
	{"beginnings of files", "text/plain", "begin 644 a\n"},
	{"PGP messages", "text/plain", "-----BEGIN PGP MESSAGE-----\n\na\n-----END PGP MESSAGE-----\n"},
	{"table", "text/csv", "a;\"b\";c\r\n"},
	{"calendar", "text/calendar", "A:b\r\n c\\n\r\n"},
	{"tags", "text/html", "<p>"},
	{"tags without an end", "text/html", "<a b=\""},
	{"attributes", "text/html", "<a b='c' d=e f"},
	{"entities", "text/html", "&amp"},
	{"a number", "text/html", "&#0"},
	{"comments", "text/html", "<!-- -"},
	{"tables", "text/html", "<table><tr><td>a"},
	{"cells", "text/html", "<table><tr><td colspan=99>a<br>"},
	{"scripts", "text/html", "<script></scrip"},
	{"blanks", "text/html", " \n"},
	{"signed", "application/pkcs7-mime", "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80"},
	{"image", "image/jpeg", "\xff\xd8\xff\xe0\x00\x02"},
}

// readBody reads a body in the pieces that a milter gets.
func readBody(header string, body []byte) {
	r := NewReader(discard{}, func(string) io.WriteCloser { return nil }, DefaultLimits())
	r.Field("Content-Type", header)
	r.EndHeader()
	for len(body) > 0 {
		n := min(len(body), 65535)
		r.Write(body[:n])
		body = body[n:]
	}
	r.Close()
}

func TestReaderGrows(t *testing.T) {
	for _, test := range repeated {
		t.Run(test.name, func(t *testing.T) {
			growthtest.Linear(t, 60<<10, func(n int) func() {
				body := []byte(strings.Repeat(test.text, n/len(test.text)))
				return func() { readBody(test.header, body) }
			})
		})
	}
}

// TestReaderGrowsNoMemory holds that the memory for a message depends neither on
// its length nor on what it is like.
func TestReaderGrowsNoMemory(t *testing.T) {
	for _, test := range repeated {
		body := []byte(strings.Repeat(test.text, 4<<20/len(test.text)))
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r := NewReader(discard{}, func(string) io.WriteCloser { return nil }, DefaultLimits())
		r.Field("Content-Type", test.header)
		r.EndHeader()
		r.Write(body)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if n := int64(after.HeapAlloc) - int64(before.HeapAlloc); n > 2<<20 {
			t.Errorf("%s: %d octets are kept", test.name, n)
		}
		r.Close()
		runtime.KeepAlive(body)
	}
}
