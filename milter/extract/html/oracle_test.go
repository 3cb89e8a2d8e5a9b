package html

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

// byTokenizer returns the text that golang.org/x/net/html finds, without blanks.
func byTokenizer(text string) string {
	var shown strings.Builder
	z := html.NewTokenizer(strings.NewReader(text))
	isHidden := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			return letters(shown.String())
		case html.TextToken:
			if !isHidden {
				shown.WriteString(string(z.Text()))
			}
			isHidden = false
		case html.StartTagToken:
			name, _ := z.TagName()
			isHidden = string(name) == "script" || string(name) == "style"
		default:
			isHidden = false
		}
	}
}

// letters removes blanks and what the two mark in different ways.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)
}

// isComparable reports whether both read the text in the same way. Package html
// shows the text of conditional comments, CDATA sections and of elements that
// browsers show only without scripts. x/net does not read the numbers of
// controls and of scripts inside comments as browsers do.
func isComparable(text string) bool {
	text = strings.ToLower(text)
	for _, part := range []string{"[", "iframe", "noembed", "noframes", "noscript", "\x00", "script"} {
		if strings.Contains(text, part) {
			return false
		}
	}
	return true
}

var pieces = []string{
	"999", " ", "\r\n", "é", "<b>", "</b>", "<p class=\"a>b\">", "<td>", "<table>", "</table>", "<tr>", "<br/>", "<a href='x'>",
	"&nbsp;", "&amp;", "&#57;", "&#x39;", "&notit;", "&", "&#", ";", "<", ">", "</", "<!-- a -->", "<!--", "-->", "--", "!", "<!x>", "<?y>",
	"<style>", "</style>", "<title>", "</title>", "<textarea>", "</textarea>", "<xmp>", "</xmp>", "<a b=c/d>", "<a b = 'c'>", "\"", "'", "=", "/", "<A\nB>",
	"<pre>", "</pre>", "<1>", "</1>", "x",
}

// TestReaderAgainstTokenizer compares the text of generated HTML.
func TestReaderAgainstTokenizer(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 1866))
	for range 20000 {
		var b strings.Builder
		for range random.IntN(20) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		compare(t, b.String())
	}
}

func compare(t *testing.T, text string) {
	t.Helper()
	got := strings.ReplaceAll(read(text, 3), "{unreadable damaged 1}", "")
	if want := byTokenizer(text); letters(got) != want {
		t.Errorf("%q: got %q, want %q", text, letters(got), want)
	}
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"<p>999&nbsp;000</p><!--[if mso]>a<![endif]-->", "<table><tr><td>a<td colspan=2>b</table>", "<textarea>a</textarea><plaintext>", "<textarea></textarX>",
	} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		text = strings.ToValidUTF8(text, "")
		whole, cut := read(text, 1<<20), read(text, max(n, 1))
		if whole != cut {
			t.Errorf("whole %q, cut %q", whole, cut)
		}
		if isComparable(text) && !strings.Contains(text, "{") {
			compare(t, text)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	for name, text := range map[string]string{
		"newsletter": `<table border="0" cellpadding="0" cellspacing="0" width="100%"><tr><td align="left" style="font-family:Arial,sans-serif;color:#333333;padding:0 0 8px 0;">Discharge summary for ward&nbsp;7, with thanks</td></tr></table>` + "\r\n",
		"paragraphs": "<p class=MsoNormal>Discharge summary for ward 7, with thanks to all of you for your help with the clinic letters<br>\r\nand more</p>\r\n",
	} {
		b.Run(name, func(b *testing.B) {
			p := []byte(strings.Repeat(text, 1<<20/len(text)))
			b.SetBytes(int64(len(p)))
			r := NewReader(&discard{}, "1")
			for b.Loop() {
				r.Write(p)
			}
		})
	}
}
