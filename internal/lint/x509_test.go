package lint

import (
	"bytes"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
	"slices"
	"strconv"
	"strings"

	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// The story of this file: a good draft, one thing wrong with it at a time, and the rule that says so. Every rule has its turn.

// spoil is one way to spoil a good draft.
type spoil struct {
	name string
	rule string
	do   change
}

// spoils lists them by the good draft.
var spoils = map[string][]spoil{
	"C.HCI.AUT.R2048": {
		{"version 1", "VERSION_3", func(t *tbsCertificate, _ *X509Context) { t.version = 0 }},
		{"serial zero", "SERIAL_NUMBER", func(t *tbsCertificate, _ *X509Context) { t.serial = []byte{0} }},
		{"serial negative", "SERIAL_NUMBER", func(t *tbsCertificate, _ *X509Context) { t.serial = []byte{0x80} }},
		{"serial of 21 octets", "SERIAL_NUMBER", func(t *tbsCertificate, _ *X509Context) { t.serial = bytes.Repeat([]byte{1}, 21) }},
		{"ECDSA algorithm below an RSA issuer", "SIGNATURE_ALGORITHM", func(t *tbsCertificate, _ *X509Context) { t.signature = ecdsaWithSHA256 }},
		{"RSA algorithm without NULL", "SIGNATURE_ALGORITHM", func(t *tbsCertificate, _ *X509Context) {
			t.signature = unhex("300b06092a864886f70d01010b")
		}},
		{"another issuer's name", "ISSUER_NAME", func(t *tbsCertificate, _ *X509Context) { t.issuer = unhex("3000") }},
		{"issuer is an end entity", "ISSUER_IS_CA", issuer(replace(oidBasicConstraints, "3000"))},
		{"issuer without basicConstraints", "ISSUER_IS_CA", issuer(without(oidBasicConstraints))},
		{"issuer that signs OCSP answers", "ISSUER_IS_CA", issuer(replace(oidKeyUsage, "03020640"))},
		{"GeneralizedTime", "VALIDITY_UTCTIME", func(t *tbsCertificate, _ *X509Context) {
			t.notBefore = instant{tag.GeneralizedTime, "20240418000000Z"}
		}},
		{"UTCTime without seconds", "VALIDITY_UTCTIME", func(t *tbsCertificate, _ *X509Context) { t.notAfter.text = "2904172359Z" }},
		{"UTCTime with an offset", "VALIDITY_UTCTIME", func(t *tbsCertificate, _ *X509Context) { t.notAfter.text = "290417235959+0000" }},
		{"ends before it begins", "VALIDITY_ORDER", func(t *tbsCertificate, _ *X509Context) { t.notAfter = t.notBefore }},
		{"five years and a second", "VALIDITY_FIVE_YEARS", func(t *tbsCertificate, _ *X509Context) { t.notAfter.text = "290418000000Z" }},
		{"outlives its issuer", "VALIDITY_WITHIN_ISSUER", func(t *tbsCertificate, c *X509Context) {
			t.notBefore.text, t.notAfter.text = "260101000000Z", "301231235959Z"
		}},
		{"begins before its issuer", "VALIDITY_WITHIN_ISSUER", func(t *tbsCertificate, c *X509Context) { t.notBefore.text = "200101000000Z" }},
		{"too large for the file", "FILE_SIZE", altNames("3082028481820280" + strings.Repeat("61", 0x280))},

		{"country AT", "SUBJECT_COUNTRY", naming(func(a *attribute) { set(a, c, "AT") })},
		{"an e-mail address", "SUBJECT_ATTRIBUTES", func(t *tbsCertificate, _ *X509Context) {
			t.subject = append(t.subject, []attribute{{"1.2.840.113549.1.9.1", tag.IA5String, "a@b.example"}})
		}},
		{"two localities", "SUBJECT_ATTRIBUTES", func(t *tbsCertificate, _ *X509Context) {
			t.subject = slices.Insert(t.subject, 3, []attribute{{"2.5.4.7", tag.UTF8String, "Bielefeld"}})
		}},
		{"a relative name of two", "SUBJECT_SINGLE_VALUED", func(t *tbsCertificate, _ *X509Context) {
			t.subject = append([][]attribute{append(t.subject[0], t.subject[1]...)}, t.subject[2:]...)
		}},
		{"common name as PrintableString", "SUBJECT_STRING_TYPE", naming(func(a *attribute) {
			if a.oid == cn {
				a.tag = tag.PrintableString
			}
		})},
		{"country as UTF8String", "SUBJECT_STRING_TYPE", naming(func(a *attribute) {
			if a.oid == c {
				a.tag = tag.UTF8String
			}
		})},
		{"bad UTF-8", "SUBJECT_STRING_TYPE", naming(func(a *attribute) { set(a, "2.5.4.7", "B\xffelefeld") })},
		{"common name of 65 characters", "SUBJECT_LENGTH", naming(func(a *attribute) { set(a, cn, strings.Repeat("ü", 55)+testOnly) })},
		{"empty locality", "SUBJECT_LENGTH", naming(func(a *attribute) { set(a, "2.5.4.7", "") })},
		{"no TEST-ONLY in test", "TEST_ONLY", naming(func(a *attribute) { set(a, cn, "Aschoffsche Apotheke") })},
		{"TEST-ONLY in production", "TEST_ONLY", func(_ *tbsCertificate, c *X509Context) { c.Test = false }},
		{"no NOT-VALID in test", "NOT_VALID", naming(func(a *attribute) { set(a, o, "3-2-APO-ASCHOFFSCHE-1") })},
		{"NOT-VALID in production", "NOT_VALID", func(_ *tbsCertificate, c *X509Context) { c.Test = false }},

		{"RSA key for an ECC slot", "SUBJECT_KEY", func(_ *tbsCertificate, c *X509Context) { c.Slot = "C.HCI.AUT.E256" }},
		{"even exponent", "SUBJECT_KEY", func(t *tbsCertificate, _ *X509Context) {
			t.spki = bytes.Replace(t.spki, unhex("0203010001"), unhex("0203010000"), 1)
		}},

		{"keyUsage twice", "EXTENSION_DUPLICATE", func(t *tbsCertificate, _ *X509Context) {
			i := slices.IndexFunc(t.extensions, func(e extension) bool { return e.oid == oidKeyUsage })
			t.extensions = append(t.extensions, t.extensions[i])
		}},
		{"qcStatements", "EXTENSION_SET", func(t *tbsCertificate, _ *X509Context) {
			t.extensions = append(t.extensions, extension{"1.3.6.1.5.5.7.1.3", false, unhex("3000")})
		}},
		{"extKeyUsage in an ENC certificate", "EXTENSION_SET", func(_ *tbsCertificate, c *X509Context) { c.Slot = "C.HCI.ENC.R2048" }},
		{"no admission", "EXTENSION_SET", without(oidAdmission)},
		{"no extKeyUsage in AUT", "EXTENSION_SET", without(oidExtKeyUsage)},
		{"keyUsage not critical", "EXTENSION_CRITICAL", criticality(oidKeyUsage, false)},
		{"basicConstraints not critical", "EXTENSION_CRITICAL", criticality(oidBasicConstraints, false)},
		{"admission critical", "EXTENSION_CRITICAL", criticality(oidAdmission, true)},
		{"another key's identifier", "SUBJECT_KEY_IDENTIFIER", replace(oidSubjectKeyID, "0414"+strings.Repeat("ab", 20))},
		{"another issuer's identifier", "AUTHORITY_KEY_IDENTIFIER", replace(oidAuthorityKeyID, "30168014"+strings.Repeat("ab", 20))},
		{"digitalSignature alone with RSA", "KEY_USAGE", replace(oidKeyUsage, "03020780")},
		{"usage of OSIG", "KEY_USAGE", replace(oidKeyUsage, "03020640")},
		{"clientAuth and emailProtection", "EXTENDED_KEY_USAGE", replace(oidExtKeyUsage, seq("06082b06010505070302", "06082b06010505070304"))},
		{"a CA", "BASIC_CONSTRAINTS", replace(oidBasicConstraints, "30030101ff")},
		{"caIssuers instead of OCSP", "AUTHORITY_INFO_ACCESS", swap(oidInfoAccess, "2b06010505073001", "2b06010505073002")},
		{"OCSP over ldap", "AUTHORITY_INFO_ACCESS", swap(oidInfoAccess, hex.EncodeToString([]byte("http")), hex.EncodeToString([]byte("ldap")))},
		{"otherName with a PrintableString", "SUBJECT_ALT_NAME", altNames(seq("a00a0603550403a003130141"))},
		{"no common policy", "POLICY_COMMON", swap(oidPolicies, "2a8214004c048123", "2a8214004c048124")},
		{"certificate type of OSIG", "POLICY_TYPE", swap(oidPolicies, "2a8214004c044d", "2a8214004c044e")},
		{"two certificate types", "POLICY_TYPE", replace(oidPolicies,
			seq(seq("06082a8214004c048123"), seq("06072a8214004c044d"), seq("06072a8214004c0450")))},
		{"no certificate type", "POLICY_TYPE", replace(oidPolicies, seq(seq("06082a8214004c048123")))},
		{"qualifiers at the type", "POLICY_TYPE", replace(oidPolicies, seq(seq("06082a8214004c048123"), seq("06072a8214004c044d", "3000")))},
		{"two texts", "ADMISSION", replace(oidAdmission, profession(seq("0c0141", "0c0142"), seq(pharmacyOID), "130131"))},
		{"two professions", "ADMISSION", replace(oidAdmission, seq(seq(seq(seq(
			seq(seq("0c0141"), seq(pharmacyOID), "130131"), seq(seq("0c0141"), seq(pharmacyOID), "130131"))))))},
		{"text as PrintableString", "ADMISSION", replace(oidAdmission, profession(seq("130141"), seq(pharmacyOID), "130131"))},
		{"empty text", "ADMISSION", replace(oidAdmission, profession(seq("0c00"), seq(pharmacyOID), "130131"))},
		{"authority that is no name", "ADMISSION", replace(oidAdmission, seq("a4020500", seq(seq(seq(seq(seq("0c0141"), seq(pharmacyOID), "130131"))))))},
		{"no Telematik-ID", "TELEMATIK_ID", replace(oidAdmission, profession(seq("0c0141"), seq(pharmacyOID)))},
		{"Telematik-ID with an underscore", "TELEMATIK_ID", replace(oidAdmission, profession(seq("0c0141"), seq(pharmacyOID), "13015f"))},

		{"no common name", "SUBJECT_ATTRIBUTES", func(t *tbsCertificate, _ *X509Context) { t.subject = t.subject[:len(t.subject)-1] }},
		{"no country", "SUBJECT_COUNTRY", func(t *tbsCertificate, _ *X509Context) { t.subject = t.subject[1:] }},
		{"country last", "SUBJECT_ORDER", func(t *tbsCertificate, _ *X509Context) { t.subject = append(t.subject[1:], t.subject[0]) }},
		{"no issuer", "SELF_SIGNED", func(_ *tbsCertificate, c *X509Context) { c.Issuer = nil }},
		{"cA FALSE written out", "BASIC_CONSTRAINTS", replace(oidBasicConstraints, "3003010100")},
		{"a directoryName", "SUBJECT_ALT_NAME", altNames(seq("a4023000"))},
		{"a host name", "SUBJECT_ALT_NAME_FORMS", altNames(seq("8201" + "61"))},
		{"mail address with a blank", "e_ext_san_rfc822_format_invalid", altNames(seq("8105612040622e"))},
		{"locality with a control character", "e_subject_dn_not_printable_characters", naming(func(a *attribute) { set(a, "2.5.4.7", "Biele\x07feld") })},
		{"two mail addresses", "SUBJECT_ALT_NAME_FORMS", altNames(seq("8103"+"614062", "8103"+"614063"))},
		{"distribution point over ldap", "CRL_DISTRIBUTION_POINTS", adding(oidCRLPoints, seq(seq("a009a007"+"8605"+hex.EncodeToString([]byte("ldap:")))))},
		{"no distribution point", "CRL_DISTRIBUTION_POINTS", adding(oidCRLPoints, "3000")},
		{"a policy twice", "POLICY_SET", replace(oidPolicies, seq(seq(objectID(arc+"163")), seq(objectID(typeAUT)), seq(objectID("1.2.3")), seq(objectID("1.2.3"))))},
		{"two policies of the provider", "POLICY_SET", replace(oidPolicies, seq(seq(objectID(arc+"163")), seq(objectID(typeAUT)), seq(objectID("1.2.3")), seq(objectID("1.2.4"))))},
		{"role of a Konnektor", "ADMISSION_ROLE", replace(oidAdmission, profession(seq(utf8String("Netzkonnektor")), seq(objectID(arc+"104")), printable("1")))},
		{"text of another role", "ADMISSION_ROLE", replace(oidAdmission, profession(seq(utf8String("Krankenhaus")), seq(pharmacyOID), printable("1")))},
	},

	"C.HCI.AUT.E256": {
		{"RSA issuer", "KEY_GENERATION", func(t *tbsCertificate, c *X509Context) { c.Issuer = rsaIssuer(c.Issuer) }},
		{"RSA algorithm below an ECC issuer", "SIGNATURE_ALGORITHM", func(t *tbsCertificate, _ *X509Context) { t.signature = sha256WithRSA }},
		{"P-256 key", "SUBJECT_KEY", func(t *tbsCertificate, _ *X509Context) { t.spki = standInKey }},
		{"compressed point", "SUBJECT_KEY", func(t *tbsCertificate, _ *X509Context) {
			t.spki = append(unhex("303a301406072a8648ce3d020106092b2403030208010107032200"), append([]byte{2}, t.spki[len(t.spki)-64:len(t.spki)-32]...)...)
		}},
		{"point off the curve", "SUBJECT_KEY_ON_CURVE", func(t *tbsCertificate, _ *X509Context) {
			t.spki = bytes.Clone(t.spki)
			t.spki[len(t.spki)-1] ^= 1
		}},
		{"keyEncipherment with ECC", "KEY_USAGE", replace(oidKeyUsage, "030205a0")},
	},

	"C.HCI.QES.R2048": {
		{"academic title", "SUBJECT_ATTRIBUTES", addingToSubject("title=Dr.")},
		{"unit", "SUBJECT_ATTRIBUTES", addingToSubject("OU=Labor")},
		{"no QcSSCD", "QC_STATEMENTS", replace(oidQCStatements, seq(seq(objectID(qcCompliance)), seq(objectID(qcTypeStatement), seq(objectID(qcTypeESign)))))},
		{"no QcCompliance", "QC_STATEMENTS", replace(oidQCStatements, seq(seq(objectID(qcSSCD)), seq(objectID(qcTypeStatement), seq(objectID(qcTypeESign)))))},
		{"type of a seal", "QC_STATEMENTS", replace(oidQCStatements, seq(seq(objectID(qcCompliance)), seq(objectID(qcSSCD)), seq(objectID(qcTypeStatement), seq(objectID(qcTypeESeal)))))},
		{"statement that nobody knows", "QC_STATEMENTS", replace(oidQCStatements, seq(seq(objectID(qcCompliance)), seq(objectID(qcSSCD)), seq(objectID("1.2.3")), seq(objectID(qcTypeStatement), seq(objectID(qcTypeESign)))))},
		{"shell model", "VALIDITY_MODEL", replace(oidValidityModel, seq("060a2b06010401c06d030502"))},
		{"policy of a seal", "POLICY_SET", replace(oidPolicies, seq(seq(objectID(arc+"145")), seq(objectID(policyLegalQSCD))))},
	},

	"C.AK.AUT.E256": {
		{"name without the day of issue", "SUBJECT_COMMON_NAME", naming(func(a *attribute) { set(a, cn, "80276883110000000001") })},
		{"another host name", "SUBJECT_ALT_NAME_FORMS", replace(oidSubjectAltName, seq("820161"))},
		{"only one purpose", "EXTENDED_KEY_USAGE", replace(oidExtKeyUsage, seq(objectID(serverAuth)))},
		{"Telematik-ID of a device", "TELEMATIK_ID", replace(oidAdmission, profession(seq(utf8String("Anwendungskonnektor")), seq(objectID(arc+"103")), printable("1")))},
		{"role of the network part", "ADMISSION_ROLE", replace(oidAdmission, profession(seq(utf8String("Netzkonnektor")), seq(objectID(arc+"104"))))},
		{"authority for a device", "ADMISSION_AUTHORITY", replace(oidAdmission, seq("a4023000", seq(seq(seq(seq(seq(utf8String("Anwendungskonnektor")), seq(objectID(arc+"103"))))))))},
	},

	"C.SMKT.AUT.E256": {
		{"status service", "EXTENSION_SET", adding(oidInfoAccess, seq(seq(objectID(idADOCSP), "8608"+hex.EncodeToString([]byte("http://a")))))},
	},

	"GEM.RCA": {
		{"ten years and a second", "VALIDITY_ROOT_TERM", func(t *tbsCertificate, _ *X509Context) {
			t.notAfter.text = strconv.Itoa(10+atoi(t.notBefore.text[:2])) + t.notBefore.text[2:]
		}},
		{"another issuer", "ISSUER_NAME", func(t *tbsCertificate, _ *X509Context) { t.issuer = unhex("3000") }},
		{"pathLenConstraint", "BASIC_CONSTRAINTS", replace(oidBasicConstraints, "30060101ff020101")},
		{"no practice statement", "POLICY_COMMON", replace(oidPolicies, seq(seq(objectID(arc+"163"))))},
		{"a certificate type", "POLICY_TYPE", replace(oidPolicies, seq(seq(objectID(arc+"163"), hex.EncodeToString(practiceStatement)), seq(objectID(typeAUT))))},
	},

	"SMCB-CA": {
		{"issuer with no CA below it", "ISSUER_IS_CA", issuer(replace(oidBasicConstraints, "30060101ff020100"))},
		{"eight years and a second", "VALIDITY_CA_TERM", func(t *tbsCertificate, c *X509Context) {
			t.notAfter.text = strconv.Itoa(8+atoi(t.notBefore.text[:2])) + t.notBefore.text[2:]
		}},
		{"name of another kind of CA", "SUBJECT_COMMON_NAME", naming(func(a *attribute) { set(a, cn, "GEM.KOMP-CA57 TEST-ONLY") })},
		{"leading zero", "SUBJECT_COMMON_NAME", naming(func(a *attribute) { set(a, cn, "GEM.SMCB-CA057 TEST-ONLY") })},
		{"no pathLenConstraint", "BASIC_CONSTRAINTS", replace(oidBasicConstraints, "30030101ff")},
		{"digitalSignature", "KEY_USAGE", replace(oidKeyUsage, "03020780")},
	},

	"C.GEM.OCSP": {
		{"nocheck with content", "OCSP_NO_CHECK", replace(oidOCSPNoCheck, "040100")},
		{"digitalSignature", "KEY_USAGE", replace(oidKeyUsage, "03020780")},
		{"clientAuth", "EXTENDED_KEY_USAGE", replace(oidExtKeyUsage, seq(objectID(clientAuth)))},
	},
}

// rsaIssuer is an issuer with an RSA key instead of its own.
func rsaIssuer(issuer *pkix.Certificate) *pkix.Certificate {
	other := *issuer
	other.PublicKey = &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}
	return &other
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}
