package mtatest_test

import (
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

// A host that was stopped before it had begun to serve went on for ever.
func TestSinkStopsAtOnce(t *testing.T) {
	for range 200 {
		s, err := mtatest.StartSink()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}
