package relying

import (
	"slices"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// contentSteps look at the certificate alone.
var contentSteps = []step{checkTime, checkCritical, checkUsage, checkPurposes, checkEndEntity, checkType, checkRole, checkQualified}

func checkTime(x *examination) error {
	if x.at.Before(x.certificate.NotBefore) || x.at.After(x.certificate.NotAfter) {
		return refuse(NotValidTime, "valid from %s to %s", x.certificate.NotBefore, x.certificate.NotAfter)
	}
	return nil
}

// understood are the extensions that a relying party can handle where they are critical.
var understood = []string{
	pkix.OIDKeyUsage.String(), pkix.OIDBasicConstraints.String(), pkix.OIDCertificatePolicies.String(),
	pkix.OIDExtendedKeyUsage.String(), pkix.OIDSubjectAltName.String(),
}

func checkCritical(x *examination) error {
	for _, e := range x.certificate.Extensions {
		if e.Critical && !slices.Contains(understood, e.ID.String()) {
			return refuse(ReadError, "critical extension %s is not understood", e.ID)
		}
	}
	return nil
}

func checkUsage(x *examination) error {
	have, ok, err := pkix.Find(x.certificate.Extensions, pkix.OIDKeyUsage, pkix.ParseKeyUsage)
	if err != nil || !ok {
		return refuse(WrongKeyUsage, "keyUsage is missing or cannot be read")
	}
	typ, err := sigalg.TypeOf(x.certificate.PublicKey)
	if err != nil {
		return refuse(ReadError, "key: %v", err)
	}
	if want := x.need.Usage[typ.Generation()]; want == 0 || have&want != want {
		return refuse(WrongKeyUsage, "keyUsage is %s, needed is %s", have, want)
	}
	return nil
}

func checkPurposes(x *examination) error {
	list, ok, err := pkix.Find(x.certificate.Extensions, pkix.OIDExtendedKeyUsage, pkix.ParseExtendedKeyUsage)
	if err != nil || ok != (len(x.need.Purposes) > 0) {
		return refuse(WrongPurpose, "extKeyUsage: there %t, needed %q, error %v", ok, x.need.Purposes, err)
	}
	var have []string
	for _, id := range list {
		have = append(have, id.String())
	}
	for _, want := range x.need.Purposes {
		if !slices.Contains(have, want) {
			return refuse(WrongPurpose, "extKeyUsage is %q, needed is %q", have, want)
		}
	}
	return nil
}

// checkEndEntity: what a CA's key signs is not what a card's key signs.
func checkEndEntity(x *examination) error {
	constraints, _, err := pkix.Find(x.certificate.Extensions, pkix.OIDBasicConstraints, pkix.ParseBasicConstraints)
	if err != nil || constraints.CA {
		return refuse(WrongKeyUsage, "the certificate is that of a CA, or basicConstraints cannot be read")
	}
	return nil
}

// typeOIDs are the certificate types that a relying party in this field knows (gemSpec_OID, GS-A_4445). Among the policies of a
// certificate it looks for one of them.
var typeOIDs = []string{base + "70", base + "72", base + "74", base + "75", base + "76", base + "77", base + "78", base + "79",
	base + "80", base + "81", base + "82", base + "113", base + "155", base + "168", base + "169", base + "203"}

func checkType(x *examination) error {
	policies, ok, err := pkix.Find(x.certificate.Extensions, pkix.OIDCertificatePolicies, pkix.ParseCertificatePolicies)
	if err != nil || !ok || len(policies) == 0 {
		return refuse(TypeMissing, "certificatePolicies are missing or cannot be read")
	}
	var types []string
	for _, p := range policies {
		if slices.Contains(typeOIDs, p.ID.String()) {
			types = append(types, p.ID.String())
		}
	}
	if x.need.Type == "" {
		return nil
	}
	if len(types) != 1 || types[0] != x.need.Type {
		return refuse(TypeMismatch, "certificate types are %q, needed is %s", types, x.need.Type)
	}
	x.identity.Type = types[0]
	return nil
}

func checkRole(x *examination) error {
	admission, ok, err := pkix.Find(x.certificate.Extensions, pkix.OIDAdmission, pkix.ParseAdmission)
	if err != nil || !ok {
		return refuse(RoleMismatch, "the admission is missing or cannot be read: %v", err)
	}
	x.identity.Role, x.identity.Item, x.identity.TelematikID = admission.OID.String(), admission.Item, admission.RegistrationNumber
	if x.need.Role != "" && x.need.Role != x.identity.Role {
		return refuse(RoleMismatch, "role is %s, needed is %s", x.identity.Role, x.need.Role)
	}
	if x.need.Role == "" && x.need.Qualified == "" && admission.RegistrationNumber == "" {
		return refuse(RoleMismatch, "the admission has no Telematik-ID")
	}
	return nil
}
