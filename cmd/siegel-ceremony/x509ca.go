package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/lint"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Object identifiers and texts of CA certificates (gemSpec_PKI, Tab_PKI_211, Tab_PKI_212; gemSpec_OID, Tab_PKI_404).
var oidPolicyGemOrCP = asn1.ObjectIdentifier{1, 2, 276, 0, 76, 4, 163}

const (
	cpsURI       = "http://www.gematik.de/go/policies"
	rootUnit     = "Zentrale Root-CA der Telematikinfrastruktur"
	smcbUnit     = "Institution des Gesundheitswesens-CA der Telematikinfrastruktur"
	rootYears    = 10 // GS-A_4350
	subCAYears   = 8  // GS-A_4351
	serialOctets = 16
)

// caContent is what differs between the CA certificates of a hierarchy.
type caContent struct {
	kind                           lint.Kind
	commonName, organization, unit string
	ocspURL                        string // responder that tells this certificate's own status
	years                          int
	pathLen                        int // pkix.NoPathLen for a root
}

// signer is a key that signs a certificate: the token's, seen as small as this program needs it.
type signer interface {
	Sign(ctx context.Context, scheme sigalg.Scheme, message []byte) ([]byte, error)
	Public() crypto.PublicKey
}

// issueCA makes and signs a CA certificate. Without an issuer it is self-signed (gemSpec_PKI, Tab_PKI_211: no authorityKeyIdentifier,
// GS-A_4732); with one it lies within the issuer's validity (Tab_PKI_212).
func issueCA(ctx context.Context, c caContent, subject crypto.PublicKey, issuer *pkix.Certificate, key signer, from time.Time) (*pkix.Certificate, error) {
	tbs, err := c.draft(subject, issuer, key, from)
	if err != nil {
		return nil, fmt.Errorf("draft the certificate of %s: %w", c.commonName, err)
	}
	body, err := tbs.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode the certificate of %s: %w", c.commonName, err)
	}
	if err := c.lint(body, issuer); err != nil {
		return nil, fmt.Errorf("draft the certificate of %s: %w", c.commonName, err)
	}
	sig, err := key.Sign(ctx, tbs.Scheme, body)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate of %s: %w", c.commonName, err)
	}
	der, err := pkix.Assemble(body, tbs.Scheme, sig)
	if err != nil {
		return nil, fmt.Errorf("assemble the certificate of %s: %w", c.commonName, err)
	}
	cert, err := pkix.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse the new certificate of %s: %w", c.commonName, err)
	}
	if issuer == nil {
		issuer = cert
	}
	if err := cert.CheckSignatureFrom(issuer); err != nil {
		return nil, fmt.Errorf("check the new certificate of %s: %w", c.commonName, err)
	}
	return cert, nil
}

// lint judges the draft before a key is near. Nothing may be wrong with it: a certificate of a CA is signed once, and for years.
func (c caContent) lint(body []byte, issuer *pkix.Certificate) error {
	var wrong []error
	for _, f := range lint.X509(body, lint.X509Context{Kind: c.kind, Issuer: issuer, Test: true}) {
		wrong = append(wrong, errors.New(f.String()))
	}
	return errors.Join(wrong...)
}

// draft fixes the content of a CA certificate.
func (c caContent) draft(subject crypto.PublicKey, issuer *pkix.Certificate, key signer, from time.Time) (*pkix.TBSCertificate, error) {
	t, err := sigalg.TypeOf(key.Public())
	if err != nil {
		return nil, err
	}
	scheme, err := sigalg.X509Scheme(t)
	if err != nil {
		return nil, err
	}
	spki, err := pkix.MarshalPublicKey(subject)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	name := pkix.Name{
		pkix.Single(pkix.OIDCountryName, "DE"),
		pkix.Single(pkix.OIDOrganizationName, c.organization),
		pkix.Single(pkix.OIDOrganizationalUnitName, c.unit),
		pkix.Single(pkix.OIDCommonName, c.commonName),
	}
	tbs := &pkix.TBSCertificate{Serial: serial, Scheme: scheme, Subject: name, PublicKey: spki,
		NotBefore: from, NotAfter: from.AddDate(c.years, 0, 0).Add(-time.Second)}
	if issuer == nil {
		tbs.Issuer, err = name.Encode()
	} else {
		tbs.Issuer = issuer.RawSubject
		if tbs.NotAfter.After(issuer.NotAfter) {
			tbs.NotAfter = issuer.NotAfter
		}
	}
	if err != nil {
		return nil, err
	}
	tbs.Extensions, err = c.extensions(subject, issuer)
	return tbs, err
}

// extensions are those of Tab_PKI_211 and Tab_PKI_212 in table order.
func (c caContent) extensions(subject crypto.PublicKey, issuer *pkix.Certificate) ([]pkix.Extension, error) {
	ski, err := pkix.KeyIdentifier(subject)
	if err != nil {
		return nil, err
	}
	list := []interface {
		Extension() (pkix.Extension, error)
	}{
		ski,
		pkix.KeyCertSign | pkix.CRLSign,
		pkix.BasicConstraints{CA: true, PathLen: c.pathLen},
		pkix.CertificatePolicies{{ID: oidPolicyGemOrCP, CPS: cpsURI}},
		pkix.OCSPAt(c.ocspURL),
	}
	if issuer != nil {
		id, err := issuer.SubjectKeyID()
		if err != nil {
			return nil, err
		}
		list = append(list, pkix.AuthorityKeyIdentifier(id))
	}
	var out []pkix.Extension
	for _, e := range list {
		ext, err := e.Extension()
		if err != nil {
			return nil, err
		}
		out = append(out, ext)
	}
	return out, nil
}

// newSerial draws a serial number of 16 octets with the top bit clear (RFC 5280, Section 4.1.2.2).
func newSerial() (pkix.Serial, error) {
	b := make([]byte, serialOctets)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	b[0] = b[0]&0x3f | 0x40
	return pkix.NewSerial(b)
}
