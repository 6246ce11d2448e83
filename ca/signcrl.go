package ca

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// This file is the door for CRLs. They are signed with the issuer's own key: in the standing key session where it covers CRLs, and otherwise in
// one that two people opened, like certificates.

// draftedCRL is a CRL complete but for its signature.
type draftedCRL struct {
	draft  *CRLDraft
	writer *pkix.CRLWriter
	body   []byte // what is signed
}

// recordedCRL is a CRL that a CRLStore holds, and so the right to one signature. Values of this type are made in one place, after
// CRLStore.RecordCRL has returned nil (promise 1).
type recordedCRL struct {
	draftedCRL
	session *keySession // that promised its signature; nil where the standing session covers it
}

// signCRL is the door for a CRL. It checks the octets about to be signed, not the fields of the draft.
func (a *Authority) signCRL(ctx context.Context, r *recordedCRL) ([]byte, error) {
	iss := a.issuers[r.draft.Issuer]
	if iss == nil {
		return nil, fmt.Errorf("issuer %q has no key here", r.draft.Issuer)
	}
	if err := errors.Join(a.covered(r), iss.maySignCRL(r, a.config.Now())); err != nil {
		return nil, fmt.Errorf("issuer %q: %w", iss.Name, err)
	}
	scheme, err := iss.scheme(X509)
	if err != nil {
		return nil, err
	}
	signature, err := iss.Key.Sign(ctx, scheme, r.body)
	if err != nil {
		return nil, keyFailure("sign with the key of "+iss.Name, err)
	}
	if err := iss.verify(scheme, r.body, signature); err != nil {
		return nil, fmt.Errorf("signature of %s: %w", iss.Name, err)
	}
	return r.writer.Assemble(signature)
}

// maySignCRL checks a CRL at the door, whatever was checked before.
func (iss *issuer) maySignCRL(r *recordedCRL, now time.Time) error {
	if sha256.Sum256(r.body) != r.draft.BodySHA256 {
		return errors.New("the CRL's octets are not those that are recorded")
	}
	if !sameKey(iss.Key.Public(), iss.PublicKey()) {
		return errors.New("its key in the token is not the key of its certificate")
	}
	usage, _, err := pkix.Find(iss.X509.Extensions, pkix.OIDKeyUsage, pkix.ParseKeyUsage)
	if err != nil || usage&pkix.CRLSign == 0 {
		return errors.Join(errors.New("its certificate lacks the key usage cRLSign"), err)
	}
	head, err := pkix.ParseCRLHead(r.body)
	if err != nil {
		return fmt.Errorf("read the draft: %w", err)
	}
	if !bytes.Equal(head.Issuer, iss.X509.RawSubject) || !head.ThisUpdate.Equal(r.draft.ThisUpdate) || !head.NextUpdate.Equal(r.draft.NextUpdate) {
		return errors.New("the CRL's octets say something else than its record")
	}
	if first, last, _ := iss.Validity(); now.Before(first) || now.After(last) || head.NextUpdate.After(last) {
		return errors.New("its certificate is not valid now, or not until the next update")
	}
	return nil
}

// crlSession gives what covers the signature of a CRL: nil for the standing session, or a key session that promises it.
func (a *Authority) crlSession(ctx context.Context, iss *issuer) (*keySession, error) {
	if a.config.Standing.MaySign(ForCRL) == nil {
		return nil, iss.readyForCRL()
	}
	return a.promise(ctx, iss, 1)
}

// readyForCRL tells why the key would not sign now, before a number is recorded for a CRL.
func (iss *issuer) readyForCRL() error {
	if err := iss.Key.Ready(); err != nil {
		return keyFailure("ask for its key", err)
	}
	return nil
}

// covered tells why the signature of a CRL is not covered any more.
func (a *Authority) covered(r *recordedCRL) error {
	if r.session == nil {
		return a.config.Standing.MaySign(ForCRL)
	}
	if err := r.session.mayUse(a.config.Now()); err != nil {
		return unavailable(err)
	}
	return nil
}
