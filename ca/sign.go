package ca

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/lint"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// This file is the door: the only place where a key is used. Every certificate comes through sign, every checkpoint through signHead.

// recorded is a draft that a store holds with its order, and so the right to one signature. Values of this type are made in one
// place, after Store.Intend has returned nil (promise 1).
type recorded struct {
	draft    *Draft
	session  *keySession // that promised its signature
	redeemed atomic.Bool
}

// failure is an error on the way through the door, with its class for the log.
type failure struct {
	reason reason
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// reasonOf gives the class of an error of signAll.
func reasonOf(err error) reason {
	var f *failure
	if isContext(err) || !errors.As(err, &f) {
		return reasonLeft
	}
	return f.reason
}

// signAll takes all drafts of a card through the door in parallel and gives the certificates in their order. The first failure
// ends the others; it returns when every one has.
func (a *Authority) signAll(ctx context.Context, drafts []*recorded) ([][]byte, error) {
	certificates := make([][]byte, len(drafts))
	group, ctx := errgroup.WithContext(ctx)
	for i, r := range drafts {
		group.Go(func() error {
			certificate, err := a.sign(ctx, r)
			if err != nil {
				return fmt.Errorf("slot %s: %w", r.draft.Slot, err)
			}
			certificates[i] = certificate
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return certificates, nil
}

// sign is the door. It checks once more whether this key may sign this draft, has it signed, and gives the certificate only if
// what came back is right.
func (a *Authority) sign(ctx context.Context, r *recorded) ([]byte, error) {
	iss, err := a.admit(r)
	if err != nil {
		return nil, &failure{reasonDoor, err}
	}
	message, err := r.draft.message()
	if err != nil {
		return nil, &failure{reasonDoor, err}
	}
	if err := a.turns.take(ctx); err != nil {
		return nil, fmt.Errorf("wait to sign: %w", err)
	}
	signature, err := iss.Key.Sign(ctx, r.draft.Scheme, message)
	a.turns.give()
	if err != nil {
		return nil, &failure{reasonKey, keyFailure("sign with the key of "+iss.Name, err)}
	}
	certificate, err := iss.finish(r.draft, signature)
	if err != nil {
		return nil, &failure{reasonBad, fmt.Errorf("signature of %s: %w", iss.Name, err)}
	}
	return certificate, nil
}

// recordedHead is a head of the log that a LogStore holds, and so the right to sign it. Its signature is the same each time
// (RFC 8032, Section 5.1.6), so that one that was lost may be made again. Values of this type are made in one place, from what
// LogStore.LatestHead gave or LogStore.Integrate took.
type recordedHead struct{ tlog.Head }

// signHead is the door for the log's key. The text that is signed follows from the recorded head and the name of the log alone, so that
// promise 1 holds for it too. What comes back is verified.
func signHead(ctx context.Context, key Key, standing Standing, name *tlog.VerifierKey, head recordedHead) ([]byte, error) {
	if err := standing.MaySign(ForLog); err != nil {
		return nil, err
	}
	signer := name.Signer(func(text []byte) ([]byte, error) { return key.Sign(ctx, sigalg.PureEd25519, text) })
	checkpoint, err := tlog.Checkpoint{Origin: name.Name(), Head: head.Head}.Sign(signer)
	if err != nil {
		return nil, keyFailure("sign with the key of the log", err)
	}
	return checkpoint, nil
}

// admit checks a draft at the door, whatever was checked before, and takes its right to a signature and one signature off the
// key session.
func (a *Authority) admit(r *recorded) (*issuer, error) {
	if !r.redeemed.CompareAndSwap(false, true) {
		return nil, errors.New("the draft was signed before")
	}
	iss := a.issuers[r.draft.Issuer]
	if iss == nil {
		return nil, fmt.Errorf("issuer %q has no key here", r.draft.Issuer)
	}
	if a.rules.Load().retired[iss.Name] {
		return nil, fmt.Errorf("issuer %q is retired", iss.Name)
	}
	if err := iss.mayName(r.draft); err != nil {
		return nil, fmt.Errorf("issuer %q: %w", iss.Name, err)
	}
	if err := iss.maySign(r.draft, a.config.Now()); err != nil {
		return nil, fmt.Errorf("issuer %q: %w", iss.Name, err)
	}
	if err := r.session.mayUse(a.config.Now()); err != nil {
		return nil, unavailable(fmt.Errorf("issuer %q: %w", iss.Name, err))
	}
	return iss, nil
}

// mayName checks what binds a profile and a key to an issuer: a key signs only the profiles bound to it (promise 6), with its one
// scheme, and is the key of the certificate that relying parties have.
func (iss *issuer) mayName(d *Draft) error {
	bound := false
	for _, p := range iss.Profiles {
		bound = bound || p == d.Profile
	}
	if !bound {
		return fmt.Errorf("profile %q is not bound to it", d.Profile)
	}
	if !sameKey(iss.Key.Public(), iss.PublicKey()) {
		return errors.New("its key in the token is not the key of its certificate")
	}
	if isX509 := iss.X509 != nil; isX509 != (d.Format == X509) {
		return errors.New("its certificate is of another format")
	}
	if want, err := iss.scheme(d.Format); err != nil || d.Scheme != want {
		return fmt.Errorf("its %s key does not sign with %s", iss.KeyType, d.Scheme)
	}
	return nil
}

// scheme is the one with which the key signs certificates of a format.
func (iss *issuer) scheme(f Format) (sigalg.Scheme, error) {
	if f == CVC {
		return sigalg.CVCScheme(iss.KeyType)
	}
	return iss.X509Scheme()
}

// maxYears is how long a certificate may live (promise 5; gemSpec_PKI, GS-A_4352).
const maxYears = 5

// maySign checks the term that stands in the octets about to be signed, not the one in the draft's fields.
func (iss *issuer) maySign(d *Draft, now time.Time) error {
	from, to, err := d.term()
	if err != nil {
		return err
	}
	if !from.Equal(d.NotBefore) || !to.Equal(d.NotAfter) {
		return errors.New("the draft's octets have another term than its record")
	}
	if !to.Before(from.AddDate(maxYears, 0, 0)) {
		return fmt.Errorf("the term from %s to %s is longer than five years", from.Format(time.DateTime), to.Format(time.DateTime))
	}
	first, last, limited := iss.Validity()
	if !limited {
		return nil
	}
	if from.Before(first) || to.After(last) {
		return fmt.Errorf("the term from %s to %s is not within its own", from.Format(time.DateTime), to.Format(time.DateTime))
	}
	if now.Before(first) || now.After(last) {
		return errors.New("its certificate is not valid now")
	}
	return nil
}

// term reads the first and last instant of validity from the octets that will be signed; see termG1 for those that have none.
func (d *Draft) term() (from, to time.Time, err error) {
	if !d.HasTerm() {
		return d.termG1()
	}
	if d.Format == X509 {
		tbs, err := pkix.ParseTBSCertificate(d.Body)
		if err != nil {
			return from, to, fmt.Errorf("read the draft: %w", err)
		}
		return tbs.NotBefore, tbs.NotAfter, nil
	}
	raw, err := cvc.Assemble(d.Body, make([]byte, 64)) // a stand-in for the signature, so that the body can be parsed
	if err != nil {
		return from, to, fmt.Errorf("read the draft: %w", err)
	}
	c, err := cvc.Parse(raw)
	if err != nil {
		return from, to, fmt.Errorf("read the draft: %w", err)
	}
	return c.CED.Time(), endOfDay(c.CXD.Time()), nil
}

// finish checks what came back from a key and makes the certificate: the signature verifies with the key of the issuer's
// certificate, the certificate parses, its signed part is the draft, and it fits the card's file (gemSpec_PKI, GS-A_5337). The size is
// that of lint's table and not the plan's, which a wrong line of the catalogue may have made too large.
func (iss *issuer) finish(d *Draft, signature []byte) ([]byte, error) {
	raw, body, err := iss.verified(d, signature)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(body, d.Body) {
		return nil, errors.New("the certificate's signed part is not the draft")
	}
	if size, ok := lint.FileSize(d.Slot); !ok || len(raw) > size {
		return nil, fmt.Errorf("the certificate has %d octets, the card file of %s holds %d", len(raw), d.Slot, size)
	}
	return raw, nil
}

// verified checks a signature, puts draft and signature together, parses the result and gives it with the signed part as parsed.
func (iss *issuer) verified(d *Draft, signature []byte) (raw, body []byte, err error) {
	if !d.HasTerm() {
		return iss.openedG1(d, signature)
	}
	if err := iss.verify(d.Scheme, d.Body, signature); err != nil {
		return nil, nil, err
	}
	return d.assemble(signature)
}

// assemble puts draft and signature together, parses the result and gives it with the signed part as parsed.
func (d *Draft) assemble(signature []byte) (raw, body []byte, err error) {
	if d.Format == X509 {
		c, err := pkix.Assemble(d.Body, d.Scheme, signature)
		if err != nil {
			return nil, nil, err
		}
		return c.Raw, c.RawTBS, nil
	}
	if raw, err = cvc.Assemble(d.Body, signature); err != nil {
		return nil, nil, err
	}
	c, err := cvc.Parse(raw)
	if err != nil {
		return nil, nil, err
	}
	return raw, c.RawBody, nil
}

// verify checks a signature. sigalg.ErrSignature says that it is not of this key.
type verify func(scheme sigalg.Scheme, message, signature []byte) error

// verifier makes the check with one key. An issuer's key verifies every signature that it makes, so its multiples are computed
// once.
func verifier(pub crypto.PublicKey) verify {
	k, ok := pub.(*brainpool.PublicKey)
	if !ok {
		return func(s sigalg.Scheme, message, signature []byte) error {
			return sigalg.Verify(pub, s, message, signature)
		}
	}
	precomputed := brainpool.NewVerifier(k)
	return func(s sigalg.Scheme, message, signature []byte) error {
		if !s.IsECDSA() {
			return fmt.Errorf("a brainpool key does not verify %s", s)
		}
		h := s.Hash().New()
		h.Write(message)
		if !precomputed.Verify(h.Sum(nil), signature) {
			return sigalg.ErrSignature
		}
		return nil
	}
}
