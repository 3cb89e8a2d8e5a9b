package document

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// record returns a record of BIFF.
func record(kind uint16, data ...string) string {
	all := strings.Join(data, "")
	return string(le(kind, uint16(len(all)))) + all
}

func short(n ...uint16) string { return string(le(n...)) }

func double(v float64) string { return string(le(math.Float64bits(v))) }

func TestXLS(t *testing.T) {
	sst := short(2, 0, 2, 0) // two strings
	expect(t, compound(node{name: "Workbook", content: record(0x809, short(0x600, 5)) +
		record(0x85, short(0, 0, 0), "\x06\x00Hidden") +
		record(0x41e, short(164, 12), "\x00000 000 0000") +
		record(0xe0, short(0, 0)) + record(0xe0, short(0, 14)) + record(0xe0, short(0, 164)) +
		record(0xfc, sst, short(4), "\x00Name", short(10), "\x00NHS n") + record(0x3c, "\x01", utf16le("umber")) +
		record(0x0a) +
		record(0x809, short(0x600, 16)) +
		record(0x14, short(5), "\x00&LTop") +
		record(0xfd, short(0, 0, 0, 0, 0)) + record(0xfd, short(0, 2, 0, 1, 0)) +
		record(0x203, short(1, 0, 1), double(46000)) + record(0x203, short(1, 2, 2), double(9990000018)) +
		record(0x27e, short(2, 0, 0), string(le(uint32(7<<2|2)))) +
		record(0xbd, short(3, 1, 0), string(le(uint32(8<<2|2))), short(0), string(le(uint32(9<<2|2))), short(2)) +
		record(0x06, short(4, 0, 0), "\x00\x00\x00\x00\x00\x00\xff\xff", "\x00\x00") + record(0x207, short(4), "\x00text") +
		record(0x204, short(4, 1, 0, 5), "\x00label") +
		record(0x1b6, short(0, 0, 0, 0, 0, 7, 0, 0)) + record(0x3c, "\x00comment") + record(0x3c, "\x00\x00") +
		record(0x0a)}),
		"<2>Hidden\nName\t\tNHS number\n\t\t999 000 0018\n7\n\t8\t9\ntext\tlabel\n\fcomment\n<2 margin>Top\n")
	expect(t, compound(node{name: "Workbook", content: record(0x809, short(0x600, 5)) + record(0x2f, short(1))}), "", "unreadable encrypted 2")
	expect(t, compound(node{name: "Book", content: record(0x809, short(0x500, 5)) + record(0x204, short(0, 1, 0, 4), "caf\xe9")}), "<2>\tcafé\n\f")
	expect(t, compound(node{name: "Workbook", content: record(0x809, short(0x600, 5)) + record(0x204, short(0, 1, 0, 4), "\x00text") + "\x0a\x00\xff\xff"}), "<2>\ttext\n\f", "unreadable damaged 2")
}

// atom returns a record of PowerPoint.
func atom(version, kind uint16, content ...string) string {
	all := strings.Join(content, "")
	return string(le(version, kind)) + string(le(uint32(len(all)))) + all
}

func TestPPT(t *testing.T) {
	slides := atom(15, 1000, atom(15, 4057, atom(0, 4026, utf16le("OFFICIAL"))), atom(0, 4000, utf16le("999 000 0018\rwide é")), atom(0, 4008, "bytes \xe9"))
	expect(t, compound(node{name: "PowerPoint Document", content: slides}, node{name: "Pictures", content: "xx" + png(1000, 1000)}),
		"<2 margin>OFFICIAL\n<2>999 000 0018\nwide é\nbytes é\n", "picture 2")
	expect(t, compound(node{name: "Current User", content: strings.Repeat("\x00", 12) + "\xdf\xc4\xd1\xf3"}, node{name: "PowerPoint Document", content: slides}), "", "unreadable encrypted 2")
}

func TestEncryptedOffice(t *testing.T) {
	expect(t, compound(node{name: "EncryptionInfo", content: "x"}, node{name: "EncryptedPackage", content: "x"}), "", "unreadable encrypted 2")
	fib := make([]byte, 0x200)
	copy(fib, "\xec\xa5\xc1\x00")
	fib[11] = 1
	expect(t, compound(node{name: "WordDocument", content: string(fib)}), "", "unreadable encrypted 2")
}

