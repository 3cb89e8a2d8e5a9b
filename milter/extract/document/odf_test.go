package document

import (
	"encoding/base64"
	"testing"
)

const namespaces = `xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="t" xmlns:table="b" xmlns:draw="d"`

// odt returns an OpenDocument file.
func odt(t testing.TB, body string, more ...file) []byte {
	t.Helper()
	return archive(t, append([]file{
		{"mimetype", "application/vnd.oasis.opendocument.text"},
		{"META-INF/manifest.xml", `<manifest:manifest/>`},
		{"content.xml", `<office:document-content ` + namespaces + `><office:body>` + body + `</office:body></office:document-content>`},
	}, more...)...)
}

func TestODF(t *testing.T) {
	for _, c := range []struct{ name, body, text string }{
		{"paragraphs", `<text:h>one</text:h><text:p>9<text:span>99</text:span><text:s text:c="2"/>000<text:tab/>x<text:line-break/>y</text:p>ignored`, "<2>one\n999  000\tx\ny\n"},
		{"note", `<text:p>999<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>note</text:p></text:note-body></text:note> 000<office:annotation><dc:creator>name</dc:creator><text:p>comment</text:p></office:annotation></text:p>`, "<2>999 000\nnote\ncomment\n"},
		{"frame", `<text:p>a<draw:frame><draw:text-box><text:p>one</text:p><text:p>two</text:p></draw:text-box></draw:frame>b</text:p>`, "<2>ab\none\ntwo\n"},
		{"repeated", `<table:table><table:table-row><table:table-cell table:number-columns-repeated="2"/><table:table-cell table:number-columns-repeated="16000"><text:p>x</text:p></table:table-cell><table:table-cell><text:p>y</text:p></table:table-cell></table:table-row><table:table-row table:number-rows-repeated="1000000"><table:table-cell/></table:table-row></table:table>`, "<2>\t\tx" + tabs(253) + "y\n\n\f"},
		{"value", `<table:table><table:table-row><table:table-cell office:value-type="float" office:value="9990000018"/><table:table-cell office:value-type="date" office:date-value="2026-01-01"/></table:table-row></table:table>`, "<2>9990000018\t\n\f"},
		{"tracked", `<text:tracked-changes><text:changed-region text:id="c"><text:deletion><text:p>18</text:p></text:deletion></text:changed-region></text:tracked-changes><text:p>999 000 00<text:change text:change-id="c"/>26</text:p>`, "<2>18\n999 000 0026\n999 000 001826\n"},
		{"margins", `<style:header><text:p>a</text:p></style:header><style:footer-left><text:p>b</text:p></style:footer-left><text:p>c</text:p><presentation:footer-decl>d</presentation:footer-decl>`, "<2 margin>a\n<2 margin>b\n<2>c\n<2 margin>d"},
		{"hidden", `<text:p>a<text:hidden-text text:string-value="b"/></text:p>`, "<2>ab\n"},
	} {
		t.Run(c.name, func(t *testing.T) { expect(t, odt(t, c.body), c.text) })
	}
}

func TestODFParts(t *testing.T) {
	expect(t, odt(t, `<text:p>a</text:p>`, file{"Object 1/content.xml", `<office:document-content ` + namespaces + `><text:p>chart</text:p></office:document-content>`},
		file{"Pictures/a.png", png(1000, 1000)}, file{"Object 2", "\x00\x01"}, file{"settings.xml", "<office:document-settings/>"}, file{"Thumbnails/thumbnail.png", png(1000, 1000)}),
		"<2>a\n<2>chart\n", "picture 2", "unreadable unknown-type 2")
	expect(t, archive(t, file{"mimetype", "x"}, file{"META-INF/manifest.xml", `<manifest><file-entry><encryption-data/></file-entry></manifest>`}, file{"content.xml", "\x9a\x01\x00"}), "", "unreadable encrypted 2")
}

func TestFlatODF(t *testing.T) {
	data := base64.StdEncoding.EncodeToString([]byte(png(1000, 1000)))
	expect(t, []byte(`<?xml version="1.0"?><office:document `+namespaces+`><text:p>a<draw:frame><office:binary-data>`+data[:9]+"\n "+data[9:]+`</office:binary-data></draw:frame>b</text:p></office:document>`), "<2>ab\n", "picture 2")
}
