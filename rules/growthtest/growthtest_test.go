//go:build !race

package growthtest

import (
	"strings"
	"testing"
)

// TestCostOfGrowth holds that the measure tells linear work from quadratic.
func TestCostOfGrowth(t *testing.T) {
	for _, test := range []struct {
		name         string
		work         func(n int) func()
		time, memory bool // whether it grows faster than the input
	}{
		{"linear", func(n int) func() {
			return func() { _ = strings.Repeat(strings.ToUpper(strings.Repeat("x", 50*n)), 2) }
		}, false, false},
		{"quadratic time", func(n int) func() {
			list := make([]int, n)
			return func() {
				for i := range list {
					for j := range list {
						list[i] += list[j]
					}
				}
			}
		}, true, false},
		{"quadratic memory", func(n int) func() {
			return func() {
				text := ""
				for range n {
					text += "xxxxxxxx"
				}
			}
		}, true, true},
	} {
		small, large := compare(t, 500, test.work)
		if got := growsInTime(small, large); got != test.time {
			t.Errorf("%s: time %v and %v", test.name, small.time, large.time)
		}
		if got := growsInMemory(small, large); got != test.memory {
			t.Errorf("%s: memory %d and %d", test.name, small.memory, large.memory)
		}
	}
}