func TestObjects(t *testing.T) {
	native := "\x00\x00\x00\x00\x02\x00a.txt\x00C:\\a.txt\x00\x00\x00\x03\x00" + string(le(uint32(3))) + "C:\x00" + string(le(uint32(4))) + "text"
	expect(t, compound(node{name: "\x01Ole10Native", content: native}), "<2>text")
	expect(t, compound(node{name: "Package", content: string(docx(t, `<w:p><w:r><w:t>inner</w:t></w:r></w:p>`))}), "<2>inner\n")
	expect(t, compound(node{name: "VisioDocument", content: "x"}), "", "unreadable unknown-type 2")
	expect(t, compound(node{name: "Workbook", content: record(0x809, short(0x600, 5))}, node{name: "MBD1", inside: []node{{name: "VisioDocument", content: "x"}}}), "", "unreadable unknown-type 2")
}

func TestMSG(t *testing.T) {
	message := func(subject, body string, more ...node) []node {
		return slices.Concat([]node{{name: "__properties_version1.0", content: "x"},
			{name: "__substg1.0_0037001F", content: utf16le(subject)}, {name: "__substg1.0_1000001E", content: body}}, more)
	}
	// Fields of a contact and of an appointment are shown, one of a header is not.
	sets := "\x02\x20\x06\x00............" + "\x86\x03\x02\x00............"
	expect(t, compound(
		node{name: "__properties_version1.0", content: "x"},
		node{name: "__substg1.0_3A06001F", content: utf16le("given")},
		node{name: "__substg1.0_8000001F", content: utf16le("place")},
		node{name: "__substg1.0_8001001F", content: utf16le("header")},
		node{name: "__substg1.0_8002101F", content: "xxxx"},
		node{name: "__substg1.0_8002101F-00000000", content: utf16le("one of two")},
		node{name: "__nameid_version1.0", inside: []node{{name: "__substg1.0_00020102", content: sets},
			{name: "__substg1.0_00030102", content: string(le(uint32(0))) + short(3<<1, 0) + string(le(uint32(0))) + short(4<<1, 1)}}},
	), "<2>given<2>place<2>one of two")
	expect(t, compound(node{name: "__properties_version1.0", content: "x"}, node{name: "__substg1.0_1013001F", content: utf16le("<meta charset=koi8-r><b>é")}), "<2>é")
	rtf := "{\\rtf1 rich}"
	packed := string(le(uint32(len(rtf)+12), uint32(len(rtf)), 0x414c454d, 0)) + rtf
	expect(t, compound(message("about 999 000 0018", "body \xe9",
		node{name: "__substg1.0_10130102", content: "<html><body><p>html</p></body></html>"},
		node{name: "__substg1.0_10090102", content: packed},
		node{name: "__substg1.0_007D001F", content: utf16le("Received: x")},
		node{name: "__attach_version1.0_#00000000", inside: []node{{name: "__substg1.0_37010102", content: "attached"}, {name: "__substg1.0_3707001F", content: utf16le("name")}}},
		node{name: "__attach_version1.0_#00000001", inside: []node{{name: "__substg1.0_3701000D", inside: message("inner", "message")}}},
	)...), "<2 subject>about 999 000 0018<2>body é<2>html\n<2>rich<2/1>attached<2/1>name<2/2 subject>inner<2/2>message")
}

func TestTNEF(t *testing.T) {
	attribute := func(id uint32, data string) string {
		return "\x01" + string(le(id, uint32(len(data)))) + data + "\x00\x00"
	}
	property := func(tag uint32, value string) string {
		return string(le(tag, 1, uint32(len(value)))) + value + strings.Repeat("\x00", (4-len(value)%4)%4)
	}
	named := string(le(uint32(0x80010003))) + strings.Repeat("x", 16) + string(le(uint32(1), 3)) + "abc\x00" + string(le(uint32(7)))
	header := string(le(uint32(0x8002001f))) + "\x86\x03\x02\x00............" + string(le(uint32(0), 5, 1, 2)) + "h\x00xx"
	field := string(le(uint32(0x8003001e))) + "\x02\x20\x06\x00............" + string(le(uint32(0), 5, 1, 6)) + "field\x00xx"
	lzfu := string(le(uint32(0), 0, 0x75465a4c, 0)) + "\x00{\\rtf1 x\x02}\x0d\x80"
	expect(t, []byte("\x78\x9f\x3e\x22\x00\x00"+attribute(0x18004, "subject\x00")+attribute(0x2800c, "body\x00")+
		attribute(0x69003, string(le(uint32(6)))+named+header+field+string(le(uint32(0x0017_0003), 5))+property(0x1000001f, utf16le("wide"))+property(0x10090102, lzfu))+
		attribute(0x69002, "")+attribute(0x6800f, "attached")),
		"<2 subject>subject<2>body<2>field<2>wide<2>x<2/1>attached")
	expect(t, []byte("\x78\x9f\x3e\x22\x00\x00\x01\x0c\x80\x02\x00\xff\x00\x00\x00body"), "<2>body", "unreadable damaged 2")
}
