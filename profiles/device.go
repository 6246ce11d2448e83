package profiles

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// This file is what differs for cards of devices: there is a manufacturer in place of a sector and an institution.

// markDevice is what environment test adds to the organization of a device; its common name stays as it is (GS-A_4590).
const markDevice = " TEST-ONLY - NOT-VALID"

func deviceMarks(e Environment) nameMarks {
	if e != Test {
		return nameMarks{}
	}
	return nameMarks{organization: markDevice}
}

const (
	citeDevice      = "gemSpec_PKI, Tab_PKI_241 to Tab_PKI_244"
	citeDeviceNames = "gemSpec_PKI, GS-A_4605"
)

// forDevice tells whether the order is for a device; where the card type is unknown, whether it says so.
func (p *planner) forDevice() bool {
	if p.card == nil {
		return p.order.Device != nil
	}
	return p.card.Holder.Value == HolderDevice
}

// deviceField says which field of an order fills an attribute of a device's subject.
type deviceField struct {
	attribute string
	path      string
	value     func(*Device) string
}

var deviceFields = []deviceField{
	{"O", "device.manufacturer", func(d *Device) string { return d.Manufacturer }},
	{"OU", "device.organizational_unit", func(d *Device) string { return d.OrganizationalUnit }},
	{"C", "device.country", func(d *Device) string { return d.Country }},
	{"street", "device.address.street", func(d *Device) string { return d.Address.Street }},
	{"postalCode", "device.address.postal_code", func(d *Device) string { return d.Address.PostalCode }},
	{"L", "device.address.locality", func(d *Device) string { return d.Address.Locality }},
	{"ST", "device.address.state", func(d *Device) string { return d.Address.State }},
}

// checkDevice looks at an order for a device. The names are those that were registered when the product was approved, so that Siegel
// cannot know the right ones (GS-A_4605).
func (p *planner) checkDevice() {
	if p.order.Sector != "" {
		p.refuse("sector", "FIELD_FORBIDDEN", citeDevice, "a device belongs to no sector; leave the field out")
	}
	if !p.order.Institution.isZero() {
		p.refuse("institution", "FIELD_FORBIDDEN", citeDevice, "the card is a device's; describe it in device")
	}
	if p.order.Device == nil {
		p.refuse("device", "FIELD_MISSING", citeDeviceNames, "say who makes the device that the card is for")
		return
	}
	for _, f := range deviceFields {
		p.checkDeviceField(f)
	}
}

func (p *planner) checkDeviceField(f deviceField) {
	value := f.value(p.order.Device)
	switch {
	case value == "" && (f.attribute == "O" || f.attribute == "C"):
		p.refuse(f.path, "FIELD_MISSING", citeDeviceNames, "the certificates of a device need it: attribute %s of the subject", f.attribute)
		return
	case value == "":
		return
	case !p.deviceHas(f.attribute):
		p.refuse(f.path, "FIELD_FORBIDDEN", citeDevice, "the certificates of %s have no attribute %s; leave the field out", p.card.Name, f.attribute)
		return
	}
	if !p.checkText(f.path, value) {
		return
	}
	if f.attribute == "C" {
		if !isCountry(value) {
			p.refuse(f.path, "COUNTRY", citeCountry, "it must be a country's code of two capital letters, for example DE")
		}
		return
	}
	if f.attribute == "O" { // an overlong one is cut
		if n := utf8.RuneCountInString(value); n > maxLongName {
			p.refuse(f.path, "NAME_LENGTH", citeCut, "it has %d characters, at most %d are allowed", n, maxLongName)
		}
		return
	}
	id, _ := pkix.AttributeType(f.attribute)
	if err := (pkix.Attribute{Type: id, Value: value}).Check(); err != nil {
		p.refuse(f.path, "NAME_LENGTH", citeNames, "%v", err)
	}
}

// deviceHas tells whether any certificate of the card has an attribute; of an unknown card, any may.
func (p *planner) deviceHas(attribute string) bool {
	return p.card == nil || slices.ContainsFunc(p.card.Slots, func(s Slot) bool {
		profile := p.set.x509[s.Profile]
		return profile != nil && slices.Contains(profile.SubjectOrder.Value, attribute)
	})
}

// refuseDevice refuses the description of a device in an order for an institution.
func (p *planner) refuseDevice() {
	if p.order.Device != nil {
		p.refuse("device", "FIELD_FORBIDDEN", wire, "the card is an institution's; describe it in institution")
	}
}

// checkDeviceEvidence sees to it that the approval of the product can be shown. Nobody applies for a device's card in person, and it relies
// on no HBA.
func (p *planner) checkDeviceEvidence() {
	e := &p.order.Evidence
	p.checkApproval(&e.Approval)
	if b := e.Approval.Body; b != "" && b != deviceApproval {
		p.refuse("evidence.approval.body", "APPROVAL_BODY", citeDeviceNames, "devices are approved by %s", deviceApproval)
	}
	if e.Identification != (Identification{}) {
		p.refuse("evidence.identification", "FIELD_FORBIDDEN", citeDeviceNames, "nobody is identified for a device; leave the field out")
	}
	if e.HBATelematikID != "" {
		p.refuse("evidence.hba_telematik_id", "FIELD_FORBIDDEN", citeDeviceNames, "a device relies on no HBA; leave the field out")
	}
}

// deviceApproval is the body that approves products.
const deviceApproval = "gematik"

// deviceNames are the attributes of a device.
func (p *planner) deviceNames(profile *X509Profile) map[string]string {
	values := map[string]string{}
	for _, f := range deviceFields {
		values[f.attribute] = f.value(p.order.Device)
	}
	values["O"], _ = p.manufacturer()
	values["CN"] = p.order.ICCSN
	if profile.Device.CommonName.Value == NameICCSNAndDate {
		values["CN"] += "-" + p.term.First.Format("20060102")
	}
	return values
}

// maxOrganization bounds an O, its mark included, in characters (Tab_PKI_229-01).
const maxOrganization = 64

const citeCut = "gemSpec_PKI, GS-A_4716"

// manufacturer gives the O of the subject without its mark. Where the mark has no room behind it, it is cut, and whole is the complete text,
// which goes to subjectAltName; otherwise whole is empty. Components are the only ones whose names are cut (GS-A_4716).
func (p *planner) manufacturer() (short, whole string) {
	name := p.order.Device.Manufacturer
	runes, room := []rune(name), maxOrganization-utf8.RuneCountInString(deviceMarks(p.ctx.Environment).organization)
	if len(runes) <= room {
		return name, ""
	}
	return strings.TrimRight(string(runes[:room]), " "), name
}

// deviceAltNames are the host name of the device and the whole name of its manufacturer.
func (p *planner) deviceAltNames(d *DeviceRules) pkix.SubjectAltName {
	var names pkix.SubjectAltName
	if d.HostName.Value != "" {
		names = append(names, pkix.GeneralName{Form: pkix.DNSName, Value: d.HostName.Value})
	}
	if _, whole := p.manufacturer(); whole != "" {
		names = append(names, pkix.GeneralName{Form: pkix.OtherName, Type: pkix.OIDOrganizationName, Value: whole})
	}
	return names
}
