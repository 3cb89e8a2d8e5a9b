//go:build !race

package growthtest

import "testing"

// TestCostOfGrowth checks that quadratic work fails a test of growth.
func TestCostOfGrowth(t *testing.T) {
	for _, test := range []struct {
		name   string
		work   func(n int) func()
		memory bool // the work takes memory too
	}{
		{"time", func(n int) func() {
			list := make([]int, n)
			return func() {
				for i := range list {
					for j := range list {
						list[i] += list[j]
					}
				}
			}
		}, false},
		{"memory", func(n int) func() {
			return func() {
				text := ""
				for range n {
					text += "xxxxxxxx"
				}
			}
		}, true},
	} {
		small, large := compare(t, 500, test.work)
		if !growsInTime(small, large) {
			t.Errorf("%s: time %v and %v", test.name, small.time, large.time)
		}
		if got := growsInMemory(small, large); got != test.memory {
			t.Errorf("%s: memory %d and %d", test.name, small.memory, large.memory)
		}
	}
}
