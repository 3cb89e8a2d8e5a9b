package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestIncludedFiles has files that the owner of a list can write.
func TestIncludedFiles(t *testing.T) {
	dir := t.TempDir()
	fifo, itself := filepath.Join(dir, "fifo"), filepath.Join(dir, "itself")
	again := strings.Repeat(":include:"+itself+"\n", 100)
	err := errors.Join(syscall.Mkfifo(fifo, 0o600), os.WriteFile(itself, []byte(again+"x@example.org\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		file, fault string
		want        []string
	}{
		{file: fifo, fault: "is not a regular file"},
		{file: "/dev/zero", fault: "is not a regular file"},
		{file: "/dev/null"},
		{file: itself, want: []string{"x@example.org"}},
	} {
		got, err := aliasTargets(":include:"+test.file, make(map[string]bool))
		if !slices.Equal(got, test.want) || (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: got %q, %v", test.file, got, err)
		}
	}
}

// broken is a database that does not answer.
type broken int

func (b *broken) query(string, []string) (map[string]string, error) {
	*b++
	return nil, errors.New("takes too long")
}

func (b *broken) list(string) ([]Entry, error) {
	*b++
	return nil, errors.New("takes too long")
}

func TestBrokenTablesAreAskedOnce(t *testing.T) {
	var asked broken
	p := fakePostfix("", "", nil)
	p.tables = keep(&asked)
	for range 3 {
		_, _, queryErr := p.Lookup("ldap:/x", "key")
		_, _, listErr := p.Entries("hash:/x")
		if queryErr == nil || listErr == nil {
			t.Fatal("no error")
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

// counted counts what is asked of another database.
type counted struct {
	tables
	asked int
}

func (c *counted) query(table string, keys []string) (map[string]string, error) {
	c.asked++
	return c.tables.query(table, keys)
}

// TestManyRows has a table in which each row leads outside.
func TestManyRows(t *testing.T) {
	rows := make(map[string]string)
	for i := range 5000 {
		rows[fmt.Sprintf("u%04d@trust.example", i)] = fmt.Sprintf("x@d%d.example", i)
	}
	p := fakePostfix(contribMain+"virtual_alias_maps = hash:/x\nmydestination = hash:/own", contribMaster, map[string]map[string]string{"hash:/x": rows, "hash:/own": {}})
	c := &counted{tables: p.tables}
	p.tables = c
	found, err := rewriteOut(site(t, p, nil))
	if err != nil || len(found) != 1 || !strings.HasSuffix(found[0].Setting, ": u0000@trust.example x@d0.example, and at least 99 more") || c.asked > 200 {
		t.Errorf("asked %d times, %v, %+v", c.asked, err, found)
	}
}
