package mtatest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReadmesHoldWhatContribHolds compares the commands that install and remove
// postseal with the files that these tests run with.
func TestReadmesHoldWhatContribHolds(tt *testing.T) {
	t := on(tt, postfix)
	readme, contrib := read(t, "README.md"), read(t, "contrib/postfix/README.md")
	want := func(readme, text string) {
		t.Helper()
		if !strings.Contains(readme, text) {
			t.Errorf("no %q", text)
		}
	}

	var names []string
	for _, setting := range settled(read(t, "contrib/postfix/main.cf")) {
		want(readme, "'"+setting+"'")
		name, _, _ := strings.Cut(setting, " = ")
		names = append(names, name)
	}
	sameWords(t, contrib, "postconf -X ", names)

	var services []string
	for _, line := range settled(read(t, "contrib/postfix/master.cf")) {
		if fields := strings.Fields(line); fields[0] != "-o" {
			services = append(services, fields[0]+"/"+fields[1])
		}
	}
	sameWords(t, contrib, "postconf -MX ", services)

	port := t.postfix().ContentFilter[strings.LastIndexByte(t.postfix().ContentFilter, ':'):]
	override := "pickup/unix/content_filter=" + strings.Replace(t.postfix().ContentFilter, port, ":10026", 1)
	want(readme, "postconf -P '"+override+"'")
	want(contrib, `postconf -P "`+override+`"`)

	for dir, page := range map[string]string{"postfix": readme, "sendmail": read(t, "contrib/sendmail/README.md")} {
		files, err := os.ReadDir(filepath.Join(root, "contrib", dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if name := file.Name(); name != "README.md" && name != "main.cf" {
				want(page, " "+name+" ")
			}
		}
	}

	m4 := read(t, "contrib/sendmail/postseal.m4")
	if got := regexp.MustCompile(`(?m)^INPUT_MAIL_FILTER\(.*\)dnl$`).FindAllString(m4, -1); len(got) != 1 {
		t.Errorf("postseal.m4: got lines %q, where contrib/sendmail has one deleted", got)
	}
}

// A failed start leaves plain text in the log. Without fromjson?, jq would stop
// there.
func TestReadmeReadsTheLog(tt *testing.T) {
	t := on(tt, postfix)
	var command string
	for line := range strings.Lines(read(t, "README.md")) {
		if strings.Contains(line, "| jq ") {
			command = strings.TrimSpace(line)
		}
	}
	d := t.serve("observe", "")
	t.send([]string{"<bob@gmail.com>"}, mail("Subject: x"))
	t.settle()
	if _, err := d.Await("decision", nil); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte("postseal serve: postseal.toml: unknown key x\n"+d.Log()), 0o600); err != nil {
		t.Fatal(err)
	}
	shown, err := exec.Command("sh", "-c", strings.Replace(command, "journalctl -t postseal -o cat", "cat "+log, 1)).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, shown)
	}
	var got struct {
		Marker     string
		Recipients []struct{ Address, Action string }
	}
	if err := json.Unmarshal(shown, &got); err != nil {
		t.Fatalf("%s: %v: %s", command, err, shown)
	}
	if got.Marker != "missing" || len(got.Recipients) != 1 || got.Recipients[0].Action != "tag" {
		t.Errorf("%s: got %s", command, shown)
	}
}

// read returns a file of the checkout.
func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// settled returns the lines of a file that are neither blank nor comments.
func settled(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

// sameWords compares the text after a command, anywhere on the page, with the
// expected words in any order.
func sameWords(t testing.TB, page, command string, want []string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(page) {
		if words, ok := strings.CutPrefix(strings.TrimSpace(line), command); ok {
			got = append(got, strings.Fields(words)...)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", command, got, want)
	}
}
