package metrics

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/postseal/postseal/milter/message"
	"github.com/postseal/postseal/rules"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Daemon has the values that events do not have. The functions are called at each
// request.
type Daemon struct {
	Version   string
	InForce   func() InForce
	Sessions  func() int
	Refused   func() int // connections, since the start
	LinesLost func() int // from the log, since the start
	// Probe returns an error if the daemon does not decide a test message.
	Probe func(context.Context) error
}

// InForce is the configuration in force.
type InForce struct {
	Config       *message.Config
	Edition      string
	ListImported time.Time // zero if there is no list
}

// follow registers the metrics that are read from the daemon.
func (m *Metrics) follow(d Daemon) {
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "postseal_sessions", Help: "Connections of the MTA that are open."},
			func() float64 { return float64(d.Sessions()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "postseal_connections_refused_total", Help: "Connections closed at the limit."},
			func() float64 { return float64(d.Refused()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "postseal_log_lines_lost_total", Help: "Log lines that could not be written."},
			func() float64 { return float64(d.LinesLost()) }),
		&inForce{m, d.InForce},
	)
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "postseal_build_info", Help: "The version of postseal and of Go."}, []string{"version", "goversion"})
	build.WithLabelValues(d.Version, runtime.Version()).Set(1)
	m.registry.MustRegister(build)
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	unreadDesc        = describe("postseal_configuration_refused", "1 while a configuration, list or rule file on disk is refused.")
	socketLostDesc    = describe("postseal_socket_lost", "1 while the MTA cannot reach a socket file.")
	loadedDesc        = describe("postseal_configuration_loaded_timestamp_seconds", "When the configuration in force was loaded.")
	listDesc          = describe("postseal_list_imported_timestamp_seconds", "When the accredited list was imported.")
	rowsDesc          = describe("postseal_rows", "Rows of the table.")
	nextExpiryDesc    = describe("postseal_next_row_expiry_timestamp_seconds", "When the next row expires.")
	expiringDesc      = describe("postseal_rows_expiring", "Rows that expire within 30 days.")
	expiredDesc       = describe("postseal_rows_expired", "Rows that are ignored because they have expired.")
	reviewDueDesc     = describe("postseal_tables_review_due", "Tables whose review is due.")
	enforcingDesc     = describe("postseal_enforcing", "1 in mode enforce.")
	configurationDesc = describe("postseal_configuration_info", "The configuration in force.", "config", "edition", "mode")
)

// inForce collects the metrics of the configuration in force.
type inForce struct {
	m   *Metrics
	now func() InForce
}

func (c *inForce) Describe(list chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		unreadDesc, socketLostDesc, loadedDesc, listDesc, rowsDesc, nextExpiryDesc, expiringDesc, expiredDesc, reviewDueDesc, enforcingDesc, configurationDesc,
	} {
		list <- desc
	}
}

func (c *inForce) Collect(list chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		list <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	flag := func(desc *prometheus.Desc, on bool) {
		if on {
			gauge(desc, 1)
		} else {
			gauge(desc, 0)
		}
	}
	moment := func(desc *prometheus.Desc, t time.Time) {
		if !t.IsZero() {
			gauge(desc, float64(t.UnixMilli())/1000)
		}
	}
	in, now := c.now(), c.m.now()
	rows := c.m.expiries(in.Config, now)
	moment(listDesc, in.ListImported)
	gauge(rowsDesc, float64(in.Config.Rules.Table.Len()))
	moment(nextExpiryDesc, rows.next)
	gauge(expiringDesc, float64(rows.expiring))
	gauge(expiredDesc, float64(rows.expired))
	gauge(reviewDueDesc, float64(rows.reviewsDue))
	flag(enforcingDesc, in.Config.Mode == rules.Enforce)
	gauge(configurationDesc, 1, in.Config.Hash, in.Edition, in.Config.Mode.String())
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	moment(loadedDesc, c.m.loaded)
	flag(unreadDesc, c.m.unread)
	flag(socketLostDesc, len(c.m.lost) > 0)
}

// soon is the number of days before its expiry from which a row counts as expiring.
// The log has its first reminder on that day.
const soon = 30

type expiry struct {
	expiring, expired int
	next              time.Time // zero if no row expires
	reviewsDue        int       // tables
}

// counted is the expiry of a configuration for a time. It is kept, because clients may
// ask often, and the table may have a million rows.
type counted struct {
	mu          sync.Mutex
	of          *message.Config
	from, until time.Time
	expiry
}

// expiries counts the rows that expire or have expired, and the reviews. The counts
// change at midnight and when a row expires.
func (k *counted) expiries(c *message.Config, now time.Time) expiry {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.of != c || now.Before(k.from) || !now.Before(k.until) {
		year, month, day := now.In(time.Local).Date()
		k.of, k.from, k.until = c, now, time.Date(year, month, day+1, 0, 0, 0, 0, time.Local)
		k.expiry = expiries(c, now)
		if !k.next.IsZero() && k.next.Before(k.until) {
			k.until = k.next
		}
	}
	return k.expiry
}

func expiries(c *message.Config, now time.Time) (found expiry) {
	for _, row := range c.Rules.Table.Rows() {
		days, expires := row.DaysLeft(now)
		switch {
		case !expires:
			continue
		case row.Expired(now):
			found.expired++
			continue
		case days <= soon:
			found.expiring++
		}
		if found.next.IsZero() || row.Expires.Before(found.next) {
			found.next = row.Expires
		}
	}
	for _, table := range c.Rules.Table.Tables() {
		if table.ReviewDue(now) {
			found.reviewsDue++
		}
	}
	return found
}
