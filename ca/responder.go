package ca

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

const (
	// MaxStatusCache is the longest that an answer may be kept. With the 37.5 s that clients allow between producedAt and their own clock
	// (GS-A_5215), it leaves time for the way and for clocks that differ.
	MaxStatusCache = 20 * time.Second
	// answerTime bounds the work on an answer: clients give up after 1.1 s (A_21340-01).
	answerTime = time.Second
	// maxAnswering bounds the answers in the making. What comes beyond it would wait for the token longer than its client waits.
	maxAnswering = 512
)

// ResponderConfig is what a Responder is made of. All fields are mandatory unless they say otherwise.
type ResponderConfig struct {
	Store StatusReader
	// Issuers are issuers and OCSP signers. Answers are given for each X.509 issuer below which there is a signer with a key. Of several signers,
	// the newest that is valid answers: list them oldest first.
	Issuers []Issuer
	// Standing must name ForOCSP.
	Standing Standing
	// Cache is how long an answer without a nonce may be given again, at most MaxStatusCache; 0 for never.
	Cache time.Duration
	Now   func() time.Time
	Log   *slog.Logger // hears of faults, never of requests (TIP1-A_4234)
}

// Responder answers questions for the status of certificates (RFC 6960). It says good only for what is issued and active, unknown for
// what is not, and tryLater rather than something old. A status change that was acknowledged to anybody before a request arrived is in the
// answer, whichever server made the change. All methods are safe for concurrent use.
type Responder struct {
	store    StatusReader
	standing Standing
	signers  map[pkix.IssuerID][]*statusSigner // oldest first
	now      func() time.Time
	log      *slog.Logger
	cache    *statusCache
	fresh    freshness
	reads    statusReads
	busy     chan struct{} // one for each answer in the making
	counts   StatusCounts
	trouble  trouble
}

// StatusCounts counts answers since the start of the server. It knows no certificate and no client.
type StatusCounts struct {
	Good, Revoked, Unknown                                 atomic.Int64 // certificates spoken of
	Malformed, InternalError, TryLater, Unauthorized, Kept atomic.Int64 // answers; Kept were given again
}

// NewResponder checks the configuration. It reads no database and uses no key.
//
// It is an error if a signer that has a key cannot answer for the issuer above it, or if there is no signer with a key at all.
func NewResponder(cfg ResponderConfig) (*Responder, error) {
	if cfg.Store == nil || cfg.Now == nil || cfg.Log == nil {
		return nil, errors.New("configuration of the OCSP responder: store, clock and logger are mandatory")
	}
	if cfg.Cache < 0 || cfg.Cache > MaxStatusCache {
		return nil, fmt.Errorf("configuration of the OCSP responder: answers are kept for %s, at most %s are possible (gemSpec_PKI, GS-A_5215)",
			cfg.Cache, MaxStatusCache)
	}
	if err := cfg.Standing.MaySign(ForOCSP); err != nil {
		return nil, fmt.Errorf("configuration of the OCSP responder: %w", err)
	}
	r := &Responder{
		store: cfg.Store, standing: cfg.Standing, signers: map[pkix.IssuerID][]*statusSigner{}, now: cfg.Now, log: cfg.Log,
		cache: newStatusCache(cfg.Cache), busy: make(chan struct{}, maxAnswering), trouble: trouble{log: cfg.Log},
	}
	r.reads.read = cfg.Store.CertificateStates
	r.fresh.read = func(ctx context.Context) error { return r.cache.refresh(ctx, r.store) }
	if err := r.addSigners(cfg.Issuers); err != nil {
		return nil, fmt.Errorf("configuration of the OCSP responder: %w", err)
	}
	return r, nil
}

// addSigners joins signers with the issuers that they answer for, under every name that a CertID may have for them.
func (r *Responder) addSigners(list []Issuer) error {
	byName := map[string]*profiles.Issuer{}
	for _, iss := range list {
		byName[iss.Name] = iss.Issuer
	}
	var errs []error
	for i := range list {
		signer := &list[i]
		if signer.Kind != profiles.OCSPSigner || signer.Key == nil {
			continue
		}
		issuer := byName[signer.IssuedBy]
		if issuer == nil {
			errs = append(errs, fmt.Errorf("OCSP signer %q: the issuer above it, %q, is missing", signer.Name, signer.IssuedBy))
			continue
		}
		s, err := newStatusSigner(signer, issuer)
		if err != nil {
			errs = append(errs, fmt.Errorf("OCSP signer %q: %w", signer.Name, err))
			continue
		}
		for _, hash := range pkix.CertIDHashes {
			id, err := pkix.IssuerIDOf(issuer.X509, hash)
			if err != nil {
				return fmt.Errorf("issuer %q: %w", issuer.Name, err)
			}
			r.signers[id] = append(r.signers[id], s)
		}
	}
	if len(errs) == 0 && len(r.signers) == 0 {
		return errors.New("there is no OCSP signer with a key")
	}
	return errors.Join(errs...)
}

// Serves lists the names of the issuers that are answered for.
func (r *Responder) Serves() (names []string) {
	for id, list := range r.signers {
		if id.Hash == crypto.SHA256 {
			names = append(names, list[0].above.Name)
		}
	}
	return names
}

// Counts gives the counters, which go on counting.
func (r *Responder) Counts() *StatusCounts { return &r.counts }

// Respond answers a request, the DER as it came. There is always an answer; one that says an error is not signed. ctx bounds it from
// outside.
func (r *Responder) Respond(ctx context.Context, request []byte) *StatusAnswer {
	req, err := pkix.ParseOCSPRequest(request)
	if err != nil {
		return r.refuse(pkix.OCSPMalformedRequest)
	}
	signer := r.signerFor(req)
	if signer == nil {
		return r.refuse(pkix.OCSPUnauthorized)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answer, err := r.answer(ctx, signer, req)
	if err == nil {
		return answer
	}
	r.trouble.hit(err)
	return r.refuse(errorStatus(err))
}

// errorStatus tells what may pass from what will not.
func errorStatus(err error) pkix.OCSPError {
	var away *UnavailableError
	if isContext(err) || errors.As(err, &away) {
		return pkix.OCSPTryLater
	}
	return pkix.OCSPInternalError
}

func (r *Responder) refuse(e pkix.OCSPError) *StatusAnswer {
	switch e {
	case pkix.OCSPMalformedRequest:
		r.counts.Malformed.Add(1)
	case pkix.OCSPTryLater:
		r.counts.TryLater.Add(1)
	case pkix.OCSPUnauthorized:
		r.counts.Unauthorized.Add(1)
	default:
		r.counts.InternalError.Add(1)
	}
	return &StatusAnswer{DER: e.Encode()}
}

// signerFor gives the signer of the issuer that all CertIDs of a request name, the newest that is valid; nil where they name none that is
// served, or several: no one signer may answer for them.
func (r *Responder) signerFor(req *pkix.OCSPRequest) *statusSigner {
	var found *statusSigner
	now := r.now()
	for _, id := range req.IDs {
		list := r.signers[id.Issuer]
		if len(list) == 0 || found != nil && found.above != list[0].above {
			return nil
		}
		found = list[len(list)-1]
		for _, s := range list {
			if s.validAt(now) {
				found = s
			}
		}
	}
	return found
}

func (s *statusSigner) validAt(now time.Time) bool {
	first, last, _ := s.Validity()
	return !now.Before(first) && !now.After(last)
}

// answer gives a kept answer, or makes one.
func (r *Responder) answer(ctx context.Context, signer *statusSigner, req *pkix.OCSPRequest) (*StatusAnswer, error) {
	mayKeep := len(req.IDs) == 1 && req.Nonce == nil && !req.IDs[0].Serial.IsZero()
	if mayKeep {
		kept, err := r.kept(ctx, signer, req.IDs[0])
		if kept != nil || err != nil {
			return kept, err
		}
	}
	select {
	case r.busy <- struct{}{}:
		defer func() { <-r.busy }()
	default:
		return nil, unavailable(errors.New("too many answers are in the making"))
	}
	at := r.now() // before the reads: what the answer says was true then or later
	var facts []statusFact
	for _, id := range req.IDs {
		status, err := r.status(ctx, signer, id)
		if err != nil {
			return nil, err
		}
		facts = append(facts, statusFact{id, status})
	}
	answer, err := r.sign(ctx, signer, facts, at, req.Nonce)
	if err != nil {
		return nil, err
	}
	r.count(facts)
	if mayKeep {
		r.cache.put(facts[0].status, req.IDs[0].Raw, answer)
	}
	return answer, nil
}

// kept gives a kept answer that no change has touched since it was made, or nil. The second look is after the changes were read.
func (r *Responder) kept(ctx context.Context, signer *statusSigner, id pkix.CertID) (*StatusAnswer, error) {
	certificate := CertificateID{signer.above.Name, id.Serial}
	if r.cache.get(certificate, id.Raw, r.now()) == nil {
		return nil, nil
	}
	if err := r.fresh.await(ctx); err != nil {
		return nil, storeFailure("read the changes of status", err)
	}
	answer := r.cache.get(certificate, id.Raw, r.now())
	if answer != nil {
		r.counts.Kept.Add(1)
	}
	return answer, nil
}

// status reads the status of a certificate. A number that cannot be a serial number was never issued.
func (r *Responder) status(ctx context.Context, signer *statusSigner, id pkix.CertID) (CertificateState, error) {
	certificate := CertificateID{signer.above.Name, id.Serial}
	if id.Serial.IsZero() {
		return CertificateState{CertificateID: certificate, State: NotIssued}, nil
	}
	status, err := r.reads.status(ctx, certificate)
	if err != nil {
		return CertificateState{}, storeFailure("read the status of a certificate", err)
	}
	return status, nil
}

func (r *Responder) sign(ctx context.Context, signer *statusSigner, facts []statusFact, at time.Time, nonce pkix.OCSPNonce) (*StatusAnswer, error) {
	draft, err := signer.draft(facts, at, nonce)
	if err != nil {
		return nil, fmt.Errorf("draft an OCSP answer: %w", err)
	}
	der, err := signStatus(ctx, r.standing, draft, at)
	if err != nil {
		return nil, err
	}
	return &StatusAnswer{DER: der, ProducedAt: at.UTC().Truncate(time.Second)}, nil
}

func (r *Responder) count(facts []statusFact) {
	for _, f := range facts {
		switch f.status.State {
		case Active:
			r.counts.Good.Add(1)
		case Revoked:
			r.counts.Revoked.Add(1)
		default:
			r.counts.Unknown.Add(1)
		}
	}
}

// Ready tells why answers would be tryLater now, as far as is known without trying: the token is away.
func (r *Responder) Ready() error {
	for _, list := range r.signers {
		if err := list[len(list)-1].key.Ready(); err != nil {
			return fmt.Errorf("OCSP signer %q: %w", list[len(list)-1].Name, err)
		}
	}
	return nil
}

// troublePause is the time between two lines in the log about answers that fail.
const troublePause = 10 * time.Second

// trouble puts faults into the log now and then, and not once for each request.
type trouble struct {
	log *slog.Logger

	mu     sync.Mutex // guards what is below
	last   time.Time
	failed int // answers since the last line
}

// hit notes a failed answer. That a client has left is no fault.
func (t *trouble) hit(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed++
	if now := time.Now(); now.Sub(t.last) >= troublePause {
		t.log.Warn("OCSP answers fail", "failed", t.failed, "cause", err)
		t.last, t.failed = now, 0
	}
}
