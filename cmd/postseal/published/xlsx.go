package published

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// zipMagic begins every workbook, and zipEntry begins each entry of its table
// of contents (APPNOTE.TXT of PKWARE, sections 4.3.7 and 4.3.12).
const (
	zipMagic = "PK\x03\x04"
	zipEntry = "PK\x01\x02"
)

const (
	maxParts  = 1000 // of a workbook
	maxSheets = 50
)

var errNoPart = errors.New("it is missing")

// readXLSX passes the rows of the sheet with the list to r (ECMA-376, part 1,
// section 18). For formulas it reads the saved value.
func readXLSX(data []byte, r *reader) error {
	if bytes.Count(data, []byte(zipEntry)) > maxParts {
		return damaged(limitError(fmt.Sprintf("the workbook has more than %d parts", maxParts)))
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return damaged(err)
	}
	w := &workbook{Reader: z, left: MaxListSize}
	if err := w.kind(); err != nil {
		return err
	}
	if err := w.root(); err != nil {
		return err
	}
	sheets, err := w.open()
	if err != nil {
		return damaged(err)
	}
	return readSheets(sheets, w, r)
}

// limitError is the error of a workbook beyond a limit.
type limitError string

func (e limitError) Error() string { return string(e) }

func damaged(err error) error {
	var limit limitError
	if errors.As(err, &limit) {
		return fmt.Errorf("%w, more than the accredited list has: %s", err, saveAsCSV)
	}
	return fmt.Errorf("the workbook is damaged: %w: "+fetchAgain, err)
}

// readSheets reads the visible sheet that is most like the list, or the first
// of several. If two are completely like the list, it adds a doubt.
func readSheets(sheets []sheetEntry, w *workbook, r *reader) error {
	var list, first sheetReader
	found, best, other := 0, noList, ""
	for i, entry := range sheets {
		if withdrawnHeading().MatchString(entry.Name) {
			other = entry.Name
			continue
		}
		sheet, err := w.sheet(entry)
		if err != nil {
			return damaged(err)
		}
		probe := newReader()
		if err := sheet.probe(probe); err != nil {
			return err
		}
		if i == 0 {
			first, r.headers = sheet, probe.headers
		}
		switch like := probe.likeness(); {
		case like > best:
			found, best, list = i, like, sheet
		case like == wholeList:
			r.list.Doubts = append(r.list.Doubts, fmt.Sprintf("the sheets %.40q and %.40q both have a column of domains, and only the first is read", sheets[found].Name, entry.Name))
		}
	}
	if best == noList && other != "" {
		return fmt.Errorf("the sheet %.40q is not read because of its name, and no other sheet has the list: %s", other, fetchAgain)
	}
	if best == noList {
		return first.hiddenColumns() // without hidden columns, r names the fault
	}
	if list.ruleHides {
		r.list.Doubts = append(r.list.Doubts, "conditional formatting strikes cells through or hides them, which postseal cannot see: check the list in Excel")
	}
	r.headers = nil
	return list.read(r.row)
}

// likeness is how much a sheet is like the list.
type likeness int

const (
	noList likeness = iota
	headersOfList
	someDomains
	wholeList
)

// listRows is how many domains a sheet must have to be a list. With fewer they
// may be an example in some notes.
const listRows = 10

func (r *reader) likeness() likeness {
	switch {
	case r.domain < 0:
		return noList
	case r.domains() == 0:
		return headersOfList
	case r.domains() < listRows:
		return someDomains
	}
	return wholeList
}

// workbook is the ZIP archive with a workbook's parts.
type workbook struct {
	*zip.Reader
	left   int64 // how many octets may still be unpacked
	shared []listCell
	styles styles
}

// open reads what all sheets share, and returns the visible sheets.
func (w *workbook) open() ([]sheetEntry, error) {
	sheets, parts, err := w.parts()
	if err != nil {
		return nil, err
	}
	if parts.strings != "" {
		if w.shared, err = w.sharedStrings(parts.strings); err != nil {
			return nil, err
		}
	}
	if parts.styles != "" {
		w.styles, err = w.readStyles(parts.styles)
	}
	return sheets, err
}

// sheetEntry is a CT_Sheet, and the part that it refers to.
type sheetEntry struct {
	Name  string `xml:"name,attr"`
	State string `xml:"state,attr"`
	ID    string `xml:"id,attr"` // of its relationship
	part  string
}

func (s sheetEntry) hidden() bool { return s.State != "" && s.State != "visible" }

// commonParts are the names of the parts that all sheets share; empty if there
// is none.
type commonParts struct{ strings, styles string }

