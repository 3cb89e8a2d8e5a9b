package milter

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/milter/logtest"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
)

// private is in the local part of each address, and hidden is in each domain
// that has no row.
const private, hidden = "uniquelocal", "uniquedomain"

// privateForms are recipients and senders of each kind that is logged in its
// own way.
var privateForms = []string{
	private + "@" + hidden + ".example",
	strings.ToUpper(private) + "@" + hidden + ".example",
	private + "@nhs.net",
	private + "@" + hidden + ".nhs.uk",
	private + "@" + hidden + ".gsi.gov.uk",
	private + "@nhs.nte",
	private,
	`"` + private + `"`,
	`"a@` + private + `"`,
	`"a@` + private + `"@` + hidden + ".example",
	"@" + hidden + ".example:" + private + "@" + hidden + ".example",
	"@" + hidden + ".example:" + private,
	private + "@" + hidden + ".example(" + private + ")",
	private + "@[192.0.2.1]",
	private + "@" + hidden + ".example.",
	private + "@" + hidden + ".example " + private,
	private + "%" + hidden + ".example@nhs.net",
	hidden + ".example!" + private,
	"a@" + private + "@" + private,
	"\xff" + private + "@" + hidden + ".example",
	private + "@" + hidden + "\xc3\xa9.example",
	strings.Repeat("x", 300) + private + "@" + hidden + ".example",
	"a@b@" + strings.Repeat(private, 50),
}

// TestLogShowsNoAddress uses each form in each role. No log line may contain
// it, in any key.
func TestLogShowsNoAddress(t *testing.T) {
	actions := map[string]rules.Action{"accept": rules.Accept, "reject": rules.Reject, "quarantine": rules.Quarantine}
	for _, format := range []shown.Format{shown.Hash, shown.Domain} {
		for _, mode := range []rules.Mode{rules.Enforce, rules.Observe} {
			for name, action := range actions {
				t.Run(fmt.Sprint(format, " ", mode, " ", name), func(t *testing.T) {
					log := sendPrivate(t, format, mode, rules.Policy{Name: "all", Action: action})
					for _, msg := range []string{"decision", "refused recipient", "readings differ"} {
						if !strings.Contains(log, `"msg":"`+msg+`"`) && (mode == rules.Enforce || msg != "refused recipient") {
							t.Errorf("no line %q", msg)
						}
					}
					for line := range strings.Lines(log) {
						lower := strings.ToLower(line)
						if strings.Contains(lower, private) || format == shown.Hash && strings.Contains(lower, hidden) {
							t.Errorf("got %s", line)
						}
					}
				})
			}
		}
	}
}

// sendPrivate returns the log of messages with the forms: as sender, login and
// recipient, as typed and as the MTA resolves it, on Postfix, on Sendmail and
// from sendmail(1).
func sendPrivate(t *testing.T, format shown.Format, mode rules.Mode, policy rules.Policy) string {
	t.Helper()
	config := testConfig(t, policy)
	config.Mode, config.Addresses = mode, shown.Addresses{Format: format, Key: []byte("a key")}
	r := serve(t, always(config), DefaultTimeouts)
	decisions := 0
	for _, hello := range []string{connect, connectPort} {
		for _, host := range []string{"", "mx"} {
			p := r.dial(t)
			p.send(offer(6, allActions, allProtocol))
			p.receive()
			go io.Copy(io.Discard, p)
			p.send("DC", hello)
			for _, form := range privateForms {
				p.send("DMw\x00"+host+"\x00{auth_authen}\x00"+form+"\x00i\x00Q\x00", "M<"+form+">\x00")
				for _, other := range privateForms {
					p.send("DR{rcpt_addr}\x00"+other+"\x00", "R<"+form+">\x00")
				}
				p.send("DR{rcpt_addr}\x00bob@gmail.com\x00", "R<bob@gmail.com>\x00", "E")
				decisions++
			}
		}
	}
	until(t, func() bool { return r.count("decision") == decisions }, func() string { return "not all are decided:\n" + r.log.String() })
	return r.log.String()
}

// numberAsInteger is what a stack shows of an argument.
const numberAsInteger = 9990000018

//go:noinline
func indexOf(list []string, number uint64) string { return list[number] }

