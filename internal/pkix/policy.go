package pkix

import (
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// Policy is one PolicyInformation: a policy or, without qualifier, a certificate type (gemSpec_PKI, Tab_PKI_227).
type Policy struct {
	ID  asn1.ObjectIdentifier
	CPS string // URI of the practice statement in an id-qt-cps qualifier; "" for no qualifier
}

// CertificatePolicies is the extension of that name (RFC 5280, Section 4.2.1.4).
type CertificatePolicies []Policy

// Extension encodes the policies in the order given; non critical:
//
//	certificatePolicies ::= SEQUENCE SIZE (1..MAX) OF PolicyInformation
//	PolicyInformation   ::= SEQUENCE { policyIdentifier OBJECT IDENTIFIER, policyQualifiers SEQUENCE OF PolicyQualifierInfo OPTIONAL }
//	PolicyQualifierInfo ::= SEQUENCE { policyQualifierId id-qt-cps, qualifier IA5String }
func (p CertificatePolicies) Extension() (Extension, error) {
	if len(p) == 0 {
		return Extension{}, errors.New("encoding certificatePolicies: no policy")
	}
	return encodeExtension(OIDCertificatePolicies, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, policy := range p {
				policy.add(b)
			}
		})
	})
}

func (p Policy) add(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(p.ID)
		if p.CPS == "" {
			return
		}
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(OIDQualifierCPS)
				der.AddString(b, der.IA5String, p.CPS)
			})
		})
	})
}

// ParseCertificatePolicies reads the content of extnValue. Qualifiers other than one id-qt-cps per policy are errors.
func ParseCertificatePolicies(value []byte) (CertificatePolicies, error) {
	var seq cryptobyte.String
	if !der.ReadOnly(value, &seq, cbasn1.SEQUENCE) || seq.Empty() {
		return nil, malformed(OIDCertificatePolicies, "a SEQUENCE of policies")
	}
	var list CertificatePolicies
	for !seq.Empty() {
		p, err := readPolicy(&seq)
		if err != nil {
			return nil, fmt.Errorf("policy %d: %w", len(list)+1, err)
		}
		list = append(list, p)
	}
	return list, nil
}

func readPolicy(s *cryptobyte.String) (Policy, error) {
	var p Policy
	var info, qualifiers, qualifier cryptobyte.String
	var id asn1.ObjectIdentifier
	if !s.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&p.ID) {
		return Policy{}, malformed(OIDCertificatePolicies, "a SEQUENCE of policies")
	}
	if info.Empty() {
		return p, nil
	}
	if !info.ReadASN1(&qualifiers, cbasn1.SEQUENCE) || !info.Empty() ||
		!qualifiers.ReadASN1(&qualifier, cbasn1.SEQUENCE) || !qualifiers.Empty() ||
		!qualifier.ReadASN1ObjectIdentifier(&id) || !id.Equal(OIDQualifierCPS) {
		return Policy{}, malformed(OIDCertificatePolicies, "qualified by one id-qt-cps")
	}
	if err := der.ReadTaggedString(&qualifier, cbasn1.Tag(der.IA5String), der.IA5String, &p.CPS); err != nil {
		return Policy{}, fmt.Errorf("id-qt-cps: %w", err)
	}
	if !qualifier.Empty() || p.CPS == "" {
		return Policy{}, malformed(OIDCertificatePolicies, "qualified by one id-qt-cps")
	}
	return p, nil
}
