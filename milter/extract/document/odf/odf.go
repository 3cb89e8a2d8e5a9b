// Package odf reads OpenDocument files (ISO/IEC 26300): ODT, ODS, ODP and their
// flat forms.
package odf

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

const manifest = "META-INF/manifest.xml"

// Is reports whether an archive is such a document.
func Is(entries []pack.Entry) bool {
	has := func(names ...string) bool {
		return slices.ContainsFunc(entries, func(e pack.Entry) bool { return slices.Contains(names, e.Name) })
	}
	return has(manifest) && has("content.xml", "mimetype", "encrypted-package")
}

// Read reads a document.
func Read(j *flow.Job, entries []pack.Entry) error {
	for i := range entries {
		if entries[i].Name != manifest {
			continue
		}
		if locked, err := encrypted(j, &entries[i]); locked {
			return flow.ErrEncrypted
		} else {
			j.Fail(err)
		}
	}
	for i := range entries {
		e := &entries[i]
		if !j.TakeEntry() {
			return flow.ErrLimit
		}
		if !isSilent(e.Name) {
			j.Guard(func() error { return readEntry(j, e) })
		}
	}
	return nil
}

// encrypted reports whether the manifest names a part that needs a password.
func encrypted(j *flow.Job, e *pack.Entry) (bool, error) {
	r, err := e.Open(j)
	if err != nil {
		return false, err
	}
	defer r.Close()
	for s := markup.New(r); ; {
		switch s.Next() {
		case markup.None:
			return false, end(s)
		case markup.Start:
			if s.Name == "encryption-data" {
				return true, nil
			}
		}
	}
}

// isSilent reports whether a part has no text that is shown: settings, previews
// of what is read itself, fonts.
func isSilent(name string) bool {
	folder, _, _ := strings.Cut(name, "/")
	switch folder {
	case "META-INF", "mimetype", "Thumbnails", "ObjectReplacements", "Configurations", "Configurations2", "Fonts", "Basic", "Dialogs", "layout-cache":
		return true
	}
	return strings.HasPrefix(name, "Pictures/TablePreview") || path.Base(name) == "settings.xml" || path.Base(name) == "manifest.rdf"
}

func readEntry(j *flow.Job, e *pack.Entry) error {
	head, err := e.Head(j, 2<<10)
	if err != nil {
		return err
	}
	r, err := e.Open(j)
	if err != nil {
		return err
	}
	defer r.Close()
	switch root := markup.Root(bytes.NewReader(head)); {
	case len(head) == 0:
		return nil
	case strings.HasPrefix(root, "document") || root == "math":
		return readXML(j, r, root == "math")
	}
	j.Stream("", r)
	return nil
}

// ReadFlat reads a document that is one XML file.
func ReadFlat(j *flow.Job, r io.Reader) error { return readXML(j, r, false) }

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
