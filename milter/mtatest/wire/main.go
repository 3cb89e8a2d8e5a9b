// Command wire measures postseal at the milter protocol, without an MTA, beside a
// filter on libmilter that does nothing. It sends what Postfix 3.7 sends. It needs
// Go, gcc and the package libmilter-dev.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// plan says how much is measured.
type plan struct {
	rounds      int
	length      time.Duration // of one measurement
	rate        float64       // messages a second of the open loop
	connections []int
	idle        []int         // connections between messages
	settle      time.Duration // before memory is read
	rows        []int
	reloadRows  []int
	units       int // the greatest part of a message
}

var (
	full = plan{
		rounds: 3, length: 2 * time.Second, rate: 400,
		connections: []int{1, 10, 50, 500, 2000}, idle: []int{500, 2000}, settle: 5 * time.Second,
		rows: []int{10, 300, 1000, 10_000, 100_000, 1_000_000}, reloadRows: []int{10_000, 1_000_000},
		units: 1 << 20,
	}
	quick = plan{
		rounds: 2, length: time.Second / 2, rate: 400,
		connections: []int{50}, idle: []int{500}, settle: time.Second,
		rows: []int{300, 100_000}, units: 1000,
	}
)

// sections are the tables, in order.
var sections = []struct {
	name    string
	measure func(*report, *filters, plan) error
}{{"speed", speed}, {"memory", connectionMemory}, {"reload", reload}, {"rows", rows}, {"growth", growth}}

func main() {
	short := flag.Bool("quick", false, "measure less")
	only := flag.String("only", "", "measure one section: speed, memory, reload, rows or growth")
	out := flag.String("o", "bin/bench", "the directory for wire.md and wire.json")
	flag.Parse()
	p := full
	if *short {
		p = quick
	}
	if err := run(p, *only, *out); err != nil {
		fmt.Fprintln(os.Stderr, "wire:", err)
		os.Exit(1)
	}
}

