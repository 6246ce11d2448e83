package lint

import (
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// X509Context is what a TBSCertificate is judged against.
type X509Context struct {
	Slot   string            // place on a card as the specification names the object, for example "C.HCI.AUT.E256"
	Kind   Kind              // of a certificate that lies on no card; not read where there is a Slot
	Issuer *pkix.Certificate // certificate of the issuer that will sign; nil for a self-signed one
	Test   bool              // environment test: names carry the marks of gemSpec_PKI, GS-A_4588 to GS-A_4590
}

// x509Draft is a draft with what it is judged against.
type x509Draft struct {
	*tbsCertificate
	want     *content
	context  X509Context
	kind     Kind
	key      sigalg.KeyType // that the certified key must be of; 0 for any of the kind's
	fileSize int            // octets of the card file; 0 for none
}

// X509 judges a draft of an X.509 certificate, a DER TBSCertificate. It gives all findings: first those of the package's own rules, in
// their order, then those of zlint. Octets that cannot be read, or a slot or kind that does not exist, give one finding.
func X509(tbs []byte, c X509Context) []Finding {
	d, unknown := newX509Draft(c)
	if unknown != nil {
		return []Finding{*unknown}
	}
	var err error
	if d.tbsCertificate, err = readTBS(tbs); err != nil {
		return []Finding{{"TBS_SHAPE", Error, "RFC 5280, Section 4.1", err.Error()}}
	}
	return append(judge(x509Rules, d, d.want.source), d.zlint()...)
}

// newX509Draft finds out what a draft must be.
func newX509Draft(c X509Context) (x509Draft, *Finding) {
	d := x509Draft{context: c, kind: c.Kind}
	if c.Slot != "" {
		var ok bool
		if d.kind, d.key, d.fileSize, ok = x509Slot(c.Slot); !ok {
			return d, &Finding{"SLOT_KNOWN", Error, "gemSpec_SMC-B_ObjSys_G2.1, section 5.4", "slot " + c.Slot + " is no X.509 slot"}
		}
	}
	var ok bool
	if d.want, ok = kinds[d.kind]; !ok {
		return d, &Finding{"KIND_KNOWN", Error, "gemSpec_PKI, chapter 5", "there is no kind " + string(d.kind) + " of X.509 certificates"}
	}
	return d, nil
}

// x509Rules are all rules on X.509 drafts.
var x509Rules = []rule[x509Draft]{
	{"VERSION_3", Error, "RFC 5280, Section 4.1.2.1", "The version is v3.", checkVersion},
	{"SERIAL_NUMBER", Error, "RFC 5280, Section 4.1.2.2", "The serial number is positive, of 20 octets at most, in the fewest octets.", checkSerial},
	{"SIGNATURE_ALGORITHM", Error, "gemSpec_Krypt, GS-A_4357", "The signature algorithm is the one of the issuer's key.", checkAlgorithm},
	{"KEY_GENERATION", Error, "gemSpec_PKI, GS-A_5513", "Issuer and certified key are of one key generation.", checkGeneration},
	{"SELF_SIGNED", Error, "gemKPT_PKI_TIP, TIP1-A_2068", "Only a root, and a CA of a qualified provider, signs itself.", checkSelfSigned},
	{"ISSUER_IS_CA", Error, "RFC 5280, Section 4.2.1.9", "The issuer's certificate is that of a CA whose key signs certificates and which may stand where it does in the chain.", checkIssuerIsCA},
	{"ISSUER_NAME", Error, "RFC 5280, Section 4.1.2.4", "The issuer is, octet for octet, the subject of the issuer's certificate.", checkIssuerName},
	{"VALIDITY_UTCTIME", Error, "RFC 5280, Section 4.1.2.5.1", "Times are UTCTime with seconds and Z.", checkTimeForm},
	{"VALIDITY_ORDER", Error, "RFC 5280, Section 4.1.2.5", "The validity ends after it begins.", checkTimeOrder},
	{"VALIDITY_FIVE_YEARS", Error, "gemSpec_PKI, GS-A_4352", "The certificate of an end entity lives five years at most.", checkFiveYears},
	{"VALIDITY_CA_TERM", Error, "gemSpec_PKI, GS-A_4351", "The certificate of a CA below a root lives eight years at most.", checkCATerm},
	{"VALIDITY_ROOT_TERM", Error, "gemSpec_PKI, GS-A_4350", "The certificate of a root lives ten years at most.", checkRootTerm},
	{"VALIDITY_WITHIN_ISSUER", Error, "gemKPT_PKI_TIP, section 2.4.1", "The validity lies within the issuer's.", checkWithinIssuer},
	{"FILE_SIZE", Error, "gemSpec_PKI, GS-A_5337", "The certificate fits the card's file, whatever its signature.", checkSize},

	{"SUBJECT_COUNTRY", Error, byTable, "The subject has one country; where the table fixes it, DE.", checkCountry},
	{"SUBJECT_ATTRIBUTES", Error, byTable, "The subject has the attributes that the table asks for, and no other, each once.", checkAttributes},
	{"SUBJECT_COMMON_NAME", Error, byTable, "The common name has the form that the table asks for.", checkCommonName},
	{"SUBJECT_SINGLE_VALUED", Error, "gemSpec_PKI, A_15676", "Each relative name has one attribute.", checkSingleValued},
	{"SUBJECT_ORDER", Warning, "gemSpec_PKI, A_15676", "The attributes stand in the order of the table, country first.", checkAttributeOrder},
	{"SUBJECT_STRING_TYPE", Error, "gemSpec_PKI, GS-A_4714-01", "Each attribute has the string type of Tab_PKI_229-01.", checkStringTypes},
	{"SUBJECT_LENGTH", Error, "gemSpec_PKI, GS-A_4715-01", "Each attribute has at least one character, and no more than Tab_PKI_229-01 allows.", checkLengths},
	{"TEST_ONLY", Error, "gemSpec_PKI, GS-A_4588", "In test the common name of an identity ends in TEST-ONLY; in production none holds it.", checkTestOnly},
	{"NOT_VALID", Error, "gemSpec_PKI, GS-A_4589", "In test the organisation ends in NOT-VALID; in production it does not hold it.", checkNotValid},

	{"SUBJECT_KEY", Error, "gemSpec_Krypt, GS-A_4357", "The certified key has the type and form that its place asks for.", checkKey},
	{"SUBJECT_KEY_ON_CURVE", Error, "gemSpec_Krypt, GS-A_5518", "The point of an ECC key lies on its curve.", checkOnCurve},

	{"EXTENSION_DUPLICATE", Error, "RFC 5280, Section 4.2", "No extension occurs twice.", checkDuplicates},
	{"EXTENSION_SET", Error, byTable, "The extensions are those of the table, and no other.", checkExtensionSet},
	{"EXTENSION_CRITICAL", Error, byTable, "keyUsage and basicConstraints are critical, the others are not.", checkCritical},
	{"SUBJECT_KEY_IDENTIFIER", Error, "RFC 5280, Section 4.2.1.2", "subjectKeyIdentifier is the SHA-1 of the certified key.", checkSubjectKeyID},
	{"AUTHORITY_KEY_IDENTIFIER", Error, "RFC 5280, Section 4.2.1.1", "authorityKeyIdentifier is the issuer's subjectKeyIdentifier.", checkAuthorityKeyID},
	{"KEY_USAGE", Error, byTable, "keyUsage is that of the kind and the key generation.", checkKeyUsage},
	{"EXTENDED_KEY_USAGE", Error, byTable, "extKeyUsage holds exactly the purposes of the table.", checkExtendedKeyUsage},
	{"BASIC_CONSTRAINTS", Error, byTable, "basicConstraints is that of the kind: end entity, CA that certifies no CA, or root.", checkBasicConstraints},
	{"AUTHORITY_INFO_ACCESS", Error, "gemSpec_X.509_TSP, TIP1-A_3886", "authorityInfoAccess names one OCSP responder by HTTP URL; only qualified certificates also name the issuer's.", checkInfoAccess},
	{"CRL_DISTRIBUTION_POINTS", Error, "RFC 5280, Section 4.2.1.13", "cRLDistributionPoints holds points with one URL each.", checkCRLPoints},
	{"SUBJECT_ALT_NAME", Error, "gemSpec_PKI, GS-A_4719", "subjectAltName holds rfc822Name, dNSName and otherName with UTF8String only (Tab_PKI_228).", checkAltName},
	{"SUBJECT_ALT_NAME_FORMS", Error, byTable, "subjectAltName holds the forms of the table.", checkAltNameForms},
	{"POLICY_COMMON", Error, "gemSpec_OID, GS-A_4444", "The common policy stands once, in CA certificates with the practice statement.", checkCommonPolicy},
	{"POLICY_TYPE", Error, "gemSpec_PKI, GS-A_4718", "The certificate type of the kind stands once, without qualifiers, and no other type.", checkTypePolicy},
	{"POLICY_SET", Error, byTable, "No policy occurs twice, and none that the table does not foresee.", checkPolicySet},
	{"ADMISSION", Error, "gemSpec_PKI, GS-A_4717-02", "The admission has one text, one role and at most one number (Tab_PKI_226).", checkAdmission},
	{"ADMISSION_ROLE", Error, "gemSpec_PKI, GS-A_4585", "Text and role of the admission are a pair of gemSpec_OID, of the kind's holders.", checkRole},
	{"ADMISSION_AUTHORITY", Error, byTable, "The admission names the body that confirms it only where the table says so.", checkAuthority},
	{"TELEMATIK_ID", Error, "gemSpec_PKI, GS-A_4709", "registrationNumber is the Telematik-ID; components have none.", checkTelematikID},
	{"QC_STATEMENTS", Error, "ETSI EN 319 412-5, Section 4", "The statements say: qualified, on a secure device, and the type of the kind.", checkQCStatements},
	{"VALIDITY_MODEL", Error, "gemSpec_PKI, GS-A_5533-01", "The validity model of qualified certificates is the chain model.", checkValidityModel},
	{"OCSP_NO_CHECK", Error, "RFC 6960, Section 4.2.2.2.1", "id-pkix-ocsp-nocheck is NULL.", checkNoCheck},
}
