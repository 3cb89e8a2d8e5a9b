package mime

import (
	"bytes"
	stdbase64 "encoding/base64"
	"io"
	"mime/quotedprintable"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// discard is a sink that does nothing.
type discard struct{}

func (discard) Begin(detect.Place)    {}
func (discard) Text([]byte)           {}
func (discard) Found(finding.Finding) {}

func wrap(text string) string {
	var lines strings.Builder
	for len(text) > 76 {
		lines.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	return lines.String() + text
}

func quoted(text string) string {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

// BenchmarkReader reads messages in the pieces that a milter gets.
func BenchmarkReader(b *testing.B) {
	plain := strings.Repeat("Discharge summary for ward 7, with thanks to all of you.\r\n", 1<<20/58)
	html := strings.Repeat(`<tr><td style="padding:0 0 8px 0;font-family:Arial"><p class=MsoNormal>Discharge summary for ward&nbsp;7, with thanks to all of you.</p></td></tr>`+"\r\n", 1<<20/146)
	for _, bench := range []struct{ name, contentType, encoding, body string }{
		{"4 KiB of text", "text/plain", "7bit", plain[:4096]},
		{"text", "text/plain; charset=utf-8", "8bit", plain},
		{"text in quoted-printable", "text/plain; charset=utf-8", "quoted-printable", quoted(strings.ReplaceAll(plain, "7", "é"))},
		{"text in base64", "text/plain; charset=utf-8", "base64", wrap(stdbase64.StdEncoding.EncodeToString([]byte(plain)))},
		{"HTML", "text/html; charset=utf-8", "8bit", html},
		{"HTML in quoted-printable", "text/html; charset=utf-8", "quoted-printable", quoted(html)},
		{"HTML in base64", "text/html; charset=utf-8", "base64", wrap(stdbase64.StdEncoding.EncodeToString([]byte(html)))},
		{"parts", "multipart/mixed; boundary=b", "7bit", strings.Repeat("--b\r\nContent-Type: text/html\r\n\r\n"+html[:4096]+"\r\n", 250)},
		{"text without an end in dashes", "multipart/mixed; boundary=b", "7bit", "--b\r\n\r\n" + strings.Repeat("-", 1<<20)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			body := []byte(bench.body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				r := NewReader(discard{}, nil, DefaultLimits())
				r.Field("Content-Type", bench.contentType)
				r.Field("Content-Transfer-Encoding", bench.encoding)
				r.EndHeader()
				for p := body; len(p) > 0; {
					n := min(len(p), 65535)
					r.Write(p[:n])
					p = p[n:]
				}
				r.Close()
			}
		})
	}
}