func run(p plan, only, out string) error {
	f, err := build()
	if err != nil {
		return err
	}
	defer f.remove()
	r := new(report)
	for _, s := range sections {
		if only != "" && s.name != only {
			continue
		}
		if err := s.measure(r, f, p); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	text := r.markdown()
	fmt.Print(text)
	if err := os.WriteFile(filepath.Join(out, "wire.md"), []byte(text), 0o644); err != nil {
		return err
	}
	return r.writeJSON(filepath.Join(out, "wire.json"))
}

// with starts a filter, opens connections, and stops the filter afterwards.
func (f *filters) with(k kind, connections int, mails []mail, use func(*running, *load) error) error {
	r, err := f.start(k)
	if err != nil {
		return err
	}
	l, err := r.connect(connections, mails)
	if err == nil {
		err = use(r, l)
		l.close()
	}
	if stopped := r.stop(); err == nil && stopped != nil {
		err = fmt.Errorf("%s: %w: %s", k.Name, stopped, r.log())
	}
	return err
}

// speed measures throughput and times. The filters run side by side and take turns.
func speed(r *report, f *filters, p plan) error {
	t := r.table("speed", "Messages of 4 KiB with one recipient. Closed loop: each connection sends its next message at once. "+
		fmt.Sprintf("Open loop: %.0f messages a second are due at fixed times, and a late message counts from then. Compare times in the open loop only: in the closed one, the faster filter has more messages at once.", p.rate),
		"messages/s", "CPU µs", "RCPT p50", "RCPT p99", "RCPT p99.9", "end p50", "end p99", "end p99.9", "message p99")
	kinds := []kind{nothing, withoutBody, withContent}
	var started []*running
	defer func() {
		for _, s := range started {
			s.stop()
		}
	}()
	for _, k := range kinds {
		s, err := f.start(k)
		if err != nil {
			return err
		}
		started = append(started, s)
	}
	for _, connections := range p.connections {
		for _, rate := range []float64{0, p.rate} {
			name := fmt.Sprintf("closed loop, connections: %d", connections)
			if rate > 0 {
				name = fmt.Sprintf("open loop, connections: %d", connections)
			}
			for range p.rounds {
				for _, s := range started {
					values, err := s.measure(connections, rate, mails(1, withoutBody.Rows), p.length)
					if err != nil {
						return fmt.Errorf("%s: %s: %w", s.Name, name, err)
					}
					t.add(name, s.Name, values)
				}
			}
		}
	}
	return nil
}

// measure runs a load and returns its figures.
func (r *running) measure(connections int, rate float64, mails []mail, length time.Duration) (map[string]float64, error) {
	l, err := r.connect(connections, mails)
	if err != nil {
		return nil, err
	}
	defer l.close()
	l.rate = rate
	if _, err := l.run(0, length/4); err != nil {
		return nil, err
	}
	before, err := r.cpu()
	if err != nil {
		return nil, err
	}
	result, err := l.run(0, length)
	if err != nil {
		return nil, err
	}
	after, err := r.cpu()
	values := result.values()
	values["CPU µs"] = float64((after - before).Microseconds()) / float64(result.messages)
	return values, err
}

// values are the figures of a result, times in µs.
func (r result) values() map[string]float64 {
	values := map[string]float64{"messages/s": float64(r.messages) / r.took.Seconds()}
	for name, t := range map[string]times{"RCPT": r.rcpt, "end": r.end, "message": r.message} {
		for p, at := range map[string]float64{"p50": 50, "p99": 99, "p99.9": 99.9, "max": 100} {
			values[name+" "+p] = float64(t.percentile(at).Nanoseconds()) / 1000
		}
	}
	return values
}

const kibInMiB = 1024

// connectionMemory measures the memory of connections between messages, each after
// one message, and with all of them busy.
func connectionMemory(r *report, f *filters, p plan) error {
	t := r.table("memory", "MiB of memory (PSS), with 10,000 rows: before the first connection, with idle connections that have each sent a message, and the greatest with all connections busy.",
		"none", "idle", "idle KiB each", "busy", "busy KiB each")
	for _, connections := range p.idle {
		for _, k := range []kind{nothing, withoutBody, withContent} {
			err := f.with(k, 1, mails(1, k.Rows), func(r *running, first *load) error {
				none, err := r.memory()
				if err != nil {
					return err
				}
				l, err := r.connect(connections, mails(1, k.Rows))
				if err != nil {
					return err
				}
				defer l.close()
				if _, err := l.run(0, time.Nanosecond); err != nil { // a message each
					return err
				}
				time.Sleep(p.settle)
				idle, err := r.memory()
				if err != nil {
					return err
				}
				stop, most := r.watchMemory()
				if _, err := l.run(0, 2*p.length); err != nil {
					return err
				}
				close(stop)
				busy := <-most
				t.add(fmt.Sprintf("%d connections", connections), k.Name, map[string]float64{
					"none": float64(none.PSS) / kibInMiB, "idle": float64(idle.PSS) / kibInMiB, "busy": float64(busy) / kibInMiB,
					"idle KiB each": float64(idle.PSS-none.PSS) / float64(connections), "busy KiB each": float64(busy-none.PSS) / float64(connections),
				})
				return nil
			})
			if err != nil {
				return fmt.Errorf("%s: %w", k.Name, err)
			}
		}
	}
	return nil
}

// watchMemory reads the PSS until stop is closed, and returns the greatest.
func (r *running) watchMemory() (stop chan struct{}, most chan int) {
	stop, most = make(chan struct{}), make(chan int, 1)
	go func() {
		greatest := 0
		for {
			if m, err := r.memory(); err == nil {
				greatest = max(greatest, m.PSS)
			}
			select {
			case <-stop:
				most <- greatest
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return stop, most
}

// reload measures an open loop without and with a reload every 100 ms. A signal that
// comes during a reload starts the next one after it.
func reload(r *report, f *filters, p plan) error {
	if len(p.reloadRows) == 0 {
		return nil
	}
	t := r.table("reload", fmt.Sprintf("50 connections, open loop, %.0f messages a second; the second line of each with SIGHUP every 100 ms. Ratios are to the line without.", p.rate),
		"reloads/s", "PSS MiB", "RCPT p50", "RCPT p99", "RCPT p99.9", "end p99", "end p99.9", "message p99", "message p99.9", "message max")
	t.base = "without reload"
	for _, rows := range p.reloadRows {
		k := withoutBody
		k.Rows = rows
		err := f.with(k, 50, mails(1, rows), func(r *running, l *load) error {
			l.rate = p.rate
			for range p.rounds {
				for _, name := range []string{t.base, "with reload"} {
					stop, most := r.watchMemory()
					if name != t.base {
						go r.hangUp(stop)
					}
					before := r.reloads()
					result, err := l.run(0, 2*p.length)
					close(stop)
					greatest := <-most
					if err != nil {
						return err
					}
					values := result.values()
					values["reloads/s"] = float64(r.reloads()-before) / result.took.Seconds()
					values["PSS MiB"] = float64(greatest) / kibInMiB
					t.add(fmt.Sprintf("%d rows", rows), name, values)
					r.settle()
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// hangUp sends SIGHUP every 100 ms until stop is closed.
func (r *running) hangUp(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
			r.signalReload()
		}
	}
}

// rows measures what the number of rows costs.
func rows(r *report, f *filters, p plan) error {
	t := r.table("rows", "Rows of the accredited list. first: ms from the start of the process to the reply to the end of the first message. RCPT: µs of a reply, on one connection.",
		"first", "PSS MiB", "peak MiB", "B/row", "reload ms", "RCPT listed", "RCPT unknown", "RCPT look-alike")
	for range p.rounds {
		c, err := f.firstMessage(nothing)
		if err != nil {
			return err
		}
		t.add("no rows", nothing.Name, c)
		base := 0.0
		for _, rows := range p.rows {
			k := withoutBody
			k.Rows = rows
			values, err := f.firstMessage(k)
			if err != nil {
				return err
			}
			if base == 0 {
				base = values["PSS MiB"]
			} else if rows >= 100_000 { // fewer hide behind the rest of the process
				values["B/row"] = (values["PSS MiB"] - base) * (1 << 20) / float64(rows)
			}
			t.add(fmt.Sprintf("%d rows", rows), k.Name, values)
		}
	}
	return nil
}

// firstMessage starts a filter and measures the time until the end of its first
// message, and what its rows cost afterwards.
func (f *filters) firstMessage(k kind) (map[string]float64, error) {
	values := make(map[string]float64)
	err := f.with(k, 1, mails(1, k.Rows), func(r *running, l *load) error {
		if _, err := l.run(0, time.Nanosecond); err != nil {
			return err
		}
		values["first"] = milliseconds(time.Since(r.began))
		if k.C {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
		m, err := r.memory()
		if err != nil {
			return err
		}
		values["PSS MiB"], values["peak MiB"] = float64(m.PSS)/kibInMiB, float64(m.Peak)/kibInMiB
		for name, domain := range map[string]string{
			"listed": listed(k.Rows / 2), "unknown": "customer.example", "look-alike": strings.Replace(listed(k.Rows/2), "made-up", "maed-up", 1),
		} {
			list := mails(1, k.Rows)[:1]
			list[0].recipients = []string{"bob@" + domain}
			own, err := r.connect(1, list)
			if err != nil {
				return err
			}
			result, err := own.run(0, 300*time.Millisecond)
			own.close()
			if err != nil {
				return err
			}
			values["RCPT "+name] = microseconds(result.rcpt.percentile(50))
		}
		began, before := time.Now(), r.reloads()
		r.signalReload()
		for r.reloads() == before {
			time.Sleep(time.Millisecond)
		}
		values["reload ms"] = milliseconds(time.Since(began))
		return nil
	})
	return values, err
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
