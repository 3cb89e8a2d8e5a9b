package main

import (
	"errors"
	"syscall"

	"github.com/postseal/postseal/milter"
)

// errDescriptors takes the place of faults that files are not to blame for. It
// wraps EMFILE for outOfDescriptors.
var errDescriptors error = noDescriptors{}

type noDescriptors struct{}

func (noDescriptors) Error() string {
	return "no file descriptors are left to read the configuration with: find out which process holds them, or raise LimitNOFILE= in postseal.service"
}

func (noDescriptors) Unwrap() error { return syscall.EMFILE }

// outOfDescriptors reports whether the process or the host has no file
// descriptors left.
func outOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// ownDescriptors is how many descriptors connections must leave free: for the
// sockets that are listened on, for rule files, and for what systemd is told.
const ownDescriptors = 64

// maxConnections is how many connections the limit of open files leaves room
// for.
func maxConnections() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > milter.DefaultMaxConnections+ownDescriptors {
		return milter.DefaultMaxConnections
	}
	files := int(limit.Cur)
	return max(files-ownDescriptors, files/2)
}
