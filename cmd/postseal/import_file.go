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

// newListMode is the mode of a list that is there for the first time: the
// list is public.
const newListMode = 0o644

// listFile is the accredited list's file. While it is open, no other import
// can open it.
type listFile struct {
	path   string   // behind symbolic links, which stay
	folder *os.File // bears the lock
}

// openListFile waits until no other import is under way.
func openListFile(path string) (*listFile, error) {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil {
			return nil, fmt.Errorf("%s is a symbolic link to nothing: make the file that it names, or remove it", path)
		}
		target, err = path, nil
	}
	if err != nil {
		return nil, err
	}
	folder, err := os.Open(filepath.Dir(target))
	if err != nil {
		return nil, fmt.Errorf("%w: make the folder, and give postseal's user access", err)
	}
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		folder.Close()
		return nil, fmt.Errorf("lock %s: %w", folder.Name(), err)
	}
	return &listFile{target, folder}, nil
}

func (f *listFile) close() { f.folder.Close() }

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

// replace puts data in the file's place in one step: whatever happens, the
// old list or the new one is there, whole. Owner and mode stay.
func (f *listFile) replace(data []byte) error {
	prefix := "." + filepath.Base(f.path) + ".import-"
	if err := f.sweep(prefix); err != nil {
		return err
	}
	temp, err := os.CreateTemp(f.folder.Name(), prefix)
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // finds nothing once it is renamed
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
	return f.folder.Sync()
}

// sweep removes what an import left that was killed. The lock keeps the files
// of one under way out of its reach.
func (f *listFile) sweep(prefix string) error {
	names, err := f.folder.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			if err := os.Remove(filepath.Join(f.folder.Name(), name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyOwner gives a new file the owner and the mode of the one in place.
func (f *listFile) copyOwner(temp *os.File) error {
	mode := fs.FileMode(newListMode)
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return temp.Chmod(mode)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no plain file: name one in rules.accredited", f.path)
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
