package message

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
)

// texts are the texts of a configuration that can reach a client or the MTA.
type texts struct {
	note, table, name string // of a rule file and its closed row
	policy, reply     string
	word              string // the first word of the marker
}

// load builds a configuration with the texts, as serve does. For recipients at
// reject.example a policy has the reply, at default.example one has no reply,
// and at hold.example one holds the message. closed.example and the name are
// closed.
func (x texts) load() (*Config, error) {
	quote := func(s string) string { // a JSON string is also a TOML string
		text, _ := json.Marshal(s)
		return string(text)
	}
	file := fmt.Sprintf("table.name = %s\n[[domain]]\nname = \"closed.example\"\nclass = \"closed\"\nnote = %s\n[[domain]]\nname = %s\nsubdomains = true\nclass = \"closed\"\n",
		quote(x.table), quote(x.note), quote(x.name))
	table, err := table.Load(table.Sources{Edition: editions.Default, RelayDomain: "encrypt.invalid", Files: []string{"local"}}, func(name string) ([]byte, error) {
		if name == "local" {
			return []byte(file), nil
		}
		return os.ReadFile(name)
	})
	if err != nil {
		return nil, err
	}
	marker, err := marker.NewReader([]string{x.word, "secure"}, nil, marker.Anywhere)
	if err != nil {
		return nil, err
	}
	r, err := rules.NewRuleset(table, marker, "encrypt.invalid", []rules.Policy{
		{Name: x.policy, Sender: []string{"hold.example"}, Action: rules.Quarantine, Mode: rules.Enforce},
		{Name: "reply", Sender: []string{"reject.example"}, Action: rules.Reject, Mode: rules.Enforce, Reply: x.reply},
		{Name: "mark", Sender: []string{"tag.example"}, Action: rules.Tag, AddMarker: true, Mode: rules.Enforce},
		{Name: "default", Action: rules.Reject, Mode: rules.Enforce},
	})
	if err != nil {
		return nil, err
	}
	return &Config{Rules: r, Mode: rules.Enforce}, nil
}

// answers lists all replies about recipients that a configuration can cause.
func answers(t testing.TB, c *Config, recipients []string) (replies, edits []string) {
	t.Helper()
	for _, sender := range []string{"a@hold.example", "a@reject.example", "a@tag.example", ""} {
		for _, sendmail := range []bool{false, true} {
			m := New(c, Envelope{Sender: sender, Sendmail: sendmail, SMTPUTF8: true})
			for _, r := range recipients {
				if _, refusal := m.Recipient(r, "", nil, time.Now()); refusal != nil {
					replies = append(replies, refusal.Reply.String())
				}
			}
			v, err := m.End()
			if err != nil {
				t.Fatal(err)
			}
			if v.Reply != nil {
				replies = append(replies, v.Reply.String())
			}
			for _, e := range v.Edits {
				edits = append(edits, e.Value)
			}
		}
	}
	return replies, edits
}

// wantOneLine checks the rules of RFC 5321, section 4.5.3.1.5, for a reply.
func wantOneLine(t *testing.T, replies, edits []string) {
	t.Helper()
	for _, text := range slices.Concat(replies, edits) {
		if len(text)+len("\r\n") > 512 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%d octets: %q", len(text), text)
		}
	}
}

// good has the longest allowed texts.
func good() texts {
	return texts{
		note: strings.Repeat("n", 300), table: "local", name: strings.Repeat("d.", 120) + "example",
		policy: strings.Repeat("p", 100), reply: strings.Repeat("r", 300), word: strings.Repeat("w", 100),
	}
}

func TestLongestReplies(t *testing.T) {
	x := good()
	c, err := x.load()
	if err != nil {
		t.Fatal(err)
	}
	local := strings.Repeat("x", 60) + "@" + strings.Repeat("y.", 60)
	replies, edits := answers(t, c, []string{local + "example", "2" + local + "example", "3" + local + "example", "a@closed.example", "a@" + x.name, "a@" + x.name + "."})
	lookAlike, _ := answers(t, c, []string{"a@nhs.nte"})
	unsuggested, _ := answers(t, c, []string{"a@nhs.uk.com"})
	long, _ := answers(t, c, []string{local + "nhs.nte"})
	replies = slices.Concat(replies, lookAlike, unsuggested, long)
	for _, want := range []string{x.note, x.reply, "put [" + x.word + "]", "ask its owner for another address", "did you mean nhs.net?", "check its spelling"} {
		if !slices.ContainsFunc(replies, func(r string) bool { return strings.Contains(r, want) }) {
			t.Errorf("no reply holds %q", want)
		}
	}
	if !slices.Contains(edits, "postseal: policy "+x.policy) || !slices.ContainsFunc(edits, func(e string) bool { return strings.Contains(e, x.word) }) {
		t.Errorf("edits: %q", edits)
	}
	wantOneLine(t, replies, edits)
}

// TestTextsThatWouldReachAClient puts characters that a reply must not contain
// into each text. A note of two lines once became the answer to the next
// command.
func TestTextsThatWouldReachAClient(t *testing.T) {
	for _, bad := range []string{"two\r\n250 lines", "two\nlines", "a\x00b", "a\x1b[2Jb", "a\x7fb", "not ASCII: ü", "a\tb", "a\u2028b", strings.Repeat("x", 301)} {
		for name, text := range map[string]func(*texts) *string{
			"note": func(x *texts) *string { return &x.note }, "policy": func(x *texts) *string { return &x.policy },
			"reply": func(x *texts) *string { return &x.reply }, "word": func(x *texts) *string { return &x.word },
		} {
			x := good()
			*text(&x) = bad
			if _, err := x.load(); err == nil || strings.ContainsAny(err.Error(), "\r\x00\x1b\x7f") {
				t.Errorf("%s %q: got %v", name, bad, err)
			}
		}
	}
}

// FuzzReplies checks that any configuration that loads makes only valid replies
// of one line, for any recipient.
func FuzzReplies(f *testing.F) {
	f.Add("gone: use x@y.example", "local", "old.example", "hold", "call us", "secure", "b@gmail.com")
	f.Add("two\r\n250 lines", "x", "old.example", "p", "r", "w", "a@closed.example")
	f.Add("", "a\nb", "ü.example", "p\n", "50% off", "%s", "\"a\r\nb\"@nhs.nte")
	f.Add("", "t", "x.example", "p", "", "w", "ü@x.example.")
	f.Fuzz(func(t *testing.T, note, table, name, policy, reply, word, recipient string) {
		x := texts{note: note, table: table, name: name, policy: policy, reply: reply, word: word}
		c, err := x.load()
		if err != nil {
			return
		}
		replies, edits := answers(t, c, []string{recipient, "a@" + name, "a@closed.example", "b@gmail.com"})
		wantOneLine(t, replies, edits)
	})
}
