package milter

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/postseal/postseal/rules"
)

// labelled is a row of testdata/subjects: state, kind ("-" for none) and the
// values of the Subject fields, with tabs between them. The values are as they
// stand in the header, with the escapes of a Go string but for the double
// quote.
type labelled struct {
	where  string
	want   rules.Reading
	fields []string
	reader rules.MarkerReader
}

func newReader(t testing.TB, position rules.Position) rules.MarkerReader {
	t.Helper()
	m, err := rules.NewMarkerReader([]string{"secure"}, rules.ShippedOthers(), position)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func readLabelled(t testing.TB) []labelled {
	t.Helper()
	files, err := filepath.Glob("../testdata/subjects/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var rows []labelled
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		position := rules.Anywhere
		if filepath.Base(file) == "start.txt" {
			position = rules.Start
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
				row.want.Kind = rules.NearMissKind(columns[1])
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
	total, right := make(map[rules.MarkerState]int), make(map[rules.MarkerState]int)
	kinds := make(map[rules.NearMissKind]int)
	for _, row := range readLabelled(t) {
		var subjects []rules.Subject
		for _, field := range row.fields {
			subjects = append(subjects, decodeSubject(field))
		}
		got := row.reader.Read(subjects)
		total[row.want.State]++
		kinds[row.want.Kind]++
		if got == row.want {
			right[row.want.State]++
			continue
		}
		t.Logf("%s: %q: got %v %s, want %v %s", row.where, row.fields, got.State, got.Kind, row.want.State, row.want.Kind)
		if got.State == rules.Present {
			t.Errorf("%s: a false present", row.where)
		}
	}
	sum := 0
	for state, goal := range map[rules.MarkerState]float64{rules.Present: 100, rules.NearMiss: 98, rules.Missing: 98} {
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
	for _, kind := range []rules.NearMissKind{
		rules.WrongBrackets, rules.BrokenBrackets, rules.BlanksInside, rules.LookAlike, rules.Misspelt, rules.ExtraWords,
		rules.OtherMarker, rules.BareWord, rules.NotAtStart, rules.Escaped, rules.Undecodable, rules.SomeFields,
	} {
		if kinds[kind] < 5 {
			t.Errorf("%s: got %d subjects, want 5", kind, kinds[kind])
		}
	}
}
