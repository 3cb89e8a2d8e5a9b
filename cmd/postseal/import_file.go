package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// newListMode is the mode of a new list file. The list is public.
const newListMode = 0o644

// listFile is the accredited list's file. While it is open, no other import
// can open it.
type listFile struct {
	path string   // with symbolic links resolved, so that replace keeps them
	dir  *os.File // holds the lock
}

// openListFile opens the file once no other import runs.
func openListFile(path string) (*listFile, error) {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil {
			return nil, fmt.Errorf("%s is a broken symbolic link: create the file that it names, or remove the link", path)
		}
		target, err = path, nil
	}
	if err != nil {
		return nil, err
	}
	dir, err := os.Open(filepath.Dir(target))
	if err != nil {
		return nil, fmt.Errorf("%w: create the directory, and give postseal's user access", err)
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		dir.Close()
		return nil, fmt.Errorf("lock %s: %w", dir.Name(), err)
	}
	return &listFile{target, dir}, nil
}

func (f *listFile) close() { f.dir.Close() }

func (f *listFile) read() (data []byte, exists bool, err error) {
	data, err = os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return data, err == nil, err
}

func (f *listFile) touch() error {
	now := time.Now()
	return os.Chtimes(f.path, now, now)
}

// replace replaces the file in one step. After a crash, either the old list or the
// new one is complete. Owner and mode do not change.
func (f *listFile) replace(data []byte) error {
	prefix := "." + filepath.Base(f.path) + ".import-"
	if err := f.sweep(prefix); err != nil {
		return err
	}
	temp, err := os.CreateTemp(f.dir.Name(), prefix)
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // does nothing after the rename
	defer temp.Close()
	if err := f.copyOwner(temp); err != nil {
		return err
	}
	if _, err := temp.Write(data); err != nil {
		return err
	}
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), f.path); err != nil {
		return err
	}
	return f.dir.Sync()
}

// sweep removes the files of an import that was killed. Because of the lock no
// other import is running.
func (f *listFile) sweep(prefix string) error {
	names, err := f.dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			if err := os.Remove(filepath.Join(f.dir.Name(), name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyOwner gives a new file the owner and the mode of the old one.
func (f *listFile) copyOwner(temp *os.File) error {
	mode := fs.FileMode(newListMode)
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return temp.Chmod(mode)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file: name one in rules.accredited", f.path)
	}
	mode = info.Mode().Perm()
	made, err := temp.Stat()
	if err != nil {
		return err
	}
	old, is := info.Sys().(*syscall.Stat_t), made.Sys().(*syscall.Stat_t)
	if old.Uid != is.Uid || old.Gid != is.Gid {
		if err := temp.Chown(int(old.Uid), int(old.Gid)); err != nil {
			return fmt.Errorf("%w: import as root or as the owner of %s", err, f.path)
		}
	}
	return temp.Chmod(mode)
}
