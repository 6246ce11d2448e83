package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"fmt"

	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

const serialOctets = 16

// signer is a key that signs a certificate: the token's, seen as small as this program needs it.
type signer interface {
	Sign(ctx context.Context, scheme sigalg.Scheme, message []byte) ([]byte, error)
	Public() crypto.PublicKey
}

// certify makes and signs the certificate of an issuer or signer. What it says is the profile's; key is the issuer's above, or the
// certified key itself.
func certify(ctx context.Context, profile *profiles.IssuerProfile, r *profiles.IssuerRequest, key signer) (*pkix.Certificate, error) {
	tbs, err := profile.Content(r)
	if err != nil {
		return nil, fmt.Errorf("draft the %w", err)
	}
	body, err := tbs.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode the certificate of %s: %w", r.CommonName, err)
	}
	var issuer *pkix.Certificate
	if r.Issuer != nil {
		issuer = r.Issuer.X509
	}
	if err := ceremony.Lint(body, profile.Kind, r.Environment, issuer); err != nil { // before a key is near
		return nil, fmt.Errorf("draft the certificate of %s: %w", r.CommonName, err)
	}
	sig, err := key.Sign(ctx, tbs.Scheme, body)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate of %s: %w", r.CommonName, err)
	}
	cert, err := pkix.Assemble(body, tbs.Scheme, sig)
	if err != nil {
		return nil, fmt.Errorf("assemble the certificate of %s: %w", r.CommonName, err)
	}
	if issuer == nil {
		issuer = cert
	}
	if err := cert.CheckSignatureFrom(issuer); err != nil {
		return nil, fmt.Errorf("check the new certificate of %s: %w", r.CommonName, err)
	}
	return cert, nil
}

// newSerial draws a serial number of 16 octets with the top bit clear (RFC 5280, Section 4.1.2.2).
func newSerial() (pkix.Serial, error) {
	b := make([]byte, serialOctets)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	b[0] = b[0]&0x3f | 0x40
	return pkix.NewSerial(b)
}
