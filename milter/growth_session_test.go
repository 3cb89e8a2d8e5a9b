//go:build !race

package milter

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/growthtest"
)

// recorded is a connection whose input is complete from the start.
type recorded struct {
	net.Conn
	in io.Reader
}

func (r recorded) Read(p []byte) (int, error)     { return r.in.Read(p) }
func (recorded) Write(p []byte) (int, error)      { return len(p), nil }
func (recorded) Close() error                     { return nil }
func (recorded) SetReadDeadline(time.Time) error  { return nil }
func (recorded) SetWriteDeadline(time.Time) error { return nil }

// TestSessionGrows serves connections with much data of one kind.
func TestSessionGrows(t *testing.T) {
	many := func(n int, packet func(i int) string) (packets []string) {
		for i := range n {
			packets = append(packets, packet(i))
		}
		return packets
	}
	mail := func(rest ...string) []string { return append([]string{"M<a@trust.example>\x00"}, rest...) }
	config := testConfig(t, rules.Policy{Name: "all", Action: rules.Divert, Mode: rules.Enforce})
	for _, test := range []struct {
		name    string
		packets func(n int) []string
	}{
		{"recipients", func(n int) []string {
			return append(mail(many(n, func(i int) string { return fmt.Sprintf("R<a%d@x.example>\x00", i) })...), "N", "E")
		}},
		{"one recipient again and again", func(n int) []string {
			return append(mail(many(n, func(int) string { return "R<a@x.example>\x00" })...), "N", "E")
		}},
		{"refused recipients", func(n int) []string {
			return append(mail(many(n, func(i int) string { return fmt.Sprintf("R<a%d@x.gsi.gov.uk>\x00", i) })...), "N", "E")
		}},
		{"arguments of a recipient", func(n int) []string {
			return mail("R<a@x.example>\x00"+strings.Repeat("NOTIFY=NEVER\x00", n), "N", "E")
		}},
		{"macros", func(n int) []string {
			return mail("DR"+strings.Repeat("x\x00y\x00", n), "R<a@x.example>\x00", "N", "E")
		}},
		{"fields", func(n int) []string {
			return append(mail(append([]string{"R<a@x.example>\x00"}, many(n, func(int) string { return header("Received", "x") })...)...), "N", "E")
		}},
		{"messages", func(n int) []string {
			var packets []string
			for range n {
				packets = append(packets, mail("R<a@x.example>\x00", header("Subject", "x"), "N", "E")...)
			}
			return packets
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var all []*syncBuffer
			growthtest.Linear(t, 500, func(n int) func() {
				var b bytes.Buffer
				for _, text := range append([]string{offer(6, allActions, allProtocol), connect}, test.packets(n)...) {
					b.Write(packet(text[0], text[1:]))
				}
				log := new(syncBuffer)
				all = append(all, log)
				s := &Server{Config: always(config), Log: maillog.NewLog(slog.New(slog.NewJSONHandler(log, nil)), nil), Timeouts: DefaultTimeouts, MaxConnections: 1, Now: time.Now}
				return func() {
					s.serve(s.begin(recorded{in: &b}))
					s.done.Wait()
					if text := log.String(); !strings.Contains(text, `"msg":"decision"`) || strings.Contains(text, "session broken") || strings.Contains(text, "internal error") {
						t.Error(text[:min(len(text), 500)])
					}
				}
			})
			for _, log := range all {
				logtest.Check(t, log.String())
			}
		})
	}
}
