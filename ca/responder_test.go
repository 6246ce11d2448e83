package ca_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/relying"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: relying parties ask for the status of certificates, and take the answers apart.

// signers are OCSP signers for the X.509 issuers of the hierarchy, which come before them.
var signers = sync.OnceValue(func() []ca.Issuer {
	list := slices.Clone(hierarchy())
	for i := range hierarchy() {
		above := &hierarchy()[i]
		if above.X509 == nil || above.Kind == profiles.RootCA {
			continue
		}
		var key ca.Key = newECKey()
		if above.KeyType.Generation() == sigalg.RSA {
			key = newRSAKey()
		}
		list = append(list, profiledIssuer(profiles.OCSPSigner, above.Name+"-OCSP1", key, above))
	}
	return list
})

func responderConfig(store ca.StatusReader) ca.ResponderConfig {
	return ca.ResponderConfig{
		Store: store, Issuers: signers(), Standing: ca.Standing{ca.ForOCSP}, Cache: ca.MaxStatusCache, Now: tick,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

func newResponder(t *testing.T, store ca.StatusReader, change ...func(*ca.ResponderConfig)) *ca.Responder {
	t.Helper()
	cfg := responderConfig(store)
	for _, c := range change {
		c(&cfg)
	}
	r, err := ca.NewResponder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// asked is a question about a certificate, with the request that asks it.
type asked struct {
	relying.Question
	request []byte
}

// ask makes the question. The nonce has n octets; 0 is none.
func ask(t *testing.T, c *pkix.Certificate, issuer string, hash crypto.Hash, n int) asked {
	t.Helper()
	above := hierarchy()[slices.IndexFunc(hierarchy(), func(i ca.Issuer) bool { return i.Name == issuer })].X509
	id, err := pkix.NewCertID(above, c.Serial, hash)
	if err != nil {
		t.Fatal(err)
	}
	req := pkix.OCSPRequest{IDs: []pkix.CertID{id}}
	if n > 0 {
		req.Nonce = bytes.Repeat([]byte{byte(n)}, n)
	}
	raw, err := req.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return asked{relying.Question{Certificate: c, Issuer: above, ID: id, Nonce: req.Nonce}, raw}
}

// answerTo asks a responder, and checks the answer as a relying party does.
func answerTo(t *testing.T, r *ca.Responder, q asked) *relying.Status {
	t.Helper()
	s, err := relying.CheckStatus(r.Respond(t.Context(), q.request).DER, q.Question, tick())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// errorFor asks a responder that must give an error.
func errorFor(t *testing.T, r *ca.Responder, request []byte) pkix.OCSPError {
	t.Helper()
	answer := r.Respond(t.Context(), request)
	_, err := pkix.ParseOCSPResponse(answer.DER)
	var status pkix.OCSPError
	if !errors.As(err, &status) || !answer.ProducedAt.IsZero() {
		t.Fatalf("the answer is %x (%v), want an error", answer.DER, err)
	}
	return status
}

func (w *world) activate(t *testing.T, iccsn string) {
	t.Helper()
	at := tick()
	facts := tlog.ActivationFacts{ICCSN: iccsn, RequestedAt: tlog.Instant(at)}
	entry := must(tlog.NewEntry(tlog.CardActivated, at, "desk-1", facts, []byte(`{}`)))
	if _, err := w.db.ActivateCard(t.Context(), &ca.Activation{ICCSN: iccsn, RequestedAt: at, At: at, Actor: "desk-1"}, entry); err != nil {
		t.Fatal(err)
	}
}

func (w *world) revoke(t *testing.T, iccsn string) time.Time {
	t.Helper()
	at := tick()
	entry := must(tlog.NewEntry(tlog.CardRevoked, at, "desk-1", tlog.CardRevocationFacts{ICCSN: iccsn, RequestedAt: tlog.Instant(at)}, []byte(`{}`)))
	r := &ca.Revocation{RequestedAt: at, At: at, Actor: "desk-1", Requester: "institution", Reason: "on-request"}
	if _, err := w.db.RevokeCard(t.Context(), iccsn, r, entry); err != nil {
		t.Fatal(err)
	}
	return at
}

func certificatesIn(t *testing.T, card *ca.Card) map[string]*pkix.Certificate {
	t.Helper()
	list := map[string]*pkix.Certificate{}
	for _, c := range card.Certs {
		if c.Format == ca.X509 {
			list[c.Slot] = must(pkix.ParseCertificate(c.Data))
		}
	}
	return list
}

// TestStatusOfEveryProfile takes a certificate of every profile through its life. At each step a relying party accepts the answer in the
// way of TUC_PKI_006, whichever hash it asks with, with a nonce and without.
func TestStatusOfEveryProfile(t *testing.T) {
	w := newWorld(t)
	r := newResponder(t, w.db)
	seen := map[string]bool{}
	orders := []*profiles.Order{newOrder(1)}
	for _, name := range []string{"pharmacy", "dental-practice", "connector", "card-terminal"} {
		orders = append(orders, sampleOrder(t, name))
	}
	for _, order := range orders {
		card, err := w.Issue(t.Context(), operator, order)
		if err != nil {
			t.Fatal(err)
		}
		w.askThroughLife(t, r, card)
		for _, c := range card.Certs {
			seen[c.Profile] = seen[c.Profile] || c.Format == ca.X509
		}
	}
	for _, file := range must(filepath.Glob("../profiles/x509/*.yaml")) {
		if name := strings.TrimSuffix(filepath.Base(file), ".yaml"); !seen[name] {
			t.Errorf("no certificate of profile %s was asked about", name)
		}
	}
}

// askThroughLife asks about each certificate of a card before it is active, when it is, and when it is revoked.
func (w *world) askThroughLife(t *testing.T, r *ca.Responder, card *ca.Card) {
	t.Helper()
	each := func(want pkix.CertStatus, check func(c ca.Certificate, s *relying.Status)) {
		t.Helper()
		certificates := certificatesIn(t, card)
		for i, c := range card.Certs {
			if c.Format != ca.X509 {
				continue
			}
			for _, hash := range pkix.CertIDHashes {
				s := answerTo(t, r, ask(t, certificates[c.Slot], c.Issuer, hash, i%2*(16+i)))
				if s.Status != want || s.Reason != pkix.NoReason || !s.NextUpdate.IsZero() {
					t.Errorf("%s: %s, reason %d, next update %s, want %s alone", c.Slot, s.Status, s.Reason, s.NextUpdate, want)
				}
				check(c, s)
			}
		}
	}
	each(pkix.StatusUnknown, func(c ca.Certificate, s *relying.Status) {
		if len(s.Extensions) != 0 {
			t.Errorf("%s: of an unknown certificate the answer says %v", c.Slot, s.Extensions)
		}
	})
	w.activate(t, card.ICCSN)
	known := func(c ca.Certificate, s *relying.Status) {
		cutoff, ok, err := pkix.Find(s.Extensions, pkix.OIDArchiveCutoff, pkix.ParseArchiveCutoff)
		if qualified := c.Issuer == hierarchy()[qes].Name; ok != qualified || err != nil || ok && !time.Time(cutoff).Equal(hierarchy()[qes].X509.NotBefore) {
			t.Errorf("%s: archive cutoff %v, %t, %v", c.Slot, time.Time(cutoff), ok, err)
		}
	}
	each(pkix.StatusGood, known)
	at := w.revoke(t, card.ICCSN)
	each(pkix.StatusRevoked, func(c ca.Certificate, s *relying.Status) {
		known(c, s)
		if !s.RevokedAt.Equal(at.Truncate(time.Second)) {
			t.Errorf("%s: revoked at %s, want %s", c.Slot, s.RevokedAt, at)
		}
	})
}

// TestUnknownCertificates: numbers that were never issued, and those that cannot be.
func TestUnknownCertificates(t *testing.T) {
	w := newWorld(t)
	r := newResponder(t, w.db)
	certificate := &pkix.Certificate{Serial: must(pkix.NewSerial([]byte{1, 2, 3}))}
	q := ask(t, certificate, hierarchy()[smcbECC].Name, crypto.SHA256, 0)
	if s := answerTo(t, r, q); s.Status != pkix.StatusUnknown {
		t.Errorf("a number that was never issued is %s", s.Status)
	}
	zero := bytes.Replace(q.request, []byte{2, 3, 1, 2, 3}, []byte{2, 3, 0x80, 2, 3}, 1)
	q.ID.Raw = bytes.Replace(q.ID.Raw, []byte{2, 3, 1, 2, 3}, []byte{2, 3, 0x80, 2, 3}, 1)
	q.request = zero
	if s := answerTo(t, r, q); s.Status != pkix.StatusUnknown {
		t.Errorf("a negative number is %s", s.Status)
	}
}

// requestOf makes a request about a serial number of some issuers.
func requestOf(t *testing.T, issuers ...*pkix.Certificate) []byte {
	t.Helper()
	var req pkix.OCSPRequest
	for i, iss := range issuers {
		req.IDs = append(req.IDs, must(pkix.NewCertID(iss, must(pkix.NewSerial([]byte{byte(i + 1)})), crypto.SHA1)))
	}
	return must(req.Encode())
}

// TestStatusErrors has the questions and the faults that are answered with an error.
func TestStatusErrors(t *testing.T) {
	smcb, other, root := hierarchy()[smcbECC].X509, hierarchy()[smcbRSA].X509, hierarchy()[rootECC].X509
	away := &temporary{}
	for _, c := range []struct {
		name    string
		store   *faultyStatus
		key     error
		alter   bool
		request []byte
		want    pkix.OCSPError
	}{
		{"no request", &faultyStatus{}, nil, false, []byte("GET"), pkix.OCSPMalformedRequest},
		{"an issuer that is not served", &faultyStatus{}, nil, false, requestOf(t, root), pkix.OCSPUnauthorized},
		{"two issuers", &faultyStatus{}, nil, false, requestOf(t, smcb, other), pkix.OCSPUnauthorized},
		{"database away", &faultyStatus{err: errors.New("connection refused")}, nil, false, requestOf(t, smcb), pkix.OCSPTryLater},
		{"database too slow", &faultyStatus{err: context.DeadlineExceeded}, nil, false, requestOf(t, smcb), pkix.OCSPTryLater},
		{"token away", &faultyStatus{}, away, false, requestOf(t, smcb), pkix.OCSPTryLater},
		{"token refuses", &faultyStatus{}, errors.New("CKR_FUNCTION_FAILED"), false, requestOf(t, smcb), pkix.OCSPInternalError},
		{"signature of another", &faultyStatus{}, nil, true, requestOf(t, smcb), pkix.OCSPInternalError},
		{"a state that does not exist", &faultyStatus{state: "on-hold"}, nil, false, requestOf(t, smcb), pkix.OCSPInternalError},
		{"revoked without a revocation", &faultyStatus{state: ca.Revoked}, nil, false, requestOf(t, smcb), pkix.OCSPInternalError},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newResponder(t, c.store, func(cfg *ca.ResponderConfig) {
				cfg.Issuers = slices.Clone(cfg.Issuers)
				for i := range cfg.Issuers {
					cfg.Issuers[i].Key = &faultyKey{cfg.Issuers[i].Key, c.key, c.alter}
				}
			})
			if got := errorFor(t, r, c.request); got != c.want {
				t.Errorf("the answer is %s, want %s", got, c.want)
			}
		})
	}
}

type temporary struct{}

func (*temporary) Error() string   { return "token away" }
func (*temporary) Temporary() bool { return true }

// faultyKey fails, or signs something else.
type faultyKey struct {
	ca.Key
	err   error
	alter bool
}

func (k *faultyKey) Sign(ctx context.Context, s sigalg.Scheme, message []byte) ([]byte, error) {
	if k.err != nil {
		return nil, k.err
	}
	if k.alter {
		message = append(bytes.Clone(message), 0)
	}
	return k.Key.Sign(ctx, s, message)
}

// faultyStatus says the same of every certificate, or fails. It counts what is asked.
type faultyStatus struct {
	ca.StatusReader
	state ca.State // "" is Active
	err   error

	mu      sync.Mutex // guards what is below
	changes []ca.StatusChange
	broken  error // of StatusChanges
	reads   atomic.Int64
	trips   atomic.Int64
	looks   atomic.Int64
	wait    chan struct{} // reads wait for it, where it is there
}

func (f *faultyStatus) CertificateStates(ctx context.Context, ids []ca.CertificateID) (list []ca.CertificateState, err error) {
	if f.wait != nil {
		select {
		case <-f.wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f.reads.Add(int64(len(ids)))
	f.trips.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		s := ca.CertificateState{CertificateID: id, State: f.state, Epoch: int64(len(f.changes))}
		if s.State == "" {
			s.State = ca.Active
		}
		list = append(list, s)
	}
	return list, f.err
}

func (f *faultyStatus) StatusChanges(_ context.Context, after int64, limit int) ([]ca.StatusChange, error) {
	f.looks.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.changes[min(after, int64(len(f.changes))):]
	return list[:min(limit, len(list))], f.broken
}

func (f *faultyStatus) StatusEpoch(context.Context) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(len(f.changes)), nil
}

// change adds a change of a certificate.
func (f *faultyStatus) change(issuer string, serials ...byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range serials {
		f.changes = append(f.changes, ca.StatusChange{Epoch: int64(len(f.changes) + 1), To: ca.Revoked, Certificates: []ca.CertificateID{{Issuer: issuer, Serial: must(pkix.NewSerial([]byte{s}))}}})
	}
}

// TestStatusCache: an answer is given again for some seconds, until its certificate changes, and never on the word of a database that
// does not answer.
func TestStatusCache(t *testing.T) {
	issuer := hierarchy()[smcbECC]
	request := requestOf(t, issuer.X509)
	var now atomic.Int64
	store := &faultyStatus{}
	r := newResponder(t, store, func(cfg *ca.ResponderConfig) {
		cfg.Now = func() time.Time { return dayOfIssue.Add(time.Duration(now.Load())) }
	})
	step := func(name string, want int64) {
		t.Helper()
		if answer := r.Respond(t.Context(), request); answer.ProducedAt.IsZero() {
			t.Fatalf("%s: the answer is %x", name, answer.DER)
		}
		if got := store.reads.Load(); got != want {
			t.Errorf("%s: %d answers were made, want %d", name, got, want)
		}
	}
	step("first", 1)
	step("again", 1)
	store.change(issuer.Name, 2)
	step("after a change of another", 1)
	store.change(hierarchy()[smcbRSA].Name, 1)
	step("after a change of the same number of another issuer", 1)
	store.change(issuer.Name, 1)
	step("after a change", 2)
	step("again after a change", 2)
	now.Add(int64(ca.MaxStatusCache) - 1)
	step("just before its end", 2)
	now.Add(1)
	step("after its end", 3)
	for range 1200 {
		store.change(issuer.Name, 200)
	}
	step("after more changes than are looked at", 4)
	step("and again", 4)
	store.mu.Lock()
	store.broken = errors.New("connection lost")
	store.mu.Unlock()
	if got := errorFor(t, r, request); got != pkix.OCSPTryLater {
		t.Errorf("without the database a kept answer is %s, want tryLater", got)
	}
	if kept := r.Counts().Kept.Load(); kept != 6 {
		t.Errorf("%d answers were given again, want 6", kept)
	}
}

// TestStatusCacheMisses: what must not be kept.
func TestStatusCacheMisses(t *testing.T) {
	issuer := hierarchy()[smcbECC]
	id := must(pkix.NewCertID(issuer.X509, must(pkix.NewSerial([]byte{1})), crypto.SHA1))
	for _, c := range []struct {
		name    string
		state   ca.State
		cache   time.Duration
		request *pkix.OCSPRequest
	}{
		{"with a nonce", ca.Active, ca.MaxStatusCache, &pkix.OCSPRequest{IDs: []pkix.CertID{id}, Nonce: []byte{1}}},
		{"two certificates", ca.Active, ca.MaxStatusCache, &pkix.OCSPRequest{IDs: []pkix.CertID{id, id}}},
		{"never issued", ca.NotIssued, ca.MaxStatusCache, &pkix.OCSPRequest{IDs: []pkix.CertID{id}}},
		{"no cache", ca.Active, 0, &pkix.OCSPRequest{IDs: []pkix.CertID{id}}},
	} {
		store := &faultyStatus{state: c.state}
		r := newResponder(t, store, func(cfg *ca.ResponderConfig) { cfg.Cache = c.cache })
		for range 3 {
			if answer := r.Respond(t.Context(), must(c.request.Encode())); answer.ProducedAt.IsZero() {
				t.Fatalf("%s: the answer is %x", c.name, answer.DER)
			}
		}
		if got, want := store.reads.Load(), int64(3*len(c.request.IDs)); got != want {
			t.Errorf("%s: the status was read %d times, want %d", c.name, got, want)
		}
	}
}

// TestStatusReadsAreShared: questions that come while the database is at work share a round trip, and each gets its own answer. Those that
// would be too many are told to come later at once, and those that wait too long after a second.
func TestStatusReadsAreShared(t *testing.T) {
	issuer := hierarchy()[smcbRSA].X509
	store := &faultyStatus{wait: make(chan struct{})}
	r := newResponder(t, store)
	const questions = 100
	answers := make([]*pkix.OCSPResponse, questions)
	var clients sync.WaitGroup
	ask := func(i int) pkix.CertID {
		return must(pkix.NewCertID(issuer, must(pkix.NewSerial([]byte{1, byte(i)})), crypto.SHA1))
	}
	for i := range questions {
		clients.Go(func() {
			answers[i], _ = pkix.ParseOCSPResponse(r.Respond(context.Background(), must((&pkix.OCSPRequest{IDs: []pkix.CertID{ask(i)}}).Encode())).DER)
		})
	}
	time.Sleep(50 * time.Millisecond)
	close(store.wait)
	clients.Wait()
	for i, a := range answers {
		if a == nil || !a.Responses[0].ID.Equal(ask(i)) {
			t.Errorf("question %d has the answer %v", i, a)
		}
	}
	if reads, trips := store.reads.Load(), store.trips.Load(); reads != questions || trips > questions/3 {
		t.Errorf("%d certificates were read in %d round trips", reads, trips)
	}
	store = &faultyStatus{wait: make(chan struct{})}
	r = newResponder(t, store)
	begin := time.Now()
	var soon, late atomic.Int64
	for range 600 {
		clients.Go(func() {
			if got := r.Respond(context.Background(), requestOf(t, issuer)).DER; !bytes.Equal(got, pkix.OCSPTryLater.Encode()) {
				t.Errorf("while the database stands still, the answer is %x", got)
			}
			if time.Since(begin) < 900*time.Millisecond {
				soon.Add(1)
			} else {
				late.Add(1)
			}
		})
	}
	clients.Wait()
	if soon.Load() == 0 || late.Load() == 0 || time.Since(begin) > 5*time.Second {
		t.Errorf("%d were told at once and %d later, all after %s", soon.Load(), late.Load(), time.Since(begin))
	}
}

// TestResponderRefuses configurations with which answers could not be trusted.
func TestResponderRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*ca.ResponderConfig)
		want   string
	}{
		{"no store", func(cfg *ca.ResponderConfig) { cfg.Store = nil }, "mandatory"},
		{"kept too long", func(cfg *ca.ResponderConfig) { cfg.Cache = 21 * time.Second }, "GS-A_5215"},
		{"no standing session", func(cfg *ca.ResponderConfig) { cfg.Standing = nil }, "standing_sessions"},
		{"no signer", func(cfg *ca.ResponderConfig) { cfg.Issuers = hierarchy() }, "no OCSP signer"},
		{"another key", func(cfg *ca.ResponderConfig) { last(cfg).Key = newECKey() }, "not the key of its certificate"},
		{"another issuer above", func(cfg *ca.ResponderConfig) { last(cfg).Issuer.IssuedBy = hierarchy()[smcbECC].Name }, "another issuer"},
		{"issuer missing", func(cfg *ca.ResponderConfig) { last(cfg).Issuer.IssuedBy = "nobody" }, "is missing"},
		{"certificate of an issuing CA", func(cfg *ca.ResponderConfig) {
			komp := hierarchy()[kompECC]
			*last(cfg) = ca.Issuer{Key: komp.Key, Issuer: &profiles.Issuer{Name: "x", Kind: profiles.OCSPSigner, KeyType: sigalg.E256, X509: komp.X509, IssuedBy: hierarchy()[rootECC].Name}}
		}, "nonRepudiation alone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := responderConfig(&faultyStatus{})
			cfg.Issuers = slices.Clone(cfg.Issuers)
			public := *last(&cfg).Issuer
			last(&cfg).Issuer = &public
			c.change(&cfg)
			if _, err := ca.NewResponder(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func last(cfg *ca.ResponderConfig) *ca.Issuer { return &cfg.Issuers[len(cfg.Issuers)-1] }

// TestNeverGoodAfterRevocation is a linearizability test: on two responders with their caches on, over one database, no question
// that is asked after a revocation was acknowledged is answered with good.
func TestNeverGoodAfterRevocation(t *testing.T) {
	w := newWorld(t)
	responders := []*ca.Responder{newResponder(t, w.db), newResponder(t, w.db)}
	const cards = 12
	var questions [cards]asked
	var revoked [cards]atomic.Bool
	for i := range questions {
		card, err := w.Issue(t.Context(), operator, smallOrder(100+i))
		if err != nil {
			t.Fatal(err)
		}
		w.activate(t, card.ICCSN)
		questions[i] = ask(t, certificatesIn(t, card)["C.HCI.AUT.E256"], hierarchy()[smcbECC].Name, crypto.SHA1, 0)
	}
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for n := range 8 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 1))
			for ctx.Err() == nil {
				i := random.IntN(cards)
				must := revoked[i].Load() // before the question
				answer, err := pkix.ParseOCSPResponse(responders[n%2].Respond(context.Background(), questions[i].request).DER)
				if err != nil {
					t.Errorf("client %d: %v", n, err)
					return
				}
				if got := answer.Responses[0].Status; must && got != pkix.StatusRevoked {
					t.Errorf("client %d is told %s after card %d was revoked", n, got, i)
				}
			}
		})
	}
	for i := range cards {
		time.Sleep(20 * time.Millisecond)
		w.revoke(t, fmt.Sprintf("8027600101%010d", 100+i))
		revoked[i].Store(true)
	}
	time.Sleep(20 * time.Millisecond)
	stop()
	clients.Wait()
	for i, r := range responders {
		if c := r.Counts(); c.Kept.Load() == 0 || c.Good.Load() == 0 || c.Revoked.Load() == 0 {
			t.Errorf("responder %d has given %d answers again, %d good, %d revoked: the test shows nothing", i, c.Kept.Load(), c.Good.Load(), c.Revoked.Load())
		}
	}
}
