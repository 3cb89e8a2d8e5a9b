package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// doNothing is the C filter that does nothing.
func doNothing(arguments ...string) func(*world, *entrant) ([]program, error) {
	return func(w *world, e *entrant) ([]program, error) {
		return []program{{exec.Command(filepath.Join(w.bin, "nothing"), append([]string{e.socket()}, arguments...)...), e.socket(), ""}}, nil
	}
}

// buildNothing compiles it.
func (w *world) buildNothing() error {
	source := filepath.Join(w.root, "testdata", "bench", "nothing.c")
	out, err := exec.Command("gcc", "-O2", "-Wall", "-o", filepath.Join(w.bin, "nothing"), source, "-lmilter", "-lpthread").CombinedOutput()
	if err != nil {
		return fmt.Errorf("gcc: %w: %s (the packages gcc, libc6-dev and libmilter-dev must be installed, as make bench does)", err, out)
	}
	return nil
}
