package profiles

import (
	"encoding/asn1"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// X509Profile says what an X.509 certificate looks like, apart from what the sector decides: a file under x509/.
type X509Profile struct {
	Name             string // for example "C.HCI.AUT"
	Title            string
	IssuerKind       Cited[IssuerKind]
	MaxYears         Cited[int] // at most five
	SubjectOf        Cited[SubjectKind]
	CertificateType  Cited[asn1.ObjectIdentifier]   // nil in qualified certificates, which have none
	Policies         Cited[[]asn1.ObjectIdentifier] // stand before the certificate type; the CPS qualifier goes to the first
	CPS              Cited[string]                  // URI of the qualifier, where the sector wants it; "" for none
	SubjectOrder     Cited[[]string]                // short names of attribute types, most significant first
	KeyUsages        []KeyUsageRule                 // one for each key type that the profile takes
	ExtendedKeyUsage Cited[[]asn1.ObjectIdentifier] // nil where the extension never occurs
	Extensions       []ExtensionRule                // in the order in which they are encoded
	Device           *DeviceRules                   // certificates of devices only; otherwise nil
	Statements       []StatementRule                // qcStatements, qualified certificates only; otherwise nil
	Gaps             []Gap                          // where the sources are silent or the profile leaves them

	at position
}

// SubjectKind says whose name the subject is.
type SubjectKind string

// The kinds of subjects.
const (
	SubjectInstitution SubjectKind = "institution"  // what stands there is for the sector to say (gemSpec_PKI, Annex A)
	SubjectSignatory   SubjectKind = "signatory"    // a natural person of the institution (ETSI EN 319 412-2)
	SubjectLegalPerson SubjectKind = "legal-person" // the institution as a legal person (ETSI EN 319 412-3)
	SubjectDevice      SubjectKind = "device"       // a device of a manufacturer (gemSpec_PKI, Tab_PKI_241 to Tab_PKI_244)
)

// subjectsOf lists the attributes that the subject of each kind can have besides C, most significant first.
var subjectsOf = map[SubjectKind][]string{
	SubjectInstitution: subjectAttributes,
	SubjectSignatory:   {"O", organizationIdentifierAttribute, serialNumberAttribute, "SN", "GN", "CN"},
	SubjectLegalPerson: {"O", organizationIdentifierAttribute, serialNumberAttribute, "CN"},
	SubjectDevice:      {"ST", "L", "postalCode", "street", "O", "OU", "CN"},
}

// IsQualified tells whether the profile's certificates are qualified.
func (p *X509Profile) IsQualified() bool {
	return p.SubjectOf.Value == SubjectSignatory || p.SubjectOf.Value == SubjectLegalPerson
}

// KeyUsageRule is the key usage of one key type.
type KeyUsageRule struct {
	Key    sigalg.KeyType
	Usage  pkix.KeyUsage
	Source string

	at position
}

// ExtensionRule is a row of a profile's table of extensions.
type ExtensionRule struct {
	Name     string // as in RFC 5280, for example "keyUsage"
	ID       asn1.ObjectIdentifier
	Occurs   Occurs
	Critical bool
	Source   string

	at position
}

// keyUsage gives the key usage of a key type, and false if the profile does not take it.
func (p *X509Profile) keyUsage(t sigalg.KeyType) (pkix.KeyUsage, bool) {
	for _, r := range p.KeyUsages {
		if r.Key == t {
			return r.Usage, true
		}
	}
	return 0, false
}

// occurs is the cardinality of an extension.
func (p *X509Profile) occurs(id asn1.ObjectIdentifier) Occurs { return occursIn(p.Extensions, id) }

// occursIn is the cardinality of an extension in a table of them.
func occursIn(rows []ExtensionRule, id asn1.ObjectIdentifier) Occurs {
	for _, r := range rows {
		if r.ID.Equal(id) {
			return r.Occurs
		}
	}
	return Never
}

// extensionType is an extension that a profile may have.
type extensionType struct {
	name     string
	id       asn1.ObjectIdentifier
	critical bool
}

// extensionTable is every extension that a profile may have, in the one order in which Siegel encodes them: that of the rows of
// Tab_PKI_238, then the rows that only Tab_PKI_270_1 and Tab_PKI_253 have. The specification leaves the order open. Only keyUsage and basicConstraints are critical.
var extensionTable = []extensionType{
	{"subjectKeyIdentifier", pkix.OIDSubjectKeyIdentifier, false},
	{"keyUsage", pkix.OIDKeyUsage, true},
	{"subjectAltName", pkix.OIDSubjectAltName, false},
	{"basicConstraints", pkix.OIDBasicConstraints, true},
	{"certificatePolicies", pkix.OIDCertificatePolicies, false},
	{"cRLDistributionPoints", pkix.OIDCRLDistributionPoints, false},
	{"authorityInfoAccess", pkix.OIDAuthorityInfoAccess, false},
	{"authorityKeyIdentifier", pkix.OIDAuthorityKeyIdentifier, false},
	{"admission", pkix.OIDAdmission, false},
	{"extKeyUsage", pkix.OIDExtendedKeyUsage, false},
	{"validityModel", pkix.OIDValidityModel, false},
	{"qcStatements", pkix.OIDQCStatements, false},
	{"ocspNoCheck", pkix.OIDOCSPNoCheck, false},
}

func readX509Profile(d *decoder, m mapping) *X509Profile {
	p := &X509Profile{
		Name:         required(m, "profile", text),
		Title:        required(m, "title", text),
		IssuerKind:   cited(m, "issuer_kind", issuerKind(SMCBCA, KOMPCA, QESCA)),
		MaxYears:     cited(m, "max_years", number),
		SubjectOf:    cited(m, "subject_of", subjectKind),
		Policies:     cited(m, "policies", list(oid)),
		SubjectOrder: cited(m, "subject_order", set(profileAttribute)),
		KeyUsages:    required(m, "key_usage", list(readKeyUsage)),
		Extensions:   required(m, "extensions", list(readExtension)),
		at:           m.at(),
	}
	p.CertificateType, _ = citedIfThere(m, "certificate_type", oid)
	p.CPS, _ = citedIfThere(m, "cps", text)
	p.ExtendedKeyUsage, _ = citedIfThere(m, "extended_key_usage", list(extendedKeyUsage))
	p.Statements = optional(m, "qc_statements", list(readStatement))
	p.Device = optional(m, "device", readDeviceRules)
	p.Gaps = optional(m, "gaps", list(readGap))
	p.check(d)
	return p
}

// check looks at the profile by itself.
func (p *X509Profile) check(d *decoder) {
	checkYears(d, p.MaxYears)
	p.checkSubject(d)
	for i, u := range p.KeyUsages {
		if slices.ContainsFunc(p.KeyUsages[:i], func(v KeyUsageRule) bool { return v.Key == u.Key }) {
			d.problems.add(u.at, "DUPLICATE_NAME", "key type %s appears a second time", u.Key)
		}
		p.checkKeyUsage(d, u)
	}
	p.checkExtensions(d)
	if wants := p.occurs(pkix.OIDExtendedKeyUsage) != Never; wants != (p.ExtendedKeyUsage.Value != nil) {
		d.problems.add(p.at, "CONTRADICTION", "extended_key_usage and the row extKeyUsage must both be there, or neither")
	}
	p.checkQualified(d)
	p.checkDevice(d)
}

// checkSubject sees to it that the order has a place for everything that a subject of the kind can have.
func (p *X509Profile) checkSubject(d *decoder) {
	order, kind := p.SubjectOrder.Value, p.SubjectOf.Value
	if order == nil || kind == "" {
		return
	}
	known := subjectsOf[kind]
	if kind == SubjectDevice {
		known = []string{"O", "CN"} // a table may leave the others out
	}
	for _, name := range known {
		if !slices.Contains(order, name) {
			d.problems.add(p.SubjectOrder.at, "CONTRADICTION", "the order of the subject has no place for %s", name)
		}
	}
	for _, name := range order {
		if name != "C" && name != "" && !slices.Contains(subjectsOf[kind], name) {
			d.problems.add(p.SubjectOrder.at, "CONTRADICTION", "the subject of a %s has no %s", kind, name)
		}
	}
}

// checkKeyUsage refuses usages that a key cannot serve: an RSA key agrees on nothing, an ECC key enciphers nothing (RFC 3279,
// Section 2.3.1; RFC 5480, Section 3), and no card key signs certificates.
func (p *X509Profile) checkKeyUsage(d *decoder, u KeyUsageRule) {
	if u.Key == 0 {
		return
	}
	never := pkix.KeyCertSign | pkix.CRLSign
	if u.Key.Generation() == sigalg.RSA {
		never |= pkix.KeyAgreement | pkix.EncipherOnly | pkix.DecipherOnly
	} else {
		never |= pkix.KeyEncipherment | pkix.DataEncipherment
	}
	if wrong := u.Usage & never; wrong != 0 {
		d.problems.add(u.at, "CONTRADICTION", "key usage %s does not fit a card key of type %s", wrong, u.Key)
	}
}

// checkExtensions holds the rows against the table, and sees to it that no card certificate is without what all have.
func (p *X509Profile) checkExtensions(d *decoder) {
	if p.Extensions == nil {
		return
	}
	checkExtensionRows(d, p.Extensions)
	for _, id := range []asn1.ObjectIdentifier{
		pkix.OIDSubjectKeyIdentifier, pkix.OIDKeyUsage, pkix.OIDBasicConstraints, pkix.OIDCertificatePolicies,
		pkix.OIDAuthorityKeyIdentifier, pkix.OIDAdmission,
	} {
		if p.occurs(id) != Always {
			d.problems.add(p.at, "CONTRADICTION", "extension %s must occur in every certificate", pkix.OIDName(id))
		}
	}
}

// checkExtensionRows holds rows against the table: each extension once, in order, with the criticality that it always has.
func checkExtensionRows(d *decoder, rows []ExtensionRule) {
	next := 0
	for _, row := range rows {
		place := slices.IndexFunc(extensionTable, func(e extensionType) bool { return e.name == row.Name })
		switch {
		case place < 0:
			continue // reported where it was read
		case place < next:
			d.problems.add(row.at, "CONTRADICTION", "extension %s is out of order or appears a second time", row.Name)
		case row.Critical != extensionTable[place].critical:
			d.problems.add(row.at, "CONTRADICTION", "extension %s: critical must be %t", row.Name, extensionTable[place].critical)
		}
		next = max(next, place+1)
	}
}

func readKeyUsage(d *decoder, n *yaml.Node) KeyUsageRule {
	m := d.mapping(n)
	u := KeyUsageRule{Key: required(m, "key", parsed(sigalg.ParseKeyType)), Source: required(m, "source", text), at: m.at()}
	for _, bit := range required(m, "usage", set(parsed(pkix.ParseKeyUsageName))) {
		u.Usage |= bit
	}
	m.end()
	return u
}

func readExtension(d *decoder, n *yaml.Node) ExtensionRule {
	m := d.mapping(n)
	r := ExtensionRule{
		Name:     required(m, "extension", extensionName),
		Occurs:   required(m, "occurs", occurs),
		Critical: required(m, "critical", truth),
		Source:   required(m, "source", text),
		at:       m.at(),
	}
	for _, e := range extensionTable {
		if e.name == r.Name {
			r.ID = e.id
		}
	}
	m.end()
	return r
}

// fiveYears is the longest term of a card certificate (GS-A_4352). It stands here and again in the planner, so that neither a
// wrong file nor a wrong check alone can lengthen a term.
const fiveYears = 5

func checkYears(d *decoder, years Cited[int]) {
	if years.Value > fiveYears {
		d.problems.add(years.at, "TERM_EXCEEDS_FIVE_YEARS", "max_years is %d; no card certificate lives longer than %d years (GS-A_4352)",
			years.Value, fiveYears)
	}
}

var (
	oid         = parsed(der.ParseOID)
	subjectKind = word(map[string]SubjectKind{
		string(SubjectInstitution): SubjectInstitution, string(SubjectSignatory): SubjectSignatory,
		string(SubjectLegalPerson): SubjectLegalPerson, string(SubjectDevice): SubjectDevice,
	})
	// profileAttribute reads the short name of an attribute that some kind of subject has.
	profileAttribute = oneOf(append([]string{"C", organizationIdentifierAttribute}, subjectAttributes...))
	extensionName    = func() reading[string] {
		words := map[string]string{}
		for _, e := range extensionTable {
			words[e.name] = e.name
		}
		return word(words)
	}()
	extendedKeyUsage = word(map[string]asn1.ObjectIdentifier{
		"clientAuth": pkix.OIDClientAuth, "serverAuth": pkix.OIDServerAuth, "emailProtection": pkix.OIDEmailProtection,
		"OCSPSigning": pkix.OIDOCSPSigning,
	})
)

// issuerKind reads a kind of issuer, one of those given.
func issuerKind(kinds ...IssuerKind) reading[IssuerKind] {
	words := map[string]IssuerKind{}
	for _, k := range kinds {
		words[string(k)] = k
	}
	return word(words)
}
