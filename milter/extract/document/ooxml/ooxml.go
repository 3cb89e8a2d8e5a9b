// Package ooxml reads Office Open XML (ECMA-376): DOCX, XLSX, XLSB, PPTX and
// their variants. It reads every part, whether another part refers to it or not.
package ooxml

import (
	"bytes"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/postseal/postseal/milter/extract/document/flow"
	"github.com/postseal/postseal/milter/extract/document/markup"
	"github.com/postseal/postseal/milter/extract/document/pack"
)

// Is reports whether an archive is such a document. Office does not mind capitals
// and the slashes of Windows in names.
func Is(entries []pack.Entry) bool {
	return slices.ContainsFunc(entries, func(e pack.Entry) bool {
		switch strings.ToLower(strings.ReplaceAll(e.Name, `\`, "/")) {
		case "[content_types].xml", "word/document.xml", "xl/workbook.xml", "ppt/presentation.xml":
			return true
		}
		return false
	})
}

// part is a file of the document. Its root is the name of its first element.
type part struct {
	*pack.Entry
	root string
	head []byte
}

// silent are the roots of parts that say nothing to a reader.
var silent = map[string]bool{
	"styles": true, "theme": true, "themeManager": true, "fonts": true, "settings": true, "webSettings": true,
	"Relationships": true, "Types": true, "presentationPr": true, "viewPr": true, "tblStyleLst": true,
	"calcChain": true, "styleSheet": true, "sst": true, "clrMap": true, "layoutDef": true, "colorsDef": true,
	"styleDef": true, "colorStyle": true, "chartStyle": true, "tagLst": true,
}

// headSize is how much of a part is unpacked to see what it is.
const headSize = 2 << 10

// Read reads a document.
func Read(j *flow.Job, entries []pack.Entry) error {
	parts := make([]part, 0, len(entries))
	for i := range entries {
		p := part{Entry: &entries[i]}
		if !j.TakeEntry() {
			return flow.ErrLimit
		}
		var err error
		if p.head, err = p.Head(j, headSize); err != nil {
			j.Fail(err)
			continue
		}
		p.root = markup.Root(bytes.NewReader(p.head))
		parts = append(parts, p)
	}
	b := &book{job: j}
	b.load(parts)
	for _, p := range parts {
		j.Guard(func() error { return b.read(p) })
	}
	return nil
}

// read reads a part.
func (b *book) read(p part) error {
	switch {
	case p.root == "worksheet" || p.root == "dialogsheet" || p.root == "macrosheet" || p.root == "chartsheet":
		return b.with(p, b.worksheet)
	case silent[p.root]:
		return nil
	case known[p.root]:
		return b.with(p, func(r io.Reader) error { return readStory(b.job, r) })
	case p.root != "" && p.root != "html" && p.root != "svg": // which are read as shown
		return b.with(p, func(r io.Reader) error { return ReadAny(b.job, r) })
	case isRecords(p, beginSheet), isRecords(p, beginComments):
		return b.with(p, b.binarySheet)
	case isBinary(p):
		return nil
	}
	return b.with(p, func(r io.Reader) error {
		b.job.Stream("", r)
		return nil
	})
}

// with unpacks a part.
func (b *book) with(p part, read func(io.Reader) error) error {
	r, err := p.Open(b.job)
	if err != nil {
		return err
	}
	defer r.Close()
	return read(r)
}

// binaries begin the names of parts with a form of their own and without text
// that is shown: settings of printers, macros, fonts. The others are of XLSB.
var binaries = []string{
	"customproperty", "printersettings", "thumbnail", "vbaproject", "vbadata", "activex", "font",
	"binaryindex", "calcchain", "metadata.bin", "sharedstrings.bin", "styles.bin", "table", "theme", "workbook.bin",
}

func isBinary(p part) bool {
	name := strings.ToLower(path.Base(strings.ReplaceAll(p.Name, `\`, "/")))
	if bytes.HasPrefix(p.head, []byte("PK")) || bytes.HasPrefix(p.head, []byte("%PDF")) {
		return false // whatever its name says
	}
	if len(p.head) == 0 || strings.HasSuffix(name, ".odttf") {
		return true
	}
	return (strings.HasSuffix(name, ".bin") || strings.HasSuffix(name, ".fntdata") || strings.HasSuffix(name, ".wmf") || strings.HasSuffix(name, ".emf")) &&
		slices.ContainsFunc(binaries, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// end returns why a scanner ended.
func end(s *markup.Scanner) error {
	switch err := s.Err(); {
	case errors.Is(err, markup.ErrDepth):
		return flow.ErrDepth
	case errors.Is(err, markup.ErrEntities):
		return flow.ErrUnknown
	default:
		return err
	}
}
