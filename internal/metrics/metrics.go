// Package metrics holds the figures that a Prometheus reads from a server: what they are named, and where they come from. No label has
// personal data, or anything else that an order or a caller brings: every label has few values, known before.
//
//	siegel_build_info                        which version runs
//	siegel_calls_total, siegel_call_seconds  calls over gRPC: method, code
//	siegel_http_requests_total, siegel_http_request_seconds   requests over HTTP: address, route, status
//	siegel_orders_total, siegel_cards_total, …                state changes by this server: store.go
//	siegel_token_…                           sessions of the token, signatures and errors: token.go
//	siegel_log_…                             the log and its checkpoints: log.go
//	go_…, process_…                          the process
//
// Counters begin at zero with the process. What is in the database is the same on every server that shares it: take one server's value, or
// the greatest, and not the sum.
package metrics

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the figures of one server. All methods are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	calls        *prometheus.CounterVec
	callTime     *prometheus.HistogramVec
	requests     *prometheus.CounterVec
	requestTime  *prometheus.HistogramVec
	orders       *prometheus.CounterVec
	cards        *prometheus.CounterVec
	certificates *prometheus.CounterVec
	abandoned    prometheus.Counter
}

// Buckets in seconds. A card takes tens of milliseconds, a batch under load seconds; an answer over HTTP a millisecond.
var (
	callBuckets    = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	requestBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5}
)

// New makes the figures of a server of the given version.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(h)
		return h
	}
	m.calls = counter("siegel_calls_total", "Calls over gRPC that have ended.", "method", "code")
	m.callTime = histogram("siegel_call_seconds", "Time of calls over gRPC, from their beginning to their status.", callBuckets, "method")
	m.requests = counter("siegel_http_requests_total", "Requests over HTTP that were answered.", "address", "route", "status")
	m.requestTime = histogram("siegel_http_request_seconds", "Time of requests over HTTP.", requestBuckets, "address", "route")
	m.orders = counter("siegel_orders_total", "Attempts at orders that this server recorded.", "card_type")
	m.cards = counter("siegel_cards_total", "Cards, and renewals of cards, that this server issued.", "card_type", "sector")
	m.certificates = counter("siegel_certificates_total", "Certificates on the cards that this server issued.", "format")
	m.abandoned = prometheus.NewCounter(prometheus.CounterOpts{Name: "siegel_attempts_abandoned_total", Help: "Attempts that this server abandoned."})
	m.registry.MustRegister(m.abandoned, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "siegel_build_info", Help: "1 for the version that runs.", ConstLabels: prometheus.Labels{"version": version},
		}, func() float64 { return 1 }))
	return m
}

// Call counts a call over gRPC: its full method name, the name of its code, and how long it took.
func (m *Metrics) Call(method, code string, took time.Duration) {
	m.calls.WithLabelValues(method, code).Inc()
	m.callTime.WithLabelValues(method).Observe(took.Seconds())
}

// Request gives the function that counts requests of an address over HTTP: the route that they took, the status and how long it took.
func (m *Metrics) Request(address string) func(route string, status int, took time.Duration) {
	return func(route string, status int, took time.Duration) {
		m.requests.WithLabelValues(address, route, strconv.Itoa(status)).Inc()
		m.requestTime.WithLabelValues(address, route).Observe(took.Seconds())
	}
}

// Handler gives the figures in the form that Prometheus asks for. What cannot be read now is left out, with a line in the server's log.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, ErrorLog: errorLog{log},
		MaxRequestsInFlight: 4})
}

type errorLog struct{ log *slog.Logger }

// Println implements promhttp.Logger.
func (l errorLog) Println(v ...any) {
	l.log.Warn("some figures could not be read", "cause", fmt.Sprint(v...))
}
