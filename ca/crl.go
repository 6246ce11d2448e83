package ca

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// CRLConfig says how CRLs are made. All fields are mandatory.
type CRLConfig struct {
	Status StatusReader
	Store  CRLStore
	// Interval is the time from one CRL to the next; at most 24 hours (ETSI EN 319 411-1, CSS-6.3.9).
	Interval time.Duration
	// Validity is the time from thisUpdate to nextUpdate; longer than Interval, so that a server may fail for some time.
	Validity time.Duration
	// AfterRevocation is the time from a CRL to the next where a certificate of the issuer has been revoked since.
	AfterRevocation time.Duration
}

// CRLs makes complete CRLs of X.509 issuers: on schedule for those whose certificates name one, and on demand. Any number of servers may run
// one on the same database; for each number, one of them publishes.
//
// An issuer's own key signs its CRL: in the standing key session where it covers CRLs (ForCRL). Where it does not, a CRL that is due waits for
// a key session that two people open.
//
// NewCRLs makes it, Run runs it once; Generate is safe for concurrent use.
type CRLs struct {
	*Authority
	cfg  CRLConfig
	seen map[string]int64 // by issuer: changes up to here were looked at and revoke nothing that the newest CRL lacks; owned by Run
}

const (
	// crlPage is how many revoked certificates are read at a time.
	crlPage = 10_000
	// maxExpected bounds the entries for which room is made in the first CRL of an issuer; more need the room twice for a moment.
	maxExpected = 1 << 20
	// crlPause is the time between two looks whether a CRL is due.
	crlPause = 5 * time.Second
)

// NewCRLs checks the configuration. It reads no database and uses no key.
func NewCRLs(a *Authority, cfg CRLConfig) (*CRLs, error) {
	switch {
	case cfg.Status == nil || cfg.Store == nil:
		return nil, errors.New("configuration of CRLs: a store is not set")
	case cfg.Interval <= 0 || cfg.Interval > 24*time.Hour:
		return nil, fmt.Errorf("configuration of CRLs: the interval is %s, want more than nothing and at most 24h (ETSI EN 319 411-1, CSS-6.3.9)", cfg.Interval)
	case cfg.Validity <= cfg.Interval:
		return nil, fmt.Errorf("configuration of CRLs: the validity, %s, is not longer than the interval, %s", cfg.Validity, cfg.Interval)
	case cfg.AfterRevocation <= 0:
		return nil, errors.New("configuration of CRLs: the time after a revocation is not above zero")
	}
	return &CRLs{Authority: a, cfg: cfg, seen: map[string]int64{}}, nil
}

// Run makes CRLs when they are due, until ctx ends, and gives nil then. A CRL that cannot be made is tried again.
func (c *CRLs) Run(ctx context.Context) error {
	failing := map[string]bool{}
	for {
		for _, iss := range c.public {
			if c.issuers[iss.Name] == nil || iss.CRLURL == "" {
				continue
			}
			err := c.makeDue(ctx, iss.Name)
			if ctx.Err() != nil {
				return nil
			}
			if failed := err != nil && !errors.Is(err, ErrCRLMoved); failed != failing[iss.Name] {
				failing[iss.Name] = failed
				if failed {
					c.config.Log.Warn("a CRL is due and cannot be made; it is tried again", "issuer", iss.Name, "cause", err)
				}
			}
		}
		if !pause(ctx, crlPause) {
			return nil
		}
	}
}

// makeDue makes the CRL of an issuer if it is due.
func (c *CRLs) makeDue(ctx context.Context, issuer string) error {
	state, err := c.cfg.Store.NewestCRL(ctx, issuer)
	if err != nil {
		return storeFailure("read the newest CRL", err)
	}
	due, err := c.due(ctx, issuer, state.Published)
	if err != nil || !due {
		return err
	}
	_, err = c.generate(ctx, systemActor, issuer, state)
	return err
}

// due tells whether it is time for the CRL after the newest.
func (c *CRLs) due(ctx context.Context, issuer string, newest *PublishedCRL) (bool, error) {
	if newest == nil {
		return true, nil
	}
	age := c.now().Sub(newest.ThisUpdate)
	if age >= c.cfg.Interval {
		return true, nil
	}
	if age < c.cfg.AfterRevocation {
		return false, nil
	}
	return c.revokedSince(ctx, issuer, newest.Epoch)
}

