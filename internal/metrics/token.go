package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/siegel-pki/siegel/hsm"
)

// WatchTokens adds the figures of tokens: each with its number in the configuration, from 1, its label and its serial number.
func (m *Metrics) WatchTokens(tokens func() []hsm.TokenStats) {
	m.registry.MustRegister(tokenCollector(tokens))
}

type tokenCollector func() []hsm.TokenStats

func tokenDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("siegel_token_"+name, help, append([]string{"number", "token", "serial"}, labels...), nil)
}

var (
	tokenUp         = tokenDesc("up", "1 where the token serves, 0 while it is away or its PIN is refused.")
	tokenSessions   = tokenDesc("sessions", "Sessions: in_use, idle, orphan (may be open in the token without being known here).", "state")
	tokenLimit      = tokenDesc("session_limit", "Sessions that may be open at most.")
	tokenWaiting    = tokenDesc("waiting", "Callers who wait for a session now.")
	tokenWaits      = tokenDesc("waits_total", "Callers who had to wait for a session.")
	tokenWaitTime   = tokenDesc("wait_seconds_total", "Time that they have waited.")
	tokenOpened     = tokenDesc("sessions_opened_total", "Sessions opened.")
	tokenClosed     = tokenDesc("sessions_closed_total", "Sessions closed, or lost.")
	tokenLogins     = tokenDesc("logins_total", "Calls of C_Login.")
	tokenOutages    = tokenDesc("outages_total", "Times that the token went away.")
	tokenHeals      = tokenDesc("heals_total", "Times that it came back.")
	tokenRefused    = tokenDesc("pin_refused", "1 where the PIN was refused: the token does not come back without a person.")
	tokenSignatures = tokenDesc("signatures_total", "Signatures made.")
	tokenErrors     = tokenDesc("errors_total", "Calls that the token refused, by the name of the return value.", "ckr")
)

// Describe implements prometheus.Collector.
func (c tokenCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{tokenUp, tokenSessions, tokenLimit, tokenWaiting, tokenWaits, tokenWaitTime, tokenOpened, tokenClosed,
		tokenLogins, tokenOutages, tokenHeals, tokenRefused, tokenSignatures, tokenErrors} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c tokenCollector) Collect(ch chan<- prometheus.Metric) {
	for i, s := range c() {
		send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, kind, v, append([]string{strconv.Itoa(i + 1), s.Label, s.Serial}, labels...)...)
		}
		for _, f := range []struct {
			desc   *prometheus.Desc
			value  float64
			labels []string
		}{
			{tokenUp, one(s.Healthy), nil},
			{tokenRefused, one(s.Refused), nil},
			{tokenSessions, float64(s.InUse), []string{"in_use"}},
			{tokenSessions, float64(s.Open - s.InUse), []string{"idle"}},
			{tokenSessions, float64(s.Orphans), []string{"orphan"}},
			{tokenLimit, float64(s.Limit), nil},
			{tokenWaiting, float64(s.Waiting), nil},
		} {
			send(f.desc, prometheus.GaugeValue, f.value, f.labels...)
		}
		for desc, v := range map[*prometheus.Desc]float64{
			tokenWaits: float64(s.Waits), tokenWaitTime: s.WaitTime.Seconds(), tokenOpened: float64(s.Opened), tokenClosed: float64(s.Closed),
			tokenLogins: float64(s.Logins), tokenOutages: float64(s.Outages), tokenHeals: float64(s.Heals), tokenSignatures: float64(s.Signatures),
		} {
			send(desc, prometheus.CounterValue, v)
		}
		for ckr, n := range s.Errors {
			send(tokenErrors, prometheus.CounterValue, float64(n), ckr)
		}
	}
}

// one is 1 for true.
func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
