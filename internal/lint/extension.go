package lint

import (
	"bytes"
	"encoding/asn1"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// The extensions of SMC-B certificates.
const (
	oidSubjectKeyID     = "2.5.29.14"
	oidKeyUsage         = "2.5.29.15"
	oidSubjectAltName   = "2.5.29.17"
	oidBasicConstraints = "2.5.29.19"
	oidCRLPoints        = "2.5.29.31"
	oidPolicies         = "2.5.29.32"
	oidAuthorityKeyID   = "2.5.29.35"
	oidExtKeyUsage      = "2.5.29.37"
	oidInfoAccess       = "1.3.6.1.5.5.7.1.1"
	oidAdmission        = "1.3.36.8.3.3"
)

// mandatory tells whether a certificate must hold an extension; the extension has no place in it where known is false.
func mandatory(oid string, p purpose) (must, known bool) {
	switch oid {
	case oidSubjectKeyID, oidKeyUsage, oidBasicConstraints, oidPolicies, oidAuthorityKeyID, oidInfoAccess, oidAdmission:
		return true, true
	case oidSubjectAltName, oidCRLPoints:
		return false, true
	case oidExtKeyUsage:
		return p == aut, p == aut
	}
	return false, false
}

func checkDuplicates(d x509Draft) string {
	seen := map[string]bool{}
	for _, e := range d.extensions {
		if seen[e.oid] {
			return "extension " + e.oid + " occurs twice"
		}
		seen[e.oid] = true
	}
	return ""
}

func checkExtensionSet(d x509Draft) string {
	for _, e := range d.extensions {
		if _, known := mandatory(e.oid, d.slot.purpose); !known {
			return "extension " + e.oid + " has no place in this certificate"
		}
	}
	for _, oid := range []string{oidSubjectKeyID, oidKeyUsage, oidBasicConstraints, oidPolicies, oidAuthorityKeyID, oidInfoAccess,
		oidAdmission, oidExtKeyUsage} {
		must, _ := mandatory(oid, d.slot.purpose)
		if _, found := d.find(oid); must && !found {
			return "extension " + oid + " is missing"
		}
	}
	return ""
}

func checkCritical(d x509Draft) string {
	for _, e := range d.extensions {
		want := e.oid == oidKeyUsage || e.oid == oidBasicConstraints
		if e.critical && !want {
			return "extension " + e.oid + " is critical"
		}
		if !e.critical && want {
			return "extension " + e.oid + " is not critical"
		}
	}
	return ""
}

// keyUsages are the BIT STRINGs of keyUsage by purpose and key generation.
var keyUsages = map[purpose]map[sigalg.Generation][]byte{
	aut:  {sigalg.RSA: unhex("030205a0"), sigalg.ECC: unhex("03020780")}, // digitalSignature; RSA also keyEncipherment
	enc:  {sigalg.RSA: unhex("03020430"), sigalg.ECC: unhex("03020308")}, // keyEncipherment, dataEncipherment; keyAgreement
	osig: {sigalg.RSA: unhex("03020640"), sigalg.ECC: unhex("03020640")}, // nonRepudiation
}

func checkKeyUsage(d x509Draft) string {
	want := keyUsages[d.slot.purpose][d.slot.key.Generation()]
	if v, ok := d.find(oidKeyUsage); ok && !bytes.Equal(v, want) {
		return "keyUsage is not that of " + d.context.Slot
	}
	return ""
}

// clientAuth is the only purpose of an AUT certificate: id-kp-clientAuth.
var clientAuth = unhex("300a06082b06010505070302")

func checkExtendedKeyUsage(d x509Draft) string {
	if v, ok := d.find(oidExtKeyUsage); ok && !bytes.Equal(v, clientAuth) {
		return "extKeyUsage is not clientAuth alone"
	}
	return ""
}

func checkBasicConstraints(d x509Draft) string {
	if v, ok := d.find(oidBasicConstraints); ok && !bytes.Equal(v, []byte{0x30, 0x00}) {
		return "basicConstraints is not that of an end entity"
	}
	return ""
}

const idADOCSP = "1.3.6.1.5.5.7.48.1"

// checkOCSP wants one AccessDescription, id-ad-ocsp with an HTTP URL; id-ad-caIssuers is for QES certificates only.
func checkOCSP(d x509Draft) string {
	v, ok := d.find(oidInfoAccess)
	if !ok {
		return ""
	}
	in := cryptobyte.String(v)
	var list, description, uri cryptobyte.String
	var method asn1.ObjectIdentifier
	if !in.ReadASN1(&list, tag.SEQUENCE) || !in.Empty() || !list.ReadASN1(&description, tag.SEQUENCE) || !list.Empty() ||
		!description.ReadASN1ObjectIdentifier(&method) || method.String() != idADOCSP ||
		!description.ReadASN1(&uri, tag.Tag(6).ContextSpecific()) || !description.Empty() {
		return "authorityInfoAccess does not hold exactly one OCSP responder"
	}
	if !strings.HasPrefix(string(uri), "http://") && !strings.HasPrefix(string(uri), "https://") {
		return "the OCSP responder has no HTTP URL"
	}
	return ""
}

// checkAltName allows rfc822Name [1], dNSName [2] and otherName [0] SEQUENCE { OID, [0] EXPLICIT UTF8String }.
func checkAltName(d x509Draft) string {
	v, ok := d.find(oidSubjectAltName)
	if !ok {
		return ""
	}
	const wrong = "subjectAltName holds another form than rfc822Name, dNSName or otherName with a UTF8String"
	in := cryptobyte.String(v)
	var list cryptobyte.String
	if !in.ReadASN1(&list, tag.SEQUENCE) || !in.Empty() || list.Empty() {
		return wrong
	}
	for !list.Empty() {
		var name cryptobyte.String
		var form tag.Tag
		if !list.ReadAnyASN1(&name, &form) {
			return wrong
		}
		switch form {
		case tag.Tag(1).ContextSpecific(), tag.Tag(2).ContextSpecific():
			if name.Empty() || strings.ContainsFunc(string(name), func(r rune) bool { return r > 0x7E || r < 0x20 }) {
				return wrong
			}
		case explicit0:
			var typ asn1.ObjectIdentifier
			var wrapped, text cryptobyte.String
			if !name.ReadASN1ObjectIdentifier(&typ) || !name.ReadASN1(&wrapped, explicit0) || !name.Empty() ||
				!wrapped.ReadASN1(&text, tag.UTF8String) || !wrapped.Empty() || text.Empty() {
				return wrong
			}
		default:
			return wrong
		}
	}
	return ""
}
