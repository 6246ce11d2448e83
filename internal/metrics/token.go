package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/siegel-pki/siegel/hsm"
)

// WatchTokens adds the figures of tokens, by the name under which each is configured.
func (m *Metrics) WatchTokens(tokens func() map[string]hsm.Stats) {
	m.registry.MustRegister(tokenCollector(tokens))
}

type tokenCollector func() map[string]hsm.Stats

func tokenDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("siegel_token_"+name, help, append([]string{"token"}, labels...), nil)
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
	tokenHeals      = tokenDesc("heals_total", "Times that the token came back.")
	tokenSignatures = tokenDesc("signatures_total", "Signatures made.")
	tokenErrors     = tokenDesc("errors_total", "Calls that the token refused, by the name of the return value.", "ckr")
)

// Describe implements prometheus.Collector.
func (c tokenCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{tokenUp, tokenSessions, tokenLimit, tokenWaiting, tokenWaits, tokenWaitTime, tokenOpened, tokenClosed,
		tokenLogins, tokenHeals, tokenSignatures, tokenErrors} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c tokenCollector) Collect(ch chan<- prometheus.Metric) {
	for token, s := range c() {
		send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, kind, v, append([]string{token}, labels...)...)
		}
		up := 0.0
		if s.Healthy {
			up = 1
		}
		for _, f := range []struct {
			desc   *prometheus.Desc
			value  float64
			labels []string
		}{
			{tokenUp, up, nil},
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
			tokenLogins: float64(s.Logins), tokenHeals: float64(s.Heals), tokenSignatures: float64(s.Signatures),
		} {
			send(desc, prometheus.CounterValue, v)
		}
		for ckr, n := range s.Errors {
			send(tokenErrors, prometheus.CounterValue, float64(n), ckr)
		}
	}
}
