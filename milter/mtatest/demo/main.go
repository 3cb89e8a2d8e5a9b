// Command demo sends the sample mails of testdata/mails through a private
// Postfix with postseal beside it, and shows for each recipient where the mail
// arrived. It needs root, Go and the packages postfix and postfix-pcre. It
// sends nothing off the machine, and leaves nothing behind.
//
// The exit status is 0 if every mail went where its sample says. It is 1 if one
// did not, or if the demo could not finish.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/postseal/postseal/milter/mtatest"
)

// samples is the directory of the sample mails in the checkout.
const samples = "testdata/mails"

func main() { os.Exit(run()) }

func run() int {
	// SIGHUP comes from a closed terminal, SIGPIPE from a pager that was left
	// early.
	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	differences, err := demonstrate(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	if differences > 0 {
		return 1
	}
	return 0
}

// demonstrate sends and shows every mail, and returns the number of differences
// from the samples.
func demonstrate(ctx context.Context) (differences int, err error) {
	root, err := mtatest.Root()
	if err != nil {
		return 0, err
	}
	mails, err := loadMails(filepath.Join(root, samples))
	if err != nil {
		return 0, err
	}
	fmt.Printf(heading, len(mails))
	w, err := startWorld(ctx, root)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()

	recipients := 0
	for i, m := range mails {
		r, err := w.pass(m)
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Print(r.text(i + 1))
		differences += len(r.differences())
		recipients += len(m.Recipients)
	}
	fmt.Print(legend)
	fmt.Printf("%d mails, %d recipients: ", len(mails), recipients)
	if differences == 0 {
		fmt.Println("all went where", samples, "says")
	} else {
		fmt.Printf("%d differences from %s, each marked DIFFERENT above\n", differences, samples)
	}
	return differences, nil
}
