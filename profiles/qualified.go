package profiles

import (
	"fmt"
	"regexp"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// This file is what differs for qualified certificates: who stands in the subject, and what the provider states. No table of today describes
// those of an institution card; the profiles follow C.HP.QES (gemSpec_PKI, Tab_PKI_270_1) and ETSI EN 319 412-2, -3 and -5.

const (
	citeSignatory   = "ETSI EN 319 412-2, Section 4.2.4; gemSpec_PKI, Tab_PKI_270_1"
	citeLegalPerson = "ETSI EN 319 412-3, Section 4.2.1"
	citeLegalID     = "ETSI EN 319 412-1, Section 5.1.4"
	citeQualified   = "ETSI EN 319 412-5, Section 4"
)

// legalIdentifier is the form of an organizationIdentifier: a scheme of three letters, or two letters and a colon for a national one, the
// country in two letters, a hyphen, and the number (ETSI EN 319 412-1, Section 5.1.4).
var legalIdentifier = regexp.MustCompile(`^(VAT|NTR|PSD|LEI|[A-Z]{2}:)[A-Z]{2}-[^ ].*$`)

// qualifiedKind tells which kind of qualified certificate the order names a slot for; "" for none.
func (p *planner) qualifiedKind() SubjectKind {
	if p.card == nil {
		return ""
	}
	for _, row := range p.order.Keys {
		for _, slot := range p.card.Slots {
			if profile := p.set.x509[slot.Profile]; slot.Name == row.Slot && profile != nil && profile.IsQualified() {
				return profile.SubjectOf.Value
			}
		}
	}
	return ""
}

// checkQualified looks at the fields that only qualified certificates need.
func (p *planner) checkQualified() {
	i, kind := &p.order.Institution, p.qualifiedKind()
	p.checkQualifiedText("institution.legal_name", i.LegalName, kind != "", kind != "", "O", citeLegalPerson)
	p.checkQualifiedText("institution.organization_identifier", i.OrganizationIdentifier, kind == SubjectLegalPerson, kind != "",
		organizationIdentifierAttribute, citeLegalPerson)
	if id := i.OrganizationIdentifier; id != "" && kind != "" && !legalIdentifier.MatchString(id) {
		p.refuse("institution.organization_identifier", "ORGANIZATION_IDENTIFIER", citeLegalID,
			"it must be VAT, NTR, PSD, LEI or two letters and a colon, then the country, a hyphen and the number: VATDE-123456789")
	}
	signs := kind == SubjectSignatory
	if i.Signatory.Title != "" {
		p.refuse("institution.signatory.title", "FIELD_FORBIDDEN", citeSignatory, "a qualified certificate has no title; leave the field out")
	}
	given := p.checkQualifiedText("institution.signatory.given_name", i.Signatory.GivenName, signs, signs, "GN", citeSignatory)
	surname := p.checkQualifiedText("institution.signatory.surname", i.Signatory.Surname, signs, signs, "SN", citeSignatory)
	if given && surname {
		p.checkAttribute("institution.signatory", "CN", p.signatoryNames()["CN"])
	}
}

// checkQualifiedText looks at the presence, repertoire and length of a field, and tells whether it is there and good.
func (p *planner) checkQualifiedText(path, value string, must, may bool, attribute, citation string) bool {
	switch {
	case value == "" && must:
		p.refuse(path, "FIELD_MISSING", citation, "the qualified certificate needs it: attribute %s of the subject", attribute)
		return false
	case value == "":
		return false
	case !may:
		p.refuse(path, "FIELD_FORBIDDEN", citation, "the order names no slot for a certificate that holds it; leave the field out")
		return false
	}
	return p.checkText(path, value) && p.checkAttribute(path, attribute, value)
}

// checkAttribute holds a value, with its mark, against the length and repertoire of an attribute.
func (p *planner) checkAttribute(path, attribute, value string) bool {
	id, _ := pkix.AttributeType(attribute)
	if err := (pkix.Attribute{Type: id, Value: value + p.mark(attribute)}).Check(); err != nil {
		p.refuse(path, "NAME_LENGTH", citeNames, "%v, the mark of environment test included", err)
		return false
	}
	return true
}

// signatoryNames are the attributes of the natural person. The common name has no title; the number of the card makes the name unique.
func (p *planner) signatoryNames() map[string]string {
	s := p.order.Institution.Signatory
	values := p.legalPersonNames()
	values["SN"], values["GN"], values["CN"] = s.Surname, s.GivenName, s.GivenName+" "+s.Surname
	return values
}

// legalPersonNames are the attributes of the institution as a legal person. The common name is the one by which it is known, that of
// the other certificates of the card.
func (p *planner) legalPersonNames() map[string]string {
	i := &p.order.Institution
	return map[string]string{
		"C": country, "O": i.LegalName, organizationIdentifierAttribute: i.OrganizationIdentifier, serialNumberAttribute: p.cardNumber(),
		"CN": i.CommonName(),
	}
}

// statements makes qcStatements of what the profile wants and the provider says. What the profile leaves open is stated where the
// provider says something.
func statements(profile *X509Profile, q *QualifiedInfo) (extensionMaker, error) {
	var list pkix.QCStatements
	for _, row := range profile.Statements {
		if row.Occurs == Never {
			continue
		}
		s, ok := statement(profile, row, q)
		switch {
		case ok:
			list = append(list, s)
		case row.Occurs == Always:
			return nil, fmt.Errorf("the issuer has nothing to say for statement %s", row.Name)
		}
	}
	return list, nil
}

// statement makes one statement; false where the provider has nothing to say.
func statement(profile *X509Profile, row StatementRule, q *QualifiedInfo) (pkix.QCStatement, bool) {
	switch {
	case row.ID.Equal(pkix.OIDQCCompliance):
		return pkix.QCCompliance(), true
	case row.ID.Equal(pkix.OIDQCSSCD):
		return pkix.QCSSCD(), true
	case row.ID.Equal(pkix.OIDQCType):
		if profile.SubjectOf.Value == SubjectLegalPerson {
			return pkix.QCType(pkix.OIDQCTypeESeal), true
		}
		return pkix.QCType(pkix.OIDQCTypeESign), true
	case row.ID.Equal(pkix.OIDQCPDS):
		return pkix.QCPDS(q.PDS...), len(q.PDS) > 0
	case row.ID.Equal(pkix.OIDQCRetentionPeriod):
		return pkix.QCRetentionPeriod(q.RetentionYears), q.RetentionYears > 0
	}
	return pkix.QCLegislation(q.Legislation...), len(q.Legislation) > 0
}

// checkQualifiedIssuer refuses an issuer that cannot say what the profile wants stated.
func (p *planner) checkQualifiedIssuer(profile *X509Profile, i *Issuer) {
	if !profile.IsQualified() {
		return
	}
	if i.Qualified == nil {
		p.cannot("card_type", "NO_QUALIFIED_INFO", citeQualified, "issuer %s has no statements about its provider configured", i.Name)
		return
	}
	for _, row := range profile.Statements {
		if _, ok := statement(profile, row, i.Qualified); !ok && row.Occurs == Always {
			p.cannot("card_type", "NO_QUALIFIED_INFO", row.Source, "issuer %s has nothing configured for statement %s", i.Name, row.Name)
		}
	}
}
