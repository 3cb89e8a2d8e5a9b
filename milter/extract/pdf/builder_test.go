package pdf_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/extract/pdf"
	"github.com/postseal/postseal/rules/detect"
	"github.com/postseal/postseal/rules/finding"
)

// recorder is a sink that keeps what it receives.
type recorder struct {
	text     strings.Builder
	findings []finding.Finding
	places   []detect.Place
	attached []string
}

func (r *recorder) Begin(p detect.Place)    { r.places = append(r.places, p) }
func (r *recorder) Text(p []byte)           { r.text.Write(p) }
func (r *recorder) Found(f finding.Finding) { r.findings = append(r.findings, f) }

// read reads a file with its attachments.
func read(file []byte) *recorder {
	r := new(recorder)
	pdf.Read(bytes.NewReader(file), int64(len(file)), detect.Place{Part: "2"}, r, func(data io.ReaderAt, size int64) {
		octets := make([]byte, size)
		data.ReadAt(octets, 0)
		r.attached = append(r.attached, string(octets))
	})
	return r
}

// lines returns the lines that are not empty.
func (r *recorder) lines() []string {
	return slices.DeleteFunc(strings.FieldsFunc(r.text.String(), func(c rune) bool { return c == '\n' || c == '\f' }),
		func(line string) bool { return strings.TrimSpace(line) == "" })
}

// wantFindings checks the findings, each written as its name or its reason.
func (r *recorder) wantFindings(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, f := range r.findings {
		if f.Part != "2" {
			t.Errorf("%v: part %q", f, f.Part)
		}
		got = append(got, strings.TrimPrefix(string(f.Name)+" "+string(f.Reason), "unreadable "))
	}
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("findings %q, not %q", got, want)
	}
}

// build makes a file of objects, which are numbered from 1. The first is the
// catalog.
func build(objects ...string) []byte { return buildWith("", objects...) }

func buildWith(trailer string, objects ...string) []byte {
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&out, "trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, trailer, xref)
	return out.Bytes()
}

// stream makes a stream with more entries in its dictionary.
func stream(entries, data string) string {
	return fmt.Sprintf("<<%s/Length %d>>stream\n%s\nendstream", entries, len(data), data)
}

func deflate(data string) string {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	io.WriteString(w, data)
	w.Close()
	return out.String()
}

// document makes a file of one page, which is object 3. Its content is object 4,
// and its font F1, Helvetica, object 5. More objects follow from 6 on.
func document(content string, more ...string) []byte {
	return documentWith("", "", content, more...)
}

// documentWith is document with more entries for the page and its resources.
func documentWith(page, resources, content string, more ...string) []byte {
	return build(append([]string{
		"<</Type/Catalog/Pages 2 0 R>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]" + page + "/Resources<</Font<</F1 5 0 R/F2 6 0 R>>" + resources + ">>/Contents 4 0 R>>",
		stream("", content),
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
	}, more...)...)
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }
