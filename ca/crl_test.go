package ca_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: CRLs are made on schedule and on demand, each recorded before it is signed.

func forCRLs(cfg *ca.Config) { cfg.Standing = ca.Standing{ca.ForCRL} }

func (w *world) crlConfig() ca.CRLConfig {
	return ca.CRLConfig{Status: w.db, Store: w.db, Interval: 24 * time.Hour, Validity: 7 * 24 * time.Hour, AfterRevocation: 10 * time.Minute}
}

// crlWorld is a world in which the witness knows recorded CRLs.
func crlWorld(t *testing.T, change ...func(*ca.Config)) (*world, *ca.CRLs) {
	t.Helper()
	w := newWorld(t, append([]func(*ca.Config){forCRLs}, change...)...)
	drafts := w.keys.intended
	w.keys.intended = func(hash [32]byte) bool {
		if drafts(hash) {
			return true
		}
		for _, e := range must(w.db.Entries(context.Background(), 0, 1<<20)) {
			if e.Kind == tlog.CRLRecorded && strings.Contains(string(e.Facts), fmt.Sprintf("%x", hash)) {
				return true
			}
		}
		return false
	}
	return w, must(ca.NewCRLs(w.Authority, w.crlConfig()))
}

// crl reads the published CRL of an issuer and checks it with the issuer's certificate.
func (w *world) crl(t *testing.T, issuer ca.Issuer) *pkix.CRL {
	t.Helper()
	state, err := w.db.NewestCRL(t.Context(), issuer.Name)
	if err != nil || state.Published == nil {
		t.Fatalf("CRL of %s: %+v, %v", issuer.Name, state, err)
	}
	var octets []byte
	for part := range state.Published.Parts() {
		octets = append(octets, must(w.db.CRLPart(t.Context(), issuer.Name, state.Published.Number, part))...)
	}
	crl, err := pkix.ParseCRL(octets)
	if err != nil {
		t.Fatal(err)
	}
	if err := crl.CheckSignatureFrom(issuer.X509); err != nil {
		t.Error(err)
	}
	p := state.Published
	if crl.Length != p.Entries || !crl.ThisUpdate.Equal(p.ThisUpdate) || !crl.NextUpdate.Equal(p.NextUpdate) || sha256.Sum256(crl.RawTBS) != p.BodySHA256 || sha256.Sum256(octets) != p.SHA256 {
		t.Errorf("the CRL of %s is not what is recorded: %+v", issuer.Name, p)
	}
	number, _, err := pkix.Find(crl.Extensions, pkix.OIDCRLNumber, pkix.ParseCRLNumber)
	if err != nil || int64(number) != p.Number {
		t.Errorf("cRLNumber %d, %v, want %d", number, err, p.Number)
	}
	return crl
}

// kinds counts the entries of a kind.
func (w *world) kinds(t *testing.T, kind tlog.Kind) (n int) {
	t.Helper()
	for _, e := range w.entries(t) {
		if e.Kind == kind {
			n++
			if _, err := e.ReadFacts(); err != nil {
				t.Error(err)
			}
		}
	}
	return n
}

