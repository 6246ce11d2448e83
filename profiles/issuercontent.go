package profiles

import (
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// IssuerRequest is what the certificate of an issuer depends on besides its profile.
type IssuerRequest struct {
	Environment            Environment
	CommonName             string // without the marks of environment test, which are added
	Organization           string
	OrganizationIdentifier string // "" for none
	PublicKey              crypto.PublicKey
	Serial                 pkix.Serial
	Issuer                 *Issuer // who will sign; nil: the certified key itself
	PSS                    bool    // the certified RSA key signs itself with RSASSA-PSS; qualified issuers only
	NotBefore              time.Time
	OCSPURL                string // of the responder that knows this certificate's own status; "" where the profile needs none
	CRLURL                 string // "" for none
}

// Content makes the content of an issuer's certificate: valid for the years of the profile, and never longer than the issuer above it. It is
// pure. The errors say which part of the request does not fit.
func (p *IssuerProfile) Content(r *IssuerRequest) (*pkix.TBSCertificate, error) {
	tbs, err := p.content(r)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s, kind %s: %w", r.CommonName, p.Kind, err)
	}
	return tbs, nil
}

func (p *IssuerProfile) content(r *IssuerRequest) (*pkix.TBSCertificate, error) {
	if err := p.checkRequest(r); err != nil {
		return nil, err
	}
	spki, err := pkix.MarshalPublicKey(r.PublicKey)
	if err != nil {
		return nil, err
	}
	tbs := &pkix.TBSCertificate{
		Serial: r.Serial, NotBefore: r.NotBefore, NotAfter: r.NotBefore.AddDate(p.MaxYears.Value, 0, 0).Add(-time.Second),
		Subject: p.subject(r), PublicKey: spki,
	}
	if tbs.Scheme, err = p.scheme(r); err != nil {
		return nil, err
	}
	if tbs.Issuer, err = p.issuerName(r, tbs.Subject); err != nil {
		return nil, err
	}
	if i := r.Issuer; i != nil && tbs.NotAfter.After(i.X509.NotAfter) {
		tbs.NotAfter = i.X509.NotAfter
	}
	if !tbs.NotAfter.After(tbs.NotBefore) {
		return nil, errors.New("it would end before it begins: the issuer above it ends too early")
	}
	tbs.Extensions, err = encodeRows(p.Extensions, func(id asn1.ObjectIdentifier) (extensionMaker, error) {
		return p.extension(id, r, spki)
	})
	return tbs, err
}

// checkRequest looks at the name and at who signs.
func (p *IssuerProfile) checkRequest(r *IssuerRequest) error {
	above := p.Kind
	if r.Issuer != nil {
		above = r.Issuer.Kind
	}
	switch {
	case !slices.Contains(p.IssuedBy.Value, above):
		return fmt.Errorf("an issuer of kind %s does not sign it, but one of %v (%s)", above, p.IssuedBy.Value, p.IssuedBy.Source)
	case r.Issuer != nil && r.Issuer.X509 == nil:
		return fmt.Errorf("issuer %s has no X.509 certificate", r.Issuer.Name)
	case p.CheckName(r.CommonName) != nil:
		return fmt.Errorf("its common name has not the form %s (%s)", p.CommonName.Value, p.CommonName.Source)
	case r.Organization == "":
		return errors.New("it has no organization")
	}
	own, err := sigalg.TypeOf(r.PublicKey)
	if err != nil {
		return err
	}
	if i := r.Issuer; i != nil && i.KeyType.Generation() != own.Generation() {
		return fmt.Errorf("a key of generation %s is certified by one of generation %s (GS-A_5513)", own.Generation(), i.KeyType.Generation())
	}
	return nil
}

// scheme is that of the key that will sign.
func (p *IssuerProfile) scheme(r *IssuerRequest) (sigalg.Scheme, error) {
	if r.Issuer != nil {
		return r.Issuer.X509Scheme()
	}
	own, err := sigalg.TypeOf(r.PublicKey)
	if err != nil {
		return 0, err
	}
	return (&Issuer{Name: r.CommonName, Kind: p.Kind, KeyType: own, PSS: r.PSS}).X509Scheme()
}

// subject makes the name, attributes in the order of the profile, one in each RDN.
func (p *IssuerProfile) subject(r *IssuerRequest) pkix.Name {
	values := map[string]string{
		"C": country, "O": r.Organization, organizationIdentifierAttribute: r.OrganizationIdentifier, "OU": p.Unit.Value, "CN": r.CommonName,
	}
	return orderedName(p.SubjectOrder.Value, values, identityMarks(r.Environment))
}

func (p *IssuerProfile) issuerName(r *IssuerRequest, subject pkix.Name) (pkix.RawName, error) {
	if r.Issuer != nil {
		return r.Issuer.X509.RawSubject, nil
	}
	return subject.Encode()
}

// extension gives the content of an extension; nil where there is none.
func (p *IssuerProfile) extension(id asn1.ObjectIdentifier, r *IssuerRequest, spki []byte) (extensionMaker, error) {
	switch {
	case id.Equal(pkix.OIDSubjectKeyIdentifier):
		return pkix.KeyIdentifierOfSPKI(spki)
	case id.Equal(pkix.OIDKeyUsage):
		return p.KeyUsage.Value, nil
	case id.Equal(pkix.OIDBasicConstraints):
		return p.Constraints.Value, nil
	case id.Equal(pkix.OIDCertificatePolicies):
		return qualifiedFirst(p.Policies.Value, p.CPS.Value), nil
	case id.Equal(pkix.OIDAuthorityInfoAccess):
		if r.OCSPURL == "" {
			return nil, nil
		}
		return pkix.OCSPAt(r.OCSPURL), nil
	case id.Equal(pkix.OIDCRLDistributionPoints):
		if r.CRLURL == "" {
			return nil, nil
		}
		return pkix.CRLDistributionPoints{r.CRLURL}, nil
	case id.Equal(pkix.OIDAuthorityKeyIdentifier):
		if r.Issuer != nil {
			return authorityKeyIdentifier(r.Issuer)
		}
		own, err := pkix.KeyIdentifierOfSPKI(spki)
		return pkix.AuthorityKeyIdentifier(own), err
	case id.Equal(pkix.OIDExtendedKeyUsage):
		return pkix.ExtendedKeyUsage(p.ExtendedKeyUsage.Value), nil
	case id.Equal(pkix.OIDValidityModel):
		return pkix.ValidityModel(pkix.OIDValidityModelChain), nil
	case id.Equal(pkix.OIDQCStatements):
		return pkix.QCStatements{pkix.QCCompliance()}, nil
	case id.Equal(pkix.OIDOCSPNoCheck):
		return pkix.OCSPNoCheck{}, nil
	}
	return nil, fmt.Errorf("object identifier %s is not supported", id)
}
