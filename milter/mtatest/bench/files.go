package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/postseal/postseal/milter/mtatest"
)

// fill copies a file of testdata/bench into the rival's directory, with its words
// in capital letters replaced. It returns the path of the copy.
func (e *entrant) fill(w *world, from, to string, words ...string) (string, error) {
	text, err := os.ReadFile(filepath.Join(w.root, "testdata", "bench", from))
	if err != nil {
		return "", err
	}
	replace := strings.NewReplacer(append(words, "DIRECTORY", e.dir)...)
	path := filepath.Join(e.dir, to)
	return path, os.WriteFile(path, []byte(replace.Replace(string(text))), 0o644)
}

// writeTable writes the table, one domain a line.
func (e *entrant) writeTable() error {
	return os.WriteFile(filepath.Join(e.dir, "table"), []byte(strings.Join(table(), "\n")+"\n"), 0o644)
}

// unpack unpacks a package that would start a service if it were installed. It
// returns the directory that stands for /.
func (w *world) unpack(name string) (string, error) {
	dir := filepath.Join(w.bin, name)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, mtatest.Unpack(w.root, dir, name)
}
