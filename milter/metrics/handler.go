package metrics

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Handler serves GET /metrics, /healthz and /status. Call it once.
func (m *Metrics) Handler(d Daemon) http.Handler {
	m.follow(d)
	return m.routes(d)
}

func (m *Metrics) routes(d Daemon) http.Handler {
	scrape := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true, CoalesceGather: true})
	health := shared{probe: d.Probe}
	mux := http.NewServeMux()
	var one sync.Mutex
	mux.HandleFunc("GET /metrics", alone(&one, func(w http.ResponseWriter, r *http.Request) {
		for _, p := range d.InForce().Config.Read.Content.Patterns {
			m.patterns.WithLabelValues(string(p.Finding()))
		}
		scrape.ServeHTTP(w, r)
	}))
	mux.HandleFunc("GET /status", alone(&one, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(m.status(d))
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := health.ask(r.Context()); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, strings.ReplaceAll(err.Error(), "\n", " ")+"\n")
			return
		}
		io.WriteString(w, "ok\n")
	})
	return mux
}

// alone makes one answer at a time, so that many clients leave the other processors to
// mail. It sends the answer afterwards, because a client may be slow.
func alone(one *sync.Mutex, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer := &answer{ResponseWriter: w, code: http.StatusOK}
		func() {
			one.Lock()
			defer one.Unlock()
			handler(answer, r)
		}()
		w.WriteHeader(answer.code)
		w.Write(answer.body.Bytes())
	}
}

// answer is an answer that is not yet sent.
type answer struct {
	http.ResponseWriter
	code int
	body bytes.Buffer
}

func (a *answer) WriteHeader(code int)        { a.code = code }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// maxProbe bounds a probe.
const maxProbe = 5 * time.Second

// shared answers all requests that arrive during one probe with its result.
type shared struct {
	probe func(context.Context) error

	mu      sync.Mutex
	running *running // nil between probes
}

type running struct {
	done chan struct{}
	err  error
}

func (s *shared) ask(ctx context.Context) error {
	r := s.join()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join returns the running probe, or starts one.
func (s *shared) join() *running {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		r := &running{done: make(chan struct{})}
		s.running = r
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), maxProbe)
			defer cancel()
			r.err = s.probe(ctx)
			s.mu.Lock()
			s.running = nil
			s.mu.Unlock()
			close(r.done)
		}()
	}
	return s.running
}
