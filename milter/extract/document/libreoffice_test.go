package document

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const made = "../../../testdata/documents/libreoffice/"

// TestLibreOffice reads the same documents in each format.
func TestLibreOffice(t *testing.T) {
	text := []string{
		"body 999 000 0018 after end é€\n", "note 999 000 0018\n", "comment 999 000 0018\n", "textbox 999 000 0018\n", "box anchor\n",
		"tracked 999 000 0026\n", "tracked 999 000 001826\n",
		"Name\tAddress\tNHS number\nA\tStreet\n\tTown\t9990000018\n\t\t9990000026\n\f", "tabs\tone\nline\n",
		" margin>header 999 000 0018\n", "OFFICIAL-SENSITIVE\n",
	}
	sheet := []string{
		"Name\t\tNHS number\tDate\nbody 999 000 0018 é€\t\t9990000018", "\n\t\t999 000 0026\t12.5\n\t\t9990000034\t",
		"hidden 999 000 0042\n", "comment 999 000 0018\n", " margin>header 999 000 0018\n", "OFFICIAL-SENSITIVE\n",
	}
	slides := []string{
		"body 999 000 0018 é€\n", "grouped 999 000 0018\nsecond\n", "note 999 000 0018\n", "comment 999 000 0018\n", " margin>OFFICIAL-SENSITIVE", "9990000018\n",
	}
	for name, wanted := range map[string][]string{
		"text.doc": text, "text.docx": text, "text.odt": text, "text.fodt": text, "text.rtf": text,
		"sheet.xls": sheet, "sheet.xlsx": sheet, "sheet.ods": sheet, "sheet.fods": sheet,
		"slides.ppt.gz": slides, "slides.pptx": slides, "slides.odp": slides, "slides.fodp": slides,
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(made + name)
			if err != nil {
				t.Fatal(err)
			}
			text, found := read(data, roomy)
			for _, want := range wanted {
				if !strings.Contains(text, want) {
					t.Errorf("got %q, without %q", text, want)
				}
			}
			if found != nil {
				t.Errorf("found %q", found)
			}
		})
	}
}

// TestDamage cuts and changes documents. A cut one is unreadable, and no change
// causes a panic.
func TestDamage(t *testing.T) {
	names, _ := filepath.Glob(made + "*.*")
	if len(names) < 13 {
		t.Fatal(names)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".md") {
			continue
		}
		for i := 1; i < 8; i++ {
			cut := data[:len(data)*i/8]
			if _, found := read(cut, roomy); len(found) == 0 {
				t.Errorf("%s, %d octets of %d: nothing was found", filepath.Base(name), len(cut), len(data))
			}
		}
		for i := range 15 {
			changed := append([]byte(nil), data...)
			for at := i * 7; at < len(changed); at += 997 {
				changed[at] ^= byte(1 << (i % 8))
			}
			read(changed, roomy)
		}
	}
}
