package profiles

import (
	"encoding/asn1"
	"regexp"
	"slices"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// IssuerProfile says what the certificate of an issuer looks like, or of a signer to whom an issuer delegates: a file under issuers/, named
// after the kind.
type IssuerProfile struct {
	Kind             IssuerKind // of the certified issuer
	Title            string
	IssuedBy         Cited[[]IssuerKind] // who may sign; its own kind: it signs itself
	MaxYears         Cited[int]
	CommonName       Cited[*regexp.Regexp] // form, without the mark of environment test
	Unit             Cited[string]         // OU; "" for none
	SubjectOrder     Cited[[]string]       // short names of attribute types, most significant first
	KeyUsage         Cited[pkix.KeyUsage]
	ExtendedKeyUsage Cited[[]asn1.ObjectIdentifier] // nil where the extension never occurs
	Constraints      Cited[pkix.BasicConstraints]
	Policies         Cited[[]asn1.ObjectIdentifier] // the CPS qualifier goes to the first
	CPS              Cited[string]                  // "" for no qualifier
	Extensions       []ExtensionRule                // in the order in which they are encoded
	Gaps             []Gap                          // where the sources are silent or the profile leaves them

	at position
}

// IsCA tells whether the certified key signs certificates.
func (p *IssuerProfile) IsCA() bool { return p.Constraints.Value.CA }

// SignsItself tells whether the certificate may be self-signed.
func (p *IssuerProfile) SignsItself() bool { return slices.Contains(p.IssuedBy.Value, p.Kind) }

// issuerAttributes are the attributes of an issuer's subject by their short names, most significant first (Tab_PKI_212, GS-A_4706). There is
// no place for the others: GS-A_4731 wants no more than makes the name unique.
var issuerAttributes = []string{"C", "O", organizationIdentifierAttribute, "OU", "CN"}

func readIssuerProfile(d *decoder, m mapping) *IssuerProfile {
	p := &IssuerProfile{
		Kind:         required(m, "issuer", x509Kind),
		Title:        required(m, "title", text),
		IssuedBy:     cited(m, "issued_by", set(x509Kind)),
		MaxYears:     cited(m, "max_years", number),
		CommonName:   cited(m, "common_name", parsed(wholePattern)),
		SubjectOrder: cited(m, "subject_order", set(oneOf(issuerAttributes))),
		Constraints:  cited(m, "basic_constraints", constraints),
		Policies:     cited(m, "policies", list(oid)),
		Extensions:   required(m, "extensions", list(readExtension)),
		Gaps:         optional(m, "gaps", list(readGap)),
		at:           m.at(),
	}
	usage := cited(m, "key_usage", set(parsed(pkix.ParseKeyUsageName)))
	p.KeyUsage = Cited[pkix.KeyUsage]{Source: usage.Source, at: usage.at}
	for _, bit := range usage.Value {
		p.KeyUsage.Value |= bit
	}
	p.Unit, _ = citedIfThere(m, "organizational_unit", text)
	p.CPS, _ = citedIfThere(m, "cps", text)
	p.ExtendedKeyUsage, _ = citedIfThere(m, "extended_key_usage", list(extendedKeyUsage))
	p.check(d)
	return p
}

// The longest terms of issuers' certificates, by what they certify. They stand here and again in lint.
const (
	maxRootYears = 10 // GS-A_4350
	maxCAYears   = 8  // GS-A_4351
)

// check looks at the profile by itself.
func (p *IssuerProfile) check(d *decoder) {
	limit := fiveYears
	switch {
	case p.Kind == RootCA:
		limit = maxRootYears
	case p.IsCA():
		limit = maxCAYears
	}
	if p.MaxYears.Value > limit {
		d.problems.add(p.MaxYears.at, "TERM_TOO_LONG", "max_years is %d; a certificate of kind %s lives %d years at most (GS-A_4350 to GS-A_4352)",
			p.MaxYears.Value, p.Kind, limit)
	}
	const forCAs = pkix.KeyCertSign
	if p.IsCA() != (p.KeyUsage.Value&forCAs != 0) {
		d.problems.add(p.KeyUsage.at, "CONTRADICTION", "keyCertSign is for CAs and only for them (RFC 5280, Section 4.2.1.9)")
	}
	checkExtensionRows(d, p.Extensions)
	p.checkRows(d)
}

// checkRows looks at what the rows of extensions need from the rest of the profile.
func (p *IssuerProfile) checkRows(d *decoder) {
	if p.Extensions == nil {
		return
	}
	for _, id := range []asn1.ObjectIdentifier{
		pkix.OIDSubjectKeyIdentifier, pkix.OIDKeyUsage, pkix.OIDBasicConstraints, pkix.OIDCertificatePolicies,
	} {
		if occursIn(p.Extensions, id) != Always {
			d.problems.add(p.at, "CONTRADICTION", "extension %s must occur in every certificate", pkix.OIDName(id))
		}
	}
	for _, id := range []asn1.ObjectIdentifier{pkix.OIDAdmission, pkix.OIDSubjectAltName} {
		if occursIn(p.Extensions, id) != Never {
			d.problems.add(p.at, "CONTRADICTION", "the certificate of an issuer has no %s", pkix.OIDName(id))
		}
	}
	if wants := occursIn(p.Extensions, pkix.OIDExtendedKeyUsage) != Never; wants != (p.ExtendedKeyUsage.Value != nil) {
		d.problems.add(p.at, "CONTRADICTION", "extended_key_usage and the row extKeyUsage must both be there, or neither")
	}
	if !p.SignsItself() && occursIn(p.Extensions, pkix.OIDAuthorityKeyIdentifier) != Always {
		d.problems.add(p.at, "CONTRADICTION", "only what signs itself can do without authorityKeyIdentifier (RFC 5280, Section 4.2.1.1)")
	}
}

// oneOf reads one of a few words.
func oneOf(words []string) reading[string] {
	m := map[string]string{}
	for _, w := range words {
		m[w] = w
	}
	return word(m)
}

var (
	x509Kind = issuerKind(RootCA, SMCBCA, KOMPCA, QESCA, OCSPSigner, CRLSigner)
	// constraints are the three forms of basicConstraints in the tables.
	constraints = word(map[string]pkix.BasicConstraints{
		"root":       {CA: true, PathLen: pkix.NoPathLen},
		"sub-ca":     {CA: true, PathLen: 0},
		"end-entity": {},
	})
)
