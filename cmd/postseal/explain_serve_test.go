package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gomilter "github.com/emersion/go-milter"
	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/milter"
	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
)

// mailCase is a message for both commands.
type mailCase struct {
	from, client string
	to           []string
	subject      string
}

// explained is the result of explain -json, or what serve did with the message.
type explained struct {
	Action, Marker string
	NearMiss       string `json:"near_miss"`
	Recipients     []explainedRecipient
}

type explainedRecipient struct{ Address, Class, Row, Policy, Action string }

var agreeConfig = lookupConfig + `
[[policy]]
name = "look-alike"
findings = ["look-alike"]
action = "reject"

[[policy]]
name = "scanners"
client = ["::ffff:10.0.0.0/104", "2001:db8::/32"]
marker = ["missing"]
action = "quarantine"

[[policy]]
name = "newsletters"
sender = ["news.trust.example"]
action = "accept"

[[policy]]
name = "marked"
marker = ["present", "near-miss"]
action = "divert"

[[policy]]
name = "rest"
action = "tag"
`

// randomMail combines parts that the table and the address parser treat
// differently.
func randomMail(r *rand.Rand) mailCase {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	m := mailCase{
		from:    pick("<>", "ward@trust.example", "a@news.trust.example"),
		client:  pick("192.0.2.7", "10.1.2.3", "::ffff:10.9.9.9", "2001:db8::7"),
		subject: pick("[secure] x", "(secure) x", "x", "=?utf-8?q?=5Bsecure=5D?= x", ""),
	}
	for count := 1 + r.IntN(5); len(m.to) < count; {
		local := pick("bob", "Bob.Smith", `"x,y"`, "b\u00fc", "a%gmail.com", "gmail.com!a", `"a@b"`, "x+y", "")
		domain := pick("gmail.com", "GMAIL.com", "nhs.net", "trust.example", "x.gsi.gov.uk", "nhs.nte", "gmail.com.", "[192.0.2.1]",
			"b\u00fccher.example", "council.gov.uk", "gmail.com.encrypt.invalid", strings.Repeat("long.", 48)+"example", "-", "")
		address := local + "@" + domain
		switch r.IntN(12) {
		case 0:
			address = "@route.example:" + address
		case 1:
			address = local + "(comment)@" + domain
		case 2:
			address = local
		}
		if address != "" { // a combination that no MTA sends
			m.to = append(m.to, address)
		}
	}
	return m
}

// served sends the message as an MTA without SMTPUTF8 and {rcpt_addr}.
// Recipients that are refused at RCPT come last, as in explain.
func (m mailCase) served(t *testing.T, client *gomilter.Client, log *bytes.Buffer) (got explained) {
	t.Helper()
	s, err := client.Session()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	family := gomilter.FamilyInet
	if strings.Contains(m.client, ":") {
		family = gomilter.FamilyInet6
	}
	log.Reset()
	if _, err := s.Conn("client.example", family, 12345, m.client); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Mail(strings.Trim(m.from, "<>"), nil); err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, address := range m.to {
		action, err := s.Rcpt(address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if action.Code == gomilter.ActContinue {
			taken++
		}
	}
	if taken > 0 {
		if _, err := s.HeaderField("Subject", m.subject); err != nil {
			t.Fatal(err)
		}
		_, _, _ = s.End() // the library does not return all edits, so the decision is read from the log
	}
	return readServed(t, log)
}

func readServed(t *testing.T, log *bytes.Buffer) (got explained) {
	t.Helper()
	var refused []explainedRecipient
	for line := range strings.Lines(log.String()) {
		var event struct {
			explained
			Msg, Address, Class, Row string
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		switch event.Msg {
		case "decision":
			got = event.explained
		case "refused recipient":
			refused = append(refused, explainedRecipient{event.Address, event.Class, event.Row, "", "reject"})
		default:
			t.Fatalf("serve logged %s", line)
		}
	}
	got.Recipients = append(got.Recipients, refused...)
	if len(refused) > 0 {
		got.Action = "reject"
	}
	return got
}

// TestExplainAgreesWithServe compares both for generated messages.
func TestExplainAgreesWithServe(t *testing.T) {
	path := configtest.Write(t, strings.Replace(agreeConfig, "\n", "\nmode = \"enforce\"\n", 1))
	loaded, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer // serve logs a line before it answers
	server := &milter.Server{
		Config: func() *message.Config { return loaded.Message }, Log: maillog.NewLog(slog.New(slog.NewJSONHandler(logtest.Writer(t, &log), nil)), nil),
		Timeouts: milter.DefaultTimeouts, Now: time.Now, MaxConnections: 10,
	}
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server.Start(l)
	defer server.Shutdown()
	client := gomilter.NewClientWithOptions("unix", socket, gomilter.ClientOptions{ActionMask: 0x1ff})
	defer client.Close()
	seen := make(map[string]int)
	for seed := range uint64(500) {
		m := randomMail(rand.New(rand.NewPCG(seed, 1)))
		want := m.served(t, client, &log)
		code, stdout, stderr := runWith("Subject: "+m.subject+"\n\n", "explain", "-config", path, "-json",
			"-from", m.from, "-to", strings.Join(m.to, ", "), "-client", m.client, "-")
		if code != exitDone {
			t.Fatalf("seed %d: exit %d: %s", seed, code, stderr)
		}
		var got explained
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatal(err)
		}
		if want.Marker == "" { // all recipients were refused, so no header was sent
			got.Marker, got.NearMiss = "", ""
		}
		if got.Action != want.Action || got.Marker != want.Marker || got.NearMiss != want.NearMiss || !slices.Equal(got.Recipients, want.Recipients) {
			t.Errorf("seed %d: %+v\nexplain %+v\nserve   %+v", seed, m, got, want)
		}
		seen[got.Action]++
	}
	if len(seen) != 5 {
		t.Errorf("the messages reach only these actions: %v", fmt.Sprint(seen))
	}
}
