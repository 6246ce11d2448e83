package lint

import "github.com/siegel-pki/siegel/internal/pkix"

// X509Context is what a TBSCertificate is judged against.
type X509Context struct {
	Slot   string            // as the specification names the object, for example "C.HCI.AUT.E256"
	Issuer *pkix.Certificate // certificate of the issuer that will sign
	Test   bool              // environment test: names carry the marks of gemSpec_PKI, GS-A_4588 to GS-A_4590
}

// x509Draft is a draft with what it is judged against.
type x509Draft struct {
	*tbsCertificate
	context X509Context
	slot    x509Slot
}

// X509 judges a draft of a card's X.509 certificate, a DER TBSCertificate. It gives all findings, in the order of the rules.
// Octets that cannot be read, or a slot that is not built, give one finding.
func X509(tbs []byte, c X509Context) []Finding {
	slot, ok := x509Slots[c.Slot]
	if !ok {
		return []Finding{{"SLOT_KNOWN", Error, "gemSpec_SMC-B_ObjSys_G2.1, section 5.4", "slot " + c.Slot + " is no X.509 slot"}}
	}
	t, err := readTBS(tbs)
	if err != nil {
		return []Finding{{"TBS_SHAPE", Error, "RFC 5280, Section 4.1", err.Error()}}
	}
	return judge(x509Rules, x509Draft{t, c, slot})
}

// x509Rules are all rules on X.509 drafts.
var x509Rules = []rule[x509Draft]{
	{"VERSION_3", Error, "RFC 5280, Section 4.1.2.1", checkVersion},
	{"SERIAL_NUMBER", Error, "RFC 5280, Section 4.1.2.2", checkSerial},
	{"SIGNATURE_ALGORITHM", Error, "gemSpec_Krypt, GS-A_4357", checkAlgorithm},
	{"KEY_GENERATION", Error, "gemSpec_PKI, GS-A_5513", checkGeneration},
	{"ISSUER_NAME", Error, "RFC 5280, Section 4.1.2.4", checkIssuerName},
	{"VALIDITY_UTCTIME", Error, "RFC 5280, Section 4.1.2.5.1", checkTimeForm},
	{"VALIDITY_ORDER", Error, "RFC 5280, Section 4.1.2.5", checkTimeOrder},
	{"VALIDITY_FIVE_YEARS", Error, "gemSpec_PKI, GS-A_4352", checkFiveYears},
	{"VALIDITY_WITHIN_ISSUER", Error, "gemKPT_PKI_TIP, section 2.4.1", checkWithinIssuer},
	{"FILE_SIZE", Error, "gemSpec_PKI, GS-A_5337", checkSize},

	{"SUBJECT_COUNTRY", Error, "gemSpec_PKI, Tab_PKI_238", checkCountry},
	{"SUBJECT_COMMON_NAME", Error, "gemSpec_PKI, Tab_PKI_238", checkCommonName},
	{"SUBJECT_ATTRIBUTES", Error, "gemSpec_PKI, Tab_PKI_238", checkAttributes},
	{"SUBJECT_SINGLE_VALUED", Error, "gemSpec_PKI, A_15676", checkSingleValued},
	{"SUBJECT_ORDER", Warning, "gemSpec_PKI, A_15676", checkAttributeOrder},
	{"SUBJECT_STRING_TYPE", Error, "gemSpec_PKI, Tab_PKI_229-01", checkStringTypes},
	{"SUBJECT_LENGTH", Error, "gemSpec_PKI, Tab_PKI_229-01", checkLengths},
	{"TEST_ONLY", Error, "gemSpec_PKI, GS-A_4588", checkTestOnly},
	{"NOT_VALID", Error, "gemSpec_PKI, GS-A_4589", checkNotValid},

	{"SUBJECT_KEY", Error, "gemSpec_Krypt, GS-A_4357", checkKey},
	{"SUBJECT_KEY_ON_CURVE", Error, "gemSpec_Krypt, GS-A_5518", checkOnCurve},

	{"EXTENSION_DUPLICATE", Error, "RFC 5280, Section 4.2", checkDuplicates},
	{"EXTENSION_SET", Error, "gemSpec_PKI, Tab_PKI_238 to Tab_PKI_240", checkExtensionSet},
	{"EXTENSION_CRITICAL", Error, "gemSpec_PKI, Tab_PKI_238 to Tab_PKI_240", checkCritical},
	{"SUBJECT_KEY_IDENTIFIER", Error, "RFC 5280, Section 4.2.1.2", checkSubjectKeyID},
	{"AUTHORITY_KEY_IDENTIFIER", Error, "RFC 5280, Section 4.2.1.1", checkAuthorityKeyID},
	{"KEY_USAGE", Error, "gemSpec_PKI, Tab_PKI_238 to Tab_PKI_240", checkKeyUsage},
	{"EXTENDED_KEY_USAGE", Error, "gemSpec_PKI, Tab_PKI_238", checkExtendedKeyUsage},
	{"BASIC_CONSTRAINTS", Error, "gemSpec_PKI, Tab_PKI_238 to Tab_PKI_240", checkBasicConstraints},
	{"AUTHORITY_INFO_ACCESS", Error, "gemSpec_X.509_TSP, TIP1-A_3886", checkOCSP},
	{"SUBJECT_ALT_NAME", Error, "gemSpec_PKI, Tab_PKI_228", checkAltName},
	{"POLICY_COMMON", Error, "gemSpec_OID, GS-A_4444", checkCommonPolicy},
	{"POLICY_TYPE", Error, "gemSpec_PKI, GS-A_4718", checkTypePolicy},
	{"ADMISSION", Error, "gemSpec_PKI, GS-A_4717-02", checkAdmission},
	{"TELEMATIK_ID", Error, "gemSpec_PKI, GS-A_4709", checkTelematikID},
}
