package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/postseal/postseal/cmd/postseal/config"
	"github.com/postseal/postseal/cmd/postseal/config/configtest"
	"github.com/postseal/postseal/cmd/postseal/replay"
	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/milter/shown"
	"github.com/postseal/postseal/rules"
)

// corpusMail is a message of the corpus, with LF.
type corpusMail struct {
	from string
	to   []string
	text string
}

// delivered returns the message as it is delivered, so that its header has the
// envelope.
func (m corpusMail) delivered() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Return-Path: <%s>\n", m.from)
	for _, to := range m.to {
		fmt.Fprintf(&b, "Delivered-To: %s\n", to)
	}
	return b.String() + m.text
}

// corpus returns all messages and documents of testdata, subjects, and messages with
// addresses of all kinds.
func corpus(t testing.TB) (mails []corpusMail) {
	t.Helper()
	glob := func(pattern string, least int) []string {
		files, err := filepath.Glob("../../testdata/" + pattern)
		if err != nil || len(files) < least {
			t.Fatalf("%s: %q, %v", pattern, files, err)
		}
		return files
	}
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, file := range glob("mails/*.eml", 16) {
		var envelope struct {
			From      string `toml:"from"`
			Recipient []struct {
				To string `toml:"to"`
			} `toml:"recipient"`
		}
		if _, err := toml.DecodeFile(strings.TrimSuffix(file, ".eml")+".toml", &envelope); err != nil {
			t.Fatal(err)
		}
		m := corpusMail{from: envelope.From, text: read(file)}
		for _, r := range envelope.Recipient {
			m.to = append(m.to, r.To)
		}
		mails = append(mails, m)
	}
	for _, file := range slices.Concat(glob("documents/libreoffice/*", 14), glob("documents/pdf/*", 17)) {
		mails = append(mails, corpusMail{"ward7@trust.example", []string{"bob@gmail.com"}, attached([]byte(read(file)))})
	}
	for _, file := range glob("subjects/*.txt", 10) {
		for i, line := range strings.Split(read(file), "\n") {
			if i%10 == 0 && line != "" && !strings.HasPrefix(line, "#") {
				subject := line[strings.LastIndexByte(line, '\t')+1:]
				mails = append(mails, corpusMail{"ward7@trust.example", []string{"bob@gmail.com", "a@nhs.net"}, "Subject: " + subject + "\n\nFrom here on\n>From there\n\n"})
			}
		}
	}
	for seed := range uint64(100) {
		m := randomMail(rand.New(rand.NewPCG(seed, 2)))
		seen := make(map[string]bool)
		for _, to := range m.to {
			seen[strings.ToLower(to)] = true
		}
		if len(seen) == len(m.to) {
			mails = append(mails, corpusMail{strings.Trim(m.from, "<>"), m.to, "Subject: " + m.subject + "\n\n999 000 0018\n"})
		}
	}
	return mails
}

// decisionOf is what is compared of a message: the policies and actions of the
// recipients that a policy decides.
type decisionOf map[string]int

func (d decisionOf) add(action rules.Action, policy string, n int) {
	if policy != "" {
		d[action.String()+" "+policy] += n
	}
}

