package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/extract/subprocess"
	"go.uber.org/goleak"
)

// TestMain runs the program itself if explain starts it for a document, or a test or a
// benchmark.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == subprocess.Command || os.Args[1] == "serve" || os.Args[1] == "replay") {
		os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
	}
	goleak.VerifyTestMain(m)
}

// foundIn returns the findings of explain -json about a message, as "name" or
// "name reason". options are further ones of explain.
func foundIn(t *testing.T, mail string, options ...string) (names []string) {
	t.Helper()
	args := append([]string{"explain", "-json", "-from", "ward@trust.example", "-to", "bob@gmail.com"}, options...)
	code, stdout, stderr := runWith(mail, append(args, "-")...)
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var e struct {
		Findings []struct{ Name, Reason string }
	}
	if err := json.Unmarshal([]byte(stdout), &e); err != nil {
		t.Fatal(err)
	}
	for _, f := range e.Findings {
		names = append(names, strings.TrimSpace(f.Name+" "+f.Reason))
	}
	return names
}

// attached returns a mail with a document, without its name.
func attached(document []byte) string {
	return "From: ward@trust.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee the letter.\n" +
		"--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString(document) + "\n--b--\n"
}

// TestExplainReadsDocuments attaches each sample without its name. All hold the
// number 999 000 0018. Those named locked- have a password.
func TestExplainReadsDocuments(t *testing.T) {
	files, err := filepath.Glob("../../testdata/documents/*/*")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if filepath.Base(file) == "README.md" {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		mail := attached(content)
		want := "nhs-number"
		if strings.HasPrefix(filepath.Base(file), "locked-") {
			want = "unreadable encrypted"
		}
		if got := strings.Join(foundIn(t, mail), ", "); got != want && !strings.HasPrefix(got, want+", ") {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
}

// TestLimitsOfDocuments lowers each limit below what an archive of text needs. By
// default, all of it is read.
func TestLimitsOfDocuments(t *testing.T) {
	var text bytes.Buffer // compressed
	w, _ := flate.NewWriter(&text, flate.BestCompression)
	const size = 8 << 20
	line := []byte("See you on Monday. The minutes are on the intranet.\n" + strings.Repeat(" ", 12))
	sum := crc32.NewIEEE()
	for range size / len(line) {
		io.MultiWriter(w, sum).Write(line)
	}
	w.Close()
	archive := func(entries int) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i := range entries {
			entry, err := z.CreateRaw(&zip.FileHeader{
				Name: fmt.Sprint(i, ".txt"), Method: zip.Deflate, CRC32: sum.Sum32(),
				CompressedSize64: uint64(text.Len()), UncompressedSize64: size,
			})
			if err != nil {
				t.Fatal(err)
			}
			entry.Write(text.Bytes())
		}
		noise := make([]byte, 1<<20)
		rand.NewChaCha8([32]byte{}).Read(noise)
		entry, _ := z.CreateHeader(&zip.FileHeader{Name: "noise.txt", Method: zip.Store})
		io.WriteString(entry, hex.EncodeToString(noise))
		z.Close()
		return b.Bytes()
	}
	for _, test := range []struct {
		entries  int
		key      string
		findings string
	}{
		{3, "", ""},
		{3, "max_document_mib = 1", "unreadable damaged, unreadable too-large"},
		{3, "max_unpacked_mib = 20", "unreadable too-large"},
		{3, "max_entries = 2", "unreadable too-large"},
		{3, "max_depth = 1", "unreadable too-deep"},
		{300, "max_seconds = 1\nmax_unpacked_mib = 2048", "unreadable too-slow"},
	} {
		config := filepath.Join(t.TempDir(), "postseal.toml")
		if err := os.WriteFile(config, []byte("local_domains = [\"trust.example\"]\n[content]\n"+test.key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := slices.Compact(foundIn(t, attached(archive(test.entries)), "-config", config)); strings.Join(got, ", ") != test.findings {
			t.Errorf("%s: got %q, want %q", test.key, got, test.findings)
		}
	}
}

func TestExplainNamesFindings(t *testing.T) {
	html := func(body string) string {
		return "From: ward@trust.example\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<html><body>" + body + "</body></html>\n"
	}
	text := func(body string) string { return "From: ward@trust.example\nSubject: x\n\n" + body + "\n" }
	for _, test := range []struct{ name, mail, want string }{
		{"3-3-4", text("See 999 000 0018 for details."), "nhs-number"},
		{"no-break spaces", html("See 999&nbsp;000&#160;0018."), "nhs-number"},
		{"tags inside", html("See <b>999</b> <i>000</i> 00<span>18</span>."), "nhs-number"},
		{"hyphens with context", text("NHS number: 999-000-0018"), "nhs-number"},
		{"compact with context", text("Patient 9990000018 was seen."), "nhs-number"},
		{"header of a column", html("<table><tr><th>Name</th><th>NHS No</th></tr><tr><td>A</td><td>9990000018</td></tr></table>"), "nhs-number"},
		{"CSV", "From: a@trust.example\nContent-Type: text/csv\n\nName,NHS Number\nA,9990000018\n", "nhs-number"},
		{"quoted-printable", "From: a@trust.example\nContent-Transfer-Encoding: quoted-printable\n\nSee 999=20000=\n 0018 for details.\n", "nhs-number"},
		{"base64", "From: a@trust.example\nContent-Transfer-Encoding: base64\n\nU2VlIDk5OSAwMDAgMDAxOCBmb3IgZGV0YWlscy4=\n", "nhs-number"},
		{"attached message", "From: a@trust.example\nContent-Type: message/rfc822\n\nSubject: y\n\nSee 999 000 0018.\n", "nhs-number"},
		{"subject", "From: a@trust.example\nSubject: letter, 999 000 0018\n\nx\n", "nhs-number, nhs-number-in-subject"},
		{"hyphens alone", text("See 999-000-0018 for details."), "nhs-number-likely"},
		{"wrong check digit", text("NHS number 999 000 0019"), ""},
		{"mobile", text("Call me on 07700 900123 or +44 7700 900123."), ""},
		{"link", text("https://example.org/track/9990000018?x=1"), ""},
		{"longer number", text("Order 19990000018"), ""},
		{"marking", text("OFFICIAL-SENSITIVE\n\nx"), "marking"},
		{"prose", text("This is our secret, and not an official sensitive matter."), ""},
		{"sensitivity", "From: a@trust.example\nSensitivity: Company-Confidential\n\nx\n", "sensitivity"},
		{"inline PGP", text("-----BEGIN PGP MESSAGE-----\n\nhQEMA5vJ\n=aaaa\n-----END PGP MESSAGE-----"), "encrypted"},
		{"unknown type", "From: a@trust.example\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\nAAECAwQFBgcICQoLDA0ODw==\n", "unreadable unknown-type"},
	} {
		if got := strings.Join(foundIn(t, test.mail), ", "); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestExplainShowsFindingsAsText(t *testing.T) {
	mail := "From: ward@trust.example\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nNHS numbers 999 000 0018 and 999 000 0026\n--b\nContent-Type: application/zip\n\n7z\xbc\xaf\x27\x1c\n--b--\n"
	_, stdout, _ := runWith(mail, "explain", "-from", "ward@trust.example", "-to", "bob@gmail.com", "-")
	for _, want := range []string{"finding nhs-number in part 1, count 2\n", "finding unreadable (unknown-type) in part 2\n", "policy sensitive: divert\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}

// TestReadDocumentIsNoCommand: at a terminal it would read for ever, and ignore
// Ctrl-C.
func TestReadDocumentIsNoCommand(t *testing.T) {
	for _, args := range [][]string{{}, {"1"}, {"letter.pdf", "-h"}} {
		code, stdout, stderr := runWith("", append([]string{subprocess.Command}, args...)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, "postseal explain") {
			t.Errorf("%q: exit %d, %q, %q", args, code, stdout, stderr)
		}
	}
	if _, usage, _ := runWith("", "help"); strings.Contains(usage, subprocess.Command) {
		t.Errorf("the usage names it: %s", usage)
	}
}
