package rpc

import (
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// orderFromWire translates an order whose shape has been checked. It judges nothing: that is the planner's.
func orderFromWire(o *siegelv1.Order) *profiles.Order {
	order := &profiles.Order{
		ID:          o.GetOrderId(),
		CardType:    o.GetCardType(),
		ICCSN:       o.GetIccsn(),
		Sector:      o.GetSector(),
		Institution: institutionFromWire(o.GetInstitution()),
		Evidence:    evidenceFromWire(o.GetEvidence()),
		ValidFrom:   o.GetValidFrom(),
		ValidUntil:  o.GetValidUntil(),
		Device:      deviceFromWire(o.GetDevice()),
		Renews:      o.GetRenews(),
	}
	for _, k := range o.GetKeys() {
		order.Keys = append(order.Keys, profiles.SlotKey{Slot: k.GetSlot(), SPKI: k.GetSpki(), PKCS10: k.GetPkcs10()})
	}
	return order
}

func institutionFromWire(i *siegelv1.Institution) profiles.Institution {
	return profiles.Institution{
		Name:               i.GetName(),
		NameLines:          i.GetNameLines(),
		Organization:       i.GetOrganization(),
		OrganizationalUnit: i.GetOrganizationalUnit(),
		TelematikID:        i.GetTelematikId(),
		ProfessionOID:      i.GetProfessionOid(),
		AdmissionAuthority: i.GetAdmissionAuthority(),
		Responsible:        personFromWire(i.GetResponsible()),
		Address:            addressFromWire(i.GetAddress()),
		Email:              i.GetEmail(),
		LongName:           i.GetLongName(),

		LegalName:              i.GetLegalName(),
		OrganizationIdentifier: i.GetOrganizationIdentifier(),
		Signatory:              personFromWire(i.GetSignatory()),
	}
}

func personFromWire(p *siegelv1.Person) profiles.Person {
	return profiles.Person{Title: p.GetTitle(), GivenName: p.GetGivenName(), Surname: p.GetSurname()}
}

func addressFromWire(a *siegelv1.Address) profiles.Address {
	return profiles.Address{Street: a.GetStreet(), PostalCode: a.GetPostalCode(), Locality: a.GetLocality(), State: a.GetState()}
}

// deviceFromWire keeps what is not there apart from what says nothing: the one is a card of an institution.
func deviceFromWire(d *siegelv1.Device) *profiles.Device {
	if d == nil {
		return nil
	}
	return &profiles.Device{
		Manufacturer: d.GetManufacturer(), OrganizationalUnit: d.GetOrganizationalUnit(), Country: d.GetCountry(),
		Address: addressFromWire(d.GetAddress()),
	}
}

func evidenceFromWire(e *siegelv1.Evidence) profiles.Evidence {
	a, i := e.GetApproval(), e.GetIdentification()
	return profiles.Evidence{
		Approval: profiles.Approval{Body: a.GetBody(), Reference: a.GetReference(), Time: a.GetTime()},
		Identification: profiles.Identification{
			Method: i.GetMethod(), DocumentReference: i.GetDocumentReference(), Time: i.GetTime()},
		HBATelematikID: e.GetHbaTelematikId(),
	}
}
