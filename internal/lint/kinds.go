package lint

import (
	"regexp"
	"slices"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// kinds restates the tables of gemSpec_PKI in code, each kind with the table that it comes from.
var kinds = map[Kind]*content{
	HCIAUT:  institution("gemSpec_PKI, Tab_PKI_238", typeAUT, usage(digitalSignature|keyEncipherment, digitalSignature), clientAuth),
	HCIENC:  institution("gemSpec_PKI, Tab_PKI_239", typeENC, usage(keyEncipherment|dataEncipherment, keyAgreement)),
	HCIOSIG: institution("gemSpec_PKI, Tab_PKI_240", typeOSIG, usage(nonRepudiation, nonRepudiation)),

	HCIQES: qualified(policyNaturalQSCD, qcTypeESign, subjectRule{
		must: []string{"C", "serialNumber", "SN", "GN", "CN"}, may: []string{"O", "organizationIdentifier"}, // the institution beside the person
	}),
	HCIQSEAL: qualified(policyLegalQSCD, qcTypeESeal, subjectRule{
		must: []string{"C", "O", "organizationIdentifier", "CN"}, may: []string{"ST", "L", "postalCode", "street", "OU", "serialNumber"},
	}),

	NKVPN:   connector("gemSpec_PKI, Tab_PKI_242", typeNK, "Netzkonnektor", "104", ""),
	AKAUT:   connector("gemSpec_PKI, Tab_PKI_243", typeAK, "Anwendungskonnektor", "103", "konnektor.konlan"),
	SAKAUT:  connector("gemSpec_PKI, Tab_PKI_244", typeSAK, "Signaturanwendungskomponente", "119", ""),
	SMKTAUT: terminal(),

	RootCA: {
		source: "gemSpec_PKI, Tab_PKI_211", keys: caKeys, usages: caUsages, constraints: constraintsRoot,
		extensions: extensionSet{with(everywhere, oidInfoAccess), []string{oidCRLPoints}},
		subject:    caSubject(`.{1,40}\.RCA` + number),
		policies:   policyRule{common: commonTI, cps: true},
	},
	SMCBCA: subCA(`.{1,40}\.SMCB-CA` + number),
	KOMPCA: subCA(`.{1,40}\.KOMP-CA` + number),
	QESCA: {
		source: "gemSpec_PKI, Tab_PKI_215", keys: caKeys, usages: caUsages, constraints: constraintsSubCA,
		extensions: extensionSet{with(everywhere, oidAuthorityKeyID, oidValidityModel), []string{oidCRLPoints, oidInfoAccess, oidQCStatements}},
		subject: subjectRule{must: []string{"C", "O", "CN"}, may: []string{"OU", "organizationIdentifier"},
			form: form(`.{1,50}qCA ?` + number), marks: identityMarks},
		policies: policyRule{common: slices.Concat(commonHBA, commonTI), others: anyNumber},
	},

	OCSPSigner: signer("gemSpec_PKI, Tab_PKI_253", nonRepudiation, ocspSigning),
	CRLSigner:  signer("gemSpec_PKI, Tab_PKI_214", cRLSign, ""),
}

// The pieces of the tables.
var (
	cardKeys = []sigalg.KeyType{sigalg.R2048, sigalg.E256}
	caKeys   = []sigalg.KeyType{sigalg.R2048, sigalg.R3072, sigalg.E256, sigalg.E384, sigalg.E512}

	// everywhere are the extensions that no kind is without.
	everywhere = []string{oidSubjectKeyID, oidKeyUsage, oidBasicConstraints, oidPolicies}

	constraintsEE    = unhex("3000")             // cA FALSE is not written
	constraintsSubCA = unhex("30060101ff020100") // pathLenConstraint 0
	constraintsRoot  = unhex("30030101ff")
	caUsages         = map[sigalg.Generation][][]byte{
		sigalg.RSA: {bits(keyCertSign | cRLSign), bits(keyCertSign)},
		sigalg.ECC: {bits(keyCertSign | cRLSign), bits(keyCertSign)},
	}

	identityMarks  = marks{testOnly, notValid}
	componentMarks = marks{"", testOnly + " -" + notValid}
)

// number is what counts CAs: from 1, without leading zero, four digits at most (GS-A_4735).
const number = `[1-9][0-9]{0,3}`

func institution(source, typ string, usages map[sigalg.Generation][][]byte, purposes ...string) *content {
	c := &content{
		source: source, keys: cardKeys, usages: usages, purposes: purposes, constraints: constraintsEE,
		extensions: extensionSet{with(everywhere, oidAuthorityKeyID, oidInfoAccess, oidAdmission), []string{oidSubjectAltName, oidCRLPoints}},
		subject: subjectRule{
			must:    []string{"C", "CN"},
			may:     []string{"ST", "L", "postalCode", "street", "O", "OU", "serialNumber", "SN", "GN", "title"},
			country: "DE", marks: identityMarks,
		},
		policies:  policyRule{common: commonTI, typ: typ, others: 1},
		admission: admissionRule{number: always, authority: maybe},
		altNames:  altNameRule{mail: true, other: true},
	}
	if purposes != nil {
		c.extensions.must = with(c.extensions.must, oidExtKeyUsage)
	}
	return c
}

// qualified follows C.HP.QES, since no table of today describes the qualified certificates of an SMC-B.
func qualified(policy, qcType string, subject subjectRule) *content {
	subject.country, subject.marks = "DE", identityMarks
	return &content{
		source: "gemSpec_PKI, Tab_PKI_270_1", keys: cardKeys, usages: usage(nonRepudiation, nonRepudiation), constraints: constraintsEE,
		extensions: extensionSet{
			with(everywhere, oidAuthorityKeyID, oidInfoAccess, oidAdmission, oidValidityModel, oidQCStatements),
			[]string{oidCRLPoints, oidRestriction},
		},
		subject:   subject,
		policies:  policyRule{common: slices.Concat(commonHBA, commonTI), also: []string{policy}, others: anyNumber},
		admission: admissionRule{number: maybe, authority: maybe},
		caIssuers: true,
		qcType:    qcType,
	}
}

func connector(source, typ, item, role, host string) *content {
	c := component(source, typ, item, role)
	c.purposes = []string{clientAuth, serverAuth}
	c.extensions.must = with(c.extensions.must, oidInfoAccess)
	c.extensions.may = []string{oidSubjectAltName, oidCRLPoints}
	c.subject.may = []string{"ST", "L", "postalCode", "street", "OU"}
	c.subject.form = form(`[0-9]{20}-20[0-9]{6}`) // ICCSN and day of issue
	if host != "" {
		c.altNames.host = host
		c.extensions.must = with(c.extensions.must, oidSubjectAltName)
	}
	return c
}

func terminal() *content {
	c := component("gemSpec_PKI, Tab_PKI_241", typeSMKT, "Kartenterminal", "105")
	c.purposes = []string{serverAuth}
	c.extensions.may = []string{oidSubjectAltName}
	c.subject.may = []string{"OU"}
	c.subject.form = form(`[0-9]{20}`) // ICCSN
	return c
}

// component is what the certificates of devices have in common.
func component(source, typ, item, role string) *content {
	return &content{
		source: source, keys: cardKeys, usages: usage(digitalSignature|keyEncipherment, digitalSignature), constraints: constraintsEE,
		extensions: extensionSet{must: with(everywhere, oidAuthorityKeyID, oidAdmission, oidExtKeyUsage)},
		subject:    subjectRule{must: []string{"C", "O", "CN"}, marks: componentMarks},
		policies:   policyRule{common: commonTI, typ: typ, others: 1},
		admission:  admissionRule{item: item, oid: arc + role},
		altNames:   altNameRule{other: true},
	}
}

func subCA(name string) *content {
	return &content{
		source: "gemSpec_PKI, Tab_PKI_212", keys: caKeys, usages: caUsages, constraints: constraintsSubCA,
		extensions: extensionSet{with(everywhere, oidAuthorityKeyID, oidInfoAccess), []string{oidSubjectAltName, oidCRLPoints}},
		subject:    caSubject(name),
		policies:   policyRule{common: commonTI, cps: true},
		altNames:   altNameRule{other: true},
	}
}

func caSubject(name string) subjectRule {
	return subjectRule{must: []string{"C", "O", "CN"}, may: []string{"OU", "organizationIdentifier", "serialNumber"},
		country: "DE", form: form(name), marks: identityMarks}
}

func signer(source string, bit uint16, purpose string) *content {
	c := &content{
		source: source, keys: caKeys, usages: usage(bit, bit), constraints: constraintsEE,
		extensions: extensionSet{with(everywhere, oidAuthorityKeyID), []string{oidSubjectAltName, oidCRLPoints, oidInfoAccess}},
		subject:    subjectRule{must: []string{"C", "O", "CN"}, may: []string{"OU", "serialNumber"}, marks: identityMarks},
		policies:   policyRule{common: commonTI, others: 1},
		altNames:   altNameRule{other: true},
	}
	if purpose != "" {
		c.purposes = []string{purpose}
		c.extensions.must = with(c.extensions.must, oidExtKeyUsage)
		c.extensions.may = with(c.extensions.may, oidOCSPNoCheck)
	}
	return c
}

// form compiles an expression for the whole of a common name.
func form(expression string) *regexp.Regexp { return regexp.MustCompile("^(?:" + expression + ")$") }

// with gives a new list with more at its end.
func with(list []string, more ...string) []string { return slices.Concat(list, more) }

// usage gives the one keyUsage of each key generation.
func usage(rsa, ecc uint16) map[sigalg.Generation][][]byte {
	return map[sigalg.Generation][][]byte{sigalg.RSA: {bits(rsa)}, sigalg.ECC: {bits(ecc)}}
}
