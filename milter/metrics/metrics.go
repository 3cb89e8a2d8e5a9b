// Package metrics counts the events of the log, and serves the figures over HTTP.
package metrics

import (
	"slices"
	"sync"
	"time"

	"github.com/postseal/postseal/milter/maillog"
	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules"
	"github.com/postseal/postseal/rules/finding"
	"github.com/postseal/postseal/rules/marker"
	"github.com/postseal/postseal/rules/table"
	"github.com/prometheus/client_golang/prometheus"
)

// The lengths of arrays by action, mode, marker and class.
const (
	actions = rules.Reject + 1
	modes   = rules.Enforce + 1
	markers = marker.Missing + 1
	classes = table.Closed + 1
)

// Metrics counts events. Every series exists from the start, so that Prometheus can
// see an increase from 0, and so that counting needs no memory.
type Metrics struct {
	registry *prometheus.Registry

	messages         [actions][markers][modes]prometheus.Counter
	recipients       [classes][modes]prometheus.Counter
	recipientActions [actions][modes]prometheus.Counter
	nearMisses       map[marker.Kind]prometheus.Counter
	findings         map[finding.Name]prometheus.Counter
	patterns         *prometheus.CounterVec // the vector of findings
	sensitive        [actions][modes]prometheus.Counter
	refused          [classes]map[message.RefusalKind]prometheus.Counter
	readingsDiffer   prometheus.Counter
	decision         prometheus.Histogram
	document         prometheus.Histogram
	broken           prometheus.Counter
	internalErrors   prometheus.Counter
	reloaded         prometheus.Counter
	reloadRefused    prometheus.Counter
	refusedLeftOut   prometheus.Counter
	readingsLeftOut  prometheus.Counter

	counted

	now func() time.Time
	mu  sync.Mutex // protects state
	state
}

// New returns metrics with all counts at 0.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), now: time.Now}
	m.state = state{started: m.now(), loaded: m.now(), lost: make(map[string]bool)}
	m.register()
	return m
}

// Count counts an event.
func (m *Metrics) Count(e maillog.Event) {
	switch e := e.(type) {
	case maillog.Decision:
		m.decided(e)
	case maillog.RefusedRecipient:
		if counter := m.refused[e.Class][e.Kind]; counter != nil {
			counter.Inc()
		}
	case maillog.ReadingsDiffer:
		m.readingsDiffer.Inc()
	case maillog.LinesLeftOut:
		m.refusedLeftOut.Add(float64(e.RefusedRecipient))
		m.readingsLeftOut.Add(float64(e.ReadingsDiffer))
	case maillog.SessionBroken:
		m.broken.Inc()
	case maillog.InternalError:
		m.internalErrors.Inc()
	case maillog.Reloaded:
		m.reloaded.Inc()
	case maillog.ReloadRefused:
		m.reloadRefused.Inc()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.note(e, m.now())
}

// Document counts a document, and how long its reading took.
func (m *Metrics) Document(took time.Duration) { m.document.Observe(took.Seconds()) }

func (m *Metrics) decided(e maillog.Decision) {
	m.messages[e.Action][e.Marker][e.Mode].Inc()
	for class, n := range e.ByClass {
		m.recipients[class][e.Mode].Add(float64(n))
	}
	for action, n := range e.ByAction {
		m.recipientActions[action][e.Mode].Add(float64(n))
	}
	if counter := m.nearMisses[e.NearMiss]; counter != nil {
		counter.Inc()
	}
	for i, f := range e.Findings {
		if !slices.ContainsFunc(e.Findings[:i], func(earlier maillog.Finding) bool { return earlier.Name == f.Name }) {
			m.found(f.Name)
		}
	}
	if e.IsSensitiveUnmarked() {
		m.sensitive[e.Action][e.Mode].Inc()
	}
	m.decision.Observe(float64(e.TookUS) / 1e6)
}

func (m *Metrics) found(name finding.Name) {
	if counter := m.findings[name]; counter != nil {
		counter.Inc()
	} else {
		m.patterns.WithLabelValues(string(name)).Inc()
	}
}

// register makes all metrics and all their series.
func (m *Metrics) register() {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		vector := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(vector)
		return vector
	}
	histogram := func(name, help string) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
		m.registry.MustRegister(h)
		return h
	}
	messages := counter("postseal_messages_total", "Decided messages.", "action", "marker", "mode")
	recipients := counter("postseal_recipients_total", "Recipients of decided messages, by class.", "class", "mode")
	recipientActions := counter("postseal_recipient_actions_total", "Recipients of decided messages, by action.", "action", "mode")
	sensitive := counter("postseal_sensitive_unmarked_messages_total", "Sensitive messages without the marker to recipients that need it.", "action", "mode")
	for mode := range modes {
		for action := range actions {
			for state := range markers {
				m.messages[action][state][mode] = messages.WithLabelValues(action.String(), state.String(), mode.String())
			}
			m.recipientActions[action][mode] = recipientActions.WithLabelValues(action.String(), mode.String())
			m.sensitive[action][mode] = sensitive.WithLabelValues(action.String(), mode.String())
		}
		for class := range classes {
			m.recipients[class][mode] = recipients.WithLabelValues(class.String(), mode.String())
		}
	}
	nearMisses := counter("postseal_near_misses_total", "Messages with a near miss, by its kind.", "kind")
	m.nearMisses = make(map[marker.Kind]prometheus.Counter)
	for _, kind := range marker.Kinds() {
		m.nearMisses[kind] = nearMisses.WithLabelValues(string(kind))
	}
	m.patterns = counter("postseal_findings_total", "Messages with a finding, by its name.", "name")
	m.findings = make(map[finding.Name]prometheus.Counter)
	for _, name := range finding.Names() {
		m.findings[name] = m.patterns.WithLabelValues(string(name))
	}
	refused := counter("postseal_refused_recipients_total", "Recipients refused at RCPT, by class and reason.", "class", "reason")
	for class := range classes {
		m.refused[class] = make(map[message.RefusalKind]prometheus.Counter)
		for _, kind := range message.RefusalKinds(class) {
			m.refused[class][kind] = refused.WithLabelValues(class.String(), string(kind))
		}
	}
	m.readingsDiffer = counter("postseal_readings_differ_total", "Recipients refused because the MTA reads another domain.").WithLabelValues()
	m.decision = histogram("postseal_decision_seconds", "Time from the end of a message to its decision.")
	m.document = histogram("postseal_document_seconds", "Time that a document took, from its start to its end.")
	m.broken = counter("postseal_sessions_broken_total", "Connections that the MTA or a fault broke.").WithLabelValues()
	m.internalErrors = counter("postseal_internal_errors_total", "Events \"internal error\".").WithLabelValues()
	reloads := counter("postseal_reloads_total", "Reloads, by their result.", "result")
	m.reloaded, m.reloadRefused = reloads.WithLabelValues("accepted"), reloads.WithLabelValues("refused")
	leftOut := counter("postseal_lines_left_out_total", "Log lines left out because one message had too many.", "event")
	m.refusedLeftOut, m.readingsLeftOut = leftOut.WithLabelValues("refused_recipient"), leftOut.WithLabelValues("readings_differ")
}

// buckets are the upper bounds of the histograms, in seconds. The
// documents of one message may take 25 seconds at most (content.max_seconds).
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30}
