package profiles

import (
	"github.com/siegel-pki/siegel/internal/pkix"
)

// country is the C of every subject and of every body in an admission (ISO 3166-1).
const country = "DE"

// subject makes the name in a certificate, attributes in the order of the profile, one in each RDN. All certificates of a card of one kind of
// subject have the same.
func (p *planner) subject(profile *X509Profile) pkix.Name {
	order, marks := profile.SubjectOrder.Value, identityMarks(p.ctx.Environment)
	switch profile.SubjectOf.Value {
	case SubjectSignatory:
		return orderedName(order, p.signatoryNames(), marks)
	case SubjectLegalPerson:
		return orderedName(order, p.legalPersonNames(), marks)
	case SubjectDevice:
		return orderedName(order, p.deviceNames(profile), deviceMarks(p.ctx.Environment))
	}
	return orderedName(order, p.institutionNames(), marks)
}

// institutionNames are the attributes of the institution as its sector wants them.
func (p *planner) institutionNames() map[string]string {
	values := map[string]string{"C": country}
	for _, f := range namesOfInstitution {
		values[f.attribute] = f.value(&p.order.Institution)
	}
	for _, f := range personAndAddress {
		values[f.attribute] = f.value(&p.order.Institution)
	}
	if p.sector.attribute(serialNumberAttribute).Include {
		values[serialNumberAttribute] = p.cardNumber()
	}
	return values
}

// cardNumber tells the cards of all providers apart (Tab_PKI_109).
func (p *planner) cardNumber() string { return p.ctx.TSPID + "." + p.order.ICCSN }

// orderedName makes a name of the attributes that have a value, in the order given, one in each RDN.
func orderedName(order []string, values map[string]string, marks nameMarks) pkix.Name {
	var name pkix.Name
	for _, attribute := range order {
		if id, known := pkix.AttributeType(attribute); known && values[attribute] != "" {
			name = append(name, pkix.Single(id, values[attribute]+marks.of(attribute)))
		}
	}
	return name
}

// organizationIdentifierAttribute is in the subject of qualified certificates and of CAs.
const organizationIdentifierAttribute = "organizationIdentifier"

// nameMarks are what environment test adds to names.
type nameMarks struct{ commonName, organization string }

// identityMarks are those of institutions, CAs and signers (GS-A_4588, GS-A_4589).
func identityMarks(e Environment) nameMarks {
	if e != Test {
		return nameMarks{}
	}
	return nameMarks{markCommonName, markOrganization}
}

// of gives the mark of an attribute; "" for none.
func (m nameMarks) of(attribute string) string {
	switch attribute {
	case "CN":
		return m.commonName
	case "O":
		return m.organization
	}
	return ""
}

// altNames are the names that the subject does not hold; nil if there are none. A long name is the whole of the CN and is not
// marked in environment test: the mark stands in the CN.
func (p *planner) altNames(profile *X509Profile) extensionMaker {
	var names pkix.SubjectAltName
	if d := profile.Device; d != nil {
		names = p.deviceAltNames(d)
	} else {
		if long := p.order.Institution.LongName; long != "" {
			names = append(names, pkix.GeneralName{Form: pkix.OtherName, Type: pkix.OIDCommonName, Value: long})
		}
		if email := p.order.Institution.Email; email != "" {
			names = append(names, pkix.GeneralName{Form: pkix.RFC822Name, Value: email})
		}
	}
	if names == nil {
		return nil
	}
	return names
}
