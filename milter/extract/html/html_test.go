package html

import (
	"strings"
	"testing"

	"github.com/postseal/postseal/milter/extract/sinktest"
)

// read reads HTML in pieces of n octets.
func read(text string, n int) string {
	var rec sinktest.Recorder
	r := NewReader(&rec, "1")
	for text != "" {
		n := min(n, len(text))
		r.Write([]byte(text[:n]))
		text = text[n:]
	}
	r.Close()
	return rec.String()
}

func TestReader(t *testing.T) {
	const damaged = "{unreadable damaged 1}"
	for _, test := range []struct{ name, html, want string }{
		{"tags inside a number", "9<b>99</b> 00<span class=x>0 0</span>018", "999 000 0018"},
		{"blanks", "  999 \r\n\t 000\n0018 ", "999 000 0018"},
		{"entities", "999&nbsp;000&#160;00&#x31;8 &amp; &lt;&eacute&#0056;&#xg;&#;& &x;&&amp", "999\u00a0000\u00a00018 & <é8&#xg;&#;& &x;&&"},
		{"an entity without an end", "&gt" + strings.Repeat("g", 38) + ";", ">" + strings.Repeat("g", 38) + ";"},
		{"entities that are blanks", "999&#32;&#10;&Tab;000", "999 000"},
		{"numbers of Windows-1252", "&#150;&#0;&#x110000;&#99999999999;", "–\uFFFD\uFFFD\uFFFD"},
		{"blocks", "<p>a</p><p>b<div>c</div>d<br>e<br/>f</p>", "a\nb\nc\nd\ne\nf\n"},
		{"capitals", "<P>a</P><DIV>b</DIV>", "a\nb\n"},
		{"attributes", `a<img alt="999" title='0>0' data-x=1>b<a href="x?a=1&b"c>d</a>`, "abd"},
		{"a tag without blanks", `<a href="x"title="y">b</a>`, "b"},
		{"equals before a name", `<a =">b`, "b"},
		{"scripts and styles", "a<script>if (a<b) '</scrip' </script >b<style>p{}</style>c", "abc"},
		{"comments", "a<!-- b -- > c --!>d<!-->e<!--->f<!---->g<!x>h<?y?>i</>j</ k>l", "adefghijl"},
		{"comments for Outlook", "<!--[if mso]>a<![endif]-->b<!--[if !mso]><!-->c<!--<![endif]-->d<!-- [IF x]>e<![endif]-->", "abcde"},
		{"XML", "<![CDATA[999]]>", "999]]>"},
		{"no tags", "a < b <3 <", "a < b <3 <"},
		{"title", "<head><title>a &lt;b <i></title><meta x></head><body>c", "a <b <i>\nc"},
		{"line ends that count", "<pre>a\r\nb  c\n</pre>d <textarea>e\n<f></textarea>", "a\nb  c\nd\ne\n<f>\n"},
		{"raw text that is shown", "<xmp><b>&amp;</xmq></xmp>c<plaintext></plaintext>", "<b>&amp;</xmq>\nc\n</plaintext>"},
		{"hidden text", `<span style="display:none">a</span><template>b</template><noscript>c</noscript>`, "abc"},
		{"a comment without an end", "a<!-- b", "a" + damaged},
		{"a script without an end", "a<script>b", "a" + damaged},
		{"a tag without an end", "a<b c=\"d>e", "a" + damaged},
		{"ends of fields", `a<input type=hidden value=b></input><input value=c></input>d`, "a c d"},
		{"two values of a field", `<input value="999 000 0018" value=1>`, "999 000 0018"},
		{"fields of a form", `NHS number:<INPUT Value="999 000&nbsp;0018" title="b">c<input type=hidden value=d><input value=e type='hidden'><input value=f/><input>g<p value=h><button value=i>`, "NHS number: 999 000\u00a00018 c f/ g\n"},
		{"lists", "<ul><li>a<li>b</ul><select><option>c<option>d</select>", "a\nb\nc\nd\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, n := range []int{1, 2, 3, 7, 1000} {
				if got := read(test.html, n); got != test.want {
					t.Errorf("in pieces of %d: got %q, want %q", n, got, test.want)
				}
			}
		})
	}
}

