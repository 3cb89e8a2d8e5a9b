package milter

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	modelMessages = flag.Int("model.messages", 20_000, "how many messages TestModel sends")
	modelSeed     = flag.Uint64("model.seed", 0, "the seed of TestModel; 0: a new one")
	modelScript   = flag.Int("model.script", -1, "run only this script of the seed")
)

// TestModel sends random scripts to a server, and compares what it does with the
// model.
func TestModel(t *testing.T) {
	seed := *modelSeed
	for seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	if *modelScript >= 0 {
		runModel(t, newModelServer(t), seed, *modelScript)
		return
	}
	var next, ended atomic.Int64
	var workers sync.WaitGroup
	for range 8 * runtime.GOMAXPROCS(0) {
		s := newModelServer(t)
		workers.Go(func() {
			for ended.Load() < int64(*modelMessages) && !t.Failed() {
				ended.Add(int64(runModel(t, s, seed, int(next.Add(1)))))
			}
		})
	}
	workers.Wait()
	t.Logf("%d messages in %d scripts", ended.Load(), next.Load())
}

// runModel runs one script, and reports a fault with the shortest script that has
// it.
func runModel(t testing.TB, s *modelServer, seed uint64, number int) (ended int) {
	g := &choices{random: rand.New(rand.NewPCG(seed, uint64(number)))}
	script := g.script(number)
	ended, fault := s.play(script, nil)
	if fault != "" {
		reportFault(t, s, script, fmt.Sprintf("-model.seed %d -model.script %d", seed, number), fault)
	}
	return ended
}

func reportFault(t testing.TB, s *modelServer, script scriptModel, name, fault string) {
	script = shortest(s, script)
	var trace []string
	if _, again := s.play(script, &trace); again != "" {
		fault = again
	} else {
		fault += "\n(not with the shorter script)"
	}
	t.Errorf("%s: %s\n%s", name, fault, strings.Join(trace, "\n"))
}

// shortest removes steps as long as the script has a fault, for a minute at most.
func shortest(s *modelServer, script scriptModel) scriptModel {
	end := time.Now().Add(time.Minute)
	for size := len(script.steps) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(script.steps) && time.Now().Before(end); {
			shorter := script
			shorter.steps = slices.Delete(slices.Clone(script.steps), at, at+size)
			if _, fault := s.play(shorter, nil); fault != "" {
				script = shorter
			} else {
				at += size
			}
		}
	}
	return script
}
