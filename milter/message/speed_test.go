package message

import (
	"strings"
	"testing"
	"time"
)

// BenchmarkBody reads a MiB through the readers and the detectors, in the pieces
// that a connection reads.
func BenchmarkBody(b *testing.B) {
	text := strings.Repeat("Discharge summary for ward 7 of 12 June 2026, with thanks to all of you.\r\n", 1<<20/74)
	html := strings.Repeat(`<tr><td style="padding:0 0 8px 0;font-family:Arial"><p class=MsoNormal>Discharge summary for ward&nbsp;7, with thanks to all of you.</p></td></tr>`+"\r\n", 1<<20/146)
	for _, bench := range []struct{ name, contentType, body string }{
		{"text", "text/plain; charset=utf-8", text},
		{"HTML", "text/html; charset=utf-8", html},
	} {
		b.Run(bench.name, func(b *testing.B) {
			config := reading(b)
			body := []byte(bench.body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				m := New(config, Envelope{Body: true})
				m.Recipient("bob@gmail.com", "", nil, time.Now())
				m.Header("Content-Type", bench.contentType)
				for p := body; len(p) > 0; {
					n := min(len(p), 4<<10)
					m.Body(p[:n])
					p = p[n:]
				}
				if _, err := m.End(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
