package pkix

import (
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// tagURI is uniformResourceIdentifier [6] IMPLICIT IA5String, a form of GeneralName (RFC 5280, Section 4.2.1.6).
var tagURI = der.Implicit(6)

// AccessDescription says where something about the issuer is found.
type AccessDescription struct {
	Method asn1.ObjectIdentifier // OIDAccessOCSP or OIDAccessCAIssuers
	URI    string
}

// AuthorityInfoAccess is the extension of that name (RFC 5280, Section 4.2.2.1).
type AuthorityInfoAccess []AccessDescription

// OCSPAt is the AuthorityInfoAccess of a certificate whose status one responder tells.
func OCSPAt(uri string) AuthorityInfoAccess {
	return AuthorityInfoAccess{{Method: OIDAccessOCSP, URI: uri}}
}

// Extension encodes the descriptions in the order given; non critical:
//
//	AuthorityInfoAccessSyntax ::= SEQUENCE SIZE (1..MAX) OF AccessDescription
//	AccessDescription         ::= SEQUENCE { accessMethod OBJECT IDENTIFIER, accessLocation [6] IMPLICIT IA5String }
func (a AuthorityInfoAccess) Extension() (Extension, error) {
	if len(a) == 0 {
		return Extension{}, errors.New("encoding authorityInfoAccess: no location")
	}
	return encodeExtension(OIDAuthorityInfoAccess, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, d := range a {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(d.Method)
					addURI(b, d.URI)
				})
			}
		})
	})
}

// ParseAuthorityInfoAccess reads the content of extnValue. Locations that are not URIs are errors.
func ParseAuthorityInfoAccess(value []byte) (AuthorityInfoAccess, error) {
	var seq cryptobyte.String
	if !der.ReadOnly(value, &seq, cbasn1.SEQUENCE) || seq.Empty() {
		return nil, malformed(OIDAuthorityInfoAccess, "a SEQUENCE of locations")
	}
	var list AuthorityInfoAccess
	for !seq.Empty() {
		var one cryptobyte.String
		var d AccessDescription
		if !seq.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&d.Method) {
			return nil, malformed(OIDAuthorityInfoAccess, "a SEQUENCE of locations")
		}
		if err := readURI(&one, &d.URI); err != nil {
			return nil, fmt.Errorf("authorityInfoAccess: %w", err)
		}
		if !one.Empty() {
			return nil, malformed(OIDAuthorityInfoAccess, "a SEQUENCE of locations")
		}
		list = append(list, d)
	}
	return list, nil
}

// CRLDistributionPoints lists the URIs of CRLs, one distribution point each (RFC 5280, Section 4.2.1.13).
type CRLDistributionPoints []string

// Extension encodes the points in the order given, without reasons and cRLIssuer; non critical:
//
//	CRLDistributionPoints ::= SEQUENCE SIZE (1..MAX) OF DistributionPoint
//	DistributionPoint     ::= SEQUENCE { distributionPoint [0] EXPLICIT { fullName [0] IMPLICIT { [6] IMPLICIT IA5String } } }
func (p CRLDistributionPoints) Extension() (Extension, error) {
	if len(p) == 0 {
		return Extension{}, errors.New("encoding cRLDistributionPoints: no location")
	}
	return encodeExtension(OIDCRLDistributionPoints, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, uri := range p {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addPoint(b, uri) })
			}
		})
	})
}

// ParseCRLDistributionPoints reads the content of extnValue. Points of any other shape than one URI are errors.
func ParseCRLDistributionPoints(value []byte) (CRLDistributionPoints, error) {
	var seq cryptobyte.String
	if !der.ReadOnly(value, &seq, cbasn1.SEQUENCE) || seq.Empty() {
		return nil, malformed(OIDCRLDistributionPoints, "a SEQUENCE of points")
	}
	var list CRLDistributionPoints
	for !seq.Empty() {
		var point cryptobyte.String
		if !seq.ReadASN1(&point, cbasn1.SEQUENCE) {
			return nil, malformed(OIDCRLDistributionPoints, "a SEQUENCE of points")
		}
		uri, err := readPoint(&point)
		if err != nil {
			return nil, fmt.Errorf("cRLDistributionPoints: %w", err)
		}
		if !point.Empty() {
			return nil, malformed(OIDCRLDistributionPoints, "one full name per point")
		}
		list = append(list, uri)
	}
	return list, nil
}

// addPoint adds distributionPoint with one URI as its full name.
func addPoint(b *cryptobyte.Builder, uri string) {
	b.AddASN1(der.Explicit(0), func(b *cryptobyte.Builder) {
		b.AddASN1(der.Explicit(0), func(b *cryptobyte.Builder) { addURI(b, uri) })
	})
}

func readPoint(s *cryptobyte.String) (uri string, err error) {
	var name, full cryptobyte.String
	if !s.ReadASN1(&name, der.Explicit(0)) || !name.ReadASN1(&full, der.Explicit(0)) || !name.Empty() {
		return "", errors.New("a point is not one full name")
	}
	if err := readURI(&full, &uri); err != nil {
		return "", err
	}
	if !full.Empty() {
		return "", errors.New("a point has more than one name")
	}
	return uri, nil
}

// OCSPNoCheck is id-pkix-ocsp-nocheck: the certificate of an OCSP signer is not itself checked for revocation (RFC 6960,
// Section 4.2.2.2.1).
type OCSPNoCheck struct{}

// Extension encodes NULL; non critical.
func (OCSPNoCheck) Extension() (Extension, error) {
	return encodeExtension(OIDOCSPNoCheck, false, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
}

// ParseOCSPNoCheck reads the content of extnValue.
func ParseOCSPNoCheck(value []byte) (OCSPNoCheck, error) {
	s := cryptobyte.String(value)
	if !der.ReadNULL(&s) || !s.Empty() {
		return OCSPNoCheck{}, malformed(OIDOCSPNoCheck, "NULL")
	}
	return OCSPNoCheck{}, nil
}

func addURI(b *cryptobyte.Builder, uri string) {
	if uri == "" {
		b.SetError(errors.New("URI is empty"))
	}
	der.AddTaggedString(b, tagURI, der.IA5String, uri)
}

func readURI(s *cryptobyte.String, uri *string) error {
	if err := der.ReadTaggedString(s, tagURI, der.IA5String, uri); err != nil {
		return fmt.Errorf("uniformResourceIdentifier: %w", err)
	}
	if *uri == "" {
		return errors.New("uniformResourceIdentifier is empty")
	}
	return nil
}
