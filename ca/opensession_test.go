package ca_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: nothing is signed before two people have opened a key session, nothing after it has ended, and never more than it
// allows, by however many servers.

// requests numbers the requests of tests.
var requests atomic.Int64

// openSessions has two people open sessions on a server.
func openSessions(t *testing.T, a *ca.Authority, r ca.SessionRequest) {
	t.Helper()
	asked, err := a.RequestSessions(t.Context(), anna, approvalID(int(requests.Add(1))), r, "night batch")
	if err != nil {
		t.Fatal(err)
	}
	if done, err := a.Approve(t.Context(), bert, asked.ID, asked.Hash); err != nil || done.State != ca.Used {
		t.Fatalf("Approve = %+v, %v", done, err)
	}
}

// refusesClosed wants an order to be refused because no session is open, cleanly, with a text that says how to open one.
func refusesClosed(t *testing.T, w *world, order *profiles.Order) {
	t.Helper()
	before := len(w.entries(t))
	_, err := w.Issue(t.Context(), operator, order)
	var closed *ca.NoSessionError
	if !errors.As(err, &closed) || !strings.Contains(err.Error(), fmt.Sprintf("siegel session open --issuer %q", closed.Issuer)) {
		t.Errorf("the order gave %v, want *NoSessionError that says how to open one", err)
	}
	for _, e := range w.entries(t)[before:] {
		if e.Kind != tlog.KeySessionClosed {
			t.Errorf("the refused order left an entry of kind %s", e.Kind)
		}
	}
}

func TestNothingSignsBeforeTwoPeopleOpened(t *testing.T) {
	w := twoPeople(t)
	var closed *ca.NoSessionError
	if err := w.Ready(); !errors.As(err, &closed) {
		t.Errorf("Ready = %v, want *NoSessionError", err)
	}
	refusesClosed(t, w, smallOrder(1))
	asked, err := w.RequestSessions(t.Context(), anna, approvalID(1), sessionsOfSmallOrders(100), "night batch")
	if err != nil {
		t.Fatal(err)
	}
	refusesClosed(t, w, smallOrder(1))
	if n := w.signatures(); n != 0 {
		t.Errorf("%d signatures were made", n)
	}
	if _, err := w.Approve(t.Context(), bert, asked.ID, asked.Hash); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); err != nil {
		t.Fatal(err)
	}
	opened := 0
	for _, e := range w.entries(t) {
		if e.Kind == tlog.KeySessionOpened {
			opened++
			if f := readFacts[*tlog.SessionFacts](t, e); f.Approval != string(asked.ID) || f.Signatures != 100 || e.Actor != bert.Operator {
				t.Errorf("session opened by %s: %+v", e.Actor, f)
			}
		}
	}
	if opened != 2 {
		t.Errorf("%d sessions were opened, want 2", opened)
	}
	w.sweep(t)
}

// signatures counts what the keys signed.
func (w *world) signatures() (n int) {
	w.keys.mu.Lock()
	defer w.keys.mu.Unlock()
	for _, k := range w.keys.signed {
		n += k
	}
	return n
}

