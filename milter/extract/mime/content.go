package mime

import (
	"bytes"
	"strings"

	"github.com/postseal/postseal/milter/extract/picture"
	"github.com/postseal/postseal/milter/extract/text"
)

// Content is what a part holds in fact.
type Content byte

// The contents. Documents go to the writers that the caller opens.
const (
	unknown          Content = iota
	nothing                  // what cannot hold text: audio, video, fonts
	plainContent             // text of any kind
	messageContent           // a message with its header
	pictureContent           // an image
	signedContent            // CMS signed data
	encryptedContent         // CMS enveloped data

	otherDocument // one that nobody reads
	ZIP
	OLE // a compound file: Office 97 to 2003, a message of Outlook
	TNEF
	Gzip
	Bzip2
	Tar
	PDF
	RTF
	OfficeXML // a document of Office or OpenDocument that is one XML file
	Metafile  // a drawing of Windows, EMF or WMF
)

// StartSize is how many octets ContentOf looks at.
const StartSize = text.StartSize

// ContentOf returns what octets are that begin a part, whatever its name. media
// is the declared type, in lower case. It matters for octets of unknown kinds
// alone.
func ContentOf(start []byte, media string) Content {
	start = start[:min(len(start), StartSize)]
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(start, []byte("\xef\xbb\xbf")), " \t\r\n")
	isPicture, isSure := picture.Is(start)
	switch {
	case len(trimmed) == 0, media == "application/pgp-encrypted" && isVersion(trimmed):
		return nothing
	case magicOf(start, magics) != unknown:
		return magicOf(start, magics)
	case magicOf(trimmed, textMagics) != unknown:
		return magicOf(trimmed, textMagics)
	case picture.IsMetafile(start):
		return Metafile
	case isOfficeXML(start):
		return OfficeXML
	case isSure:
		return pictureContent
	case isMessageText(trimmed, len(start) == StartSize):
		return messageContent
	case text.Is(start):
		return plainContent
	case cmsOf(start) != unknown:
		return cmsOf(start)
	case isTrueType(start):
		return nothing
	case magicOf(start, shortMagics) != unknown:
		return magicOf(start, shortMagics)
	case len(start) > 262 && string(start[257:262]) == "ustar":
		return Tar
	case bytes.Contains(start, []byte("%PDF-")): // viewers accept other octets before it
		return PDF
	case isPicture:
		return pictureContent
	}
	return mediaOf(start, media)
}

// isVersion reports whether text is the first part of PGP/MIME (RFC 3156).
func isVersion(trimmed []byte) bool {
	return string(bytes.TrimRight(trimmed, " \t\r\n")) == "Version: 1"
}

// magics are how documents and archives begin that cannot be text.
var magics = []magic{
	{"PK\x03\x04", ZIP}, {"PK\x05\x06", ZIP}, {"PK\x07\x08", ZIP}, {"PK00PK\x03\x04", ZIP},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE}, {"\x78\x9f\x3e\x22", TNEF}, {"\x1f\x8b\x08", Gzip},
	{"Rar!\x1a\x07", otherDocument}, {"7z\xbc\xaf\x27\x1c", otherDocument}, {"\x1f\x9d\x90", otherDocument},
	{"\xfd7zXZ\x00", otherDocument}, {"\x28\xb5\x2f\xfd", otherDocument}, {"MSCF\x00", otherDocument},
	{"\x00\x01\x00\x00Standard ", otherDocument}, {"\xffWPC\x10", otherDocument},
}

// textMagics are how documents begin that look like text.
var textMagics = []magic{
	{`{\rt`, RTF}, {"%PDF-", PDF}, {"%FDF-", PDF}, {"%!PS", otherDocument}, {"(This file must be converted with BinHex", otherDocument},
}

