package metrics

import (
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
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		for _, p := range d.InForce().Config.Read.Content.Patterns {
			m.patterns.WithLabelValues(string(p.Finding()))
		}
		scrape.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(m.status(d))
	})
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