// TestSessionEndsInABatch: a session of 20 signatures for orders that need three of the X.509 issuer. Six are fulfilled, whatever the order in
// which they come; the others are refused whole.
func TestSessionEndsInABatch(t *testing.T) {
	w := twoPeople(t)
	openSessions(t, w.Authority, sessionsOfSmallOrders(20))
	var made, refused atomic.Int32
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			var closed *ca.NoSessionError
			switch _, err := w.Issue(t.Context(), operator, smallOrder(i+1)); {
			case err == nil:
				made.Add(1)
			case errors.As(err, &closed):
				refused.Add(1)
			default:
				t.Errorf("order %d: %v", i+1, err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 6 || refused.Load() != 6 {
		t.Errorf("%d orders were fulfilled and %d refused, want 6 and 6", made.Load(), refused.Load())
	}
	if ends := sessionEnds(t, w); len(ends) != 1 || ends[0] != "count" {
		t.Errorf("sessions ended by %q, want one by count", ends)
	}
	openCount := 0
	for _, e := range w.entries(t) {
		if e.Kind == tlog.AttemptAbandoned {
			openCount++
		}
	}
	if openCount != 0 {
		t.Errorf("%d attempts were abandoned: an order found out too late", openCount)
	}
	w.sweep(t)
}

// TestSessionsEndByThemselves: by time, without an order that would find out.
func TestSessionsEndByThemselves(t *testing.T) {
	now := dayOfIssue
	w := twoPeople(t, func(c *ca.Config) { c.Now = func() time.Time { return now } })
	openSessions(t, w.Authority, sessionsOfSmallOrders(100))
	now = now.Add(time.Hour + time.Millisecond)
	refusesClosed(t, w, smallOrder(1))
	if err := w.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ends := sessionEnds(t, w); len(ends) != 2 || ends[0] != "time" || ends[1] != "time" {
		t.Errorf("sessions ended by %q, want two by time", ends)
	}
}

// TestCloseKeySession ends a session on two servers, and may be called again.
func TestCloseKeySession(t *testing.T) {
	w := twoPeople(t)
	openSessions(t, w.Authority, sessionsOfSmallOrders(100))
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); err != nil {
		t.Fatal(err)
	}
	open, err := w.KeySessions(t.Context(), 0, 10)
	if err != nil || len(open) != 2 {
		t.Fatalf("KeySessions = %+v, %v", open, err)
	}
	_, err = w.RequestSessions(t.Context(), anna, approvalID(2000), sessionsOfSmallOrders(100), "one more")
	var refusal *profiles.Refusal
	if !errors.As(err, &refusal) || refusal.Violations[0].Rule != "SESSION_OPEN" || !strings.Contains(err.Error(), "siegel session close") {
		t.Errorf("a request while a session is open gave %v, want SESSION_OPEN", err)
	}
	for range 2 {
		for _, s := range open {
			if closed, err := w.CloseKeySession(t.Context(), anna, s.ID); err != nil || closed.Reason != "operator" {
				t.Errorf("CloseKeySession = %+v, %v", closed, err)
			}
		}
	}
	if _, err := w.CloseKeySession(t.Context(), anna, "00000000000000000000000000000000"); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("CloseKeySession of none = %v, want %v", err, ca.ErrNotFound)
	}
	refusesClosed(t, w, smallOrder(2))
	for _, e := range w.entries(t) {
		if e.Kind == tlog.KeySessionClosed {
			f := readFacts[*tlog.SessionEndFacts](t, e)
			if want := map[string]int64{hierarchy()[smcbECC].Name: 3, hierarchy()[cvcSub].Name: 2}[f.Issuer]; f.Signatures != want {
				t.Errorf("the session of %s ended after %d signatures, want %d", f.Issuer, f.Signatures, want)
			}
		}
	}
}

// TestServersShareASession: two servers on one database have a session of 60 signatures, of which an order needs three. Together they fulfil at
// most 20 orders, and nearly so many.
func TestServersShareASession(t *testing.T) {
	w := twoPeople(t)
	other := twoPeopleOn(t, w, w.faulty)
	openSessions(t, w.Authority, ca.SessionRequest{Issuers: []string{hierarchy()[smcbECC].Name}, Signatures: 60, Seconds: 3600})
	openSessions(t, other, ca.SessionRequest{Issuers: []string{hierarchy()[cvcSub].Name}, Signatures: 1000, Seconds: 3600})
	var made atomic.Int32
	var wg sync.WaitGroup
	for i := range 30 {
		server := []*ca.Authority{w.Authority, other}[i%2]
		wg.Go(func() {
			var closed *ca.NoSessionError
			var away *ca.UnavailableError
			switch _, err := server.Issue(t.Context(), operator, smallOrder(i+1)); {
			case err == nil:
				made.Add(1)
			case !errors.As(err, &closed) && !errors.As(err, &away):
				t.Errorf("order %d: %v", i+1, err)
			}
		})
	}
	wg.Wait()
	if n := made.Load(); n > 20 || n < 18 {
		t.Errorf("%d orders were fulfilled, want 18 to 20", n)
	}
	w.sweep(t)
}

