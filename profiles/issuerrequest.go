package profiles

import (
	"encoding/asn1"
	"fmt"
	"slices"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// wished are the extensions that a request for the certificate of an issuer asks for: those that do not depend on who will sign it.
var wished = []asn1.ObjectIdentifier{pkix.OIDSubjectKeyIdentifier, pkix.OIDKeyUsage, pkix.OIDBasicConstraints, pkix.OIDCertificatePolicies}

// Request makes the content of a PKCS#10 request for the certificate of an issuer: the name and the extensions that the table of its kind
// gives it. Of r it takes environment, names and the public key. What the certificate says in the end is for the one above to decide.
func (p *IssuerProfile) Request(r *IssuerRequest) (*pkix.RequestInfo, error) {
	if err := p.CheckName(r.CommonName); err != nil {
		return nil, err
	}
	spki, err := pkix.MarshalPublicKey(r.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("request of %s: %w", r.CommonName, err)
	}
	info := &pkix.RequestInfo{Subject: p.subject(r), PublicKey: spki}
	info.Extensions, err = encodeRows(p.Extensions, func(id asn1.ObjectIdentifier) (extensionMaker, error) {
		if !slices.ContainsFunc(wished, id.Equal) {
			return noExtension{}, nil
		}
		return p.extension(id, r, spki)
	})
	if err != nil {
		return nil, fmt.Errorf("request of %s: %w", r.CommonName, err)
	}
	info.Extensions = slices.DeleteFunc(info.Extensions, func(e pkix.Extension) bool { return e.ID == nil })
	return info, nil
}

// noExtension stands for one that a request does not ask for, whatever the table says.
type noExtension struct{}

// Extension gives the zero value.
func (noExtension) Extension() (pkix.Extension, error) { return pkix.Extension{}, nil }

// CheckName tells why a common name, without the mark of environment test, is none of an issuer of this kind; nil where it is one.
func (p *IssuerProfile) CheckName(commonName string) error {
	if !p.CommonName.Value.MatchString(commonName) {
		return fmt.Errorf("common name %q has not the form %s (%s)", commonName, p.CommonName.Value, p.CommonName.Source)
	}
	return nil
}
