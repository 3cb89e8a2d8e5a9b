//go:build !race

package table_test

import (
	"runtime"
	"testing"
)

// TestRowsAreSmall measures the memory of an accredited list. A list of a million rows
// must fit into 200 MiB, and in a reload there are two.
func TestRowsAreSmall(t *testing.T) {
	const rows, most = 100_000, 90
	list := bigList(rows)
	heap := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	loaded := loadList(t, list)
	each := (heap() - before) / rows
	if loaded.Len() < rows || each > most {
		t.Errorf("a row takes %d octets, more than %d", each, most)
	}
	runtime.KeepAlive(list)
}
