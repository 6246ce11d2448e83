package metrics

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// read gives the figures whose names begin with siegel_, without histograms' buckets and sums, sorted.
func read(t *testing.T, m *Metrics) []string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("/metrics = %d %s", w.Code, w.Body)
	}
	var lines []string
	for sc := bufio.NewScanner(w.Body); sc.Scan(); {
		if l := sc.Text(); strings.HasPrefix(l, "siegel_") && !strings.Contains(l, "_bucket{") && !strings.Contains(l, "_sum{") {
			lines = append(lines, l)
		}
	}
	slices.Sort(lines)
	return lines
}

func requireLines(t *testing.T, got []string, want string) {
	t.Helper()
	if got, want := strings.Join(got, "\n"), strings.TrimSpace(want); got != want {
		t.Errorf("the figures are\n%s\nwant\n%s", got, want)
	}
}

// fakeStore is a ca.Store whose verbs say ok or fail.
type fakeStore struct {
	ca.Store
	err error
}

func (s fakeStore) Intend(context.Context, *ca.Intent, tlog.Entry) error { return s.err }

func (s fakeStore) Complete(context.Context, *ca.Completion, tlog.Entry) (ca.CardNumbers, error) {
	return ca.CardNumbers{}, s.err
}

func (s fakeStore) Abandon(context.Context, ca.AttemptID, time.Time, tlog.Entry) error { return s.err }

// TestCounters counts what happened and nothing that failed, and shows nothing that an order brought.
func TestCounters(t *testing.T) {
	m := New("v1.2.3")
	m.Call("/siegel.v1.IssuanceService/IssueCard", "OK", 30*time.Millisecond)
	m.Call("/siegel.v1.IssuanceService/IssueCard", "Unavailable", time.Second)
	m.Request("tiles")("/tile/", 404, time.Millisecond)
	in := &ca.Intent{CardType: "smcb-g2.1", Sector: "pharmacy", ICCSN: "80276001011699990002", OrderID: "order-1",
		Drafts: []ca.Draft{{Format: ca.X509}, {Format: ca.X509}, {Format: ca.CVC}}}
	for _, err := range []error{nil, errors.New("the disk is full")} {
		s := m.Counting(fakeStore{err: err})
		if got := s.Intend(t.Context(), in, tlog.Entry{}); got != err {
			t.Errorf("Intend = %v, want %v", got, err)
		}
		if _, got := s.Complete(t.Context(), &ca.Completion{Intent: in}, tlog.Entry{}); got != err {
			t.Errorf("Complete = %v, want %v", got, err)
		}
		if got := s.Abandon(t.Context(), "", time.Time{}, tlog.Entry{}); got != err {
			t.Errorf("Abandon = %v, want %v", got, err)
		}
	}
	requireLines(t, read(t, m), `
siegel_attempts_abandoned_total 1
siegel_build_info{version="v1.2.3"} 1
siegel_call_seconds_count{method="/siegel.v1.IssuanceService/IssueCard"} 2
siegel_calls_total{code="OK",method="/siegel.v1.IssuanceService/IssueCard"} 1
siegel_calls_total{code="Unavailable",method="/siegel.v1.IssuanceService/IssueCard"} 1
siegel_cards_total{card_type="smcb-g2.1",sector="pharmacy"} 1
siegel_certificates_total{format="cvc"} 1
siegel_certificates_total{format="x509"} 2
siegel_http_request_seconds_count{address="tiles",route="/tile/"} 1
siegel_http_requests_total{address="tiles",route="/tile/",status="404"} 1
siegel_orders_total{card_type="smcb-g2.1"} 1
`)
}

// fakeLog is a Log.
type fakeLog struct {
	head    *ca.StoredHead
	waiting []ca.StoredEntry
	err     error
}

func (l *fakeLog) SignedHead(context.Context, int64) (*ca.StoredHead, error) {
	if l.err == nil && l.head == nil {
		return nil, ca.ErrNotFound
	}
	return l.head, l.err
}

