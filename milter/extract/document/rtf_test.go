package document

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestRTF(t *testing.T) {
	for _, c := range []struct{ name, body, text string }{
		{"text", `999 {\b 000} 00\r` + "\n" + `18\par\'e9\'80 \u8364? \u233\'e9 \uc2\u233ab\uc0\u233 c\~\{\}\\`, "999 000 0018\né€ € é é\u00e9c\u00a0{}\\"},
		{"fonts", `{\fonttbl{\f0\fcharset204 A;}{\f1\fcharset128 B;}}\f0\'e4\f1\'83\'65 \f2 x`, "дテ x"},
		{"surrogates", `\u-10179?\u-8704?`, "\U0001f600"},
		{"silent", `{\*\unknown a}{\stylesheet b}{\*\generator c;}d{\v hidden}`, "dhidden"},
		{"margins", `{\header OFFICIAL}{\footerf b\par}c`, "<2 margin>OFFICIAL<2 margin>b\n<2>c"},
		{"beside", `999{\footnote note} 000{\*\annotation comment}{\field{\*\fldinst FIELD}{\fldrslt  0018}}\par`, "999 000 0018\nnote\ncomment\nFIELD\n"},
		{"shape", `a{\shp{\*\shpinst{\sp{\sn fLine}{\sv 12}}{\sp{\sn wzDescription}{\sv words}}{\shptxt box\par}}}b\par`, "ab\nwords\nbox\n"},
		{"tracked", `999 000 00{\deleted 18}{\revised 26}\par`, "999 000 0026\n999 000 0018\n"},
		{"table", `\trowd\pard\intbl a\cell b\par c\cell\row\trowd\pard\intbl\cell 9990000018\cell\row\pard after`, "a\tb c\n\t9990000018\n\fafter"},
		{"bin", `a{\pict\bin4 }}}}}b`, "ab"},
		{"unbalanced", `a}`, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "<2>" + strings.TrimPrefix(c.text, "<2")
			if strings.HasPrefix(c.text, "<2") {
				text = c.text
			}
			end := "}"
			if c.name == "unbalanced" {
				end = ""
			}
			expect(t, []byte(`{\rtf1\ansi `+c.body+end), text)
		})
	}
	expect(t, []byte(`{\rtf1 cut`), "<2>cut", "unreadable damaged 2")
	expect(t, []byte(`{\rtf1 a} more`), "<2>a", "unreadable unknown-type 2")
}

func TestRTFObjects(t *testing.T) {
	inner := hex.EncodeToString(append([]byte("header"), docx(t, `<w:p><w:r><w:t>inner</w:t></w:r></w:p>`)...))
	expect(t, []byte(`{\rtf1 {\object\objemb{\*\objclass Word}{\*\objdata `+inner[:31]+"\r\n"+inner[31:]+`}{\result shown}}}`), "<2>shown<2>inner\n")
	expect(t, []byte(`{\rtf1 {\object\objemb{\*\objdata 0105}}}`), "", "unreadable unknown-type 2")
	expect(t, []byte(`{\rtf1 {\*\shppict{\pict{\*\blipuid 00}\pngblip `+hex.EncodeToString([]byte(png(900, 900)))+`}}}`), "", "picture 2")
	expect(t, []byte(`{\rtf1 {\pict\wmetafile8\picwgoal9000\pichgoal9000 0100}}`), "", "picture 2")
	expect(t, []byte(`{\rtf1 {\pict\wmetafile8\picwgoal900\pichgoal900 0100}}`), "")
}
