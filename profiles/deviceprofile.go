package profiles

import (
	"encoding/asn1"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// DeviceRules is what only the profiles of devices have.
type DeviceRules struct {
	CommonName Cited[DeviceName]
	Item       Cited[string]                // professionItem: the technical role in words
	Role       Cited[asn1.ObjectIdentifier] // professionOID (gemSpec_OID, GS-A_4446, Tab_PKI_406)
	HostName   Cited[string]                // dNSName in subjectAltName; "" for none

	at position
}

// DeviceName says what the common name of a device is.
type DeviceName string

// The common names of devices.
const (
	NameICCSN        DeviceName = "iccsn"          // 20 digits
	NameICCSNAndDate DeviceName = "iccsn-and-date" // <ICCSN>-<YYYYMMDD>, the day on which the card is issued (GS-A_4606)
)

func readDeviceRules(d *decoder, n *yaml.Node) *DeviceRules {
	if n == nil {
		return nil
	}
	m := d.mapping(n)
	r := &DeviceRules{
		CommonName: cited(m, "common_name", word(map[string]DeviceName{string(NameICCSN): NameICCSN, string(NameICCSNAndDate): NameICCSNAndDate})),
		Item:       cited(m, "role_item", text),
		Role:       cited(m, "role", oid),
		at:         m.at(),
	}
	r.HostName, _ = citedIfThere(m, "host_name", text)
	m.end()
	return r
}

// checkDevice looks at what a profile of devices has and others have not.
func (p *X509Profile) checkDevice(d *decoder) {
	if p.SubjectOf.Value == "" {
		return // reported where it was read
	}
	isDevice := p.SubjectOf.Value == SubjectDevice
	switch {
	case isDevice != (p.Device != nil):
		d.problems.add(p.at, "CONTRADICTION", "profiles of devices, and only they, have a key device")
	case isDevice != (p.IssuerKind.Value == KOMPCA):
		d.problems.add(p.at, "CONTRADICTION", "certificates of devices, and only they, are signed by an issuer of kind %s", KOMPCA)
	case isDevice && p.Device.HostName.Value != "" && p.occurs(pkix.OIDSubjectAltName) != Always:
		d.problems.add(p.Device.at, "CONTRADICTION", "with a host name, subjectAltName must occur in every certificate")
	}
}
