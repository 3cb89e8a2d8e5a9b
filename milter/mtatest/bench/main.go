// Command bench compares postseal's speed and memory with those of other filters,
// each in turn on the same private Postfix. It needs root, Go and the packages that
// "make bench" installs. It sends nothing off the machine.
//
// It prints tables, and writes them and all measurements into bin/bench of the
// checkout, as bench.md and bench.json. Before it measures, it checks with a few
// mails that every filter does its job, and afterwards that each mail of the load has
// the filter's edit. The exit status is 1 if this is not so, or, with -quick, if
// postseal is worse than its bounds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/postseal/postseal/milter/mtatest"
)

func main() {
	s, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures, prints and writes.
func run(ctx context.Context, s settings) error {
	root, err := mtatest.Root()
	if err != nil {
		return err
	}
	r, err := bench(ctx, root, s)
	if r == nil {
		return err
	}
	// There are results, even if a program could not be stopped.
	if s.quick {
		lines, broken := r.verdict()
		fmt.Print(lines)
		if broken > 0 {
			err = errors.Join(err, fmt.Errorf("postseal is worse than %d of %d bounds in milter/mtatest/bench/quick.go", broken, len(bounds)))
		}
		return err
	}
	tables := r.markdown()
	fmt.Print(tables)
	return errors.Join(err, r.write(filepath.Join(root, "bin", "bench"), tables))
}

// bench measures what the settings say. If there is a report, the error is of the end.
func bench(ctx context.Context, root string, s settings) (_ *report, err error) {
	inMemory, err := useTmpfs()
	if err != nil {
		return nil, err
	}
	w, err := startWorld(root)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	if err := w.configure(s.rivals); err != nil {
		return nil, err
	}
	for _, e := range w.entrants {
		s.say("%s: does it do its job?\n", e.name)
		if err := w.check(e); err != nil {
			return nil, err
		}
	}
	report := newReport(root, s, inMemory)
	if report.Results, err = w.measureAll(ctx, s); err != nil {
		return nil, err
	}
	return report, nil
}