// parts returns the visible sheets, and the parts that all sheets share.
func (w *workbook) parts() (sheets []sheetEntry, common commonParts, err error) {
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
		return nil, common, err
	}
	if err := w.decode("xl/_rels/workbook.xml.rels", &links); err != nil {
		return nil, common, err
	}
	sheets = slices.DeleteFunc(book.Sheets, sheetEntry.hidden)
	if len(sheets) > maxSheets {
		return nil, common, limitError(fmt.Sprintf("it has more than %d sheets", maxSheets))
	}
	known := make(map[string]bool)
	for _, link := range links.Relationships {
		kind := path.Base(link.Type)
		unique := kind == "sharedStrings" || kind == "styles"
		if known[link.ID] || unique && known["/"+kind] {
			return nil, common, fmt.Errorf("its relationship %.40q appears twice", cmp.Or(link.ID, kind))
		}
		known[link.ID], known["/"+kind] = link.ID != "", true
		switch {
		case strings.HasSuffix(link.Type, "/sharedStrings"):
			common.strings = partName(link.Target)
		case strings.HasSuffix(link.Type, "/styles"):
			common.styles = partName(link.Target)
		}
		for i := range sheets {
			if sheets[i].ID == link.ID {
				sheets[i].part = partName(link.Target)
			}
		}
	}
	sheets = slices.DeleteFunc(sheets, func(s sheetEntry) bool { return s.part == "" })
	if len(sheets) == 0 {
		return nil, common, errors.New("it has no visible sheet")
	}
	return sheets, common, nil
}

// partName resolves a target, which is absolute or relative to the workbook's
// own directory.
func partName(target string) string {
	if !strings.HasPrefix(target, "/") {
		target = "/xl/" + target
	}
	return path.Clean(target)[1:]
}

// part unpacks a whole part, because its checksum is tested only at its end. It
// also checks the limits of the part's XML.
func (w *workbook) part(name string) ([]byte, error) {
	f, err := w.find(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	unpacked, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer unpacked.Close()
	var text bytes.Buffer
	text.Grow(int(min(f.UncompressedSize64, uint64(w.left))) + bytes.MinRead)
	n, err := text.ReadFrom(io.LimitReader(unpacked, w.left+1))
	if w.left -= n; err == nil && w.left < 0 {
		err = limitError(fmt.Sprintf("the workbook unpacks to more than %d MiB", MaxListSize>>20))
	}
	if err == nil {
		err = boundXML(text.Bytes())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text.Bytes(), nil
}

// find returns the part with the name, in any case (ECMA-376, part 2, section
// 6.2.2). Two such parts are refused, because other programs may read the other
// one.
func (w *workbook) find(name string) (found *zip.File, err error) {
	for _, f := range w.File {
		switch {
		case !strings.EqualFold(f.Name, name):
		case found != nil:
			return nil, errors.New("it appears twice")
		default:
			found = f
		}
	}
	if found == nil {
		return nil, errNoPart
	}
	return found, nil
}

// decode reads a small part.
func (w *workbook) decode(name string, value any) error {
	const most = 256 << 10
	text, err := w.part(name)
	if err != nil {
		return err
	}
	if len(text) > most {
		return fmt.Errorf("%s: %w", name, limitError(fmt.Sprintf("it has more than %d KiB", most>>10)))
	}
	if err := xml.Unmarshal(text, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// archiveKinds are other kinds of files that are ZIP archives. They are
// recognised by a part that they have.
var archiveKinds = []fileKind{
	{magic: "xl/workbook.bin", is: "a binary Excel workbook (.xlsb)", do: saveAsCSV},
	{magic: "content.xml", is: "an OpenDocument file (.ods)", do: saveAsCSV},
	{magic: "word/document.xml", is: "a Word document", do: download},
	{magic: "ppt/presentation.xml", is: "a PowerPoint presentation", do: download},
	{magic: "Index/Document.iwa", is: "a Numbers or Pages document", do: saveAsCSV},
}

// kind refuses an archive that is not a workbook.
func (w *workbook) kind() error {
	for _, f := range w.File {
		if f.Flags&1 != 0 {
			return errors.New("this is a ZIP archive protected by a password: " + unpack)
		}
	}
	if _, err := w.find("xl/workbook.xml"); !errors.Is(err, errNoPart) {
		return nil
	}
	for _, kind := range archiveKinds {
		if _, err := w.find(kind.magic); err == nil {
			return kind.refusal()
		}
	}
	return errors.New("this is a ZIP archive: " + unpack)
}

// root refuses an archive whose workbook is in another part than the one that
// is read, because a spreadsheet program shows that other part.
func (w *workbook) root() error {
	const links = "_rels/.rels"
	if _, err := w.find(links); errors.Is(err, errNoPart) {
		return nil
	}
	var root struct {
		Relationships []struct {
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := w.decode(links, &root); err != nil {
		return damaged(err)
	}
	for _, link := range root.Relationships {
		target := path.Clean("/" + link.Target)
		if path.Base(link.Type) == "officeDocument" && !strings.EqualFold(target, "/xl/workbook.xml") {
			return fmt.Errorf("the workbook is in %.40q and not in xl/workbook.xml, as Excel writes it: %s", target, saveAsCSV)
		}
	}
	return nil
}
