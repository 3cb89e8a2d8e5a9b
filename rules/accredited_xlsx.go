package rules

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// zipMagic starts every workbook (APPNOTE.TXT of PKWARE, section 4.3.7).
const zipMagic = "PK\x03\x04"

// readXLSX hands over the rows of a workbook's first visible sheet (ECMA-376,
// part 1, section 18). Of formulas it takes the value that was saved.
func readXLSX(data []byte, each func(row int, cells []string) error) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return fmt.Errorf("the workbook is damaged: %w: "+fetchAgain, err)
	}
	sheet, shared, err := workbook{z}.list()
	if err != nil {
		return fmt.Errorf("the workbook is damaged: %w: "+fetchAgain, err)
	}
	return sheetReader{shared, each}.read(sheet)
}

// workbook is the package of a workbook's parts.
type workbook struct{ *zip.Reader }

// list returns the sheet that holds the list, as XML, and the strings that it
// refers to.
func (w workbook) list() (sheet []byte, shared []string, err error) {
	sheetPart, stringsPart, err := w.listParts()
	if err != nil {
		return nil, nil, err
	}
	if sheet, err = w.part(sheetPart); err != nil {
		return nil, nil, err
	}
	if stringsPart != "" {
		shared, err = w.sharedStrings(stringsPart)
	}
	return sheet, shared, err
}

// sheetEntry is CT_Sheet.
type sheetEntry struct {
	State string `xml:"state,attr"`
	ID    string `xml:"id,attr"` // of its relationship
}

func (s sheetEntry) visible() bool { return s.State == "" || s.State == "visible" }

// listParts names the part of the first visible sheet, and that of the shared
// strings where there is one.
func (w workbook) listParts() (sheet, shared string, err error) {
	var book struct {
		Sheets []sheetEntry `xml:"sheets>sheet"`
	}
	var links struct {
		Relationships []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := w.decode("xl/workbook.xml", &book); err != nil {
		return "", "", err
	}
	if err := w.decode("xl/_rels/workbook.xml.rels", &links); err != nil {
		return "", "", err
	}
	first := slices.IndexFunc(book.Sheets, sheetEntry.visible)
	for _, link := range links.Relationships {
		switch {
		case first >= 0 && link.ID == book.Sheets[first].ID:
			sheet = partName(link.Target)
		case strings.HasSuffix(link.Type, "/sharedStrings"):
			shared = partName(link.Target)
		}
	}
	if sheet == "" {
		return "", "", errors.New("it has no visible sheet")
	}
	return sheet, shared, nil
}

// partName resolves a target, which is absolute or relative to the workbook's
// own folder.
func partName(target string) string {
	if !strings.HasPrefix(target, "/") {
		target = "/xl/" + target
	}
	return path.Clean(target)[1:]
}

// part unpacks a part whole, so that its checksum is tested before its
// content is believed.
func (w workbook) part(name string) ([]byte, error) {
	f, err := w.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxListSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(text) > MaxListSize:
		return nil, fmt.Errorf("%s unpacks to more than %d MiB", name, MaxListSize>>20)
	}
	return text, nil
}

func (w workbook) decode(name string, value any) error {
	text, err := w.part(name)
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(text, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (w workbook) sharedStrings(name string) ([]string, error) {
	text, err := w.part(name)
	if err != nil {
		return nil, err
	}
	var shared []string
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return shared, nil
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "si" {
			var s richText
			err = d.DecodeElement(&s, &start)
			shared = append(shared, s.String())
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}
