// Command soak sends mail through a private Postfix and a private Sendmail while faults
// happen to postseal, its files, its log, the MTA and the relay. It keeps a ledger of
// each recipient of each message, and checks at the end that no mail was lost, went out
// unencrypted or arrived twice. It also shows how soon mail passes after each fault, and
// what reported the fault.
//
// It needs root and the packages that "make soak" installs. It sends nothing off the
// machine, and prints no text of a message. The exit status is 1 if anything is wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/postseal/postseal/milter/mtatest"
)

func main() {
	length := flag.Duration("for", 10*time.Minute, "how long mail is sent on each MTA")
	seed := flag.Uint64("seed", 0, "the seed of the faults and the mail; 0: a new one")
	mtas := flag.String("mta", "postfix,sendmail", "the MTAs, one after the other")
	flag.Parse()
	// If the program is killed, the disk for the log goes with its mounts.
	if err := mtatest.Unshare(ownMounts, "--mount"); err != nil {
		fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	root, err := mtatest.Root()
	if err != nil {
		fatal(err)
	}
	dir, err := os.MkdirTemp("", "postseal-soak-")
	if err != nil {
		fatal(err)
	}
	binary, err := build(root, dir)
	for _, kind := range strings.Split(*mtas, ",") {
		if err == nil && ctx.Err() == nil {
			var r *report
			if r, err = soak(ctx, root, binary, kind, newSeed(*seed), *length, os.Stdout); r != nil {
				fmt.Print(r.text())
				err = errors.Join(err, r.verdict())
			}
		}
	}
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		fatal(err)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "soak:", err)
	os.Exit(1)
}

func newSeed(seed uint64) uint64 {
	if seed == 0 {
		seed = rand.Uint64N(1_000_000_000)
	}
	return seed
}

// ownMounts is set in the environment of a soak that has mounts of its own.
const ownMounts = "POSTSEAL_SOAK_MOUNTS"

// build builds postseal as "make build" does, for a user who is not root.
func build(root, dir string) (string, error) {
	os.Setenv("CGO_ENABLED", "0") // C's threads would end the program in another way
	binary, err := mtatest.Build(root, dir)
	return binary, errors.Join(err, os.Chmod(dir, 0o755))
}

// clients is how many clients send mail over SMTP. One more uses sendmail(1).
const clients = 4

// soak sends mail on one MTA for the given time, and then counts. If there is a report,
// the error is of the end.
func soak(ctx context.Context, root, binary, kind string, seed uint64, length time.Duration, out io.Writer) (r *report, err error) {
	fmt.Fprintf(out, "%s: seed %d, %v\n", kind, seed, length)
	w, err := startWorld(root, binary, kind, seed)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	var sending sync.WaitGroup
	sendCtx, stop := context.WithCancel(ctx)
	for i := range clients + 1 {
		sending.Go(func() { w.run(sendCtx, rand.New(rand.NewPCG(seed, uint64(i+1))), i == clients) })
	}
	r = &report{kind: kind, seed: seed, rows: make(map[string]*row)}
	err = w.rounds(ctx, length, r, out)
	stop()
	sending.Wait()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if err = w.empty(); err != nil {
		w.told.fault(err.Error())
	}
	r.sums = w.ledger.account()
	if s := r.sums; min(s.Direct, s.Sealed, s.Held, s.Returned, s.Refused) == 0 {
		w.told.fault("a kind of mail is missing")
	}
	r.faults = w.told.faults
	return r, nil
}

// rounds makes one fault after the other, sometimes with another one beside it. Each
// kind comes once before any comes again.
func (w *world) rounds(ctx context.Context, length time.Duration, r *report, out io.Writer) error {
	list := faults()
	var deck []*fault
	for end := time.Now().Add(length); time.Now().Before(end) && ctx.Err() == nil; {
		if len(deck) == 0 {
			for _, i := range w.random.Perm(len(list)) {
				deck = append(deck, list[i])
			}
		}
		now := deck[:1]
		deck = deck[1:]
		if beside := slices.IndexFunc(deck, func(f *fault) bool { return f.mta }); beside >= 0 && !now[0].mta && w.random.IntN(4) == 0 {
			now = []*fault{now[0], deck[beside]}
			deck = slices.Delete(slices.Clone(deck), beside, beside+1)
		}
		if err := w.round(now, r, out); err != nil {
			return err
		}
	}
	return nil
}

// round makes faults, and waits until all is well again.
func (w *world) round(now []*fault, r *report, out io.Writer) error {
	w.look() // what is left of the fault before
	w.told.begin(w.status().problems())
	w.allow(now[0].tells)
	defer w.allow("")
	began := time.Now()
	var names []string
	for _, f := range now {
		names = append(names, f.name)
	}
	fmt.Fprintf(out, "%s %s: %s\n", began.Format(time.TimeOnly), r.kind, strings.Join(names, ", "))
	for _, f := range now {
		if err := f.begin(w); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	for _, f := range now {
		if f.tells != "" && !mtatest.Within(func() bool { return w.told.has(f.tells) }) {
			w.told.fault(fmt.Sprintf("%s: nothing reports %q, only %q", f.name, f.tells, w.told.list()))
		}
	}
	time.Sleep(time.Duration(1000+w.random.IntN(3000)) * time.Millisecond)
	for _, f := range now {
		if f.end != nil {
			if err := f.end(w); err != nil {
				return fmt.Errorf("the end of %s: %w", f.name, err)
			}
		}
	}
	over := time.Now()
	passed := w.ledger.add(probe)
	c := &client{w: w}
	c.deliver(passed)
	c.close()
	if !mtatest.Within(func() bool { return w.ledger.complete(passed) }) {
		w.told.fault(strings.Join(names, ", ") + ": mail does not pass again")
	}
	took := time.Since(over)
	if !mtatest.Within(func() bool { return w.status().sound(w.rows) }) {
		w.told.fault(strings.Join(names, ", ") + ": the status does not recover")
	}
	if w.stderr == w.disk {
		w.readDisk()
	}
	for _, f := range now {
		w.ledger.window(f, window{began.Add(-2 * time.Second), time.Now().Add(2 * time.Second)})
		r.row(f.name).add(took, w.told.list(), f.mta && len(now) > 1)
	}
	fmt.Fprintf(out, "%s %s: mail passes after %.1f s\n", time.Now().Format(time.TimeOnly), r.kind, took.Seconds())
	if w.stderr != w.pipe { // the disk is small
		return w.logTo(w.pipe)
	}
	return nil
}

// empty waits until all mail has arrived, releases held mail, and waits for it.
func (w *world) empty() error {
	held, err := mtatest.Settle(w.mta, mtatest.Patience)
	if err != nil {
		return err
	}
	w.take()
	w.ledger.release()
	for _, q := range held {
		if err := w.mta.Release(q.ID); err != nil {
			return err
		}
	}
	if err := w.mta.Retry(); err != nil {
		return err
	}
	_, err = mtatest.Settle(w.mta, mtatest.Patience)
	w.take()
	return err
}
