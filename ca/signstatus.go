package ca

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// This file is the door for the keys of OCSP signers. An answer is not recorded before it is signed: it changes nothing, and says nothing
// but what is recorded. What the door asks in place of a record is that the draft was made of what a StatusReader said, for
// certificates of the issuer that delegated to the signer. Nothing else can be signed with such a key here.

// statusSigner is an OCSP signer with the one issuer that it answers for (gemSpec_PKI, A_23142, GS-A_5514).
type statusSigner struct {
	*profiles.Issuer
	above   *profiles.Issuer // whose certificates it speaks of
	key     Key
	keyHash []byte // responderID
	scheme  sigalg.Scheme
	verify  verify
}

// newStatusSigner checks that a signer may answer for an issuer: it is certified by that very issuer (RFC 6960, Section 4.2.2.2), is of
// the same key generation (GS-A_5517), and the key in the token is that of its certificate.
func newStatusSigner(signer *Issuer, issuer *profiles.Issuer) (*statusSigner, error) {
	if signer.X509 == nil || issuer.X509 == nil {
		return nil, errors.New("signer and issuer need X.509 certificates")
	}
	if err := signer.X509.CheckSignatureFrom(issuer.X509); err != nil {
		return nil, err
	}
	if signer.KeyType.Generation() != issuer.KeyType.Generation() {
		return nil, fmt.Errorf("its key is %s, that of its issuer %s (gemSpec_PKI, GS-A_5517)", signer.KeyType, issuer.KeyType)
	}
	if !sameKey(signer.Key.Public(), signer.PublicKey()) {
		return nil, errors.New("its key in the token is not the key of its certificate")
	}
	if err := checkSignerUsage(signer.X509); err != nil {
		return nil, err
	}
	keyHash, err := pkix.KeyIdentifierOfSPKI(signer.X509.RawSPKI)
	if err != nil {
		return nil, err
	}
	s := &statusSigner{Issuer: signer.Issuer, above: issuer, key: signer.Key, keyHash: keyHash, verify: verifier(signer.PublicKey())}
	if s.scheme = sigalg.RSAPSSSHA256; !issuer.PSS {
		s.scheme, err = sigalg.X509Scheme(signer.KeyType)
	}
	return s, err
}

// checkSignerUsage looks for what makes a certificate one of an OCSP signer (Tab_PKI_253, GS-A_4741).
func checkSignerUsage(c *pkix.Certificate) error {
	usage, _, err := pkix.Find(c.Extensions, pkix.OIDKeyUsage, pkix.ParseKeyUsage)
	if err != nil || usage != pkix.NonRepudiation {
		return errors.Join(fmt.Errorf("its key is for %s, want nonRepudiation alone", usage), err)
	}
	purposes, _, err := pkix.Find(c.Extensions, pkix.OIDExtendedKeyUsage, pkix.ParseExtendedKeyUsage)
	if err != nil {
		return err
	}
	for _, p := range purposes {
		if p.Equal(pkix.OIDOCSPSigning) {
			return nil
		}
	}
	return errors.New("its certificate lacks the extended key usage OCSPSigning")
}

// statusDraft is an answer complete but for its signature. Values of this type are made in one place, by draft, of what a
// StatusReader said.
type statusDraft struct {
	signer *statusSigner
	tbs    []byte
}

// statusFact is what a StatusReader said about the certificate that a CertID names.
type statusFact struct {
	id     pkix.CertID
	status CertificateState
}

// draft makes the answer that says what the facts are at an instant, which is before they were read.
func (s *statusSigner) draft(facts []statusFact, at time.Time, nonce pkix.OCSPNonce) (*statusDraft, error) {
	at = at.UTC().Truncate(time.Second)
	data := pkix.OCSPResponseData{ResponderKeyHash: s.keyHash, ProducedAt: at, Nonce: nonce}
	for _, f := range facts {
		one, err := s.single(f, at)
		if err != nil {
			return nil, err
		}
		data.Responses = append(data.Responses, one)
	}
	tbs, err := data.Encode()
	if err != nil {
		return nil, err
	}
	return &statusDraft{s, tbs}, nil
}

// single says one fact. A certificate that is not active is unknown (TIP1-A_3594, GS-A_4691), and nothing more is said of it. Of the others, the
// hash shows that the responder knows them (GS-A_4693-01). No reason is given for a revocation (GS-A_5090).
func (s *statusSigner) single(f statusFact, at time.Time) (pkix.SingleResponse, error) {
	one := pkix.SingleResponse{ID: f.id, Status: pkix.StatusUnknown, Reason: pkix.NoReason, ThisUpdate: at}
	switch f.status.State {
	case NotIssued, Issued:
		return one, nil
	case Active:
		one.Status = pkix.StatusGood
	case Revoked:
		if f.status.RevokedAt.IsZero() {
			return one, errors.New("a revoked certificate comes without the time of its revocation")
		}
		one.Status, one.RevokedAt = pkix.StatusRevoked, f.status.RevokedAt.UTC().Truncate(time.Second)
	default:
		return one, fmt.Errorf("state %q says nothing in OCSP", f.status.State)
	}
	if f.status.Issuer != s.above.Name || f.status.Serial != f.id.Serial {
		return one, errors.New("the status is that of another certificate")
	}
	hash, err := pkix.CertHash(f.status.SHA256).Extension()
	if err != nil {
		return one, err
	}
	one.Extensions = append(one.Extensions, hash)
	if s.above.Kind == profiles.QESCA { // status is kept for ever (ETSI EN 319 411-2, CSS-6.3.10)
		cutoff, err := pkix.ArchiveCutoff(s.above.X509.NotBefore).Extension()
		if err != nil {
			return one, err
		}
		one.Extensions = append(one.Extensions, cutoff)
	}
	return one, nil
}

// signStatus is the door for an OCSP signer's key. What comes back is verified.
func signStatus(ctx context.Context, standing Standing, d *statusDraft, now time.Time) ([]byte, error) {
	if err := standing.MaySign(ForOCSP); err != nil {
		return nil, err
	}
	s := d.signer
	if first, last, _ := s.Validity(); now.Before(first) || now.After(last) {
		return nil, fmt.Errorf("the certificate of OCSP signer %q is not valid now", s.Name)
	}
	signature, err := s.key.Sign(ctx, s.scheme, d.tbs)
	if err != nil {
		return nil, keyFailure("sign with the key of "+s.Name, err)
	}
	if err := s.verify(s.scheme, d.tbs, signature); err != nil {
		return nil, fmt.Errorf("signature of %s: %w", s.Name, err)
	}
	return pkix.AssembleOCSPResponse(d.tbs, s.scheme, signature, s.X509)
}
