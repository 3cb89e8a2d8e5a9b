package subject

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/marker"
)

// decodersFile holds generated subjects: of each the kind, the decoders that
// read the marker in it, and the value of the field.
const decodersFile = "../../../testdata/decoders/subjects.tsv"

// TestDecodersReadNoMore holds that no subject counts as unmarked in which the
// marker was typed, whatever became of it on the way, and whether Python's
// email, libmime (JavaScript) and go-message read it or not. In those of the
// kind unmarked the word is no marker.
func TestDecodersReadNoMore(t *testing.T) {
	data, err := os.ReadFile(decodersFile)
	if err != nil {
		t.Fatal(err)
	}
	reader := newReader(t, marker.Anywhere)
	rows, wrong := make(map[string]int), make(map[string]int)
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		kind, readers := columns[0], columns[1]
		value, err := strconv.Unquote(`"` + strings.ReplaceAll(columns[2], `"`, `\"`) + `"`)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		rows[kind]++
		got := reader.Read([]marker.Subject{Read(value)})
		if (got.State == marker.Missing) != (kind == "unmarked") {
			if wrong[kind]++; wrong[kind] <= 3 {
				t.Errorf("%s: %q: got %v, read by %s", kind, value, got, readers)
			}
		}
	}
	for kind, n := range rows {
		t.Logf("%s: %d of %d wrong", kind, wrong[kind], n)
	}
	if len(rows) < 15 {
		t.Errorf("got %d kinds, want them all: run make decoders", len(rows))
	}
}
