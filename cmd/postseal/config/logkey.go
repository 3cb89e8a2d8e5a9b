package config

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/postseal/postseal/milter/shown"
)

// The key of log.addresses = "hash" is in the folder that systemd makes for the
// service (StateDirectory=), and in the same folder without systemd. It is 64
// hexadecimal digits, which are easy to copy to another host.
const (
	stateFolder = "/var/lib/postseal/state"
	keyName     = "log.key"
	keyLength   = 32
)

func keyPath() string {
	return filepath.Join(cmp.Or(os.Getenv("STATE_DIRECTORY"), stateFolder), keyName)
}

// TakeKey reads the key if log.addresses is "hash", and makes a key if there is
// none. Only serve writes hashes, so no other command needs the key.
func (c *Config) TakeKey() error {
	if c.Message.Addresses.Format != shown.Hash {
		return nil
	}
	path := keyPath()
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKey(path); err == nil {
			key, err = readKey(path)
		}
	}
	c.Message.Addresses.Key = key
	return c.keyFault(err)
}

// CheckKey is TakeKey for a command that changes nothing: serve will make a key
// that is missing.
func (c *Config) CheckKey() error {
	if c.Message.Addresses.Format != shown.Hash {
		return nil
	}
	key, err := readKey(keyPath())
	c.Message.Addresses.Key = key
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return c.keyFault(err)
}

// keyFault says which setting needs the key.
func (c *Config) keyFault(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(`%s: log.addresses = "hash" needs its key: %w`, c.Origin, err)
}

// readKey reads the key. It refuses a key that others than its owner and root could
// have read.
func readKey(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w: run this as root or as the user of serve, which must own the file", err)
	case errors.Is(err, syscall.ELOOP):
		return nil, fmt.Errorf("%s is a symbolic link: replace it with the file itself", path)
	case err != nil:
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkKeyFile(path, info, os.Geteuid()); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, 1<<10))
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(string(bytes.TrimSuffix(text, []byte("\n"))))
	if err != nil || len(key) != keyLength {
		return nil, fmt.Errorf("%s must contain %d hexadecimal digits, but has %d octets: restore the key from a copy, or remove the file, and serve makes a new key, which changes every hash", path, 2*keyLength, info.Size())
	}
	return key, nil
}

// checkKeyFile refuses a file that others than the user self could have read or
// made. Root may use the file of any user.
func checkKeyFile(path string, info fs.FileInfo, self int) error {
	owner := int(info.Sys().(*syscall.Stat_t).Uid)
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file: remove it, and serve makes a new key", path)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s has mode %04o, so others may know the key: if nobody has read it, run chmod 0600; otherwise remove the file, and serve makes a new key, which changes every hash", path, info.Mode().Perm())
	case self != 0 && owner != self:
		return fmt.Errorf("%s belongs to another user: give it to the user of serve with chown, or remove it", path)
	}
	return nil
}

// makeKey makes a key in one step. If two daemons start at the same time, one makes
// the key and both use it.
func makeKey(path string) error {
	folder := filepath.Dir(path)
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: create the directory with install -d -m 0700 -o USER, for the user of serve", err)
	}
	file, err := os.CreateTemp(folder, "."+keyName+".*") // of mode 0600
	if err != nil {
		return fmt.Errorf("%w: the directory must belong to the user of serve", err)
	}
	defer os.Remove(file.Name())
	key := make([]byte, keyLength)
	rand.Read(key)
	_, err = fmt.Fprintf(file, "%x\n", key)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(folder)
}

// syncFolder writes the names in a folder to disk, so that they survive a crash.
func syncFolder(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
