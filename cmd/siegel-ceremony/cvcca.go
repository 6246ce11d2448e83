package main

import (
	"context"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/cvc"
)

// cvcRootFlags is the flag list of every root (gemSpec_PKI, section 6.4.5.2). That of a CVC-CA is in the catalogue: subca.yaml.
var cvcRootFlags = cvc.Flags{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}

// cvcContent is what differs between the CV certificates of CAs.
type cvcContent struct {
	reference cvc.Reference
	flags     cvc.Flags
	years     int
}

// issueCVCCA makes and signs the CV certificate of a CA key. Without an issuer it is the self-signed one of a root.
func issueCVCCA(ctx context.Context, c cvcContent, subject *brainpool.PublicKey, issuer *cvc.Certificate, key signer, from time.Time) (*cvc.Certificate, error) {
	body, err := c.body(subject, issuer, from)
	if err != nil {
		return nil, fmt.Errorf("draft the CV certificate of %s: %w", c.reference, err)
	}
	return signCVC(ctx, body, issuer, key)
}

// issueLink makes and signs the CV certificate with which the issuer, a root, vouches for the subject, another root. It takes one in each
// direction for cards of either root to accept what the other's sub-CAs sign. key is the issuer's.
func issueLink(ctx context.Context, subject, issuer *cvc.Certificate, key signer) (*cvc.Certificate, error) {
	body, err := cvc.LinkBody(subject, issuer)
	if err != nil {
		return nil, fmt.Errorf("draft the link certificate from %s to %s: %w", issuer.CAR, subject.CAR, err)
	}
	return signCVC(ctx, body, issuer, key)
}

// signCVC signs a body and checks what came back. Without an issuer the certified key signs itself.
func signCVC(ctx context.Context, body *cvc.Body, issuer *cvc.Certificate, key signer) (*cvc.Certificate, error) {
	name := body.CHR
	encoded, err := body.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode the CV certificate of %s: %w", name, err)
	}
	signing, ok := key.Public().(*brainpool.PublicKey)
	if !ok {
		return nil, fmt.Errorf("sign the CV certificate of %s: the issuer's key is not on a brainpool curve", name)
	}
	scheme, err := cvc.SignatureScheme(signing)
	if err != nil {
		return nil, fmt.Errorf("sign the CV certificate of %s: %w", name, err)
	}
	sig, err := key.Sign(ctx, scheme, encoded)
	if err != nil {
		return nil, fmt.Errorf("sign the CV certificate of %s: %w", name, err)
	}
	raw, err := cvc.Assemble(encoded, sig)
	if err != nil {
		return nil, fmt.Errorf("assemble the CV certificate of %s: %w", name, err)
	}
	cert, err := cvc.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("parse the new CV certificate of %s: %w", name, err)
	}
	if issuer == nil {
		issuer = cert
	}
	if err := cert.CheckIssuedBy(issuer); err != nil {
		return nil, fmt.Errorf("check the new CV certificate of %s: %w", name, err)
	}
	return cert, nil
}

// body fixes the content: CXD is so many years after CED less a day, and not after the issuer's (GS-A_5012).
func (c cvcContent) body(subject *brainpool.PublicKey, issuer *cvc.Certificate, from time.Time) (*cvc.Body, error) {
	ced, err := cvc.NewDate(from)
	if err != nil {
		return nil, err
	}
	cxd, err := ced.AddDate(c.years, 0, -1)
	if err != nil {
		return nil, err
	}
	car := c.reference
	if issuer != nil {
		above, _ := issuer.CHR.Reference()
		car = above
		if cxd.After(issuer.CXD) {
			cxd = issuer.CXD
		}
	}
	return &cvc.Body{CAR: car, PublicKey: subject, CHR: c.reference.CHR(), FlagOID: cvc.FlagsTI, Flags: c.flags, CED: ced, CXD: cxd}, nil
}
