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

// This file is the door for CRLs. They are signed with the issuer's own key, in a key session like certificates.

// recordedCRL is a CRL that a CRLStore holds, and so the right to one signature. Values of this type are made in one place, after
// CRLStore.RecordCRL has returned nil (promise 1).
type recordedCRL struct {
	draft   *CRLDraft
	writer  *pkix.CRLWriter
	body    []byte      // what is signed
	session *keySession // that promised its signature
}

// signCRL is the door for a CRL. It checks the octets about to be signed, not the fields of the draft.
func (a *Authority) signCRL(ctx context.Context, r *recordedCRL) ([]byte, error) {
	iss := a.issuers[r.draft.Issuer]
	if iss == nil {
		return nil, fmt.Errorf("issuer %q has no key here", r.draft.Issuer)
	}
	if err := iss.maySignCRL(r, a.config.Now()); err != nil {
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
	if err := r.session.mayUse(now); err != nil {
		return unavailable(err)
	}
	return nil
}
