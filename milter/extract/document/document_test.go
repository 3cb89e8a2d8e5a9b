package document

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// recorder is a sink that keeps what it receives.
type recorder struct {
	text  strings.Builder
	found []string
}

func (r *recorder) Begin(p detect.Place) {
	fmt.Fprintf(&r.text, "<%s%s>", p.Part, []string{"", " subject", " margin"}[p.Kind])
}

func (r *recorder) Text(p []byte) { r.text.Write(p) }

func (r *recorder) Found(f finding.Finding) {
	r.found = append(r.found, strings.Join(strings.Fields(fmt.Sprint(f.Name, " ", f.Reason, " ", f.Part)), " "))
}

// roomy are limits that no test reaches unless it means to.
var roomy = Limits{Unpacked: 64 << 20, Entries: 1000, Depth: 8}

// read returns the text of a document and what was found.
func read(data []byte, limits Limits) (text string, found []string) {
	var r recorder
	Read(bytes.NewReader(data), int64(len(data)), detect.Place{Part: "2"}, &r, limits)
	return r.text.String(), r.found
}

// file is an entry of an archive.
type file struct{ name, content string }

// archive returns a ZIP archive.
func archive(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(f.name)
		if err == nil {
			_, err = w.Write([]byte(f.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// types makes an archive an Office document.
var types = file{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`}

// office returns an Office document.
func office(t testing.TB, files ...file) []byte {
	t.Helper()
	return archive(t, slices.Concat([]file{types}, files)...)
}

// expect compares a document's text and findings.
func expect(t *testing.T, data []byte, text string, found ...string) {
	t.Helper()
	gotText, gotFound := read(data, roomy)
	if gotText != text {
		t.Errorf("got the text %q, not %q", gotText, text)
	}
	if !slices.Equal(gotFound, found) {
		t.Errorf("found %q, not %q", gotFound, found)
	}
}
