package document

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

func TestArchive(t *testing.T) {
	inner := archive(t, file{"c.txt", "three"}, file{"d.docx", string(docx(t, `<w:p><w:r><w:t>four</w:t></w:r></w:p>`))})
	expect(t, archive(t, file{"folder/", ""}, file{"a.txt", "one"}, file{"b.zip", string(inner)}, file{"e", "\x00\x01\x02"}, file{"f.png", png(2000, 2000)}, file{"g.html", "<!doctype html><p>9<b>9</b>9"}),
		"<2/2>one<2/3/1>three<2/3/2>four\n<2/6>999", "unreadable unknown-type 2/4", "picture 2/5")
}

func TestEncryptedEntry(t *testing.T) {
	expect(t, setFlag(archive(t, file{"a.txt", "secret"}), 1), "", "unreadable encrypted 2/1")
}

// setFlag sets a flag of all entries in the table of contents.
func setFlag(data []byte, flag byte) []byte {
	for i := 0; ; i += 4 {
		n := bytes.Index(data[i:], []byte("PK\x01\x02"))
		if n < 0 {
			return data
		}
		i += n
		data[i+8] |= flag
	}
}

func TestUnknownMethod(t *testing.T) {
	data := archive(t, file{"a.txt", "text"})
	i := bytes.Index(data, []byte("PK\x01\x02"))
	data[i+10] = 14 // LZMA
	expect(t, data, "", "unreadable unknown-type 2/1")
}

func TestLimits(t *testing.T) {
	deep := docx(t, `<w:p><w:r><w:t>deep</w:t></w:r></w:p>`)
	for range 9 {
		deep = archive(t, file{"a.zip", string(deep)})
	}
	many := make([]file, 1001)
	for i := range many {
		many[i] = file{"a.txt", ""}
	}
	bomb := archive(t, file{"a.txt", strings.Repeat("a", 1<<20)}, file{"b.txt", "b"})
	small := roomy
	small.Unpacked = 1 << 19
	for _, c := range []struct {
		name   string
		data   []byte
		limits Limits
		found  []string
	}{
		{"deep", deep, roomy, []string{"unreadable too-deep 2/1/1/1/1/1/1/1/1"}},
		{"entries", archive(t, many...), roomy, []string{"unreadable too-large 2"}},
		{"bomb", bomb, small, []string{"unreadable too-large 2/1", "unreadable too-large 2/2"}},
		{"bomb in a document", docx(t, strings.Repeat("<w:p/>", 1<<20)), small, []string{"unreadable too-large 2"}},
		{"repeated string", office(t, file{"xl/sharedStrings.xml", "<sst><si><t>" + strings.Repeat("a", 1<<17) + "</t></si></sst>"}, file{"xl/worksheets/sheet1.xml", "<worksheet>" + strings.Repeat(`<c t="s"><v>0</v></c>`, 1000) + "</worksheet>"}), small, []string{"unreadable too-large 2"}},
		{"repeated stream", compound(node{name: "__properties_version1.0", content: "x"}, node{name: "__substg1.0_1000001E", content: strings.Repeat("a", 4000)}), Limits{Unpacked: 3999, Entries: 1, Depth: 1}, []string{"unreadable too-large 2"}},
		{"elements", docx(t, strings.Repeat("<w:p>", 10000)), roomy, []string{"unreadable too-deep 2"}},
		{"groups", []byte(`{\rtf1 ` + strings.Repeat("{", 10000)), roomy, []string{"unreadable too-deep 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, found := read(c.data, c.limits); !slices.Equal(found, c.found) {
				t.Errorf("found %q, not %q", found, c.found)
			}
		})
	}
}

func TestCutArchive(t *testing.T) {
	data := archive(t, file{"a.txt", "one"}, file{"b.txt", strings.Repeat("two ", 100)})
	expect(t, data[:bytes.Index(data, []byte("PK\x01\x02"))], "<2/1>one<2/2>"+strings.Repeat("two ", 100), "unreadable damaged 2")
}

func TestChecksum(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, _ := z.CreateHeader(&zip.FileHeader{Name: "a.txt", Method: zip.Store})
	w.Write([]byte("999 000 0018"))
	z.Close()
	expect(t, bytes.Replace(b.Bytes(), []byte("0018"), []byte("0026"), 1), "<2/1>999 000 0026", "unreadable damaged 2/1")
}

// TestWrongSize: nothing of a part can be unpacked.
func TestWrongSize(t *testing.T) {
	data := docx(t, `<w:p><w:r><w:t>999 000 0018</w:t></w:r></w:p>`)
	at := bytes.LastIndex(data, []byte("PK\x01\x02"))
	for _, field := range []int{20, 24} { // the sizes before and after
		changed := slices.Clone(data)
		copy(changed[at+field:], "\x05\x00\x00\x00")
		expect(t, changed, "", "unreadable damaged 2")
	}
}