// revokedSince tells whether a certificate of an issuer was revoked after an epoch.
func (c *CRLs) revokedSince(ctx context.Context, issuer string, epoch int64) (bool, error) {
	for epoch = max(epoch, c.seen[issuer]); ; {
		changes, err := c.cfg.Status.StatusChanges(ctx, epoch, maxChangesRead)
		if err != nil {
			return false, storeFailure("read the changes of status", err)
		}
		for _, change := range changes {
			if change.To == Revoked && change.concerns(issuer) {
				return true, nil
			}
			epoch = change.Epoch
		}
		c.seen[issuer] = epoch
		if len(changes) < maxChangesRead {
			return false, nil
		}
	}
}

func (s *StatusChange) concerns(issuer string) bool {
	for _, id := range s.Certificates {
		if id.Issuer == issuer {
			return true
		}
	}
	return false
}

// Generate makes and publishes the next CRL of an X.509 issuer, for an operator. The error is ErrNotFound where no such issuer has a
// key here, and an UnavailableError, with ErrCRLMoved in it, where another server makes one at the same time.
func (c *CRLs) Generate(ctx context.Context, actor, issuer string) (*PublishedCRL, error) {
	if iss := c.issuers[issuer]; iss == nil || iss.X509 == nil {
		return nil, fmt.Errorf("X.509 issuer %q with a key here: %w", issuer, ErrNotFound)
	}
	state, err := c.cfg.Store.NewestCRL(ctx, issuer)
	if err != nil {
		return nil, storeFailure("read the newest CRL", err)
	}
	crl, err := c.generate(ctx, actor, issuer, state)
	if errors.Is(err, ErrCRLMoved) {
		err = unavailable(err)
	}
	return crl, err
}

// generate takes the road of everything that is signed: draft, record, sign, record.
func (c *CRLs) generate(ctx context.Context, actor, issuer string, state *CRLState) (*PublishedCRL, error) {
	iss := c.issuers[issuer]
	session, err := c.crlSession(ctx, iss)
	if err != nil {
		return nil, fmt.Errorf("issuer %q: %w", issuer, err)
	}
	drafted, err := c.draft(ctx, iss, state)
	if err != nil {
		return nil, fmt.Errorf("draft a CRL of %s: %w", issuer, err)
	}
	entry, err := tlog.NewEntry(tlog.CRLRecorded, c.now(), actor, drafted.draft.facts(), nil)
	if err != nil {
		return nil, err
	}
	if err := c.cfg.Store.RecordCRL(ctx, drafted.draft, entry); err != nil {
		return nil, crlFailure("record a CRL of "+issuer, err)
	}
	octets, err := c.signCRL(ctx, &recordedCRL{*drafted, session})
	if err != nil {
		return nil, fmt.Errorf("sign CRL %d of %s: %w", drafted.draft.Number, issuer, err)
	}
	return c.publish(ctx, actor, drafted.draft, octets)
}

func (c *CRLs) publish(ctx context.Context, actor string, draft *CRLDraft, octets []byte) (*PublishedCRL, error) {
	sum := sha256.Sum256(octets)
	facts := tlog.CRLIssuedFacts{Issuer: draft.Issuer, Number: draft.Number, SHA256: hex.EncodeToString(sum[:])}
	entry, err := tlog.NewEntry(tlog.CRLIssued, c.now(), actor, facts, nil)
	if err != nil {
		return nil, err
	}
	signed := &SignedCRL{Issuer: draft.Issuer, Number: draft.Number, SHA256: sum, Octets: octets}
	if err := c.cfg.Store.PublishCRL(ctx, signed, entry); err != nil {
		return nil, crlFailure("publish a CRL of "+draft.Issuer, err)
	}
	c.config.Log.Info("a CRL is published", "issuer", draft.Issuer, "number", draft.Number, "entries", draft.Entries, "octets", len(octets))
	return &PublishedCRL{CRLDraft: *draft, SHA256: sum, Size: int64(len(octets))}, nil
}

