package main

import (
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// load is a number of connections to a filter, as an MTA has them. One goroutine
// serves all of them, because it shares the processors with the filter.
//
// Without a rate, each connection sends its next message as soon as it has the
// reply to the last one: a closed loop, which shows the greatest throughput. With a
// rate, messages are due at fixed times: an open loop. The time of a late message
// counts from the time at which it was due, so that a pause of the filter counts for
// every message that the pause delays.
type load struct {
	address string // of the unix socket
	mails   []mail // sent in turn
	rate    float64

	dialect  *dialect
	scripts  [2][][]step // for the first message of a connection, and for a further one
	clients  []*client
	epoll    int
	timer    int
	due      dueClients
	sent     int // messages begun
	stopping bool
	input    [64 << 10]byte
	result   result
}

// result is what was measured.
type result struct {
	messages int
	replies  map[string]int // to RCPT and to the end of a message, such as "end c"
	edits    int
	rcpt     times
	end      times
	message  times // from the time at which the message was due
	took     time.Duration
}

// times are samples, of which percentiles are exact.
type times []time.Duration

// percentile returns the sample that is at least as great as p percent of them.
func (t times) percentile(p float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	slices.Sort(t)
	i := int(p/100*float64(len(t))+0.999999) - 1
	return t[max(0, min(i, len(t)-1))]
}

// client is one connection.
type client struct {
	fd    int
	steps []step // of the message under way; the first awaits a reply
	used  bool   // has sent a message
	idle  bool   // is between messages
	asked time.Time
	late  time.Duration // of the message under way, until the reply to its first RCPT
	due   time.Time     // of the message
	input []byte        // the beginning of a reply
}

// dueClients is a heap of the clients that wait until their next message is due.
type dueClients []*client

func (d dueClients) Len() int           { return len(d) }
func (d dueClients) Less(i, j int) bool { return d[i].due.Before(d[j].due) }
func (d dueClients) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *dueClients) Push(x any)        { *d = append(*d, x.(*client)) }
func (d *dueClients) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// newLoad opens connections and negotiates.
func newLoad(address string, connections int, mails []mail) (*load, error) {
	l := &load{address: address, mails: mails}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return nil, err
	}
	if err := l.watch(l.timer, -1); err != nil {
		return nil, err
	}
	for range connections {
		if err := l.open(); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *load) watch(fd, index int) error {
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(index)})
}

// open opens one connection.
func (l *load) open() error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c := &client{fd: fd, idle: true}
	l.clients = append(l.clients, c)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: l.address}); err != nil {
		return fmt.Errorf("connecting to %s: %w", l.address, err)
	}
	if _, err := unix.Write(fd, offer()); err != nil {
		return err
	}
	n, err := unix.Read(fd, l.input[:])
	if err != nil {
		return err
	}
	if l.dialect == nil {
		if n < 4 {
			return errors.New("negotiation: the filter closed the connection")
		}
		if l.dialect, err = newDialect(l.input[4:n]); err != nil {
			return err
		}
		for i, m := range l.mails {
			id := fmt.Sprintf("%011X", 0xA0000000000+i)
			l.scripts[0] = append(l.scripts[0], l.dialect.message(m, id, true))
			l.scripts[1] = append(l.scripts[1], l.dialect.message(m, id, false))
		}
	}
	return l.watch(fd, len(l.clients)-1)
}

func (l *load) close() {
	for _, c := range l.clients {
		unix.Close(c.fd)
	}
	unix.Close(l.epoll)
	unix.Close(l.timer)
}

// run sends messages for a time, then waits until those under way have ended. It
// counts those that begin after the warm-up.
func (l *load) run(warm, length time.Duration) (result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.result = result{replies: make(map[string]int)}
	l.due = l.due[:0]
	l.stopping = false
	begin := time.Now()
	for i, c := range l.clients {
		c.due = begin
		if l.rate > 0 {
			c.due = begin.Add(time.Duration(i) * l.period() / time.Duration(len(l.clients)))
		}
		heap.Push(&l.due, c)
	}
	warmed := warm == 0
	for end := begin.Add(warm + length); ; {
		now := time.Now()
		if !warmed && now.Sub(begin) >= warm {
			l.result, warmed, begin = result{replies: make(map[string]int)}, true, now
		}
		if !l.stopping && !now.Before(end) {
			l.stopping, l.due = true, l.due[:0]
			counted := l.result // what ends later is not counted
			counted.took = now.Sub(begin)
			return counted, l.finish()
		}
		if err := l.turn(end); err != nil {
			return result{}, err
		}
	}
}