// shortMagics are how documents, audio, video and fonts begin if the octets are
// not text.
var shortMagics = []magic{
	{"BZh", Bzip2}, {"!BDN", otherDocument}, {"\xdb\xa5", otherDocument},
	{"\x09\x08", otherDocument}, {"\x09\x04", otherDocument}, {"\x09\x02", otherDocument}, {"\x09\x00", otherDocument},
	{"ID3", nothing}, {"OggS", nothing}, {"fLaC", nothing}, {"MThd", nothing}, {"#!AMR", nothing}, {".snd", nothing}, {"FORM", nothing},
	{"\xff\xfb", nothing}, {"\xff\xf3", nothing}, {"\xff\xf2", nothing}, {"\xff\xfa", nothing}, {"\xff\xf1", nothing}, {"\xff\xf9", nothing},
	{"\x00\x05\x16\x07", nothing}, // what a Mac keeps beside a file
	{"\x1a\x45\xdf\xa3", nothing}, {"\x00\x00\x01\xba", nothing}, {"\x00\x00\x01\xb3", nothing}, {"FLV\x01", nothing}, {"\x30\x26\xb2\x75\x8e\x66\xcf\x11", nothing},
	{"OTTO\x00", nothing}, {"wOFF", nothing}, {"wOF2", nothing}, {"ttcf", nothing}, {"true\x00", nothing},
}

// isTrueType reports whether octets begin a font. Databases of FileMaker begin with
// the same octets, but the search range does not match the number of tables.
func isTrueType(start []byte) bool {
	if len(start) < 8 || string(start[:5]) != "\x00\x01\x00\x00\x00" {
		return false
	}
	tables, searchRange := int(start[5]), int(start[6])<<8|int(start[7])
	return searchRange <= 16*tables && 16*tables < 2*searchRange
}

// magic is how a content begins.
type magic struct {
	octets  string
	content Content
}

func magicOf(start []byte, magics []magic) Content {
	for _, m := range magics {
		if len(start) >= len(m.octets) && string(start[:len(m.octets)]) == m.octets {
			return m.content
		}
	}
	return unknown
}

// officeXML are in the first element of a document that is one XML file.
var officeXML = []string{
	"urn:oasis:names:tc:opendocument:", "http://schemas.microsoft.com/office/word/2003/wordml", "http://schemas.microsoft.com/office/2006/xmlPackage",
	"urn:schemas-microsoft-com:office:spreadsheet", "http://ns.adobe.com/xdp/", `progid="Word.Document"`, `progid="Excel.Sheet"`,
}

// isOfficeXML reports whether octets begin such a document, in UTF-8 or UTF-16.
func isOfficeXML(start []byte) bool {
	start = bytes.ReplaceAll(start, []byte{0}, nil)
	begin := bytes.TrimLeft(start, "\xef\xbb\xbf\xff\xfe \t\r\n")
	if !bytes.HasPrefix(begin, []byte("<")) {
		return false
	}
	for _, mark := range officeXML {
		if bytes.Contains(begin, []byte(mark)) {
			return true
		}
	}
	return false
}

// mediaOf returns what octets are that nothing else is known of.
func mediaOf(start []byte, declared string) Content {
	kind, _, _ := strings.Cut(declared, "/")
	switch {
	case len(start) > 12 && string(start[4:8]) == "ftyp": // video
		return nothing
	case len(start) > 12 && string(start[:4]) == "RIFF" && strings.Contains("WAVE AVI RMID", string(start[8:12])):
		return nothing
	case kind == "image":
		return pictureContent
	case kind == "audio", kind == "video", kind == "font":
		return nothing
	}
	return unknown
}

// messageFields begin lines of a header that text of people does not have.
var messageFields = []string{
	"mime-version:", "content-type:", "content-transfer-encoding:", "message-id: <", "received: from ", "received: by ", "return-path: <", "delivered-to: ",
	"dkim-signature: ", "arc-seal: ", "authentication-results: ", "x-mozilla-status: ",
}

// firstFields begin a header whose other fields may be beyond the start.
var firstFields = []string{"from: ", "to: ", "cc: ", "date: ", "subject: ", "sender: ", "reply-to: ", "references: ", "in-reply-to: ", "x-"}

// isMessageText reports whether text is a message with its header: a saved
// message that has another type. isCut says that more follows.
func isMessageText(start []byte, isCut bool) bool {
	found := false
	for line := range bytes.Lines(start) {
		if isCut && line[len(line)-1] != '\n' {
			break
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 || !isField(line) && !isEnvelope(line) {
			return found
		}
		found = found || hasField(line, messageFields)
	}
	return found || isCut && hasField(start, firstFields)
}

// hasField reports whether a line begins with one of the names.
func hasField(line []byte, names []string) bool {
	for _, name := range names {
		if len(line) > len(name) && strings.EqualFold(string(line[:len(name)]), name) {
			return true
		}
	}
	return false
}
