package debian_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// link is a Markdown link to a file.
var link = regexp.MustCompile(`\]\(([^):#]+)[^):]*\)`)

// checkLinks checks the links between the installed documents.
func checkLinks(t *testing.T, d system) {
	t.Helper()
	followed := 0
	err := filepath.WalkDir(d.path("/usr/share/doc/postseal"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".md") {
			return err
		}
		for _, target := range link.FindAllStringSubmatch(string(read(t, path)), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), target[1])); err != nil {
				t.Errorf("%s links to %s: %v", path, target[1], err)
			}
			followed++
		}
		return nil
	})
	if err != nil || followed == 0 {
		t.Errorf("%d links, %v", followed, err)
	}
}
