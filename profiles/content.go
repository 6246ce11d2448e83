package profiles

import (
	"bytes"
	"encoding/asn1"
	"fmt"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// build makes the plan of an order without violations.
func (p *planner) build(issuers map[string]*Issuer) (*Plan, error) {
	plan := &Plan{Order: p.order, CardType: p.card.Name, Term: p.term, Warnings: p.warnings, Ended: p.ended}
	for _, k := range p.keys {
		s := PlannedSlot{
			Slot: k.slot.Name, Profile: k.slot.Profile, Issuer: issuers[k.slot.Name], PublicKey: k.pub, MaxOctets: k.slot.Octets.Value,
		}
		var err error
		if profile := p.set.x509[k.slot.Profile]; profile != nil {
			s.X509, err = p.x509Content(profile, k, s.Issuer)
		} else if profile := p.g1Profile(k.slot); profile != nil {
			s.G1, err = p.g1Content(profile, k, s.Issuer)
		} else {
			s.CVC, err = p.cvcContent(p.set.cvc[k.slot.Profile], k, s.Issuer)
		}
		if err != nil {
			return nil, fmt.Errorf("slot %s: %w", s.Slot, err)
		}
		if err := p.checkSize(&s); err != nil {
			return nil, fmt.Errorf("slot %s: %w", s.Slot, err)
		}
		plan.Slots = append(plan.Slots, s)
	}
	return plan, nil
}

// x509Content makes the content of an X.509 certificate.
func (p *planner) x509Content(profile *X509Profile, k slotKey, issuer *Issuer) (*pkix.TBSCertificate, error) {
	scheme, err := issuer.X509Scheme()
	if err != nil {
		return nil, err
	}
	extensions, err := p.extensions(profile, k, issuer)
	if err != nil {
		return nil, err
	}
	return &pkix.TBSCertificate{
		Scheme:     scheme,
		Issuer:     issuer.X509.RawSubject,
		NotBefore:  p.term.First,
		NotAfter:   p.term.Last,
		Subject:    p.subject(profile),
		PublicKey:  k.spki,
		Extensions: extensions,
	}, nil
}

// extensionMaker is the content of an extension: a type of package pkix.
type extensionMaker interface {
	Extension() (pkix.Extension, error)
}

// extensions makes the extensions in the order of the profile's rows.
func (p *planner) extensions(profile *X509Profile, k slotKey, issuer *Issuer) ([]pkix.Extension, error) {
	return encodeRows(profile.Extensions, func(id asn1.ObjectIdentifier) (extensionMaker, error) {
		return p.extension(profile, id, k, issuer)
	})
}

// encodeRows makes extensions in the order of a table's rows. content gives what is in one; nil where there is none.
func encodeRows(rows []ExtensionRule, content func(id asn1.ObjectIdentifier) (extensionMaker, error)) ([]pkix.Extension, error) {
	var list []pkix.Extension
	for _, row := range rows {
		if row.Occurs == Never {
			continue
		}
		value, err := content(row.ID)
		if err != nil {
			return nil, fmt.Errorf("extension %s: %w", row.Name, err)
		}
		if value == nil {
			if row.Occurs == Always {
				return nil, fmt.Errorf("extension %s must be there and has no content", row.Name)
			}
			continue
		}
		e, err := value.Extension()
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// extension gives the content of an extension; nil where there is none.
func (p *planner) extension(profile *X509Profile, id asn1.ObjectIdentifier, k slotKey, issuer *Issuer) (extensionMaker, error) {
	switch {
	case id.Equal(pkix.OIDSubjectKeyIdentifier):
		return pkix.KeyIdentifierOfSPKI(k.spki)
	case id.Equal(pkix.OIDKeyUsage):
		usage, _ := profile.keyUsage(k.slot.Key)
		return usage, nil
	case id.Equal(pkix.OIDSubjectAltName):
		return p.altNames(profile), nil
	case id.Equal(pkix.OIDBasicConstraints):
		return pkix.BasicConstraints{}, nil
	case id.Equal(pkix.OIDCertificatePolicies):
		return p.policies(profile), nil
	case id.Equal(pkix.OIDCRLDistributionPoints):
		if !p.wantsCRL(profile) {
			return nil, nil
		}
		return pkix.CRLDistributionPoints{issuer.CRLURL}, nil
	case id.Equal(pkix.OIDAuthorityInfoAccess):
		return infoAccess(issuer), nil
	case id.Equal(pkix.OIDAuthorityKeyIdentifier):
		return authorityKeyIdentifier(issuer)
	case id.Equal(pkix.OIDAdmission):
		return p.admission(profile)
	case id.Equal(pkix.OIDExtendedKeyUsage):
		return pkix.ExtendedKeyUsage(profile.ExtendedKeyUsage.Value), nil
	case id.Equal(pkix.OIDValidityModel):
		return pkix.ValidityModel(pkix.OIDValidityModelChain), nil
	case id.Equal(pkix.OIDQCStatements):
		return statements(profile, issuer.Qualified)
	}
	return nil, fmt.Errorf("object identifier %s is not supported", id)
}

// authorityKeyIdentifier copies the octets of the issuer's own subjectKeyIdentifier; how they were made is not known.
func authorityKeyIdentifier(issuer *Issuer) (extensionMaker, error) {
	id, ok, err := pkix.Find(issuer.X509.Extensions, pkix.OIDSubjectKeyIdentifier, pkix.ParseSubjectKeyIdentifier)
	if err != nil {
		return nil, fmt.Errorf("issuer %s: %w", issuer.Name, err)
	}
	if !ok {
		return nil, fmt.Errorf("issuer %s has no subjectKeyIdentifier", issuer.Name)
	}
	return pkix.AuthorityKeyIdentifier(id), nil
}

// policies lists the policies, the first with the CPS qualifier where the sector wants it, and the certificate type, which never
// has one (Tab_PKI_227).
func (p *planner) policies(profile *X509Profile) pkix.CertificatePolicies {
	cps := ""
	if profile.SubjectOf.Value == SubjectInstitution && p.sector.CPS.Include {
		cps = profile.CPS.Value
	}
	list := qualifiedFirst(profile.Policies.Value, cps)
	if typ := profile.CertificateType.Value; typ != nil {
		list = append(list, pkix.Policy{ID: typ})
	}
	return list
}

// wantsCRL tells whether a certificate names a CRL. Where the profile leaves it open, the sector decides about the certificates of the
// institution; others have none.
func (p *planner) wantsCRL(profile *X509Profile) bool {
	return profile.SubjectOf.Value == SubjectInstitution && p.sector != nil && p.sector.CRL.Include
}

// infoAccess names the responder that tells the status of an issuer's certificates, and the issuer's certificate where qualified certificates
// are to name it (ETSI EN 319 412-2, Section 4.4.1).
func infoAccess(issuer *Issuer) pkix.AuthorityInfoAccess {
	list := pkix.OCSPAt(issuer.OCSPURL)
	if q := issuer.Qualified; q != nil && q.CAIssuersURL != "" {
		list = append(list, pkix.AccessDescription{Method: pkix.OIDAccessCAIssuers, URI: q.CAIssuersURL})
	}
	return list
}

// qualifiedFirst lists policies, the first with a CPS qualifier; "" for none.
func qualifiedFirst(ids []asn1.ObjectIdentifier, cps string) pkix.CertificatePolicies {
	var list pkix.CertificatePolicies
	for _, id := range ids {
		list = append(list, pkix.Policy{ID: id, CPS: cps})
		cps = ""
	}
	return list
}

// admission says what the institution or device is; all certificates of an institution's card say the same (GS-A_4901). Neither the
// Telematik-ID nor the body is marked in environment test.
func (p *planner) admission(profile *X509Profile) (extensionMaker, error) {
	if d := profile.Device; d != nil { // a technical role, without a number (GS-A_4707)
		return pkix.Admission{Item: d.Item.Value, OID: d.Role.Value}, nil
	}
	id, err := der.ParseOID(p.institution.OID)
	if err != nil {
		return nil, err
	}
	a := pkix.Admission{Item: p.institution.Text, OID: id, RegistrationNumber: p.order.Institution.TelematikID}
	if body := p.order.Institution.AdmissionAuthority; body != "" {
		a.Authority = pkix.Name{pkix.Single(pkix.OIDCountryName, country), pkix.Single(pkix.OIDOrganizationName, body)}
	}
	return a, nil
}

// cvcContent makes the content of a CV certificate of generation 2.
func (p *planner) cvcContent(profile *CVCProfile, k slotKey, issuer *Issuer) (*cvc.Body, error) {
	car, ok := issuer.CVC.CHR.Reference()
	if !ok {
		return nil, fmt.Errorf("issuer %s has no key reference", issuer.Name)
	}
	chr, err := cvc.CardCHR(k.slot.KeyID.Value, p.order.ICCSN)
	if err != nil {
		return nil, err
	}
	flags, ok := p.flags(profile)
	if !ok {
		return nil, fmt.Errorf("institution %s has no access profile", p.institution.OID)
	}
	b := &cvc.Body{CAR: car, CHR: chr, FlagOID: profile.FlagOID.Value, Flags: flags}
	if b.PublicKey, ok = k.pub.(*brainpool.PublicKey); !ok {
		return nil, fmt.Errorf("a CV certificate cannot hold a %T", k.pub)
	}
	if b.CED, err = cvc.NewDate(p.term.First); err != nil {
		return nil, err
	}
	if b.CXD, err = cvc.NewDate(p.term.Last); err != nil {
		return nil, err
	}
	return b, nil
}

// checkSize refuses a certificate that would not fit its file on the card. Serial number and signature are not known yet; stand-ins
// of the greatest length take their place.
func (p *planner) checkSize(s *PlannedSlot) error {
	octets, err := s.octets()
	if err != nil {
		return err
	}
	if octets > s.MaxOctets {
		p.refuse("institution", "CERTIFICATE_TOO_LARGE", "gemSpec_PKI, GS-A_5337",
			"the certificate in slot %s can have %d octets, its file on the card has %d: shorten the names with the applicant", s.Slot, octets, s.MaxOctets)
	}
	return nil
}

// octets is the greatest length of the finished certificate.
func (s *PlannedSlot) octets() (int, error) {
	if s.G1 != nil {
		return s.g1Octets()
	}
	if s.CVC != nil {
		body, err := s.CVC.Encode()
		if err != nil {
			return 0, err
		}
		raw, err := cvc.Assemble(body, make([]byte, 2*s.Issuer.CVC.PublicKey.Curve().ByteLen()))
		return len(raw), err
	}
	tbs := *s.X509
	var err error
	if tbs.Serial, err = pkix.NewSerial(bytes.Repeat([]byte{0x7f}, pkix.MaxSerialLen)); err != nil {
		return 0, err
	}
	draft, err := tbs.Encode()
	if err != nil {
		return 0, err
	}
	return pkix.AssembledLen(draft, tbs.Scheme, bytes.Repeat([]byte{0xff}, signatureLen(s.Issuer.KeyType)))
}

// signatureLen is the length of a signature in the form of the token, in octets.
func signatureLen(t sigalg.KeyType) int {
	if curve, ok := t.Curve(); ok {
		return 2 * curve.ByteLen()
	}
	if t == sigalg.R3072 {
		return 3072 / 8
	}
	return 2048 / 8
}
