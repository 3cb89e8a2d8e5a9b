package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// clear empties the hold queue and the logs, which would fill the memory.
func (w *world) clear(e *entrant) error {
	files, err := w.held()
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	if e.log != nil {
		if err := e.log.Truncate(0); err != nil {
			return err
		}
	}
	return os.Truncate(filepath.Join(w.postfix.Directory(), "maillog"), 0)
}

// held returns the paths of the queue files of held mail.
func (w *world) held() ([]string, error) {
	return filepath.Glob(filepath.Join(w.postfix.Directory(), "queue", "hold", "*"))
}

// edited counts the messages in the hold queue. Each must contain the edit the given
// number of times.
func (w *world) edited(edit string, times int) (int, error) {
	files, err := w.held()
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		if n := bytes.Count(text, []byte(edit)); edit != "" && n != times {
			return 0, fmt.Errorf("a message has %d times %q, not %d", n, edit, times)
		}
	}
	return len(files), nil
}
