package daemon

import (
	"syscall"

	"github.com/postseal/postseal/milter"
)

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
