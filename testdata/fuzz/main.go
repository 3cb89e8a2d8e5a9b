// This program keeps the inputs that "make fuzz" has found and that reach code which a
// target's seeds and corpus do not reach: a few small files in testdata/fuzz of its
// package. The ordinary tests run them too. "make fuzz-keep" runs it for all packages.
package main

import (
	"bytes"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// The limits of what is kept at once for a target.
const (
	mostFiles  = 30
	mostOctets = 4 << 10 // of a file
)

func main() {
	log.SetFlags(0)
	module, cache := run(".", "go", "list", "-m"), run(".", "go", "env", "GOCACHE")
	binary := filepath.Join(os.TempDir(), "postseal-fuzz.test")
	for line := range strings.Lines(run(".", append([]string{"go", "list", "-f", "{{.ImportPath}} {{.Dir}}"}, os.Args[1:]...)...)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		found, _ := filepath.Glob(filepath.Join(cache, "fuzz", path, "Fuzz*"))
		if len(found) > 0 {
			run(dir, "go", "test", "-c", "-cover", "-coverpkg", module+"/...", "-o", binary, ".")
		}
		for _, inputs := range found {
			keep(binary, dir, inputs)
		}
	}
}

// run runs a command in a folder, and returns its output.
func run(dir string, args ...string) string {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		log.Fatalf("%q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// target is a fuzz target while its inputs are chosen.
type target struct {
	binary, dir, name, corpus string
	reached                   map[string]bool // the blocks of code that the corpus reaches
	kept                      int
}

// input is an input that was found.
type input struct {
	name string
	text []byte
}

// keep chooses from the inputs that were found for a target.
func keep(binary, dir, found string) {
	t := &target{binary: binary, dir: dir, name: filepath.Base(found)}
	t.corpus = filepath.Join(dir, "testdata", "fuzz", t.name)
	files, err := os.ReadDir(found)
	if err == nil {
		err = os.MkdirAll(t.corpus, 0o755)
	}
	if err != nil {
		log.Fatal(err)
	}
	t.reached = t.blocks("")
	var inputs []input
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(found, file.Name()))
		if err != nil {
			log.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(t.corpus, file.Name())); err != nil && len(text) <= mostOctets {
			inputs = append(inputs, input{file.Name(), text})
		}
	}
	slices.SortFunc(inputs, func(a, b input) int { return len(a.text) - len(b.text) })
	t.keep(inputs)
	os.Remove(t.corpus) // if it is empty
	fmt.Printf("%s: kept %d of %d\n", t.name, t.kept, len(files))
}

// keep adds to the corpus the inputs that reach new code, the shortest first. It halves
// the list, and drops a half that reaches nothing new.
func (t *target) keep(inputs []input) {
	if len(inputs) == 0 || t.kept == mostFiles {
		return
	}
	for _, in := range inputs {
		if err := os.WriteFile(filepath.Join(t.corpus, in.name), in.text, 0o644); err != nil {
			log.Fatal(err)
		}
	}
	names := make([]string, len(inputs))
	for i, in := range inputs {
		names[i] = in.name
	}
	isNew := false
	blocks := t.blocks("/^(" + strings.Join(names, "|") + ")$")
	for block := range blocks {
		isNew = isNew || !t.reached[block]
	}
	if isNew && len(inputs) == 1 {
		maps.Copy(t.reached, blocks)
		t.kept++
		return
	}
	for _, name := range names {
		os.Remove(filepath.Join(t.corpus, name))
	}
	if isNew {
		t.keep(inputs[:len(inputs)/2])
		t.keep(inputs[len(inputs)/2:])
	}
}

// blocks runs the inputs that match, and returns the blocks of code that they reach.
func (t *target) blocks(match string) map[string]bool {
	profile := t.binary + ".profile"
	run(t.dir, t.binary, "-test.run", "^"+t.name+"$"+match, "-test.coverprofile", profile)
	text, err := os.ReadFile(profile)
	if err != nil {
		log.Fatal(err)
	}
	reached := make(map[string]bool)
	for line := range bytes.Lines(text) {
		if block, isReached := bytes.CutSuffix(bytes.TrimSpace(line), []byte(" 1")); isReached {
			reached[string(block)] = true
		}
	}
	return reached
}
