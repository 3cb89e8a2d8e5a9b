package daemon

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// manyRows is a number of rows with which garbage as large as the table matters.
	manyRows = 200_000
	// garbage is how many octets of garbage may then come before it is collected.
	garbage = 16 << 20
)

// collect returns the memory that the load of a table has left, and bounds the garbage
// that is to come, if the table or the one before it has many rows. By default Go lets
// garbage grow to the size of what is in use. A collection does not cost more with a
// large table, because the table has no pointers to follow.
func collect(rows int) {
	if rows < manyRows {
		return
	}
	debug.FreeOSMemory()
	if os.Getenv("GOGC") != "" {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetGCPercent(min(100, max(10, int(100*garbage/m.HeapAlloc))))
}
