package markup

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// tokens returns the tokens of a text, in short.
func tokens(r io.Reader) (string, error) {
	var b strings.Builder
	s := New(r)
	for {
		switch s.Next() {
		case None:
			return b.String(), s.Err()
		case Start:
			fmt.Fprintf(&b, "<%s%s>", s.Name, s.Attr("v"))
		case End:
			fmt.Fprintf(&b, "</%s>", s.Name)
		case Text:
			b.Write(s.Text)
		}
	}
}

func TestScanner(t *testing.T) {
	long := strings.Repeat("é&amp;", window/3)
	for _, c := range []struct {
		in, want string
		err      error
	}{
		{`<?xml version="1.0"?><!DOCTYPE a><a><b:c x:v="1"/>d<!-- <e> -- > -->f</a>`, "<a><c1></c>df</a>", nil},
		{`<a v='>"'>b</a >`, `<a>">b</a>`, nil},
		{`<a><![CDATA[<b> &amp; ]] ]]>c</a>`, "<a><b> &amp; ]] c</a>", nil},
		{"<a\n\tv = \"&lt;&#65;&#x42;&none;&\"\n>&quot;&apos;&gt;& &#xFFFFFFFF;</a>", `<a<AB&none;&>"'>& &#xFFFFFFFF;</a>`, nil},
		{"<a>" + long + "</a>", "<a>" + strings.ReplaceAll(long, "&amp;", "&") + "</a>", nil},
		{"<a><b>c</a>d", "<a><b>c</a>d", ErrBroken},
		{"<a>b</c></a>", "<a>b</a>", ErrBroken},
		{"<a>b", "<a>b", ErrBroken},
		{"<a>b<c", "<a>b", ErrBroken},
		{"<a>b<!-- c", "<a>b", ErrBroken},
		{`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, "<a>&b;</a>", ErrEntities},
		{strings.Repeat("<a>", maxDepth+1), strings.Repeat("<a>", maxDepth), ErrDepth},
		{"<></><:></:>", "<?><></>", ErrBroken},
		{"\xef\xbb\xbf<a>é</a>", "<a>é</a>", nil},
		{"\xff\xfe<\x00a\x00>\x00\xe9\x00<\x00/\x00a\x00>\x00", "<a>é</a>", nil},
		{"\x00<\x00a\x00>\x00\xe9\x00<\x00/\x00a\x00>", "<a>é</a>", nil},
		{"<?xml version='1.0' encoding='windows-1252'?><a>\x80</a>", "<a>€</a>", nil},
		{"<?xml version='1.0' encoding='utf-16'?><a>é</a>", "<a>é</a>", nil},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in))} {
			got, err := tokens(r)
			if got != c.want {
				t.Errorf("%.100q: got %.100q, not %.100q", c.in, got, c.want)
			}
			if !errors.Is(err, c.err) {
				t.Errorf("%.100q: got the error %v, not %v", c.in, err, c.err)
			}
		}
	}
}

// TestHugeTag holds that a tag that never ends does not fill the memory.
func TestHugeTag(t *testing.T) {
	s := New(io.MultiReader(strings.NewReader("<a "), io.LimitReader(endless{}, 20*maxTag), strings.NewReader("><b/></a>")))
	for s.Next() != None {
	}
	if len(s.tag) > 2*maxTag || s.Err() != nil {
		t.Errorf("kept %d octets: %v", len(s.tag), s.Err())
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "b=c "[i%4]
	}
	return len(p), nil
}
