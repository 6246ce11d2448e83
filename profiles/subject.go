package profiles

import (
	"github.com/siegel-pki/siegel/internal/pkix"
)

// country is the C of every subject and of every body in an admission (ISO 3166-1).
const country = "DE"

// subject makes the name of the holder, attributes in the order of the profile, one in each RDN. All X.509 certificates of a card
// have the same.
func (p *planner) subject(profile *X509Profile) pkix.Name {
	values := map[string]string{"C": country}
	for _, f := range namesOfInstitution {
		values[f.attribute] = f.value(&p.order.Institution)
	}
	for _, f := range personAndAddress {
		values[f.attribute] = f.value(&p.order.Institution)
	}
	if p.sector.attribute(serialNumberAttribute).Include {
		values[serialNumberAttribute] = p.ctx.TSPID + "." + p.order.ICCSN // Tab_PKI_109
	}
	var name pkix.Name
	for _, attribute := range profile.SubjectOrder.Value {
		if id, known := pkix.AttributeType(attribute); known && values[attribute] != "" {
			name = append(name, pkix.Single(id, values[attribute]+p.mark(attribute)))
		}
	}
	return name
}

// altNames are the names that the subject does not hold; nil if there are none. A long name is the whole of the CN and is not
// marked in environment test: the mark stands in the CN.
func (p *planner) altNames() extensionMaker {
	var names pkix.SubjectAltName
	if long := p.order.Institution.LongName; long != "" {
		names = append(names, pkix.GeneralName{Form: pkix.OtherName, Type: pkix.OIDCommonName, Value: long})
	}
	if email := p.order.Institution.Email; email != "" {
		names = append(names, pkix.GeneralName{Form: pkix.RFC822Name, Value: email})
	}
	if names == nil {
		return nil
	}
	return names
}
