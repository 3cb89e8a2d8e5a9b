package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// glob is filepath.Glob, but returns an error for a folder that cannot be read.
// Otherwise a short lack of file descriptors could remove rules unnoticed.
func glob(pattern string) (names []string, err error) {
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, err
	}
	dir, base := filepath.Dir(pattern), filepath.Base(pattern)
	dirs := []string{dir}
	if isPattern(dir) {
		if dirs, err = glob(dir); err != nil {
			return nil, err
		}
	}
	for _, d := range dirs {
		found, err := matching(d, base)
		if err != nil && !(isPattern(dir) && errors.Is(err, syscall.ENOTDIR)) {
			return nil, err
		}
		names = append(names, found...)
	}
	return names, nil
}

// matching lists the files of a folder that match a pattern or a plain name.
func matching(dir, base string) (names []string, err error) {
	if !isPattern(base) {
		name := filepath.Join(dir, base)
		_, err := os.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil
		case err != nil:
			return nil, err
		}
		return []string{name}, nil
	}
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if ok, _ := filepath.Match(base, entry.Name()); ok {
			names = append(names, filepath.Join(dir, entry.Name()))
		}
	}
	return names, err
}
