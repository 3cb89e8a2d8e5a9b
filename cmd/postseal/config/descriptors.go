package config

import (
	"errors"
	"syscall"
)

// errDescriptors replaces errors that come from a lack of file descriptors and not
// from the files. It wraps EMFILE for OutOfDescriptors.
var errDescriptors error = noDescriptors{}

type noDescriptors struct{}

func (noDescriptors) Error() string {
	return "no file descriptors are left to read the configuration: find the process that holds them, or raise LimitNOFILE= in postseal.service"
}

func (noDescriptors) Unwrap() error { return syscall.EMFILE }

// OutOfDescriptors reports whether the process or the host has no file
// descriptors left.
func OutOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
