package table_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/postseal/postseal/rules/editions"
	"github.com/postseal/postseal/rules/table"
)

// bigList makes a list of n rows, whose domains benchDomain names.
func bigList(rows int) []byte {
	list := []byte("Organisation Name,Domain name\n")
	for i := range rows {
		list = fmt.Appendf(list, "Made-up %d,%s\n", i/3, benchDomain(i))
	}
	return list
}

func benchDomain(i int) string { return fmt.Sprintf("made-up-%07d.nhs.uk", i) }

func loadList(b testing.TB, list []byte) *table.Table {
	b.Helper()
	loaded, err := table.Load(table.Sources{Edition: editions.Default, Accredited: "list"},
		func(string) ([]byte, error) { return list, nil })
	if err != nil {
		b.Fatal(err)
	}
	return loaded
}

// BenchmarkLoad loads lists, and measures the memory that one row keeps.
func BenchmarkLoad(b *testing.B) {
	for _, rows := range []int{300, 40_000, 1_000_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			list := bigList(rows)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			loaded := loadList(b, list)
			runtime.GC()
			runtime.ReadMemStats(&after)
			if loaded.Len() < rows {
				b.Fatalf("%d rows", loaded.Len())
			}
			runtime.KeepAlive(list)
			b.ReportAllocs()
			for b.Loop() {
				loadList(b, list)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows*b.N), "ns/row")
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(rows), "B/row")
		})
	}
}

// BenchmarkLookup looks up the domains of a day's mail: a third on the
// accredited list, a third below a suffix of the edition, a third unknown. The
// cost must not grow with the number of rows.
func BenchmarkLookup(b *testing.B) {
	for _, rows := range []int{10, 1000, 40_000, 1_000_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			loaded := loadList(b, bigList(rows))
			random := rand.New(rand.NewPCG(1, uint64(rows)))
			var domains [1024]string
			for i := range domains {
				switch i % 3 {
				case 0:
					domains[i] = benchDomain(random.IntN(rows))
				case 1:
					domains[i] = fmt.Sprintf("council%d.gov.uk", i)
				case 2:
					domains[i] = fmt.Sprintf("customer%d.example", i)
				}
			}
			now := time.Now()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				row := loaded.Lookup(domains[i%len(domains)], now)
				if secure := row != nil && row.Class == table.Secure; secure != (i%len(domains)%3 != 2) {
					b.Fatalf("%s: got %+v", domains[i%len(domains)], row)
				}
			}
		})
	}
}
