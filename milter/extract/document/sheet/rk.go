package sheet

import "math"

// RK returns a number that Excel stores in 30 bits ([MS-XLS], section 2.5.217).
func RK(n uint32) float64 {
	v := math.Float64frombits(uint64(n&^3) << 32)
	if n&2 != 0 {
		v = float64(int32(n) >> 2)
	}
	if n&1 != 0 {
		v /= 100
	}
	return v
}
