package subject

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules/marker"
)

// labelled is a row of testdata/subjects: state, kind ("-" for none) and the
// values of the Subject fields, with tabs between them. The values are as they
// stand in the header, with the escapes of a Go string but for the double
// quote.
type labelled struct {
	where  string
	want   marker.Reading
	fields []string
	reader marker.Reader
}

func newReader(t testing.TB, position marker.Position) marker.Reader {
	t.Helper()
	m, err := marker.NewReader([]string{"secure"}, marker.ShippedOthers(), position)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func readLabelled(t testing.TB) []labelled {
	t.Helper()
	files, err := filepath.Glob("../../../testdata/subjects/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var rows []labelled
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		position := marker.Anywhere
		if filepath.Base(file) == "start.txt" {
			position = marker.Start
		}
		reader := newReader(t, position)
		for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
			if strings.HasPrefix(line, "#") {
				continue
			}
			row := labelled{where: fmt.Sprintf("%s:%d", filepath.Base(file), i+1), reader: reader}
			columns := strings.Split(line, "\t")
			if len(columns) < 3 {
				t.Fatalf("%s: want state, kind and subject, with tabs between them", row.where)
			}
			if err := row.want.State.UnmarshalText([]byte(columns[0])); err != nil {
				t.Fatalf("%s: %v", row.where, err)
			}
			if columns[1] != "-" {
				row.want.Kind = marker.Kind(columns[1])
			}
			for _, column := range columns[2:] {
				field, err := strconv.Unquote(`"` + strings.ReplaceAll(column, `"`, `\"`) + `"`)
				if err != nil {
					t.Fatalf("%s: %q: %v", row.where, column, err)
				}
				row.fields = append(row.fields, field)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// TestLabelledSubjects holds the reader to its goals: the marker is never seen
// where it is not, always where it is, and 98 % of the others are told right,
// their kind included.
func TestLabelledSubjects(t *testing.T) {
	total, right := make(map[marker.State]int), make(map[marker.State]int)
	kinds := make(map[marker.Kind]int)
	for _, row := range readLabelled(t) {
		var subjects []marker.Subject
		for _, field := range row.fields {
			subjects = append(subjects, Read(field))
		}
		got := row.reader.Read(subjects)
		total[row.want.State]++
		kinds[row.want.Kind]++
		if got == row.want {
			right[row.want.State]++
			continue
		}
		t.Logf("%s: %q: got %v %s, want %v %s", row.where, row.fields, got.State, got.Kind, row.want.State, row.want.Kind)
		if got.State == marker.Present {
			t.Errorf("%s: a false present", row.where)
		}
	}
	sum := 0
	for state, goal := range map[marker.State]float64{marker.Present: 100, marker.NearMiss: 98, marker.Missing: 98} {
		share := 100 * float64(right[state]) / float64(total[state])
		t.Logf("%v: %d of %d, %.1f %%", state, right[state], total[state], share)
		if !(share >= goal) {
			t.Errorf("%v: got %.1f %%, want %.0f %%", state, share, goal)
		}
		sum += total[state]
	}
	if sum < 400 {
		t.Errorf("got %d subjects, want 400", sum)
	}
	for _, kind := range []marker.Kind{
		marker.WrongBrackets, marker.BrokenBrackets, marker.BlanksInside, marker.LookAlike, marker.Misspelt, marker.ExtraWords,
		marker.OtherMarker, marker.BareWord, marker.NotAtStart, marker.Escaped, marker.Undecodable, marker.SomeFields,
	} {
		if kinds[kind] < 5 {
			t.Errorf("%s: got %d subjects, want 5", kind, kinds[kind])
		}
	}
}
