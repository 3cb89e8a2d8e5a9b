package doctor

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// maxFile is the largest file that is read.
const maxFile = 256 << 20

// readFile reads a file that the MTA's configuration or an alias names. Users can
// write some of these files, and a pipe or a device in place of one must not block or
// fill the memory.
func readFile(name string) (string, error) {
	if name == os.DevNull {
		return "", nil
	}
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxFile>>20)
	}
	return string(text), err
}