// explainAll returns the decision of explain on each message, and the totals.
func explainAll(t *testing.T, config string, mails []corpusMail) (decisions []decisionOf, byAction map[string]int64) {
	t.Helper()
	byAction = make(map[string]int64)
	for action := rules.Accept; action <= rules.Reject; action++ {
		byAction[action.String()] = 0
	}
	for _, m := range mails {
		args := []string{"explain", "-config", config, "-json", "-from", "<" + m.from + ">"}
		for _, to := range m.to {
			args = append(args, "-to", to)
		}
		code, stdout, stderr := runWith(m.text, append(args, "-")...)
		if code != exitDone {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		var e struct {
			Action     rules.Action
			Recipients []maillog.Recipient
		}
		if err := json.Unmarshal([]byte(stdout), &e); err != nil {
			t.Fatal(err)
		}
		d := make(decisionOf)
		for _, r := range e.Recipients {
			d.add(r.Action, r.Policy, 1)
		}
		decisions = append(decisions, d)
		byAction[e.Action.String()]++
	}
	return decisions, byAction
}

// replayed runs replay -json.
func replayed(t *testing.T, want int, stdin string, args ...string) (r replay.Report) {
	t.Helper()
	code, stdout, stderr := runWith(stdin, append([]string{"replay", "-json"}, args...)...)
	if code != want || stderr != "" {
		t.Fatalf("replay %q: exit %d: %s%.1000s", args, code, stderr, stdout)
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	return r
}

// acceptAll is a configuration whose policy no other has, so that the differences
// show the decision on each message.
const acceptAll = lookupConfig + "\n[[policy]]\nname = \"none of the others\"\naction = \"accept\"\n"

// write writes a file below a directory.
func write(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// mboxOf returns an mbox file. quote changes lines that begin like "From ".
func mboxOf(mails []corpusMail, quote func(line string) string) string {
	var b strings.Builder
	for _, m := range mails {
		b.WriteString("From ward7@trust.example Sat Nov 21 09:00:00 2026\n")
		for line := range strings.Lines(m.delivered()) {
			b.WriteString(quote(line))
		}
		if !strings.HasSuffix(m.text, "\n") {
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestReplayAgreesWithExplain has the corpus in each form, and compares the decision on
// each message with that of explain, with the shipped policies and others.
func TestReplayAgreesWithExplain(t *testing.T) {
	mails := corpus(t)
	against := configtest.Write(t, acceptAll)
	forms := map[string]func(dir string) (path string, stdin string){
		"Maildir": func(dir string) (string, string) {
			for i, m := range mails {
				write(t, dir, fmt.Sprintf("%s/%04d.M1P2.host:2,S", []string{"cur", "new", ".Sent/cur"}[i%3], i), m.delivered())
			}
			write(t, dir, "tmp/0000", "Subject: not delivered yet\n\n")
			write(t, dir, "dovecot-uidlist", "3 V1\n")
			write(t, dir, ".Sent/new/.keep", "")
			return dir, ""
		},
		".eml with CR LF": func(dir string) (string, string) {
			for i, m := range mails {
				write(t, dir, fmt.Sprintf("%02d/%04d.eml", i/20, i), strings.ReplaceAll(m.delivered(), "\n", "\r\n"))
			}
			write(t, dir, "README.md", "These are mails.\n")
			return dir, ""
		},
		"mboxrd": func(dir string) (string, string) {
			write(t, dir, "Inbox", mboxOf(mails, func(line string) string {
				if strings.HasPrefix(strings.TrimLeft(line, ">"), "From ") {
					return ">" + line
				}
				return line
			}))
			return filepath.Join(dir, "Inbox"), ""
		},
		"mboxo, small": func(dir string) (string, string) {
			for i := range mails {
				write(t, dir, fmt.Sprintf("%04d.mbox", i), mboxOf(mails[i:i+1], func(line string) string {
					if strings.HasPrefix(line, "From ") {
						return ">" + line
					}
					return line
				}))
			}
			return dir, ""
		},
		"postcat": func(dir string) (string, string) {
			for i, m := range mails {
				id := fmt.Sprintf("hold/4XYZ%04d", i)
				text := "*** ENVELOPE RECORDS " + id + " ***\nsender: " + m.from + "\n"
				// sendmail -t takes the last recipient from the header.
				last := "recipient: " + m.to[len(m.to)-1] + "\n"
				for _, to := range m.to[:len(m.to)-1] {
					text += "original_recipient: " + to + "\nrecipient: x@y.example\n"
				}
				write(t, dir, fmt.Sprintf("%04d", i), text+"*** MESSAGE CONTENTS "+id+" ***\n"+strings.TrimSuffix(m.text, "\n")+"\n*** HEADER EXTRACTED "+id+" ***\n"+last+"*** MESSAGE FILE END "+id+" ***\n")
			}
			return dir, ""
		},
		"a list": func(dir string) (string, string) {
			var list strings.Builder
			for i, m := range mails {
				name := fmt.Sprintf("%04d some name", i)
				write(t, dir, name, m.delivered())
				fmt.Fprintln(&list, filepath.Join(dir, name))
			}
			return "-", list.String()
		},
	}
	for name, text := range map[string]string{"shipped": lookupConfig, "agreement": agreeConfig} {
		config := configtest.Write(t, text)
		decisions, byAction := explainAll(t, config, mails)
		for form, in := range forms {
			dir := t.TempDir()
			path, stdin := in(dir)
			got := replayed(t, exitFailure, stdin, "-config", config, "-against", against, path)
			if got.Messages != int64(len(mails)) || got.Unreadable != 0 {
				t.Errorf("%s, %s: %d of %d messages, unreadable %v", name, form, got.Messages, len(mails), got.Reasons)
				continue
			}
			for action, n := range got.ByAction {
				if byAction[action.String()] != n && form != "postcat" {
					t.Errorf("%s, %s: %d messages get %s, %d with explain", name, form, n, action, byAction[action.String()])
				}
			}
			of := make([]decisionOf, len(mails))
			for i := range of {
				of[i] = make(decisionOf)
			}
			last := ""
			for _, d := range got.Differences {
				i := d.Number - 1
				if form != "mboxrd" {
					number, _, _ := strings.Cut(filepath.Base(d.Path), ".")
					i, _ = strconv.Atoi(strings.TrimSuffix(number, " some name"))
				}
				of[i].add(d.Before, d.PolicyBefore, d.Recipients)
				if at := fmt.Sprintf("%s %06d", d.Path, d.Number); at < last {
					t.Errorf("%s: %s comes after %s", form, at, last)
				} else {
					last = at
				}
			}
			for i := range mails {
				// In a queue, such a recipient was diverted by postseal itself.
				if form == "postcat" && strings.Contains(fmt.Sprint(mails[i].to), ".encrypt.invalid") {
					continue
				}
				if !maps.Equal(of[i], decisions[i]) {
					t.Errorf("%s, %s: message %d: got %v, explain %v\n%.500s", name, form, i, of[i], decisions[i], mails[i].delivered())
				}
			}
		}
	}
}

// oneRow has one row more than lookupConfig.
func oneRow(t testing.TB, row string) string {
	t.Helper()
	const files = `"../../contrib/rules.d/*.toml"`
	path := configtest.Write(t, strings.Replace(lookupConfig, files, files+`, "/DIR/local.toml"`, 1))
	write(t, filepath.Dir(path), "local.toml", "[table]\nname = \"local rows\"\nsource = \"IG group\"\nissued = 2026-10-01\n"+row)
	return path
}

// TestReplayShowsWhatOneRowDecides compares two configurations that differ in one
// row, and the differences with those of explain.
func TestReplayShowsWhatOneRowDecides(t *testing.T) {
	mails := corpus(t)[:16]
	before := configtest.Write(t, lookupConfig)
	dir := t.TempDir()
	for i, m := range mails {
		write(t, dir, fmt.Sprintf("%04d.eml", i), m.delivered())
	}
	for _, row := range []string{"solicitor.example", "taxi.example", "gmail.com", "nobody.example", "unlisted.nhs.uk"} {
		after := oneRow(t, configtest.Rule(row, "secure", "subdomains = true"))
		var want []string
		old, _ := explainAll(t, before, mails)
		now, _ := explainAll(t, after, mails)
		for i := range mails {
			if !maps.Equal(old[i], now[i]) {
				want = append(want, filepath.Join(dir, fmt.Sprintf("%04d.eml", i)))
			}
		}
		code := exitDone
		if len(want) > 0 {
			code = exitFailure
		}
		report := replayed(t, code, "", "-config", before, "-against", after, dir)
		var got []string
		for _, d := range report.Differences {
			got = append(got, d.Path)
			if d.RowAfter != row || d.After != rules.Accept || d.PolicyAfter != "" || d.Domain != row && !strings.HasSuffix(d.Domain, "."+row) {
				t.Errorf("%s: got %+v", row, d)
			}
		}
		if got = slices.Compact(got); !slices.Equal(got, want) || report.DifferentMessages != int64(len(want)) {
			t.Errorf("%s: got %q, want %q", row, got, want)
		}
		if row != "nobody.example" && len(want) == 0 {
			t.Errorf("%s: no message has it", row)
		}
		_, first, _ := runWith("", "replay", "-config", before, "-against", after, dir)
		if _, again, _ := runWith("", "replay", "-config", before, "-against", after, dir); first != again {
			t.Errorf("%s: the output is not stable:\n%s\n%s", row, first, again)
		}
		if same := replayed(t, exitDone, "", "-config", after, "-against", after, dir); len(same.Differences) != 0 || same.Against == nil || same.Differences == nil {
			t.Errorf("the same twice: %+v", same)
		}
	}
}

// TestReplayPrintsNoPerson checks that no address, subject or name of a document is
// printed, with rows for single addresses too.
func TestReplayPrintsNoPerson(t *testing.T) {
	dir := t.TempDir()
	var mails []corpusMail
	for _, m := range corpus(t) {
		if m.from != "" && len(m.text) < 8<<10 { // documents take long
			mails = append(mails, m)
		}
	}
	mails = append(mails, corpusMail{"ward@trust.example", []string{"clinic.person@gmail.com"}, "Subject: Discharge letter\n\nbody\n"})
	for i, m := range mails {
		write(t, dir, fmt.Sprintf("%04d", i), m.delivered())
	}
	after := oneRow(t, "[[domain]]\naddress = \"clinic.person@gmail.com\"\nclass = \"secure\"\n")
	for _, options := range [][]string{{}, {"-json"}} {
		code, stdout, stderr := runWith("", append(append([]string{"replay", "-config", configtest.Write(t, lookupConfig), "-against", after}, options...), dir)...)
		if code != exitFailure || stderr != "" || !strings.Contains(stdout, "gmail.com") {
			t.Fatalf("exit %d: %s%.500s", code, stderr, stdout)
		}
		for _, secret := range []string{"@", "bob", "clinic.person", "ward7", "Discharge", "letter.docx", "999 000"} {
			if strings.Contains(stdout, secret) {
				t.Errorf("%q is in %s", secret, stdout)
			}
		}
	}
}

// TestReplayCountsBrokenMail has messages that cannot be decided among others.
func TestReplayCountsBrokenMail(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	const mail = "From: ward@trust.example\nTo: bob@gmail.com\nSubject: x\n\nbody\n"
	for name, text := range map[string]string{
		"a/good.eml":         mail,
		"a/empty.eml":        "",
		"a/prose.eml":        "Dear colleague\n",
		"a/no-recipient.eml": "From: ward@trust.example\nSubject: x\n\n",
		"a/outlook.eml":      "\xd0\xcf\x11\xe0",
		"a/utf16.eml":        "\xff\xfeF\x00",
		"a/header.eml":       mail[:strings.Index(mail, "\n\n")+1] + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\n", 40_000),
		"a/envelope":         "*** ENVELOPE RECORDS hold/1 ***\nsender: a\nrecipient: b@gmail.com\n*** MESSAGE CONTENTS hold/1 ***\n*** HEADER EXTRACTED hold/1 ***\n",
		"a/cut":              "*** ENVELOPE RECORDS hold/1 ***\nsender: a\n",
		"b/cur/1":            "not a mail",
		"b/cur/2":            mail,
		"b/new/.3":           mail,
		"c/mbox":             "From a 09:00\n" + mail + "\nFrom b 09:00\nprose\n\nFrom c 09:00\n" + mail,
		"d/notes.txt":        "not a mail",
		"d/mail.txt":         mail,
		"d/.hidden":          mail,
		"d/picture.png":      "\x89PNG",
	} {
		write(t, dir, name, text)
	}
	if err := os.Mkdir(filepath.Join(dir, "b/tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "a/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, other, "linked", mail)
	for link, target := range map[string]string{"d/linked": filepath.Join(other, "linked"), "d/loop": dir, "d/dangling": filepath.Join(dir, "gone")} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	list := strings.Join([]string{dir, filepath.Join(dir, "gone"), filepath.Join(dir, "a/fifo"), ""}, "\r\n")
	got := replayed(t, exitDone, strings.ReplaceAll(list, "\r", ""), "-")
	var reasons []string
	for _, r := range got.Reasons {
		reasons = append(reasons, fmt.Sprintf("%d %s %s", r.Count, strings.TrimPrefix(r.Example, dir+"/"), r.Reason))
	}
	slices.Sort(reasons)
	const noHeader = "it does not begin with the header of a message, such as From: or Subject:; give a message as it is sent (.eml), or the output of postcat -q"
	want := []string{
		"1 a/empty.eml it is empty",
		"1 a/fifo it is not a regular file or a directory",
		"1 a/header.eml the message exceeds a limit of postseal: too large a header",
		"1 a/no-recipient.eml it has no recipient in Delivered-To, X-Original-To, To, Cc or Bcc: give -to",
		"1 a/outlook.eml it is an Outlook message (.msg) or an old Office file: save the message as .eml",
		"1 a/utf16.eml it is text in UTF-16 or UTF-32: save the message as .eml, or convert it to UTF-8 with iconv",
		"2 a/cut it is an envelope without a message: run postcat -q, without the option -e",
		"2 d/dangling no such file or directory",
		"3 a/prose.eml " + noHeader,
	}
	if !slices.Equal(reasons, want) || got.Messages != 6 || got.Unreadable != 13 || got.Skipped != 2 {
		t.Errorf("%d messages, %d unreadable, %d skipped: %s\nwant %s", got.Messages, got.Unreadable, got.Skipped, strings.Join(reasons, "\n"), strings.Join(want, "\n"))
	}
	code, stdout, stderr := runWith("", "replay", filepath.Join(dir, "a/empty.eml"))
	if code != exitFailure || !strings.Contains(stdout, "0 messages decided, 1 unreadable") || stderr != "postseal replay: no message could be decided\n" {
		t.Errorf("exit %d: %s%s", code, stderr, stdout)
	}
}

// TestReplayEnvelope gives -from and -to, with policies for senders.
func TestReplayEnvelope(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.eml", "From: ward@trust.example\nTo: bob@gmail.com, alice@gmail.com\nSubject: x\n\nbody\n")
	config := configtest.Write(t, agreeConfig)
	for _, test := range []struct {
		options []string
		want    string
	}{
		{nil, "2 tag rest"},
		{[]string{"-from", "a@news.trust.example"}, "2 accept newsletters"},
		{[]string{"-from", "<a@news.trust.example>", "-to", "c@gmail.com"}, "1 accept newsletters"},
		{[]string{"-to", "a@nhs.net, b@gmail.com", "-to", "c@gmail.com"}, "2 tag rest"},
		{[]string{"-to", "a@nhs.net"}, ""},
	} {
		got := replayed(t, exitDone, "", append(append([]string{"-config", config}, test.options...), dir)...)
		text := ""
		for _, p := range got.ByPolicy {
			text += fmt.Sprintf("%d %s %s", p.Recipients, p.Action, p.Policy)
		}
		if text != test.want {
			t.Errorf("%q: got %q, want %q", test.options, text, test.want)
		}
	}
}

func TestReplayUsage(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bad := configtest.Write(t, "nonsense = 1\n")
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "the mail is missing"},
		{[]string{"-log", log, "mail"}, exitUsage, "not both"},
		{[]string{"-log", log, "-from", "a@b.example"}, exitUsage, "a log has its own envelopes"},
		{[]string{"-from", "A <a@b.example>", "mail"}, exitUsage, "is not an envelope address"},
		{[]string{"-to", "a@b.example; c@d.example", "mail"}, exitUsage, "is not an envelope address"},
		{[]string{"mail", "-json"}, exitUsage, "put options before paths"},
		{[]string{"-config", bad, "."}, exitConfig, "unknown key nonsense"},
		{[]string{"-against", bad, "."}, exitConfig, "unknown key nonsense"},
		{[]string{"-log", log, "-against", bad}, exitConfig, "unknown key nonsense"},
		{[]string{filepath.Join(t.TempDir(), "gone")}, exitFailure, "no such file"},
		{[]string{"-log", log}, exitFailure, "no message could be decided"},
	} {
		code, _, stderr := runWith("", append([]string{"replay"}, test.args...)...)
		if code != test.code || !strings.Contains(stderr, test.want) {
			t.Errorf("%q: exit %d, %s", test.args, code, stderr)
		}
	}
}

// logOf returns the log of serve for the mails, and their decisions.
func logOf(t testing.TB, path string, format shown.Addresses, mails []corpusMail) string {
	t.Helper()
	loaded, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	c := loaded.Message.Enforcing()
	c.Hash, c.Addresses = loaded.Message.Hash, format
	var text bytes.Buffer
	log := maillog.NewLog(slog.New(slog.NewJSONHandler(&text, nil)), nil)
	for i, mail := range mails {
		m := message.New(c, message.Envelope{Sender: mail.from, Body: true})
		var lines maillog.Lines
		id := fmt.Sprintf("4XYZ%04d", i)
		for _, to := range mail.to {
			r, refusal := m.Recipient(to, "", nil, time.Now())
			lines.Recipient(log, m, id, r, refusal)
		}
		saved, err := message.OpenSaved(strings.NewReader(mail.text))
		if err == nil {
			err = m.ReadSaved(saved)
		}
		if err != nil {
			t.Fatal(err)
		}
		v, err := m.End()
		if err != nil {
			t.Fatal(err)
		}
		maillog.WriteDecision(log, m, id, v, 0)
	}
	return text.String()
}

// TestReplayLog decides the log of a configuration again: with the same
// configuration, and with one more row, with addresses logged in each format.
func TestReplayLog(t *testing.T) {
	mails := slices.DeleteFunc(corpus(t), func(m corpusMail) bool { return len(m.text) > 8<<10 }) // documents take long
	before, after := configtest.Write(t, agreeConfig), configtest.Write(t, strings.Replace(agreeConfig, `name = "newsletters"`, `name = "the newsletters"`, 1))
	row := oneRow(t, configtest.Rule("solicitor.example", "secure", "")+"[[domain]]\naddress = \"clinic@taxi.example\"\nclass = \"secure\"\n")
	shipped := configtest.Write(t, lookupConfig)
	dir := t.TempDir()
	for i, m := range mails {
		write(t, dir, fmt.Sprintf("mail/%04d", i), m.delivered())
	}
	want := replayed(t, exitDone, "", "-config", shipped, filepath.Join(dir, "mail"))
	wantRow := replayed(t, exitFailure, "", "-config", shipped, "-against", row, filepath.Join(dir, "mail"))
	key := bytes.Repeat([]byte("k"), 32)
	for _, format := range []shown.Format{shown.Full, shown.Domain, shown.Hash} {
		write(t, dir, "log", "another line\n"+logOf(t, shipped, shown.Addresses{Format: format, Key: key}, mails))
		log := filepath.Join(dir, "log")

		got := replayed(t, exitDone, "", "-config", shipped, "-log", log)
		if got.Messages != want.Messages || got.Unreadable != 0 || !maps.Equal(got.ByClass, want.ByClass) || !slices.Equal(got.ByPolicy, want.ByPolicy) ||
			got.Recipients != want.Recipients || got.Refused != want.Refused || got.Sealed != want.Sealed || got.LeftOut.Others != 1 {
			t.Errorf("%s: got %+v, reasons %v\nwant %+v", format, got.Totals, got.Reasons, want.Totals)
		}
		if got := replayed(t, exitDone, "", "-config", shipped, "-against", shipped, "-log", log); got.Unreadable != 0 {
			t.Errorf("%s: unreadable: %v", format, got.Reasons)
		}

		// One more row.
		got = replayed(t, map[shown.Format]int{shown.Full: exitFailure, shown.Domain: exitFailure, shown.Hash: exitDone}[format], "", "-config", shipped, "-against", row, "-log", log)
		var reasons []string
		for _, r := range got.Reasons {
			reasons = append(reasons, r.Reason)
		}
		switch format {
		case shown.Full, shown.Domain:
			if !slices.Equal(got.Changes, wantRow.Changes) || !slices.Equal(got.Partners, wantRow.Partners) || got.DifferentMessages != wantRow.DifferentMessages {
				t.Errorf("%s: got %+v, want %+v", format, got.Changes, wantRow.Changes)
			}
			if d := got.Differences[0]; d.Path != log || !strings.HasPrefix(d.QueueID, "4XYZ") {
				t.Errorf("%s: got %+v", format, d)
			}
			if hasReason := strings.Contains(fmt.Sprint(reasons), "a row is for one address"); hasReason != (format == shown.Domain) {
				t.Errorf("%s: %q", format, reasons)
			}
		case shown.Hash:
			// Mail to rows that did not change is decided.
			if got.Messages == 0 || got.Unreadable == 0 || !slices.Equal(reasons, []string{"addresses are logged as hashes, and no row shows the domain of a recipient"}) {
				t.Errorf("%s: %d messages, %q", format, got.Messages, reasons)
			}
		}
	}

	// A row that makes mail need the marker that was not read.
	strict := oneRow(t, configtest.Rule("council.gov.uk", "unverified", ""))
	write(t, dir, "log", logOf(t, shipped, shown.Addresses{Format: shown.Full}, []corpusMail{
		{"ward@trust.example", []string{"a@council.gov.uk"}, "Subject: x\n\n"},
		{"ward@trust.example", []string{"a@council.gov.uk"}, "Subject: [secure] x\n\n"},
		{"ward@trust.example", []string{"a@council.gov.uk", "bob@gmail.com"}, "Subject: x\n\n999 000 0018\n"},
		{"ward@trust.example", []string{"a@nhs.net"}, "Subject: x\n\n"},
	}))
	got := replayed(t, exitFailure, "", "-config", shipped, "-against", strict, "-log", filepath.Join(dir, "log"))
	var actions []string
	for _, d := range got.Differences {
		actions = append(actions, d.QueueID+" "+d.After.String())
	}
	if want := []string{"4XYZ0000 tag", "4XYZ0001 divert", "4XYZ0002 divert"}; !slices.Equal(actions, want) || got.WithoutFindings != 2 {
		t.Errorf("got %q, %d without findings", actions, got.WithoutFindings)
	}

	// Policies that test senders.
	for format, want := range map[shown.Format]string{
		shown.Full:   "3 decided, 1 differs",
		shown.Domain: "3 decided, 1 differs",
		shown.Hash:   "1 decided, 0 differs, addresses are logged as hashes, and no row shows the domain of a recipient, the sender is not logged in full, and a policy tests senders",
	} {
		write(t, dir, "log", logOf(t, before, shown.Addresses{Format: format, Key: key}, []corpusMail{
			{"a@news.trust.example", []string{"bob@gmail.com"}, "Subject: x\n\n"},
			{"", []string{"bob@gmail.com"}, "Subject: x\n\n"},
			{"a@news.trust.example", []string{"a@nhs.net"}, "Subject: x\n\n"},
		}))
		_, stdout, _ := runWith("", "replay", "-json", "-config", before, "-against", after, "-log", filepath.Join(dir, "log"))
		var r replay.Report
		if err := json.Unmarshal([]byte(stdout), &r); err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%d decided, %d differs", r.Messages, r.DifferentMessages)
		for _, reason := range r.Reasons {
			got += ", " + reason.Reason
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
	}
}

// TestReplayLogOfDomains decides the log again by policies that test domains of
// recipients. A hash does not show the domain.
func TestReplayLogOfDomains(t *testing.T) {
	config := configtest.Write(t, lookupConfig+"[[policy]]\nname = \"bulk\"\ndomain = [\"gmail.com\"]\naction = \"accept\"\n[[policy]]\nname = \"rest\"\naction = \"divert\"\n")
	log := filepath.Join(t.TempDir(), "log")
	const decided = "bulk accept 1, rest divert 1"
	for format, want := range map[shown.Format]string{
		shown.Full: decided, shown.Domain: decided, shown.Hash: "addresses are logged as hashes, and a policy tests the domain of a recipient",
	} {
		text := logOf(t, config, shown.Addresses{Format: format, Key: bytes.Repeat([]byte("k"), 32)}, []corpusMail{
			{"ward@trust.example", []string{"bob@mx.gmail.com", "bob@example.org", "a@nhs.net"}, "Subject: x\n\n"},
			{"ward@trust.example", []string{"a@nhs.net"}, "Subject: x\n\n"},
		})
		if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := replayed(t, exitDone, "", "-config", config, "-log", log)
		var parts []string
		for _, p := range got.ByPolicy {
			parts = append(parts, fmt.Sprintf("%s %s %d", p.Policy, p.Action, p.Recipients))
		}
		for _, r := range got.Reasons {
			parts = append(parts, r.Reason)
		}
		if got := strings.Join(parts, ", "); got != want {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
	}
}

// TestReplayLeavesNothingBehind kills replay while it reads documents.
func TestReplayLeavesNothingBehind(t *testing.T) {
	dir, tmp := t.TempDir(), t.TempDir()
	slow, err := os.ReadFile("../../testdata/killers/name-bomb.pdf")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		write(t, dir, fmt.Sprintf("%02d.eml", i), "To: bob@gmail.com\n"+attached(slow))
	}
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT} {
		cmd := exec.Command(os.Args[0], "replay", dir)
		cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
		cmd.Dir = tmp
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var documents []string
		for len(documents) == 0 {
			documents = childrenOf(t, cmd.Process.Pid)
			if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid)); err != nil || bytes.Contains(stat, []byte(") Z ")) {
				t.Fatalf("replay has ended: %v", err)
			}
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		for _, pid := range documents {
			for i := 0; ; i++ {
				if _, err := os.Stat("/proc/" + pid); err != nil {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
			t.Errorf("%s: %v, left %v", sig, err, left)
		}
	}
}

// childrenOf returns the child processes.
func childrenOf(t *testing.T, pid int) []string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// BenchmarkReplay decides small messages of a Maildir.
func BenchmarkReplay(b *testing.B) {
	dir := b.TempDir()
	const mails = 2000
	for i := range mails {
		to := []string{"anna@nhs.net", "bob@gmail.com", fmt.Sprintf("clinic%d.example", i)}[i%3]
		write(b, dir, fmt.Sprintf("cur/%04d", i), "Return-Path: <ward7@trust.example>\nReceived: from a by b; Mon, 5 Oct 2026 09:01:00 +0100\nFrom: Ward 7 <ward7@trust.example>\n"+
			"To: "+to+"\nSubject: Discharge letter\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n"+strings.Repeat("Please find below the discharge letter.\n", 40))
	}
	for name, text := range map[string]string{
		"without content": lookupConfig + "\n[[policy]]\nname = \"marked\"\nmarker = [\"present\", \"near-miss\"]\naction = \"divert\"\n[[policy]]\nname = \"rest\"\naction = \"tag\"\n",
		"shipped":         lookupConfig,
	} {
		b.Run(name, func(b *testing.B) {
			config := configtest.Write(b, text)
			b.ReportAllocs()
			for b.Loop() {
				if code, stdout, stderr := runWith("", "replay", "-config", config, dir); code != exitDone {
					b.Fatalf("exit %d: %s%s", code, stdout, stderr)
				}
			}
			b.ReportMetric(mails*float64(b.N)/b.Elapsed().Seconds(), "mails/s")
		})
	}
}
