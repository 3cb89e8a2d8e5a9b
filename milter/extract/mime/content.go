package mime

import (
	"bytes"
	"strings"

	"github.com/postseal/postseal/milter/extract/text"
)

// content is what a part holds in fact.
type content byte

const (
	unknown          content = iota
	nothing                  // what cannot hold text: audio, video, fonts
	plainContent             // text of any kind
	messageContent           // a message with its header
	documentContent          // what the reader of documents knows
	pictureContent           // an image
	signedContent            // CMS signed data
	encryptedContent         // CMS enveloped data
)

// contentOf returns what octets are that begin a part.
func contentOf(start []byte, media string) content {
	trimmed := bytes.TrimLeft(start, " \t\r\n")
	switch {
	case len(trimmed) == 0, media == "application/pgp-encrypted" && isVersion(trimmed):
		return nothing
	case hasPrefix(trimmed, textDocuments), hasPrefix(start, documents):
		return documentContent
	case hasPrefix(start, pictures):
		return pictureContent
	case isMessageText(trimmed):
		return messageContent
	case text.Is(start):
		return plainContent
	}
	if c := cmsOf(start); c != unknown {
		return c
	}
	return binaryOf(start, media)
}

// isVersion reports whether text is the first part of PGP/MIME (RFC 3156).
func isVersion(trimmed []byte) bool {
	return string(bytes.TrimRight(trimmed, " \t\r\n")) == "Version: 1"
}

// textDocuments are how documents begin that look like text.
var textDocuments = []string{"{\\rtf", "%PDF-1", "%PDF-2", "%!PS-Adobe", "(This file must be converted with BinHex"}

// documents are how documents and archives begin that cannot be text. All of
// them go to the reader of documents, which tells of those that it does not
// know.
var documents = []string{
	"PK\x03\x04", "PK\x05\x06", "PK\x07\x08", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "\x78\x9f\x3e\x22",
	"Rar!\x1a\x07", "7z\xbc\xaf\x27\x1c", "\x1f\x8b\x08", "\x1f\x9d\x90", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd", "MSCF\x00",
	"\x00\x01\x00\x00Standard ", "\xffWPC\x10",
}

// oldDocuments are how documents and archives begin that text can begin with,
// too.
var oldDocuments = []string{"BZh", "!BDN", "\xdb\xa5", "\x09\x08", "\x09\x04", "\x09\x02", "\x09\x00"}

func hasPrefix(start []byte, prefixes []string) bool {
	for _, prefix := range prefixes {
		if len(start) >= len(prefix) && string(start[:len(prefix)]) == prefix {
			return true
		}
	}
	return false
}

// media are how audio, video and fonts begin.
var media = []string{
	"ID3", "OggS", "fLaC", "MThd", "#!AMR", ".snd", "FORM", "\xff\xfb", "\xff\xf3", "\xff\xf2", "\xff\xfa", "\xff\xf1", "\xff\xf9",
	"\x00\x05\x16\x07", // what a Mac keeps beside a file
	"\x1a\x45\xdf\xa3", "\x00\x00\x01\xba", "\x00\x00\x01\xb3", "FLV\x01", "\x30\x26\xb2\x75\x8e\x66\xcf\x11",
	"OTTO\x00", "wOFF", "wOF2", "ttcf", "true\x00", "\x00\x01\x00\x00\x00",
}

// binaryOf returns what octets are that are not text.
func binaryOf(start []byte, declared string) content {
	kind, _, _ := strings.Cut(declared, "/")
	isVideo := len(start) > 12 && string(start[4:8]) == "ftyp"
	isRIFF := hasPrefix(start, []string{"RIFF"}) && len(start) > 12
	switch {
	case hasPrefix(start, oldDocuments), len(start) > 262 && string(start[257:262]) == "ustar", bytes.Contains(start, []byte("%PDF-")):
		return documentContent
	case isPicture(start):
		return pictureContent
	case isVideo, isRIFF && hasPrefix(start[8:], []string{"WAVE", "AVI ", "RMID"}), hasPrefix(start, media):
		return nothing
	case hasPrefix(start, []string{"\x00\x00\x01\x00"}): // icons are small
		return nothing
	case kind == "image":
		return pictureContent
	case kind == "audio", kind == "video", kind == "font":
		return nothing
	}
	return unknown
}

// messageFields begin lines of a header that text of people does not have.
var messageFields = [][]byte{[]byte("mime-version:"), []byte("content-type:"), []byte("message-id: <"), []byte("received: from "), []byte("received: by ")}

// isMessageText reports whether text is a message with its header: a saved
// message that has another type.
func isMessageText(start []byte) bool {
	found := false
	for line := range bytes.Lines(start) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if !isField(line) && !isEnvelope(line) {
			break
		}
		for _, field := range messageFields {
			found = found || len(line) > len(field) && bytes.EqualFold(line[:len(field)], field)
		}
	}
	return found
}