// finish waits until no message is under way.
func (l *load) finish() error {
	l.result = result{replies: make(map[string]int)}
	for slices.ContainsFunc(l.clients, func(c *client) bool { return !c.idle }) {
		if err := l.turn(time.Now().Add(time.Minute)); err != nil {
			return err
		}
	}
	return nil
}

// period is the time between two messages of a connection.
func (l *load) period() time.Duration {
	return time.Duration(float64(len(l.clients)) / l.rate * float64(time.Second))
}

// turn begins the messages that are due, then waits for replies until the next one
// is due or the time has come.
func (l *load) turn(end time.Time) error {
	for len(l.due) > 0 && !time.Now().Before(l.due[0].due) {
		if err := l.begin(heap.Pop(&l.due).(*client)); err != nil {
			return err
		}
	}
	if len(l.due) > 0 && l.due[0].due.Before(end) {
		end = l.due[0].due
	}
	wait := unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, int64(time.Until(end))))}
	if err := unix.TimerfdSettime(l.timer, 0, &wait, nil); err != nil {
		return err
	}
	var events [256]unix.EpollEvent
	n, err := unix.EpollWait(l.epoll, events[:], -1)
	if err != nil && err != unix.EINTR {
		return err
	}
	for _, event := range events[:max(0, n)] {
		if event.Fd < 0 {
			unix.Read(l.timer, l.input[:8])
			continue
		}
		if err := l.read(l.clients[event.Fd]); err != nil {
			return err
		}
	}
	return nil
}

// begin sends the first step of a message.
func (l *load) begin(c *client) error {
	further := 0
	if c.used {
		further = 1
	}
	scripts := l.scripts[further]
	c.steps, c.used, c.idle = scripts[l.sent%len(scripts)], true, false
	l.sent++
	c.late = time.Since(c.due)
	if l.rate == 0 {
		c.due, c.late = time.Now(), 0
	}
	return l.send(c)
}

// send sends steps up to the next that awaits a reply.
func (l *load) send(c *client) error {
	for {
		for _, part := range c.steps[0].writes {
			for len(part) > 0 {
				n, err := unix.Write(c.fd, part)
				if err != nil && err != unix.EINTR {
					return fmt.Errorf("writing: %w", err)
				}
				part = part[max(0, n):]
			}
		}
		if !c.steps[0].silent {
			c.asked = time.Now()
			return nil
		}
		c.steps = c.steps[1:]
	}
}

// read reads replies. A filter may send edits before the reply to the end of a
// message.
func (l *load) read(c *client) error {
	n, err := unix.Read(c.fd, l.input[:])
	switch {
	case err == unix.EINTR:
		return nil
	case err != nil:
		return fmt.Errorf("reading: %w", err)
	case n == 0:
		return errors.New("the filter closed a connection")
	}
	input := l.input[:n]
	if len(c.input) > 0 {
		input = append(c.input, input...)
	}
	for len(input) >= 5 {
		length := 4 + int(binary.BigEndian.Uint32(input))
		if len(input) < length {
			break
		}
		code := input[4]
		input = input[length:]
		if err := l.reply(c, code); err != nil {
			return err
		}
	}
	c.input = append(c.input[:0], input...)
	return nil
}

// reply takes one packet of the filter.
func (l *load) reply(c *client, code byte) error {
	if c.idle {
		return fmt.Errorf("a packet %q between messages", code)
	}
	at := c.steps[0].at
	switch code {
	case 'c', 'y', 'a', 't', 'r', 'd':
	case 'h', 'i', 'm', '+', '2', '-', 'q', 'p':
		l.result.edits++
		if at == atEnd {
			return nil
		}
		fallthrough
	default:
		return fmt.Errorf("a packet %q in reply to %q", code, stages[at].code)
	}
	now := time.Now()
	took := now.Sub(c.asked)
	switch at {
	case atRcpt:
		l.result.rcpt = append(l.result.rcpt, took+c.late)
		c.late = 0
		l.result.replies["rcpt "+string(code)]++
	case atEnd:
		l.result.replies["end "+string(code)]++
		l.result.end = append(l.result.end, took+c.late)
		l.result.message = append(l.result.message, now.Sub(c.due))
		l.result.messages++
		c.idle = true
		return l.next(c)
	default:
		if code != 'c' {
			return fmt.Errorf("a packet %q in reply to %q", code, stages[at].code)
		}
	}
	c.steps = c.steps[1:]
	return l.send(c)
}

// next makes a client's next message due.
func (l *load) next(c *client) error {
	switch {
	case l.stopping:
		return nil
	case l.rate == 0:
		return l.begin(c)
	}
	c.due = c.due.Add(l.period())
	heap.Push(&l.due, c)
	return nil
}