func TestTables(t *testing.T) {
	for _, test := range []struct{ name, html, want string }{
		{"rows", "<table><tr><th>Name</th><th>NHS no</th></tr><tr><td>Jane</td><td>9990000018</td></tr></table>x", "Name\tNHS no\nJane\t9990000018\fx"},
		{"no end tags", "<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a\tb\nc\td\f"},
		{"empty cells", "<table><tr><td></td><td> </td><td>a</td></tr></table>", "\t\ta\f"},
		{"Outlook's paragraphs", "<table> <tr> <td><p>a</p></td> <td> <p>b</p> <p>c</p> </td> <td><p>d</p></td></tr></table>", "a\tb\n\tc\td\f"},
		{"layout", "<table><tr><td>a<br>b<p>c</td></tr></table>", "a\nb\nc\f"},
		{"nested", "<table><tr><td>a<td>b<table><tr><td>c<td>d</table>e<td>f</table>g", "a\tb\nc\td\f\te\tf\fg"},
		{"colspan", "<table><tr><th colspan=2>a<th>b<tr><td>c<td>d<td>e</table>", "a\t\tb\nc\td\te\f"},
		{"colspan that is odd", "<table><tr><th colspan='x'>a<th colspan=0>b<th>c</table>", "a\tb\tc\f"},
		{"rowspan", "<table><tr><th rowspan=2>a<th colspan=2>b<th rowspan=\"2\">c<tr><th>d<th>e</tr><tr><td>f<td>g<td>h<td>i</table>", "a\tb\t\tc\n\td\te\nf\tg\th\ti\f"},
		{"rowspan to the end", "<table><tr><td rowspan=9>a<td>b<tr><td>c<tr><td>d</table>x<table><tr><td>e</table>", "a\tb\n\tc\n\td\fx\ne\f"},
		{"sections", "<table><thead><tr><td>a<tbody><tr><td>b</table>", "a\nb\f"},
		{"no table", "999<td>000", "999000"},
		{"two tables", "<table><tr><td>a</table><table><tr><td>b</table>", "a\fb\f"},
	} {
		for _, n := range []int{1, 3, 1000} {
			if got := read(test.html, n); got != test.want {
				t.Errorf("%s: in pieces of %d: got %q, want %q", test.name, n, got, test.want)
			}
		}
	}
}

// TestTablesAreBounded holds that neither depth nor width costs much.
func TestTablesAreBounded(t *testing.T) {
	deep := strings.Repeat("<table><tr><td>", 100000) + "a" + strings.Repeat("</table>", 100000) + "b"
	if got := read(deep, 1000); got != "a\fb" {
		t.Errorf("got %.100q", got)
	}
	wide := "<table><tr>" + strings.Repeat("<td colspan=9999>", 1000) + strings.Repeat("<br>a", 1000)
	if got := read(wide, 1000); len(got) > 1000*maxColumns+1000*2 {
		t.Errorf("got %d octets", len(got))
	}
}

func TestPictures(t *testing.T) {
	picture := `<img src="data:image/png;base64,` + strings.Repeat("A", minPicture) + `">b`
	if got, want := read("a"+picture, 1000), "a{picture  1}b"; got != want {
		t.Errorf("got %q", got)
	}
	if got := read(`a<img src="data:image/png;base64,AAAA">b`, 1000); got != "ab" {
		t.Errorf("got %q", got)
	}
}

func TestLongFieldIsTold(t *testing.T) {
	value := strings.Repeat("a", maxField) + "b"
	if got, want := read(`<input value="`+value+`">c`, 1000), value[:maxField]+"{unreadable too-large 1} c"; got != want {
		t.Errorf("got %q", got[max(0, len(got)-40):])
	}
	if got := read(`<input value="`+value+`" type=hidden>c`, 1000); got != "c" {
		t.Errorf("hidden: got %q", got[max(0, len(got)-40):])
	}
}

type discard struct{ sinktest.Recorder }

func (*discard) Text([]byte) {}
