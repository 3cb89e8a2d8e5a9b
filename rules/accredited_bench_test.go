package rules_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/postseal/postseal/rules"
)

// bigList makes a list of as many rows, in the published shape, whose domains
// benchDomain names.
func bigList(rows int) []byte {
	list := []byte("Organisation Name,System Type,Domain name ,Data processed outside of the UK? (Y/N)\r\n")
	for i := range rows {
		list = fmt.Appendf(list, "Made-up %d,Microsoft 365,%s,N\r\n", i/3, benchDomain(i))
	}
	return list
}

func benchDomain(i int) string { return fmt.Sprintf("made-up-%07d.nhs.uk", i) }

func loadList(b *testing.B, list []byte) *rules.Table {
	b.Helper()
	table, err := rules.Load(rules.Sources{Edition: rules.DefaultEdition, Accredited: "list"},
		func(string) ([]byte, error) { return list, nil })
	if err != nil {
		b.Fatal(err)
	}
	return table
}

// BenchmarkLoad100k reads, checks and compiles a list of 100,000 rows, and
// measures what one row keeps of memory.
func BenchmarkLoad100k(b *testing.B) {
	const rows = 100_000
	list := bigList(rows)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table := loadList(b, list)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if table.Len() < rows {
		b.Fatalf("%d rows", table.Len())
	}
	runtime.KeepAlive(list)
	b.ReportAllocs()
	for b.Loop() {
		loadList(b, list)
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/rows, "B/row")
}

// BenchmarkLookup looks names up, half of them on the list and half not. What
// it costs must not grow with the number of rows.
func BenchmarkLookup(b *testing.B) {
	for _, rows := range []int{10, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			table := loadList(b, bigList(rows))
			random := rand.New(rand.NewPCG(1, uint64(rows)))
			names := make([]string, 1<<12)
			for i := range names {
				names[i] = benchDomain(random.IntN(rows))
				if i%2 == 1 {
					names[i] = "absent-" + names[i]
				}
			}
			now := time.Now()
			i := 0
			for b.Loop() {
				row := table.Lookup(names[i%len(names)], now)
				if listed := row != nil && row.Class == rules.Secure; listed != (i%2 == 0) {
					b.Fatalf("%s: got %+v", names[i%len(names)], row)
				}
				i++
			}
		})
	}
}
