package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/siegel-pki/siegel/ca"
)

// Log is what is read of the log of issuances. All methods are those of the store.
type Log interface {
	SignedHead(ctx context.Context, size int64) (*ca.StoredHead, error)
	Unsequenced(ctx context.Context, limit int) ([]ca.StoredEntry, error)
}

const (
	// logTime bounds the questions to the database for one reading.
	logTime = 5 * time.Second
	// maxCounted is where counting entries without a place ends: beyond it the log stands still, and how many wait does not matter.
	maxCounted = 1000
)

// WatchLog adds the figures of the log. A database that does not answer shows as siegel_database_up 0, without the others.
func (m *Metrics) WatchLog(log Log, now func() time.Time) {
	m.registry.MustRegister(&logCollector{log, now})
}

type logCollector struct {
	log Log
	now func() time.Time
}

var (
	databaseUp = prometheus.NewDesc("siegel_database_up", "1 where the database answers, else 0.", nil, nil)
	logSize    = prometheus.NewDesc("siegel_log_size", "Leaves under the newest checkpoint.", nil, nil)
	logAge     = prometheus.NewDesc("siegel_log_checkpoint_age_seconds",
		"Time since the head of the newest checkpoint was recorded. It grows while nothing happens; see siegel_log_waiting_seconds.", nil, nil)
	logWaiting = prometheus.NewDesc("siegel_log_unsequenced_entries", "Entries without a place in the log, counted up to 1000.", nil, nil)
	logBehind  = prometheus.NewDesc("siegel_log_waiting_seconds",
		"Time for which the oldest entry without a place has waited; 0 where there is none. Above a second the log stands still.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c *logCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{databaseUp, logSize, logAge, logWaiting, logBehind} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *logCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), logTime)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	head, err := c.log.SignedHead(ctx, 0)
	if errors.Is(err, ca.ErrNotFound) {
		head, err = nil, nil
	}
	var waiting []ca.StoredEntry
	if err == nil {
		waiting, err = c.log.Unsequenced(ctx, maxCounted)
	}
	if err != nil {
		gauge(databaseUp, 0)
		return
	}
	gauge(databaseUp, 1)
	if head == nil {
		gauge(logSize, 0)
	} else {
		gauge(logSize, float64(head.Size))
		gauge(logAge, c.now().Sub(head.At).Seconds())
	}
	gauge(logWaiting, float64(len(waiting)))
	behind := time.Duration(0)
	for _, e := range waiting {
		behind = max(behind, c.now().Sub(e.At))
	}
	gauge(logBehind, behind.Seconds())
}
