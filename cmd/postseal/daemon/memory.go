package daemon

import (
	"os"
	"runtime"
	"runtime/debug"
)

// garbage is how many octets of garbage may come before it is collected.
const garbage = 16 << 20

// collect returns the memory that a load has left, and bounds the garbage that is to
// come. By default Go lets garbage grow to the size of what is in use, and so a large
// table would take twice its memory. A collection does not cost more with a large
// table, because the table has no pointers to follow.
func collect() {
	debug.FreeOSMemory()
	if os.Getenv("GOGC") != "" {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetGCPercent(min(100, max(10, int(100*garbage/m.HeapAlloc))))
}
