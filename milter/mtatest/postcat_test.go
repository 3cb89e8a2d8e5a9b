package mtatest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestExplainNamesSendmailsQueueFile checks that the error of explain for a
// control file of Sendmail says how to read held mail.
func TestExplainNamesSendmailsQueueFile(tt *testing.T) {
	t := on(tt, sendmail)
	d := t.serve("enforce", "[[policy]]\nname = \"hold\"\naction = \"quarantine\"\n")
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: Results\r\n of [secure] lines"))
	_, _, held := t.settle()
	if len(held) != 1 {
		t.Fatalf("held: %v", held)
	}
	queue := filepath.Join(t.sendmail().Directory(), "queue")
	file, body := filepath.Join(queue, "hf"+held[0].ID), filepath.Join(queue, "df"+held[0].ID)
	t.Cleanup(func() {
		for _, name := range []string{file, body} {
			if err := os.Remove(name); err != nil {
				t.Error(err)
			}
		}
	})
	args := []string{"explain", "-config", d.Config, "-from", sender, "-to", "bob@gmail.com"}
	refused, _ := exec.Command(binary, append(args, file)...).CombinedOutput()
	_, remedy, found := strings.Cut(strings.TrimSpace(string(refused)), "give the message, with ")
	if !found {
		t.Fatalf("got %s", refused)
	}
	remedy = strings.NewReplacer("qfID", file, "dfID", body).Replace(remedy)
	cmd := exec.Command("sh", append([]string{"-c", remedy + ` | "$0" "$@" -`, binary}, args...)...)
	if got, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(got), "marker  present\n") {
		t.Errorf("%s: %v, %s", remedy, err, got)
	}
}

// TestExplainReadsPostcat runs explain on held mail as postcat(1) prints it.
// postseal's changes are elsewhere in the queue file, and postcat follows them.
func TestExplainReadsPostcat(tt *testing.T) {
	t := on(tt, postfix)
	d := t.serve("enforce", "[[policy]]\nname = \"hold\"\naction = \"quarantine\"\n")
	t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, mail("Subject: Results\r\n of [secure] lines", "X-Postseal: forged"))
	_, _, held := t.settle()
	if len(held) != 1 {
		t.Fatalf("held: %v", held)
	}
	t.Cleanup(func() {
		if err := t.postfix().Run("postsuper", "-d", held[0].ID); err != nil {
			t.Error(err)
		}
	})
	explain := func(stdin string) string {
		cmd := exec.Command(binary, "explain", "-config", d.Config, "-from", sender, "-to", "bob@gmail.com, a@nhs.net", "-")
		cmd.Stdin = strings.NewReader(stdin)
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	file := filepath.Join(t.postfix().Directory(), "queue", "hold", held[0].ID)
	const (
		read     = "marker  present\n"
		options  = "leave those out"
		noHeader = "it does not begin with the header of a message"
	)
	for _, test := range []struct{ options, want string }{
		{"-q", read}, {"-qh", read}, {"-qhb", read}, {"-qbh", read}, {"-qeh", read}, {"-qehb", read}, {"-qr", read},
		{"-qb", noHeader},
		{"-qe", "without the option -e"},
		{"-qo", options}, {"-qd", options}, {"-qv", options},
		{"-qhd", noHeader}, {"-qho", noHeader}, {"-qhv", noHeader},
	} {
		output, err := t.postfix().Output("postcat", test.options, held[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := explain(output); !strings.Contains(got, test.want) {
			t.Errorf("postcat %s: no %q in %s\n%s", test.options, test.want, got, output)
		}
	}
	output, err := t.postfix().Output("postcat", file)
	if got := explain(output); err != nil || !strings.Contains(got, read) {
		t.Errorf("postcat of the file: %v, %s", err, got)
	}
	got, _ := exec.Command(binary, "explain", "-config", d.Config, "-from", sender, "-to", "bob@gmail.com", file).CombinedOutput()
	if !strings.Contains(string(got), "it is a file of Postfix's queue") {
		t.Errorf("the queue file: %s", got)
	}
}

// TestReplayReadsTheQueue runs replay on Postfix's hold queue, on its file, and on the
// output of postcat. The envelope must be the one that the client sent, although
// postseal has diverted a recipient.
func TestReplayReadsTheQueue(tt *testing.T) {
	t := on(tt, postfix)
	d := t.serve("enforce", "[[policy]]\nname = \"hold\"\naction = \"quarantine\"\n")
	t.send([]string{"<bob@gmail.com>", "<a@nhs.net>"}, mail("Subject: Results"))
	_, _, held := t.settle()
	if len(held) != 1 {
		t.Fatalf("held: %v", held)
	}
	t.Cleanup(func() {
		if err := t.postfix().Run("postsuper", "-d", held[0].ID); err != nil {
			t.Error(err)
		}
	})
	queue := filepath.Join(t.postfix().Directory(), "queue")
	file := filepath.Join(queue, "hold", held[0].ID)
	text, err := t.postfix().Output("postcat", "-q", held[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(t.TempDir(), "saved")
	if err := os.WriteFile(saved, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Dir(file), saved} {
		cmd := exec.Command(binary, "replay", "-config", d.Config, path)
		cmd.Env = append(os.Environ(), "MAIL_CONFIG="+filepath.Join(t.postfix().Directory(), "etc"))
		out, err := cmd.CombinedOutput()
		lines := strings.Fields(string(out))
		for _, want := range []string{"1 message decided, 0 unreadable", "1 quarantine by policy hold", "2 all", "1 gmail.com"} {
			if !strings.Contains(strings.Join(lines, " "), want) {
				t.Errorf("%s: %v, no %q in %s", path, err, want, out)
			}
		}
	}
	cmd := exec.Command(binary, "replay", "-config", d.Config, file)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAIL_CONFIG=") }), "MAIL_CONFIG=/nonexistent")
	if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), "postcat: fatal: open /nonexistent/main.cf: No such file or directory") {
		t.Errorf("without a configuration: %s", out)
	}
}
