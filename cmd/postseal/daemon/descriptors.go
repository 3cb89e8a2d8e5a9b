package daemon

import (
	"syscall"

	"github.com/postseal/postseal/milter"
)

// ownDescriptors is the number of descriptors that connections leave free, for
// the listening sockets, the rule files, the notifications to systemd, and requests for
// the metrics.
const ownDescriptors = 128

// maxConnections returns the number of connections that the limit of open files
// allows.
func maxConnections() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > milter.DefaultMaxConnections+ownDescriptors {
		return milter.DefaultMaxConnections
	}
	files := int(limit.Cur)
	return max(files-ownDescriptors, files/2)
}
