package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/siegel-pki/siegel/ca"
)

// WatchStatus adds the figures of the OCSP responder. They know no certificate and no client (TIP1-A_4234).
func (m *Metrics) WatchStatus(counts *ca.StatusCounts) {
	m.registry.MustRegister(statusCollector{counts})
}

type statusCollector struct{ *ca.StatusCounts }

var statusAnswers = prometheus.NewDesc("siegel_ocsp_answers_total",
	"Certificates spoken of in signed answers (good, revoked, unknown), signed answers given again (kept), and answers that say an error.",
	[]string{"status"}, nil)

// Describe implements prometheus.Collector.
func (statusCollector) Describe(ch chan<- *prometheus.Desc) { ch <- statusAnswers }

// Collect implements prometheus.Collector.
func (c statusCollector) Collect(ch chan<- prometheus.Metric) {
	for status, n := range map[string]*atomic.Int64{
		"good": &c.Good, "revoked": &c.Revoked, "unknown": &c.Unknown, "kept": &c.Kept, "malformedRequest": &c.Malformed,
		"internalError": &c.InternalError, "tryLater": &c.TryLater, "unauthorized": &c.Unauthorized,
	} {
		ch <- prometheus.MustNewConstMetric(statusAnswers, prometheus.CounterValue, float64(n.Load()), status)
	}
}
