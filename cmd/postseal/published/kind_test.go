package published_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postseal/postseal/cmd/postseal/published"
	"github.com/postseal/postseal/rules/accredited"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// textForms are the encodings in which a program can save a CSV.
var textForms = map[string]encoding.Encoding{
	"UTF-8":          encoding.Nop,
	"UTF-8, mark":    unicode.UTF8BOM,
	"UTF-16LE, mark": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"UTF-16BE, mark": unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"UTF-16LE":       unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"UTF-16BE":       unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"UTF-32LE, mark": utf32.UTF32(utf32.LittleEndian, utf32.UseBOM),
	"UTF-32BE":       utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM),
	"Windows-1252":   charmap.Windows1252,
	"UTF-32BE, mark": utf32.UTF32(utf32.BigEndian, utf32.UseBOM),
}

// The published list is the same in every separator, line end and encoding,
// with or without Excel's line that names the separator.
func TestReadEveryCSV(t *testing.T) {
	want := readFile(t, filepath.Join(lists, "want.csv"))
	records, err := csv.NewReader(bytes.NewReader(readFile(t, filepath.Join(lists, "good", "published.csv")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, separator := range ",;\t|" {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Comma = separator
		if err := w.WriteAll(records); err != nil {
			t.Fatal(err)
		}
		for _, sep := range []string{"", fmt.Sprintf("sep=%c\n", separator), fmt.Sprintf("\"SEP=%c\"\n", separator)} {
			for _, end := range []string{"\n", "\r\n", "\r"} {
				for name, form := range textForms {
					text := strings.ReplaceAll(sep+b.String(), "\n", end)
					data, err := form.NewEncoder().Bytes([]byte(text))
					if err != nil {
						t.Fatal(err)
					}
					list, err := published.Read("list", data)
					if err != nil || !bytes.Equal(accredited.Format(list.Rows), want) || len(list.LeftOut)+len(list.Doubtful) > 0 {
						t.Errorf("separator %q, first line %q, line end %q, %s: %d rows, left out %v, %v", separator, sep, end, name, len(list.Rows), list.LeftOut, err)
					}
				}
			}
		}
	}
}

// The separator is the one with which the header is best recognised.
func TestSeparator(t *testing.T) {
	for _, test := range []struct{ name, list, domain string }{
		{"semicolons in a comma's cells", "Domain name,SPF; DKIM; TLS; DMARC\nlisted.example,a;b\n", "listed.example"},
		{"commas in a semicolon's cells", "Organisation, as registered;Type;Domain\nA, B;X;listed.example\n", "listed.example"},
		{"a comma in the title", "Type;Domain name, as in DNS;Organisation\nX;listed.example;A, B\n", "listed.example"},
		{"one column", "Domain name\nlisted.example\n", "listed.example"},
		{"a heading with commas", "Accredited domains, July\n\nOrganisation;Domain\nA;listed.example\n", "listed.example"},
		{"quotes", "\"Organisation\";\"Domain name\"\n\"A; B\";\"listed.example\"\n", "listed.example"},
		{"row numbers below the line that names it", "sep=;\nA;Domain\nX;listed.example\nX;www.example\n" + strings.Repeat("X;listed.example\n", 9), "listed.example"},
	} {
		list, err := published.Read("list", []byte(test.list))
		if err != nil || len(list.Rows) != 1 || list.Rows[0].Domain != test.domain {
			t.Errorf("%s: got %v, %v", test.name, list.Rows, err)
		}
		for _, left := range list.LeftOut {
			if !strings.HasPrefix(left, "row 3: ") {
				t.Errorf("%s: %s", test.name, left)
			}
		}
	}
	_, err := published.Read("list", []byte("A,Domain name,x;Domain name;y\nX,listed.example,x;other.example;y\n"))
	if want := `list: the title "Domain name" is found with more than one separator between the cells`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("two titles: got %v, want %s", err, want)
	}
	list, err := published.Read("list", []byte("A,Email domains,Type,Domain name\nX,listed.example,x,other.example\nX,same.example,x,same.example\nX,none,x,a.example\n"))
	if want := "[rows with another domain in a second domain column, which postseal does not read: 1]"; err != nil || fmt.Sprint(list.Doubts) != want {
		t.Errorf("two columns: got %v, %v, want %s", list.Doubts, err, want)
	}
	_, err = published.Read("list", []byte("sep=:\nA:Domain name\nX:listed.example\n"))
	if want := `list: the first line names ":" as the separator, which postseal does not support: save the list with commas, as "CSV UTF-8"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// compound makes a compound file with streams of these names.
func compound(streams ...string) []byte {
	file := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 504)...)
	for _, name := range append([]string{"Root Entry"}, streams...) {
		entry := make([]byte, 128)
		for i, c := range []byte(name) {
			entry[2*i] = c
		}
		file = append(file, entry...)
	}
	return file
}

func archive(tb testing.TB, names ...string) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		if _, err := z.Create(name); err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// A file that is not a list is refused, and the error says what it is and what
// to do.
func TestRefuseOtherKindsOfFile(t *testing.T) {
	const csv = `: open it in Excel or LibreOffice, save the sheet with the list as "CSV UTF-8", and import that file`
	const unpack = ": unpack it, and import the list that is inside"
	const download = ": download the list itself, as CSV or XLSX"
	text := "Organisation,Domain\nA,listed.example\n"
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("<html><body>Not found</body></html>")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		data []byte
		want string
	}{
		{"xls", compound("Workbook"), "an Excel 97-2003 workbook (.xls)" + csv},
		{"xls of Excel 95", compound("Book"), "an old Excel workbook (.xls)" + csv},
		{"xls of Excel 4", []byte("\x09\x04\x06\x00\x00\x04\x10\x00"), "an old Excel workbook (.xls)" + csv},
		{"encrypted xlsx", compound("EncryptionInfo", "EncryptedPackage"), "a workbook protected by a password: open it in Excel, remove the password under File, Info, Protect Workbook, save it, and import that file"},
		{"doc", compound("1Table", "WordDocument"), "a Word document" + download},
		{"msg", compound("__nameid_version1.0"), "a message saved from Outlook (.msg): save its attachment, and import that"},
		{"another compound file", compound("Contents"), "a file of an old Office program" + csv},
		{"ods", archive(t, "mimetype", "content.xml", "META-INF/manifest.xml"), "an OpenDocument file (.ods)" + csv},
		{"xlsb", archive(t, "[Content_Types].xml", "xl/workbook.bin"), "a binary Excel workbook (.xlsb)" + csv},
		{"docx", archive(t, "[Content_Types].xml", "word/document.xml"), "a Word document" + download},
		{"numbers", archive(t, "Index/Document.iwa"), "a Numbers or Pages document" + csv},
		{"zip", archive(t, "list.csv"), "a ZIP archive" + unpack},
		{"gzip", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"), "a gzip archive" + unpack},
		{"xz", []byte("\xfd7zXZ\x00\x00\x04"), "an xz archive" + unpack},
		{"7-Zip", []byte("7z\xbc\xaf\x27\x1c\x00\x04"), "a 7-Zip archive" + unpack},
		{"tar", append(append([]byte("list.csv"), make([]byte, 249)...), "ustar\x0000"...), "a tar archive" + unpack},
		{"pdf", []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), "a PDF document" + download},
		{"pdf after a mark", []byte("\ufeff\n%PDF-1.7\n"), "a PDF document" + download},
		{"rtf", []byte(`{\rtf1\ansi`), "an RTF document" + download},
		{"SYLK", []byte("ID;PWXL;N;E\r\nP;PGeneral\r\n"), "a spreadsheet in the form SYLK" + csv},
		{"SYLK of LibreOffice", []byte("ID;PCALCOOO32\nB;Y3;X8\n"), "a spreadsheet in the form SYLK" + csv},
		{"DIF", []byte("TABLE\r\n0,1\r\n\"EXCEL\"\r\n"), "a spreadsheet in the form DIF" + csv},
		{"shortcut", []byte("[InternetShortcut]\r\nURL=https://list.example\r\n"), "a shortcut to a web page" + download},
		{"png", []byte("\x89PNG\r\n\x1a\n"), "a picture" + download},
		{"web page", []byte("\r\n<!DOCTYPE html>\n<html>" + text), "a web page" + download},
		{"web page saved", []byte("<!-- saved from url=(0014)about:internet -->\n<HTML>" + text), "a web page" + download},
		{"web page in UTF-16", []byte(utf16), "a web page" + download},
		{"a table of HTML, as .xls", []byte("<table><tr><td>Domain name</td></tr></table>"), "a web page" + download},
		{"Excel 2003 XML", []byte(`<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">`), "an Excel 2003 workbook in XML" + csv},
		{"flat ODS", []byte(`<?xml version="1.0"?><office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0">`), "an OpenDocument file in XML" + csv},
		{"XML", []byte(`<?xml version="1.0"?><rows/>`), "an XML file" + download},
		{"JSON", []byte(` {"domains": ["listed.example"]}`), "a JSON file" + download},
		{"JSON array", []byte(`[{"domain": "listed.example"}]`), "a JSON file" + download},
		{"message", []byte("Received: from a\r\n\tby b\r\nSubject: Domain name, list\r\n\r\n" + text), "an email message: save its attachment, and import that"},
		{"mailbox", []byte("From a@trust.example Thu Nov 26 07:00:00 2026\nTo: b@trust.example\n\n" + text), "an email message: save its attachment, and import that"},
		{"MHTML", []byte("From: <Saved by Blink>\r\nSubject: List\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\tboundary=x\r\n\r\n"), "a saved web page (MHTML)" + download},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := published.Read("list", test.data)
			if want := "list: this is " + test.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
	for name, data := range map[string][]byte{
		"any binary file":          []byte("Organisation,Domain\x00\nA,listed.example\n"),
		"a header like SYLK":       []byte("ID;Provider;Domain\n1;A;listed.example\n"),
		"a heading like a message": []byte("Date: 1 July 2026\nOrganisation,Domain\nA,listed.example\n"),
	} {
		list, err := published.Read("list", data)
		switch binary := strings.Contains(name, "binary"); {
		case binary && (err == nil || !strings.HasPrefix(err.Error(), "list: this is not a text file")):
			t.Errorf("%s: %v", name, err)
		case !binary && (err != nil || len(list.Rows) != 1):
			t.Errorf("%s: %v, %v", name, list.Rows, err)
		}
	}
}
