package replay

import (
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Bar is a progress bar on a terminal.
type Bar struct {
	found, read, decided atomic.Int64

	mu   sync.Mutex // the terminal
	bar  *progressbar.ProgressBar
	stop chan struct{}
	done sync.WaitGroup
}

// interval is the time between two pictures of the bar.
const interval = 200 * time.Millisecond

// NewBar shows a bar on a terminal.
func NewBar(terminal io.Writer) *Bar {
	b := &Bar{stop: make(chan struct{})}
	b.bar = progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(terminal),
		progressbar.OptionShowBytes(true),
		progressbar.OptionUseIECUnits(true),
		progressbar.OptionSetWidth(20),
		progressbar.OptionThrottle(interval/2),
		progressbar.OptionClearOnFinish(),
	)
	b.done.Go(func() {
		for {
			select {
			case <-time.After(interval):
				b.draw()
			case <-b.stop:
				return
			}
		}
	})
	return b
}

func (b *Bar) draw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	// More files may be found, so the bar never reaches its end.
	b.bar.ChangeMax64(b.found.Load() + 1)
	b.bar.Describe(fmt.Sprintf("%d messages", b.decided.Load()))
	b.bar.Set64(min(b.read.Load(), b.found.Load()))
}

// Print removes the bar for the time of a print.
func (b *Bar) Print(print func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bar.Clear()
	return print()
}

// Close removes the bar.
func (b *Bar) Close() {
	close(b.stop)
	b.done.Wait()
	b.bar.Clear()
}

// Found counts octets that were found.
func (b *Bar) Found(octets int64) { b.found.Add(octets) }

// FoundAll counts the octets of files. Without a bar nobody needs their sizes.
func (b *Bar) FoundAll(files []fs.DirEntry) {
	for _, f := range files {
		if info, err := f.Info(); err == nil && info.Mode().IsRegular() {
			b.found.Add(info.Size())
		}
	}
}

// Read counts octets that were read.
func (b *Bar) Read(octets int64) { b.read.Add(octets) }

// Decided counts messages.
func (b *Bar) Decided(messages int) { b.decided.Add(int64(messages)) }
