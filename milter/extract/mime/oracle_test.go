package mime

import (
	"bytes"
	stdbase64 "encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // for what go-message decodes
)

// generator makes well-formed messages.
type generator struct{ *rand.Rand }

// entity returns a part with its header.
func (g generator) entity(depth int) string {
	switch n := g.IntN(6); {
	case depth < 4 && n < 2:
		return g.multipart(depth)
	case depth < 4 && n == 2:
		return "Content-Type: message/rfc822\r\n\r\nSubject: s\r\nMIME-Version: 1.0\r\n" + g.entity(depth+1)
	}
	return g.leaf()
}

func (g generator) multipart(depth int) string {
	boundary := fmt.Sprintf("=_%d.%d?x", depth, g.IntN(1e6))
	var b strings.Builder
	fmt.Fprintf(&b, "Content-Type: multipart/mixed;\r\n\tboundary=\"%s\"\r\n\r\n", boundary)
	for range 1 + g.IntN(3) {
		fmt.Fprintf(&b, "--%s\r\n%s\r\n", boundary, g.entity(depth+1))
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return b.String()
}

func (g generator) leaf() string {
	text := strings.Repeat("words é "+fmt.Sprint(g.IntN(1e9))+"\r\n", g.IntN(60))
	header, charset := "", "utf-8"
	if g.IntN(3) == 0 {
		charset, text = "iso-8859-1", strings.ReplaceAll(text, "é", "\xe9")
	}
	switch g.IntN(3) {
	case 0:
		var quoted bytes.Buffer
		w := quotedprintable.NewWriter(&quoted)
		io.WriteString(w, text)
		w.Close()
		text, header = quoted.String(), "Content-Transfer-Encoding: quoted-printable\r\n"
	case 1:
		text = stdbase64.StdEncoding.EncodeToString([]byte(text))
		var lines strings.Builder
		for len(text) > 76 {
			lines.WriteString(text[:76] + "\r\n")
			text = text[76:]
		}
		text, header = lines.String()+text, "Content-Transfer-Encoding: base64\r\n"
	}
	return fmt.Sprintf("Content-Type: text/plain; charset=%s\r\n%s\r\n%s", charset, header, text)
}

// byGoMessage returns the parts as go-message reads them, in the form of a
// Recorder.
func byGoMessage(t *testing.T, e *message.Entity, number string, isBody bool) string {
	media, _, _ := e.Header.ContentType()
	if parts := e.MultipartReader(); parts != nil {
		var all strings.Builder
		for i := 1; ; i++ {
			part, err := parts.NextPart()
			if err == io.EOF {
				return all.String()
			}
			if err != nil {
				t.Fatal(err)
			}
			all.WriteString(byGoMessage(t, part, below(number, i), false))
		}
	}
	if isBody {
		number = below(number, 1)
	}
	if media == "message/rfc822" {
		inner, err := message.Read(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("[%s subject]s", number) + byGoMessage(t, inner, number, true)
	}
	text, err := io.ReadAll(e.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return ""
	}
	return fmt.Sprintf("[%s]%s", number, strings.ReplaceAll(string(text), "\r\n", "\n"))
}

// TestReaderAgainstGoMessage compares the parts of well-formed messages.
func TestReaderAgainstGoMessage(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(2046, 3501))}
	for range 500 {
		text := g.entity(0)
		header, body, _ := strings.Cut(text, "\r\n\r\n")
		e, err := message.Read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		want := byGoMessage(t, e, "", true)
		got := read(strings.ReplaceAll(header, "\r\n", "\n")+"\n\n"+body, 1+g.IntN(5000), DefaultLimits())
		// The line end before a boundary belongs to it. To text it does
		// nothing.
		if trimParts(got) != trimParts(want) {
			t.Fatalf("%q:\ngot  %q\nwant %q", text, got, want)
		}
	}
}

// trimParts removes the line ends at the ends of parts.
func trimParts(calls string) string {
	parts := strings.Split(calls, "[")
	for i := range parts {
		parts[i] = strings.TrimRight(parts[i], "\n")
	}
	return strings.Join(parts, "[")
}