func TestOtherArchives(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	for _, text := range []string{"one", "two"} {
		w.WriteHeader(&tar.Header{Name: "a", Size: int64(len(text)), Mode: 0o600})
		w.Write([]byte(text))
	}
	w.Close()
	z.Close()
	expect(t, packed.Bytes(), "<2/1/1>one<2/1/2>two")
	for _, magic := range []string{"7z\xbc\xaf\x27\x1c\x00\x04", "Rar!\x1a\x07\x00", "MSCF\x00\x00\x00\x00", "\xfd7zXZ\x00\x00", "\x28\xb5\x2f\xfd\x00", "MZ\x90\x00\x03"} {
		expect(t, []byte(magic), "", "unreadable unknown-type 2")
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ in, text string }{
		{"caf\xe9 \x80 caf\u00e9\tb\r\n", "<2>café € café\tb\n"},
		{"\xef\xbb\xbfbom", "<2>bom"},
		{"\xff\xfe" + utf16le("wide é"), "<2>wide é"},
		{utf16le("without a mark"), "<2>without a mark"},
		{"", ""},
		{"<?xml version='1.0'?><a>9<b>x</b></a>", "<2><?xml version='1.0'?><a>9<b>x</b></a>"},
		{"a;b;c\n1;2;3\n4;5;6\n", "<2>a\tb\tc\n1\t2\t3\n4\t5\t6\n\f"},
		{"begin 644 a\n#86)C\n`\nend\n", "<2>begin 644 a\n<2/1>abc"},
		{"\xff\xfe" + utf16le("<p>999 <b>000</b> 0018</p>"), "<2>999 000 0018\n"},
	} {
		expect(t, []byte(c.in), c.text)
	}
	long := strings.Repeat("text ", 20000)
	expect(t, []byte(long+"\x00\x01"), "<2>"+long+"\x01", "unreadable unknown-type 2")
	expect(t, []byte("%PDF-1.7"), "<2>", "unreadable damaged 2")
}

// TestSavedMessages reads messages with documents, and messages in messages.
func TestSavedMessages(t *testing.T) {
	document := base64.StdEncoding.EncodeToString(archive(t, file{"a.txt", "packed"}, file{"b.eml", "Message-ID: <x>\nContent-Transfer-Encoding: base64\n\naW5uZXI="}))
	message := "MIME-Version: 1.0\r\nSubject: =?utf-8?B?YWJvdXQ=?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nOTk5\r\n" +
		"--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + document + "\r\n--b\r\nContent-Type: image/png\r\n\r\n" + png(1000, 1000) + "\r\n--b--\r\n"
	const shown = "MIME-Version: 1.0\nSubject: =?utf-8?B?YWJvdXQ=?=\nContent-Type: multipart/mixed; boundary=b\n\n"
	want := "<2/1 subject>about<2/1.1>" + shown + "<2/1.1>999<2/1.2/1>packed<2/1.2/2.1>Message-ID: <x>\nContent-Transfer-Encoding: base64\n\n<2/1.2/2.1>inner"
	expect(t, archive(t, file{"m.eml", message}), want, "picture 2/1.3")
	expect(t, compound(node{name: "__properties_version1.0", content: "x"}, node{name: "__attach_version1.0_#00000000", inside: []node{{name: "__substg1.0_37010102", content: message}}}), want, "picture 2/1.3")
	expect(t, archive(t, file{"m.eml", "MIME-Version: 1.0\nContent-Type: application/pkcs7-mime\n\n\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80\x30\x80"}),
		"<2/1.1>MIME-Version: 1.0\nContent-Type: application/pkcs7-mime\n\n", "unreadable encrypted 2/1.1")
}

// TestSavedMessagesHaveLimits charges a message for its documents.
func TestSavedMessagesHaveLimits(t *testing.T) {
	part := "--b\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString(archive(t, file{"a", "b"})) + "\n"
	message := []byte("Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat(part, 3))
	for _, c := range []struct {
		limits Limits
		found  []string
	}{
		{Limits{Unpacked: 1 << 20, Entries: 3, Depth: 4}, []string{"unreadable too-large 2.2", "unreadable too-large 2"}},
		{Limits{Unpacked: 20, Entries: 40, Depth: 4}, []string{"unreadable too-large 2.1", "unreadable too-large 2.2", "unreadable too-large 2.3"}},
		{Limits{Unpacked: 1 << 20, Entries: 40, Depth: 1}, []string{"unreadable too-deep 2.1", "unreadable too-deep 2.2", "unreadable too-deep 2.3"}},
	} {
		if _, found := read(message, c.limits); !slices.Equal(found, c.found) {
			t.Errorf("%+v: found %q, not %q", c.limits, found, c.found)
		}
	}
}

func TestPictures(t *testing.T) {
	expect(t, []byte(png(1000, 800)), "", "picture 2")
	expect(t, []byte(png(600, 100)), "")
	expect(t, []byte("\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x04\x00\x03\x00"), "", "picture 2")
	expect(t, []byte("\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x10\x03\x00"), "")
	expect(t, []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), "", "picture 2")
	expect(t, []byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00"), "")
	expect(t, []byte("II*\x00\x08\x00\x00\x00\x02\x00\x00\x01\x03\x00\x01\x00\x00\x00\x00\x08\x00\x00\x01\x01\x03\x00\x01\x00\x00\x00\x00\x08\x00\x00"), "", "picture 2")
	expect(t, []byte("GIF89a\x00\x04\x00\x04"), "", "picture 2")
}