// TestSessionClosedElsewhere: a server finds out that another has closed a session, and signs no more from what it has drawn.
func TestSessionClosedElsewhere(t *testing.T) {
	w := twoPeople(t)
	openSessions(t, w.Authority, sessionsOfSmallOrders(1000))
	other := twoPeopleOnOpen(t, w)
	open, err := other.KeySessions(t.Context(), 0, 1)
	if err != nil || len(open) != 1 {
		t.Fatalf("KeySessions = %+v, %v", open, err)
	}
	if _, err := other.CloseKeySession(t.Context(), bert, open[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := w.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	refusesClosed(t, w, smallOrder(1))
}

// twoPeopleOnOpen makes another authority of a world without starting it, since the start would end the sessions of what an SQLite file takes for
// dead servers.
func twoPeopleOnOpen(t *testing.T, w *world) *ca.Authority {
	t.Helper()
	cfg := w.config()
	cfg.OpensAlone = false
	return must(ca.New(cfg))
}

// TestSessionEndsWithADeadServer: what a server left open that died is closed by the next one, and its signatures are lost.
func TestSessionEndsWithADeadServer(t *testing.T) {
	w := twoPeople(t)
	openSessions(t, w.Authority, sessionsOfSmallOrders(1000))
	twoPeopleOn(t, w, w.db) // no Close before: as after kill -9
	if ends := sessionEnds(t, w); len(ends) != 2 || ends[0] != "server-stop" {
		t.Errorf("sessions ended by %q, want two by server-stop", ends)
	}
}

// TestRetiredIssuerSignsNoMore, whatever was reserved for it.
func TestRetiredIssuerSignsNoMore(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); err != nil {
		t.Fatal(err)
	}
	asked, err := w.RequestRetirement(t.Context(), anna, approvalID(1), ca.IssuerRetirement{Issuer: hierarchy()[smcbECC].Name}, "new generation")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Approve(t.Context(), bert, asked.ID, asked.Hash); err != nil {
		t.Fatal(err)
	}
	_, err = w.Issue(t.Context(), operator, smallOrder(2))
	var refusal *profiles.Refusal
	if !errors.As(err, &refusal) || !refusal.Configuration() {
		t.Errorf("an order that needs the retired issuer gave %v, want a refusal that calls for an operator", err)
	}
	card, err := w.Card(t.Context(), smallOrder(1).ICCSN)
	if err != nil {
		t.Fatal(err)
	}
	draft := card.Certs[0].Draft
	if _, err := w.Sign(t.Context(), ca.NewRecorded(&draft)); err == nil || !strings.Contains(err.Error(), "is retired") {
		t.Errorf("the door says %v, want that the issuer is retired", err)
	}
}

// TestProduction: the server starts with no session open, refuses orders with the remedy, and issues after two people have opened one. An exception
// of the configuration is in force only when two people have granted it, and a new issuer only when two have approved it.
func TestProduction(t *testing.T) {
	issuers := productionHierarchy()
	inProduction := func(n int, exceptions ...string) func(*ca.Config) {
		return func(c *ca.Config) {
			c.Environment, c.OpensAlone, c.LegacyExceptions = profiles.Production, false, exceptions
			c.Issuers = append([]ca.Issuer(nil), issuers[:n]...)
		}
	}
	w := emptyWorld(t)
	w.start(t, inProduction(4, "legacy-cvc-g1"))
	order := smallOrder(1)
	order.Evidence.HBATelematikID = "1-2012345678"
	refusesClosed(t, w, order)
	openSessions(t, w.Authority, ca.SessionRequest{Issuers: []string{"SIEGEL.SMCB-CA9", "SIEGEL-CVC-CA9"}, Signatures: 100, Seconds: 3600})
	if _, err := w.Issue(t.Context(), operator, order); err != nil {
		t.Fatal(err)
	}
	if err := w.Ready(); err != nil {
		t.Errorf("Ready = %v, want nil", err)
	}
	review, err := w.ReviewPolicy(t.Context(), catalogue().PolicyFile(), dayOfIssue)
	if err != nil || len(review.Exceptions) != 0 {
		t.Errorf("exceptions in force are %v, %v, want none", review.Exceptions, err)
	}
	grant, err := w.RequestGrant(t.Context(), anna, approvalID(1000), ca.LegacyGrant{Exception: "legacy-cvc-g1"}, "old card readers")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Approve(t.Context(), cora, grant.ID, grant.Hash); err != nil {
		t.Fatal(err)
	}
	if review, err = w.ReviewPolicy(t.Context(), catalogue().PolicyFile(), dayOfIssue); err != nil || len(review.Exceptions) != 1 {
		t.Errorf("exceptions in force are %v, %v, want the granted one", review.Exceptions, err)
	}
	importIssuer(t, w, issuers[4], inProduction(5))
}

// importIssuer wants a start with a new issuer to fail before two people have approved it, and to succeed afterwards.
func importIssuer(t *testing.T, w *world, added ca.Issuer, with func(*ca.Config)) {
	t.Helper()
	start := func() error {
		cfg := w.config()
		with(&cfg)
		return must(ca.New(cfg)).Start(t.Context())
	}
	err := start()
	if err == nil || !strings.Contains(err.Error(), "siegel issuer import "+fmt.Sprintf("%q", added.Name)) {
		t.Fatalf("a start with a new issuer gave %v, want an error that says how to import it", err)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(added.Raw()))
	asked, err := w.RequestImport(t.Context(), anna, approvalID(1001), ca.IssuerImport{Issuer: added.Name, CertificateSHA256: sum}, "ceremony of May")
	if err != nil {
		t.Fatal(err)
	}
	if err := start(); err == nil {
		t.Error("the server starts before the import is approved")
	}
	if _, err := w.Approve(t.Context(), bert, asked.ID, asked.Hash); err != nil {
		t.Fatal(err)
	}
	if err := start(); err != nil {
		t.Errorf("after the approval: %v", err)
	}
}

// closing is a store that has something happen between the record of an attempt and its signatures.
type closing struct {
	*storetest.FaultyStore
	recorded func()
}

func (s *closing) Intend(ctx context.Context, in *ca.Intent, entry tlog.Entry) error {
	err := s.FaultyStore.Intend(ctx, in, entry)
	s.recorded()
	return err
}

// TestSessionClosedUnderAnOrder: what was promised to an order is not signed any more when an operator has closed the session meanwhile.
func TestSessionClosedUnderAnOrder(t *testing.T) {
	w := twoPeople(t)
	store := &closing{FaultyStore: w.faulty}
	a := twoPeopleOn(t, w, store)
	openSessions(t, a, sessionsOfSmallOrders(100))
	store.recorded = func() {
		open, err := a.KeySessions(t.Context(), 0, 100)
		if err != nil || len(open) == 0 {
			t.Errorf("KeySessions = %+v, %v", open, err)
		}
		for _, s := range open {
			if _, err := a.CloseKeySession(t.Context(), anna, s.ID); err != nil {
				t.Error(err)
			}
		}
	}
	signed := w.keys.calls
	if _, err := a.Issue(t.Context(), operator, smallOrder(1)); err == nil {
		t.Error("the order has its card, though the sessions were closed before its signatures")
	}
	if w.keys.calls != signed {
		t.Errorf("%d signatures were made after the sessions were closed", w.keys.calls-signed)
	}
	entries := w.entries(t)
	if last := entries[len(entries)-1]; last.Kind != tlog.AttemptAbandoned {
		t.Errorf("the last entry is of kind %s, want %s", last.Kind, tlog.AttemptAbandoned)
	}
}
