package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// doNothing is the C filter that decides nothing, with an argument for what it does to
// all mail.
func doNothing(arguments ...string) starter {
	return func(w *world, e *entrant) ([]program, error) {
		binary, err := w.built(e, "nothing", w.buildNothing)
		if err != nil {
			return nil, err
		}
		return []program{{exec.Command(binary, append([]string{e.socket()}, arguments...)...), e.socket(), ""}}, nil
	}
}

func (w *world) buildNothing() (string, error) {
	source, binary := filepath.Join(w.root, "testdata", "bench", "nothing.c"), filepath.Join(w.bin, "nothing")
	out, err := exec.Command("gcc", "-O2", "-Wall", "-o", binary, source, "-lmilter", "-lpthread").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("gcc: %w: %s (the packages gcc, libc6-dev and libmilter-dev must be installed, as make bench does)", err, out)
	}
	return binary, nil
}