func (l *fakeLog) Unsequenced(context.Context, int) ([]ca.StoredEntry, error) {
	return l.waiting, l.err
}

// TestLog of an empty log, one that grows, and a database that is away.
func TestLog(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	log, m := &fakeLog{}, New("v1")
	m.WatchLog(log, func() time.Time { return now })
	const build = `siegel_build_info{version="v1"} 1`
	requireLines(t, read(t, m), `
siegel_attempts_abandoned_total 0
`+build+`
siegel_database_up 1
siegel_log_size 0
siegel_log_unsequenced_entries 0
siegel_log_waiting_seconds 0
`)
	entry := func(ago time.Duration) ca.StoredEntry { return ca.StoredEntry{Entry: tlog.Entry{At: now.Add(-ago)}} }
	log.head = &ca.StoredHead{Head: tlog.Head{Size: 42}, At: now.Add(-90 * time.Second)}
	log.waiting = []ca.StoredEntry{entry(time.Second), entry(1500 * time.Millisecond), entry(0)}
	requireLines(t, read(t, m), `
siegel_attempts_abandoned_total 0
`+build+`
siegel_database_up 1
siegel_log_checkpoint_age_seconds 90
siegel_log_size 42
siegel_log_unsequenced_entries 3
siegel_log_waiting_seconds 1.5
`)
	log.err = errors.New("the database is away")
	requireLines(t, read(t, m), `
siegel_attempts_abandoned_total 0
`+build+`
siegel_database_up 0
`)
}

// TestTokens shows every counter of a token, and two tokens that have the same label and were never there.
func TestTokens(t *testing.T) {
	m := New("v1")
	m.WatchTokens(func() []hsm.TokenStats {
		return []hsm.TokenStats{
			{Label: "siegel", Serial: "01", Stats: hsm.Stats{Healthy: true, Limit: 8, Open: 5, InUse: 2, Waiting: 1, Orphans: 3, Opened: 6, Closed: 4,
				Logins: 7, Outages: 8, Heals: 9, Signatures: 10, Waits: 11, WaitTime: 12 * time.Second, Errors: map[string]uint64{"CKR_DEVICE_ERROR": 13}}},
			{Label: "siegel", Stats: hsm.Stats{Refused: true}}, {Label: "siegel"},
		}
	})
	var got []string
	for _, l := range read(t, m) {
		l = strings.Replace(l, `number="1",serial="01",`, "", 1) // the first token's lines are short
		if !strings.Contains(l, "number=") && strings.Contains(l, "token=") ||
			strings.HasPrefix(l, "siegel_token_up") || strings.HasPrefix(l, "siegel_token_pin") {
			got = append(got, l)
		}
	}
	slices.Sort(got)
	requireLines(t, got, `
siegel_token_errors_total{ckr="CKR_DEVICE_ERROR",token="siegel"} 13
siegel_token_heals_total{token="siegel"} 9
siegel_token_logins_total{token="siegel"} 7
siegel_token_outages_total{token="siegel"} 8
siegel_token_pin_refused{number="2",serial="",token="siegel"} 1
siegel_token_pin_refused{number="3",serial="",token="siegel"} 0
siegel_token_pin_refused{token="siegel"} 0
siegel_token_session_limit{token="siegel"} 8
siegel_token_sessions_closed_total{token="siegel"} 4
siegel_token_sessions_opened_total{token="siegel"} 6
siegel_token_sessions{state="idle",token="siegel"} 3
siegel_token_sessions{state="in_use",token="siegel"} 2
siegel_token_sessions{state="orphan",token="siegel"} 3
siegel_token_signatures_total{token="siegel"} 10
siegel_token_up{number="2",serial="",token="siegel"} 0
siegel_token_up{number="3",serial="",token="siegel"} 0
siegel_token_up{token="siegel"} 1
siegel_token_wait_seconds_total{token="siegel"} 12
siegel_token_waiting{token="siegel"} 1
siegel_token_waits_total{token="siegel"} 11
`)
}