// TestCRLs: what a CRL holds before and after a revocation, with each kind of key.
func TestCRLs(t *testing.T) {
	w, crls := crlWorld(t)
	card, err := w.Issue(t.Context(), operator, sampleOrder(t, "pharmacy"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.Issue(t.Context(), operator, newOrder(1))
	if err != nil {
		t.Fatal(err)
	}
	issuers := []ca.Issuer{hierarchy()[smcbRSA], hierarchy()[smcbECC], hierarchy()[qes]}
	made := 0
	generate := func(number int64, entries ...int) {
		t.Helper()
		for i, iss := range issuers {
			got, err := crls.Generate(t.Context(), "ca-operator-1", iss.Name)
			if err != nil {
				t.Fatal(err)
			}
			made++
			if crl := w.crl(t, iss); got.Number != number || crl.Length != entries[i] {
				t.Errorf("CRL of %s: number %d with %d entries, want %d with %d", iss.Name, got.Number, crl.Length, number, entries[i])
			}
			since, ok, err := pkix.Find(w.crl(t, iss).Extensions, pkix.OIDExpiredCertsOnCRL, pkix.ParseExpiredCertsOnCRL)
			if ok != (iss.Kind == profiles.QESCA) || err != nil || ok && !time.Time(since).Equal(iss.X509.NotBefore) {
				t.Errorf("CRL of %s: expiredCertsOnCRL %v, %t, %v", iss.Name, time.Time(since), ok, err)
			}
		}
	}
	generate(1, 0, 0, 0)
	w.activate(t, card.ICCSN)
	generate(2, 0, 0, 0)
	w.revoke(t, card.ICCSN) // RSA and qualified
	at := w.revoke(t, second.ICCSN)
	generate(3, 6, 3, 1)
	for e := range w.crl(t, hierarchy()[smcbECC]).Entries() {
		if !slices.ContainsFunc(second.Certs, func(c ca.Certificate) bool { return c.Serial == e.Serial }) || !e.RevokedAt.Equal(at.Truncate(time.Second)) || e.Extensions != nil {
			t.Errorf("entry %+v", e)
		}
	}
	if recorded, issued := w.kinds(t, tlog.CRLRecorded), w.kinds(t, tlog.CRLIssued); recorded != made || issued != made {
		t.Errorf("%d and %d entries for %d CRLs", recorded, issued, made)
	}
	for _, name := range []string{"nobody", hierarchy()[rootECC].Name, hierarchy()[cvcSub].Name} {
		if _, err := crls.Generate(t.Context(), "ca-operator-1", name); !errors.Is(err, ca.ErrNotFound) {
			t.Errorf("a CRL of %s: %v, want ErrNotFound", name, err)
		}
	}
	w.keys.mu.Lock()
	defer w.keys.mu.Unlock()
	for _, err := range w.keys.broken {
		t.Error(err)
	}
}

// TestCRLSchedule: when the next CRL is due.
func TestCRLSchedule(t *testing.T) {
	var ahead atomic.Int64
	w, crls := crlWorld(t, func(cfg *ca.Config) {
		cfg.Now = func() time.Time { return tick().Add(time.Duration(ahead.Load())) }
	})
	issuer := hierarchy()[smcbECC]
	step := func(name string, after time.Duration, want int64) {
		t.Helper()
		ahead.Add(int64(after))
		if err := crls.MakeDue(t.Context(), issuer.Name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := must(w.db.NewestCRL(t.Context(), issuer.Name)).Recorded; got != want {
			t.Errorf("%s: CRL %d is the newest, want %d", name, got, want)
		}
	}
	card, err := w.Issue(t.Context(), operator, smallOrder(1))
	if err != nil {
		t.Fatal(err)
	}
	step("first", 0, 1)
	step("at once", 0, 1)
	step("before the interval is over", 23*time.Hour, 1)
	step("after it", time.Hour+time.Second, 2)
	w.activate(t, card.ICCSN)
	step("after an activation", 11*time.Minute, 2)
	w.revoke(t, card.ICCSN)
	step("after a revocation", 0, 3)
	step("when nothing was revoked since", 11*time.Minute, 3)
	device, err := w.Issue(t.Context(), operator, sampleOrder(t, "card-terminal"))
	if err != nil {
		t.Fatal(err)
	}
	w.revoke(t, device.ICCSN)
	step("after a revocation of another issuer", 0, 3)
	card, err = w.Issue(t.Context(), operator, smallOrder(2))
	if err != nil {
		t.Fatal(err)
	}
	ahead.Add(int64(24 * time.Hour))
	step("the next day", 0, 4)
	w.revoke(t, card.ICCSN)
	step("soon after the last one", time.Minute, 4)
	step("and later", 10*time.Minute, 5)
}

// TestCRLsRun on schedule for issuers whose certificates name a CRL, and end with their context.
func TestCRLsRun(t *testing.T) {
	w, crls := crlWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- crls.Run(ctx) }()
	for deadline := time.Now().Add(30 * time.Second); w.kinds(t, tlog.CRLIssued) < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no CRLs are made")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for i, iss := range hierarchy() {
		state := must(w.db.NewestCRL(t.Context(), iss.Name))
		if want := i == smcbRSA || i == smcbECC; (state.Published != nil) != want {
			t.Errorf("issuer %s has %+v", iss.Name, state.Published)
		}
	}
}

// TestCRLFaults: a CRL that was recorded and not signed leaves a gap in the numbers; where the key may not sign, nothing is recorded.
func TestCRLFaults(t *testing.T) {
	w, crls := crlWorld(t)
	issuer := hierarchy()[smcbECC].Name
	broken := errors.New("CKR_DEVICE_ERROR")
	w.keys.mu.Lock()
	w.keys.meddle = func(int) (error, error) { return broken, nil }
	w.keys.mu.Unlock()
	if _, err := crls.Generate(t.Context(), "ca-operator-1", issuer); !errors.Is(err, broken) {
		t.Errorf("with a broken token: %v", err)
	}
	w.keys.mu.Lock()
	w.keys.meddle, w.keys.alter = nil, func(s []byte) []byte { s[5] ^= 1; return s }
	w.keys.mu.Unlock()
	if _, err := crls.Generate(t.Context(), "ca-operator-1", issuer); err == nil || !strings.Contains(err.Error(), "does not verify") {
		t.Errorf("with a wrong signature: %v", err)
	}
	w.keys.mu.Lock()
	w.keys.alter, w.keys.away = nil, &temporary{}
	w.keys.mu.Unlock()
	var away *ca.UnavailableError
	if _, err := crls.Generate(t.Context(), "ca-operator-1", issuer); !errors.As(err, &away) {
		t.Errorf("without a token: %v", err)
	}
	w.keys.mu.Lock()
	w.keys.away = nil
	w.keys.mu.Unlock()
	crl, err := crls.Generate(t.Context(), "ca-operator-1", issuer)
	if err != nil || crl.Number != 3 {
		t.Errorf("afterwards: %+v, %v, want CRL 3", crl, err)
	}
	if recorded, issued := w.kinds(t, tlog.CRLRecorded), w.kinds(t, tlog.CRLIssued); recorded != 3 || issued != 1 {
		t.Errorf("%d recorded, %d issued, want 3 and 1", recorded, issued)
	}
}

// TestCRLWithoutStandingSession is signed in a key session like a certificate, and takes one signature off it.
func TestCRLWithoutStandingSession(t *testing.T) {
	w, crls := crlWorld(t, func(cfg *ca.Config) { cfg.Standing = nil })
	before := w.kinds(t, tlog.CRLIssued)
	if _, err := crls.Generate(t.Context(), "ca-operator-1", hierarchy()[smcbRSA].Name); err != nil {
		t.Fatal(err)
	}
	if w.kinds(t, tlog.CRLIssued) != before+1 || w.kinds(t, tlog.KeySessionOpened) == 0 {
		t.Error("the CRL is not in the log, or no session was open")
	}
	closed, crls2 := crlWorld(t, func(cfg *ca.Config) { cfg.Standing, cfg.OpensAlone = nil, false })
	var none *ca.NoSessionError
	if _, err := crls2.Generate(t.Context(), "ca-operator-1", hierarchy()[smcbRSA].Name); !errors.As(err, &none) {
		t.Errorf("without a session: %v, want *NoSessionError", err)
	}
	if n := closed.kinds(t, tlog.CRLRecorded); n != 0 {
		t.Errorf("%d CRLs were recorded that no key may sign", n)
	}
}

// TestCRLRace: of two servers on one database, each number is published once.
func TestCRLRace(t *testing.T) {
	w, one := crlWorld(t)
	two := must(ca.NewCRLs(w.Authority, w.crlConfig()))
	var wg sync.WaitGroup
	var made atomic.Int64
	for _, c := range []*ca.CRLs{one, two, one, two} {
		wg.Go(func() {
			for range 3 {
				_, err := c.Generate(t.Context(), "ca-operator-1", hierarchy()[smcbECC].Name)
				var away *ca.UnavailableError
				switch {
				case err == nil:
					made.Add(1)
				case !errors.As(err, &away) || !errors.Is(err, ca.ErrCRLMoved):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if issued := w.kinds(t, tlog.CRLIssued); int64(issued) != made.Load() || issued == 0 {
		t.Errorf("%d CRLs are in the log, %d were made", issued, made.Load())
	}
	w.crl(t, hierarchy()[smcbECC])
}

// TestCRLConfig refuses what RFC 5280 and ETSI do.
func TestCRLConfig(t *testing.T) {
	w := newWorld(t)
	for _, change := range []func(*ca.CRLConfig){
		func(c *ca.CRLConfig) { c.Status = nil },
		func(c *ca.CRLConfig) { c.Interval = 25 * time.Hour },
		func(c *ca.CRLConfig) { c.Validity = c.Interval },
		func(c *ca.CRLConfig) { c.AfterRevocation = 0 },
	} {
		cfg := w.crlConfig()
		change(&cfg)
		if _, err := ca.NewCRLs(w.Authority, cfg); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
}

// manyRevoked is a StatusReader with any number of revoked certificates.
type manyRevoked struct {
	ca.StatusReader
	n int
}

func (m manyRevoked) StatusEpoch(context.Context) (int64, error) { return int64(m.n), nil }

func (m manyRevoked) RevokedCertificates(_ context.Context, q ca.RevokedQuery) (page []ca.RevokedCertificate, err error) {
	first := 1
	if !q.After.IsZero() {
		first = int(binary.BigEndian.Uint64(q.After.Bytes()[8:])) + 1
	}
	for i := first; i <= m.n && len(page) < q.Limit; i++ {
		var b [16]byte
		b[0] = 0x40
		binary.BigEndian.PutUint64(b[8:], uint64(i))
		page = append(page, ca.RevokedCertificate{Serial: must(pkix.NewSerial(b[:])), At: dayOfIssue})
	}
	return page, nil
}

// TestLargeCRL makes a CRL of many entries, from the list of revoked certificates to what is served from the database, in several parts. With
// SIEGEL_CRL_ENTRIES it says how long that takes and how much memory: see make bench-crl.
func TestLargeCRL(t *testing.T) {
	n := 100_000
	if text := os.Getenv("SIEGEL_CRL_ENTRIES"); text != "" {
		n = must(strconv.Atoi(text))
	}
	w := newWorld(t, forCRLs)
	w.keys.intended = func([32]byte) bool { return true }
	cfg := w.crlConfig()
	cfg.Status = manyRevoked{n: n}
	crls := must(ca.NewCRLs(w.Authority, cfg))
	begin := time.Now()
	crl, err := crls.Generate(t.Context(), "ca-operator-1", hierarchy()[smcbRSA].Name)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	if crl.Entries != n || crl.Parts() < 2 {
		t.Errorf("the CRL has %d entries in %d parts", crl.Entries, crl.Parts())
	}
	fmt.Printf("bench crl-entries %d\nbench crl-seconds %.2f\nbench crl-octets %d\nbench crl-peak-rss-mb %d\n", n, took.Seconds(), crl.Size, peakRSS()>>20)
	if got := w.crl(t, hierarchy()[smcbRSA]); got.Length != n {
		t.Errorf("it is served with %d entries", got.Length)
	}
}

// peakRSS is the greatest memory of this process so far, in octets.
func peakRSS() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return usage.Maxrss << 10
}