// crlFailure classifies an error of a CRLStore.
func crlFailure(doing string, err error) error {
	if errors.Is(err, ErrCRLMoved) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return storeFailure(doing, err)
}

// draft reads the revoked certificates, page by page, into a CRL.
func (c *CRLs) draft(ctx context.Context, iss *issuer, state *CRLState) (*draftedCRL, error) {
	now := c.now().Truncate(time.Second) // before the reads
	d := &CRLDraft{Issuer: iss.Name, Number: state.Recorded + 1, ThisUpdate: now, NextUpdate: now.Add(c.cfg.Validity)}
	if _, last, _ := iss.Validity(); d.NextUpdate.After(last) {
		d.NextUpdate = last
	}
	head, err := iss.crlHead(d)
	if err != nil {
		return nil, err
	}
	if d.Epoch, err = c.cfg.Status.StatusEpoch(ctx); err != nil {
		return nil, storeFailure("read the epoch of the status", err)
	}
	query := RevokedQuery{Issuer: iss.Name, Epoch: d.Epoch, Limit: crlPage}
	expected := int(min(d.Epoch, maxExpected)) // of the first CRL nothing better is known
	if p := state.Published; p != nil {
		expected = p.Entries + p.Entries/8
		if iss.Kind != profiles.QESCA { // an entry stays until one CRL after its certificate has expired (RFC 5280, Section 3.3)
			query.ValidAfter = p.ThisUpdate
		}
	}
	w, err := pkix.NewCRLWriter(head, expected)
	if err != nil {
		return nil, err
	}
	if d.Entries, err = c.addRevoked(ctx, w, query); err != nil {
		return nil, err
	}
	body, err := w.TBS()
	if err != nil {
		return nil, err
	}
	d.BodySHA256 = sha256.Sum256(body)
	return &draftedCRL{d, w, body}, nil
}

func (c *CRLs) addRevoked(ctx context.Context, w *pkix.CRLWriter, query RevokedQuery) (n int, err error) {
	for {
		page, err := c.cfg.Status.RevokedCertificates(ctx, query)
		if err != nil {
			return n, storeFailure("list revoked certificates", err)
		}
		for _, r := range page {
			if err := w.Add(r.Serial, r.At.Truncate(time.Second)); err != nil {
				return n, err
			}
			query.After = r.Serial
		}
		if n += len(page); len(page) < query.Limit {
			return n, nil
		}
	}
}

// crlHead is what a CRL of the issuer says besides its entries. It is complete and direct, so that it needs no issuingDistributionPoint (RFC
// 5280, Section 5.2.5). One of qualified certificates keeps those that have expired, and says so (ETSI EN 319 411-2, CSS-6.3.10).
func (iss *issuer) crlHead(d *CRLDraft) (pkix.CRLHead, error) {
	scheme, err := iss.scheme(X509)
	if err != nil {
		return pkix.CRLHead{}, err
	}
	key, err := iss.X509.SubjectKeyID()
	if err != nil {
		return pkix.CRLHead{}, err
	}
	head := pkix.CRLHead{Scheme: scheme, Issuer: iss.X509.RawSubject, ThisUpdate: d.ThisUpdate, NextUpdate: d.NextUpdate}
	values := []interface {
		Extension() (pkix.Extension, error)
	}{pkix.AuthorityKeyIdentifier(key), pkix.CRLNumber(d.Number)}
	if iss.Kind == profiles.QESCA {
		values = append(values, pkix.ExpiredCertsOnCRL(iss.X509.NotBefore))
	}
	for _, v := range values {
		e, err := v.Extension()
		if err != nil {
			return pkix.CRLHead{}, err
		}
		head.Extensions = append(head.Extensions, e)
	}
	return head, nil
}

func (d *CRLDraft) facts() tlog.CRLRecordedFacts {
	return tlog.CRLRecordedFacts{
		Issuer: d.Issuer, Number: d.Number, Epoch: d.Epoch, ThisUpdate: tlog.Instant(d.ThisUpdate), NextUpdate: tlog.Instant(d.NextUpdate),
		Entries: int64(d.Entries), BodySHA256: hex.EncodeToString(d.BodySHA256[:]),
	}
}
