package mime

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// lines are those of broken messages.
var lines = []string{
	"--b", "--b", "--b--", "--c", "--c--", "--bx", "--b ", "--", "-- ", "-----", "", "", "",
	"Content-Type: multipart/mixed; boundary=c", "Content-Type: multipart/mixed", "Content-Type: text/html", "Content-Type: text/plain; charset=utf-16",
	"Content-Type: message/rfc822", "Content-Type: application/pdf", "Content-Type: image/png", "Content-Type: text/csv", "Content-Type: text/calendar",
	"Content-Type: application/pkcs7-mime; smime-type=enveloped-data", "Content-Type: multipart/digest; boundary=\"d", "--d",
	"Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: quoted-printable", "Content-Transfer-Encoding: x-uuencode", "MIME-Version: 1.0",
	"Subject: =?utf-8?Q?x?=", "X: y", " folded", "text", "T1R4Zm9vYmFy", "From a@b.example Mon Nov", "Message-ID: <x>", "begin 644 a", "begin-base64 644 a", "====", "=ybegin line=128 size=3 name=a", "#86)C", "`", "end", "=", "a=", "<p>", "<!-- x -->", "<b",
	"-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----", "BEGIN:VCALENDAR", "a;b;c", "\x00", "caf\xe9", "x\ry",
}

// generateBroken returns a body of random lines.
func generateBroken(random *rand.Rand) []string {
	var body []string
	for range random.IntN(16) {
		body = append(body, lines[random.IntN(len(lines))])
	}
	return body
}

// join joins lines. Some end in a bare CR or LF.
func join(random *rand.Rand, lines []string) string {
	var all strings.Builder
	for _, line := range lines {
		all.WriteString(line + []string{"\r\n", "\r\n", "\r\n", "\n", "\r"}[random.IntN(5)])
	}
	return all.String()
}

var headers = []string{
	"Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n", "Content-Type: multipart/mixed\n\n", "X: y\n\n",
	"Content-Type: text/html\n\n", "Content-Transfer-Encoding: base64\n\n", "Content-Type: message/rfc822\n\n",
	"Content-Type: multipart/alternative; boundary=b\nContent-Transfer-Encoding: base64\n\n",
}

// TestNothingIsLost plants a line of text in broken messages. It must be shown,
// or a finding must tell that something was not read.
func TestNothingIsLost(t *testing.T) {
	const planted = "NHS number 999 000 0018."
	random := rand.New(rand.NewPCG(2045, 2049))
	for range 30000 {
		body := generateBroken(random)
		i := random.IntN(len(body) + 1)
		body = append(body[:i:i], append([]string{planted}, body[i:]...)...)
		message := headers[random.IntN(len(headers))] + join(random, body)
		got := read(message, 1+random.IntN(50), DefaultLimits())
		if !strings.Contains(got, planted) && !strings.Contains(got, "{") && !strings.Contains(got, "<") && !isHidden(body, i) {
			t.Errorf("%q: got %q", message, got)
		}
	}
}

// isHidden reports whether a line is in a tag of HTML, which no client shows.
func isHidden(body []string, i int) bool { return slices.Contains(body[:i], "<b") }

func FuzzReader(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, header := range headers {
		f.Add(header+strings.Join(generateBroken(random), "\r\n"), 3)
	}
	f.Add("Content-Transfer-Encoding: base64\n\n"+strings.Repeat("YWFh", 1500)+"Y W F h", 1)
	f.Fuzz(func(t *testing.T, message string, n int) {
		limits := DefaultLimits()
		limits.Parts = 20
		whole, cut := read(message, len(message)+1, limits), read(message, max(n, 1), limits)
		if whole != cut {
			t.Errorf("whole %q, cut %q", whole, cut)
		}
	})
}

// TestCutsChangeNothing reads broken messages whole and cut.
func TestCutsChangeNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		message := headers[random.IntN(len(headers))] + join(random, generateBroken(random))
		whole, cut := read(message, len(message)+1, DefaultLimits()), read(message, 1+random.IntN(9), DefaultLimits())
		if whole != cut {
			t.Errorf("%q: whole %q, cut %q", message, whole, cut)
		}
	}
}
