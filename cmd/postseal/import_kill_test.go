package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

// swapper alternately imports two lists with the real command.
type swapper struct {
	*testing.T
	site
	binary  string
	lists   map[string][]byte // by the name of the file
	inPlace string
}

func newSwapper(t *testing.T) *swapper {
	binary, err := mtatest.Build("../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	long := readFile(t, filepath.Join(testLists, "want.csv"))
	short := bytes.ReplaceAll(long, []byte("made-up-"), []byte("other-"))
	short = short[:bytes.LastIndexByte(short[:len(short)/2], '\n')+1]
	s := &swapper{T: t, site: newSite(t), binary: binary, lists: map[string][]byte{"long.csv": long, "short.csv": short}, inPlace: "long.csv"}
	for name, list := range s.lists {
		writeFile(t, filepath.Join(s.dir, name), list)
	}
	writeFile(t, s.list, long)
	return s
}

// start imports the list that is not in place.
func (s *swapper) start() *exec.Cmd {
	s.Helper()
	other := "long.csv"
	if s.inPlace == other {
		other = "short.csv"
	}
	cmd := exec.Command(s.binary, "import", "-config", s.config, "-accept", filepath.Join(s.dir, other))
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	return cmd
}

// look checks that a whole list is in place, and reports whether it is another
// one.
func (s *swapper) look() (swapped bool) {
	s.Helper()
	got := readFile(s.T, s.list)
	for name, list := range s.lists {
		if bytes.Equal(got, list) {
			swapped, s.inPlace = name != s.inPlace, name
			return swapped
		}
	}
	s.Fatalf("a list of %d octets, which is neither the old one nor the new:\n%s", len(got), got)
	return false
}

// alone runs an import to its end.
func (s *swapper) alone() {
	s.Helper()
	if err := s.start().Wait(); err != nil || !s.look() {
		s.Fatalf("an import that was left alone: %v, %s in place", err, s.inPlace)
	}
}

// TestImportKilled kills 300 imports at random moments around that of the
// rename. It measures this moment as it runs, because it depends on the load of
// the machine. After each, the list must be the old one or the new one, whole,
// and the next import must succeed and remove what is left over.
func TestImportKilled(t *testing.T) {
	const imports, sample = 300, 10
	s := newSwapper(t)
	began := time.Now()
	for range sample {
		s.alone()
	}
	swap := float64(time.Since(began)) / sample
	random := rand.New(rand.NewPCG(1, 2))
	before, behind, done := 0, 0, 0
	for range imports {
		cmd := s.start()
		time.Sleep(time.Duration(random.Float64() * 2 * swap))
		cmd.Process.Kill()
		err := cmd.Wait()
		var exit *exec.ExitError
		killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		swapped := s.look()
		if swapped {
			swap *= 0.98
		} else {
			swap *= 1.02
		}
		switch {
		case killed && swapped:
			behind++
		case killed:
			before++
		case err != nil || !swapped:
			t.Fatalf("an import that was done: %v, %s in place", err, s.inPlace)
		default:
			done++
		}
	}
	t.Logf("%d killed before the swap, %d behind it, %d done", before, behind, done)
	if before < imports/10 || behind == 0 {
		t.Errorf("of %d imports %d were killed before the swap and %d behind it: too few to prove anything", imports, before, behind)
	}
	s.alone()
	if got := s.left(t); len(got) != 1 {
		t.Errorf("the directory has %q", got)
	}
}
