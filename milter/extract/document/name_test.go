package document

import (
	"archive/tar"
	"bytes"
	"testing"
)

// TestNamesInArchives: a reader sees the names, even without the password.
func TestNamesInArchives(t *testing.T) {
	data := archive(t, file{"Smith 999 000 0018/scan.txt", "text"})
	expect(t, setFlag(data, 1), "<2/1>Smith 999 000 0018\nscan.txt\n", "unreadable encrypted 2/1")
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: `Smith\999 000 0018.txt`, Mode: 0o600})
	w.Close()
	expect(t, b.Bytes(), "<2/1>Smith\n999 000 0018.txt\n")
}
