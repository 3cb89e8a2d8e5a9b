package published

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// fileKind is a kind of file that no list can be read from. It is recognised by
// its octets at one place.
type fileKind struct {
	at     int
	magic  string
	is, do string
}

const (
	unpack   = "unpack it, and import the list that is inside"
	download = "download the list itself, as CSV or XLSX"
)

// binaryKinds are recognised by their first octets. Excel files from before
// OLE2 begin with a BOF record (MS-XLS, section 2.4.21).
var binaryKinds = []fileKind{
	{0, "\x1f\x8b", "a gzip archive", unpack},
	{0, "BZh", "a bzip2 archive", unpack},
	{0, "\xfd7zXZ\x00", "an xz archive", unpack},
	{0, "7z\xbc\xaf\x27\x1c", "a 7-Zip archive", unpack},
	{0, "Rar!\x1a\x07", "a RAR archive", unpack},
	{0, "\x28\xb5\x2f\xfd", "a Zstandard archive", unpack},
	{0, "PK\x05\x06", "an empty ZIP archive", download},
	{257, "ustar", "a tar archive", unpack},
	{0, "%PDF-", "a PDF document", download},
	{0, `{\rtf`, "an RTF document", download},
	{0, "\x89PNG", "a picture", download},
	{0, "\xff\xd8\xff", "a picture", download},
	{0, "GIF8", "a picture", download},
	{0, "ID;PWXL;", "a spreadsheet in the form SYLK", saveAsCSV}, // of Excel
	{0, "ID;PCALC", "a spreadsheet in the form SYLK", saveAsCSV}, // of LibreOffice
	{0, "TABLE\r\n0,1", "a spreadsheet in the form DIF", saveAsCSV},
	{0, "[InternetShortcut]", "a shortcut to a web page", download},
	{0, "SQLite format 3\x00", "an SQLite database", download},
	{0, "\x09\x00\x04\x00", "an old Excel workbook (.xls)", saveAsCSV},
	{0, "\x09\x02\x06\x00", "an old Excel workbook (.xls)", saveAsCSV},
	{0, "\x09\x04\x06\x00", "an old Excel workbook (.xls)", saveAsCSV},
	{0, "\x09\x08\x08\x00", "an old Excel workbook (.xls)", saveAsCSV},
}

// ole2Magic begins a compound file (MS-CFB, section 2.2). ole2Streams are the
// streams in its directory by which the files of each program are recognised.
const ole2Magic = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

var ole2Streams = []fileKind{
	{magic: "EncryptedPackage", is: "a workbook protected by a password", do: "open it in Excel, remove the password under File, Info, Protect Workbook, save it, and import that file"},
	{magic: "Workbook", is: "an Excel 97-2003 workbook (.xls)", do: saveAsCSV},
	{magic: "Book", is: "an old Excel workbook (.xls)", do: saveAsCSV},
	{magic: "WordDocument", is: "a Word document", do: download},
	{magic: "PowerPoint Document", is: "a PowerPoint presentation", do: download},
	{magic: "__nameid_version1.0", is: "a message saved from Outlook (.msg)", do: "save its attachment, and import that"},
	{magic: "", is: "a file of an old Office program", do: saveAsCSV},
}

func (k fileKind) refusal() error { return fmt.Errorf("this is %s: %s", k.is, k.do) }

// refuseKind returns an error that names the kind of a file from which no list
// can be read.
func refuseKind(kinds []fileKind, data []byte) error {
	for _, kind := range kinds {
		if len(data) > kind.at && bytes.HasPrefix(data[kind.at:], []byte(kind.magic)) {
			return kind.refusal()
		}
	}
	if !bytes.HasPrefix(data, []byte(ole2Magic)) {
		return nil
	}
	for _, stream := range ole2Streams {
		if stream.magic == "" || hasStream(data, stream.magic) {
			return stream.refusal()
		}
	}
	return nil
}

// hasStream reports whether the directory of a compound file has an entry with
// the name. Entries are 128 octets long, and begin with the name in UTF-16.
func hasStream(data []byte, name string) bool {
	const size = 128
	entry := []byte(strings.Join(strings.Split(name, ""), "\x00") + "\x00\x00\x00")
	for at := 0; at+size <= len(data); at += size {
		if bytes.HasPrefix(data[at:], entry) {
			return true
		}
	}
	return false
}

// markupKinds are recognised by the first octets of a text that begins with
// "<". The first kind that matches is used.
var markupKinds = []fileKind{
	{magic: "urn:schemas-microsoft-com:office:spreadsheet", is: "an Excel 2003 workbook in XML", do: saveAsCSV},
	{magic: "urn:oasis:names:tc:opendocument", is: "an OpenDocument file in XML", do: saveAsCSV},
	{magic: "<html", is: "a web page", do: download},
	{magic: "<!doctype html", is: "a web page", do: download},
	{magic: "<head", is: "a web page", do: download},
	{magic: "<body", is: "a web page", do: download},
	{magic: "<table", is: "a web page", do: download},
	{magic: "<?xml", is: "an XML file", do: download},
	{magic: "", is: "a web page or an XML file", do: download},
}

var (
	jsonStart = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\{\s*["}]|\[\s*["\[\{\]])`) })

	// mailStart matches a message's first field and the line after it, a second
	// field or a continuation. A heading above the list may look like the first
	// field alone.
	mailStart = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^(From [^\n]*\n|>?(received|return-path|delivered-to|from|to|cc|subject|date|message-id|mime-version|content-type|reply-to|dkim-signature|authentication-results|arc-[a-z-]+|x-[a-z-]+):[^\n]*\n)([a-z][a-z0-9-]*:|[ \t]+\S)`)
	})
)

// refuseMarkup returns an error that names the kind of a text that is not a
// CSV.
func refuseMarkup(text []byte) error {
	start := bytes.TrimSpace(text[:min(len(text), 8192)])
	switch {
	case bytes.HasPrefix(start, []byte("<")):
		lower := bytes.ToLower(start)
		for _, kind := range markupKinds {
			if bytes.Contains(lower, []byte(kind.magic)) {
				return kind.refusal()
			}
		}
	case jsonStart().Match(start):
		return errors.New("this is a JSON file: " + download)
	case mailStart().Match(start) && bytes.Contains(start, []byte("multipart/related")):
		return errors.New("this is a saved web page (MHTML): " + download)
	case mailStart().Match(start):
		return errors.New("this is an email message: save its attachment, and import that")
	}
	return refuseKind(binaryKinds, start) // after a byte order mark or blanks
}