// TestStackShowsNoArgument lets postseal fail on a number from a message.
func TestStackShowsNoArgument(t *testing.T) {
	log := new(syncBuffer)
	s := &session{log: maillog.NewLog(slog.New(asLine(log)), nil)}
	s.guard(func() { panic(numberFault{}) })
	s.failed = false
	s.guard(func() { indexOf(nil, numberAsInteger) })
	for _, text := range []string{"9990000018", fmt.Sprintf("%x", numberAsInteger)} {
		if strings.Contains(log.String(), text) {
			t.Errorf("%q in %s", text, log)
		}
	}
	logtest.Check(t, log.String())
	if !strings.Contains(log.String(), "milter.indexOf") {
		t.Errorf("no function in %s", log)
	}
}

// TestLibraryShowsNoValue causes a panic from which only go-milter recovers. go-milter
// prints the value of the panic and a stack with arguments.
func TestLibraryShowsNoValue(t *testing.T) {
	before, flags := slog.Default(), log.Flags()
	defer func() {
		slog.SetDefault(before)
		log.SetOutput(os.Stderr)
		log.SetFlags(flags)
	}()
	config, armed := testConfig(t), new(atomic.Bool)
	r := newServer(t, func() *message.Config {
		if armed.Load() {
			panic(numberFault{})
		}
		return config
	}, DefaultTimeouts)
	slog.SetDefault(slog.New(LibraryHandler(r.Log)))
	armed.Store(true)
	p := r.dial(t)
	p.send(offer(6, allActions, allProtocol)) // asks for the configuration
	r.await(t, "a library reports: panic handling command")
	r.Shutdown()
	if text := r.log.String(); strings.Contains(text, "9990000018") || strings.Contains(text, "(0x") || !strings.Contains(text, "(*conn).negotiate") {
		t.Errorf("got %s", text)
	}
}

type numberFault struct{}

func (numberFault) Error() string { return "9990000018" }

// TestLogShowsNoContent sends a message with a secret in each place that is read,
// also where reading fails, and looks for the secrets in the log.
func TestLogShowsNoContent(t *testing.T) {
	const secret = "Smithson 999 000 0018"
	part := func(media, text string) string {
		return "--b\r\nContent-Type: " + media + "; name=\"" + secret + ".pdf\"\r\n\r\n" + text + "\r\n"
	}
	bodies := map[string]string{
		"text":     part("text/plain", "NHS number: "+secret),
		"html":     part("text/html", "<table><tr><th>NHS number<td>"+secret),
		"message":  part("message/rfc822", "Subject: "+secret+"\r\n\r\n"+secret),
		"document": part("application/pdf", "%PDF-1.4\n("+secret+")"),
		"broken":   part("message/rfc822", "Content-Type: multipart/mixed; boundary=\""+secret+"\"\r\n\r\n--"+secret+"\r\n"+secret),
	}
	for name, program := range map[string][]string{
		"no process":                   {"/nonexistent"},
		"a process that does not read": {"/bin/true"},
		"a process that ends":          {"/bin/sh", "-c", "printf R; cat >&2"},
		"a process that is killed":     {"/bin/sh", "-c", "printf R; cat >&2; kill -KILL $$"},
	} {
		config := testConfig(t, rules.Policy{Name: "number", Findings: []finding.Name{finding.NHSNumber}, Action: rules.Divert}, rules.Policy{Name: "rest", Action: rules.Tag})
		config.Read = message.Read{Header: true, Body: true, VisibleRecipients: 1, Documents: subprocess.NewPool(1, within(patience), program...)}
		r := serve(t, always(config), DefaultTimeouts)
		for place, body := range bodies {
			p := r.open(t)
			p.send(mailFrom("ward@trust.example")...)
			p.send("R<bob@gmail.com>\x00", header("Subject", secret), header("To", `"`+secret+`" <bob@gmail.com>`), header("X-Classification", secret),
				header("Content-Type", "multipart/mixed; boundary=b"), "N", "B"+body, "E")
			go io.Copy(io.Discard, p)
			msg := "decision"
			if place == "document" && name != "a process that ends" {
				msg = "internal error"
			}
			r.await(t, fmt.Sprintf(`"msg":%q`, msg))
			if log := r.log.String(); strings.Contains(log, "Smithson") || strings.Contains(strings.ReplaceAll(log, " ", ""), "9990000018") {
				t.Errorf("%s, %s: got %s", name, place, log)
			}
			r.log.clear()
		}
	}
}
