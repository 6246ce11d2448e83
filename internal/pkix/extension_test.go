package pkix

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("bad hex in test: %v", err)
	}
	return b
}

func ti(arc int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 276, 0, 76, 4, arc} }

const keyIDHex = "3667bd72bff2ee6449813c12b28b473cc7504f59"

// extensionTemplates are complete Extensions as they stand in real certificates of the telematics infrastructure.
var extensionTemplates = []struct {
	name  string
	value encoder
	want  string
}{
	{"KU of AUT RSA", DigitalSignature | KeyEncipherment, "300e0603551d0f0101ff0404030205a0"},
	{"KU of AUT ECC", DigitalSignature, "300e0603551d0f0101ff040403020780"},
	{"KU of ENC RSA", KeyEncipherment | DataEncipherment, "300e0603551d0f0101ff040403020430"},
	{"KU of ENC ECC", KeyAgreement, "300e0603551d0f0101ff040403020308"},
	{"KU of OSIG, QES, OCSP signer", NonRepudiation, "300e0603551d0f0101ff040403020640"},
	{"KU of C.HP.AUT ECC", DigitalSignature | KeyAgreement, "300e0603551d0f0101ff040403020388"},
	{"KU of a CA", KeyCertSign | CRLSign, "300e0603551d0f0101ff040403020106"},
	{"KU of a CA without CRLs", KeyCertSign, "300e0603551d0f0101ff040403020204"},
	{"KU of a CRL signer", CRLSign, "300e0603551d0f0101ff040403020102"},
	{"BC of an end entity", BasicConstraints{}, "300c0603551d130101ff04023000"},
	{"BC of a sub-CA", BasicConstraints{CA: true}, "30120603551d130101ff040830060101ff020100"},
	{"BC of a root", BasicConstraints{CA: true, PathLen: NoPathLen}, "300f0603551d130101ff040530030101ff"},
	{"EKU clientAuth", ExtendedKeyUsage{OIDClientAuth}, "30130603551d25040c300a06082b06010505070302"},
	{"EKU OCSPSigning", ExtendedKeyUsage{OIDOCSPSigning}, "30130603551d25040c300a06082b06010505070309"},
	{"CP of C.HCI.AUT", CertificatePolicies{{ID: ti(163)}, {ID: ti(77)}},
		"30200603551d2004193017300a06082a8214004c048123300906072a8214004c044d"},
	{"CP of C.HCI.ENC", CertificatePolicies{{ID: ti(163)}, {ID: ti(76)}},
		"30200603551d2004193017300a06082a8214004c048123300906072a8214004c044c"},
	{"CP of C.HCI.OSIG", CertificatePolicies{{ID: ti(163)}, {ID: ti(78)}},
		"30200603551d2004193017300a06082a8214004c048123300906072a8214004c044e"},
	{"CP of a CA", CertificatePolicies{{ID: ti(163), CPS: "http://www.gematik.de/go/policies"}},
		"30460603551d20043f303d303b06082a8214004c048123302f302d06082b060105050702011621" +
			hex.EncodeToString([]byte("http://www.gematik.de/go/policies"))},
	{"SKI", SubjectKeyIdentifier(mustHex(keyIDHex)), "301d0603551d0e04160414" + keyIDHex},
	{"AKI", AuthorityKeyIdentifier(mustHex(keyIDHex)), "301f0603551d23041830168014" + keyIDHex},
	{"AIA", OCSPAt("http://ehca.gematik.de/ocsp/"),
		"303806082b06010505070101042c302a302806082b06010505073001861c" + hex.EncodeToString([]byte("http://ehca.gematik.de/ocsp/"))},
	{"AIA with caIssuers", AuthorityInfoAccess{{OIDAccessOCSP, "a:"}, {OIDAccessCAIssuers, "b:"}},
		"302e06082b060105050701010422" + "3020" + "300e06082b060105050730018602613a" + "300e06082b060105050730028602623a"},
	{"CDP", CRLDistributionPoints{"http://ehca.gematik.de/crl/"},
		"302c0603551d1f042530233021a01fa01d861b" + hex.EncodeToString([]byte("http://ehca.gematik.de/crl/"))},
	{"SAN rfc822Name", SubjectAltName{{Form: RFC822Name, Value: "hubert.heilmann@za.com"}},
		"30210603551d11041a30188116" + hex.EncodeToString([]byte("hubert.heilmann@za.com"))},
	{"SAN dNSName", SubjectAltName{{Form: DNSName, Value: "konnektor.konlan"}},
		"301b0603551d11041430128210" + hex.EncodeToString([]byte("konnektor.konlan"))},
	{"SAN otherName", SubjectAltName{{Form: OtherName, Type: OIDOrganizationName, Value: "Ä"}},
		"30160603551d11040f300da00b060355040aa0040c02c384"},
	{"OCSP no check", OCSPNoCheck{}, "300f06092b060105050730010504020500"},
	{"QC of the real C.HP.QES", QCStatements{QCCompliance(), QCSSCD()}, "302206082b06010505070103041630143008060604008e4601013008060604008e460104"},
	{"QC of a qualified signature", QCStatements{QCCompliance(), QCSSCD(), QCType(OIDQCTypeESign)},
		"303706082b06010505070103042b3029" + "3008060604008e460101" + "3008060604008e460104" + "3013060604008e4601063009060704008e46010601"},
	{"QC of a qualified seal", QCStatements{QCCompliance(), QCSSCD(), QCType(OIDQCTypeESeal)},
		"303706082b06010505070103042b3029" + "3008060604008e460101" + "3008060604008e460104" + "3013060604008e4601063009060704008e46010602"},
	{"QC with limit", QCStatements{QCLimitValue(Limit{"EUR", 250, 3})},
		"302606082b06010505070103041a" + "3018" + "3016060604008e460102" + "300c1303455552020200fa020103"},
	{"QC with retention", QCStatements{QCRetentionPeriod(35)}, "301b06082b06010505070103040f" + "300d" + "300b060604008e460103" + "020123"},
	{"QC with disclosure statements", QCStatements{QCPDS(PDSLocation{"https://a/en", "en"}, PDSLocation{"https://a/de", "de"})},
		"304206082b060105050701030436" + "3034" + "3032060604008e460105" + "3028" +
			"3012" + "160c" + hex.EncodeToString([]byte("https://a/en")) + "1302656e" +
			"3012" + "160c" + hex.EncodeToString([]byte("https://a/de")) + "13026465"},
	{"QC with legislation", QCStatements{QCLegislation("CH", "LI")}, "302206082b060105050701030416" + "3014" + "3012060604008e460107" + "3008" + "13024348" + "13024c49"},
	{"validity model chain", ValidityModel(OIDValidityModelChain), "301b06092b06010401c06d0305040e300c060a2b06010401c06d030501"},
	{"admission of a dental practice", dentalAdmission, "306a06052b240803030461" + dentalAdmissionHex},
	{"admission of a component", Admission{Item: "Netzkonnektor", OID: ti(104)},
		"302f06052b240803030426302430223020301e301c300f0c0d" + hex.EncodeToString([]byte("Netzkonnektor")) + "300906072a8214004c0468"},
}

// dentalAdmission and its extnValue are a complete example (GS-A_4717-02).
var dentalAdmission = Admission{
	Authority:          Name{Single(OIDCountryName, "DE"), Single(OIDOrganizationName, "KZV Berlin")},
	Item:               "Zahnarztpraxis",
	OID:                ti(51),
	RegistrationNumber: "2-2.30.1.16.290457",
}

const dentalAdmissionHex = "305fa424302231" + "0b3009060355040613024445" + "31133011060355040a0c0a4b5a56204265726c696e" +
	"3037303530333031" + "30100c0e5a61686e61727a74707261786973" + "300906072a8214004c0433" + "1312322d322e33302e312e31362e323930343537"

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func TestExtensionTemplates(t *testing.T) {
	for _, tt := range extensionTemplates {
		t.Run(tt.name, func(t *testing.T) {
			e, err := tt.value.Extension()
			if err != nil {
				t.Fatal(err)
			}
			got, err := e.Encode()
			if err != nil || hex.EncodeToString(got) != tt.want {
				t.Fatalf("got %x, %v, want %s", got, err, tt.want)
			}
			back, ok, err := reencode(e)
			if !ok || err != nil || !bytes.Equal(back.Value, e.Value) {
				t.Errorf("read and encoded again: got %x, %v, want %x", back.Value, err, e.Value)
			}
		})
	}
}

// Values that must not become extensions.
func TestExtensionsRefusedToEncode(t *testing.T) {
	long := strings.Repeat("ä", 129)
	for name, value := range map[string]encoder{
		"no key usage":                 KeyUsage(0),
		"key usage beyond the list":    KeyUsage(1 << 9),
		"no purpose":                   ExtendedKeyUsage{},
		"purpose that is no OID":       ExtendedKeyUsage{{9, 9}},
		"end entity with pathLen":      BasicConstraints{PathLen: 1},
		"end entity without limit":     BasicConstraints{PathLen: NoPathLen},
		"pathLen below no limit":       BasicConstraints{CA: true, PathLen: -2},
		"no policy":                    CertificatePolicies{},
		"CPS outside IA5":              CertificatePolicies{{ID: ti(163), CPS: "http://ä"}},
		"empty SKI":                    SubjectKeyIdentifier{},
		"empty AKI":                    AuthorityKeyIdentifier{},
		"no location":                  AuthorityInfoAccess{},
		"empty location":               OCSPAt(""),
		"location outside IA5":         OCSPAt("http://ä"),
		"no distribution point":        CRLDistributionPoints{},
		"empty distribution point":     CRLDistributionPoints{""},
		"no alternative name":          SubjectAltName{},
		"empty alternative name":       SubjectAltName{{Form: DNSName}},
		"mail address outside IA5":     SubjectAltName{{Form: RFC822Name, Value: "ä@b"}},
		"form that is not permitted":   SubjectAltName{{Form: 6, Value: "http://a"}},
		"otherName without a type":     SubjectAltName{{Form: OtherName, Value: "a"}},
		"no statement":                 QCStatements{},
		"statement twice":              QCStatements{QCCompliance(), QCSSCD(), QCCompliance()},
		"statement outside ETSI":       QCStatements{{ID: ti(163)}},
		"compliance with an info":      QCStatements{{ID: OIDQCCompliance, Info: []byte{5, 0}}},
		"device with an info":          QCStatements{{ID: OIDQCSSCD, Info: []byte{5, 0}}},
		"no type":                      QCStatements{QCType()},
		"type that is no OID":          QCStatements{QCType(asn1.ObjectIdentifier{9, 9})},
		"type without info":            QCStatements{{ID: OIDQCType}},
		"retention of no year":         QCStatements{QCRetentionPeriod(0)},
		"retention without end":        QCStatements{QCRetentionPeriod(101)},
		"no disclosure statement":      QCStatements{QCPDS()},
		"disclosure without TLS":       QCStatements{QCPDS(PDSLocation{"http://a.example", "en"})},
		"disclosure at no place":       QCStatements{QCPDS(PDSLocation{"https://", "en"})},
		"disclosure in capitals":       QCStatements{QCPDS(PDSLocation{"https://a.example", "EN"})},
		"disclosure in three letters":  QCStatements{QCPDS(PDSLocation{"https://a.example", "eng"})},
		"no country":                   QCStatements{QCLegislation()},
		"country in small letters":     QCStatements{QCLegislation("de")},
		"limit in euros":               QCStatements{QCLimitValue(Limit{"euro", 1, 1})},
		"limit below zero":             QCStatements{QCLimitValue(Limit{"EUR", -1, 1})},
		"no validity model":            ValidityModel(nil),
		"item empty":                   Admission{OID: ti(51)},
		"item of 129 characters":       Admission{OID: ti(51), Item: long},
		"no profession OID":            Admission{Item: "Zahnarztpraxis"},
		"Telematik-ID with underscore": Admission{OID: ti(51), Item: "Zahnarztpraxis", RegistrationNumber: "2-2_3"},
		"Telematik-ID of 129":          Admission{OID: ti(51), Item: "Zahnarztpraxis", RegistrationNumber: strings.Repeat("1", 129)},
		"authority with a long name":   Admission{OID: ti(51), Item: "Zahnarztpraxis", Authority: Name{Single(OIDOrganizationName, strings.Repeat("a", 65))}},
	} {
		if e, err := value.Extension(); err == nil {
			t.Errorf("%s: encodes as %x, want an error", name, e.Value)
		}
	}
	// The limit counts characters: 128 umlauts are 256 octets and are allowed.
	if _, err := (Admission{OID: ti(51), Item: long[:256]}).Extension(); err != nil {
		t.Errorf("item of 128 umlauts: %v", err)
	}
}

// Contents of extnValue that have another shape than the one that is read.
func TestExtensionsRefusedToParse(t *testing.T) {
	for _, tt := range []struct {
		name string
		id   asn1.ObjectIdentifier
		hex  string
	}{
		{"SKI empty", OIDSubjectKeyIdentifier, "0400"},
		{"SKI with a trailing octet", OIDSubjectKeyIdentifier, "04010100"},
		{"AKI without keyIdentifier", OIDAuthorityKeyIdentifier, "3000"},
		{"AKI with issuer and serial number", OIDAuthorityKeyIdentifier, "300d 8001aa a105 a403 300130 820101"},
		{"KU with trailing zero bits", OIDKeyUsage, "030205 80"},
		{"KU empty", OIDKeyUsage, "030100"},
		{"KU with a tenth bit", OIDKeyUsage, "0303060040"},
		{"EKU empty", OIDExtendedKeyUsage, "3000"},
		{"BC with cA FALSE written out", OIDBasicConstraints, "3003010100"},
		{"BC with BER TRUE", OIDBasicConstraints, "3003010101"},
		{"BC with pathLen but no cA", OIDBasicConstraints, "3003020100"},
		{"BC with negative pathLen", OIDBasicConstraints, "30060101ff0201ff"},
		{"BC with long INTEGER", OIDBasicConstraints, "30070101ff02020000"},
		{"CP empty", OIDCertificatePolicies, "3000"},
		{"CP with empty qualifiers", OIDCertificatePolicies, "300b 3009 06052b24080303 3000"},
		{"CP with user notice", OIDCertificatePolicies, "3017 3015 06052b24080303 300c 300a 06082b06010505070202"},
		{"CP with CPS in UTF8String", OIDCertificatePolicies, "301a 3018 06052b24080303 300f 300d 06082b06010505070201 0c0161"},
		{"CP with two qualifiers", OIDCertificatePolicies,
			"3029 3027 06052b24080303 301e 300d 06082b06010505070201 160161 300d 06082b06010505070201 160161"},
		{"AIA with a directory name", OIDAuthorityInfoAccess, "3010 300e 06082b06010505073001 a4023000"},
		{"AIA empty", OIDAuthorityInfoAccess, "3000"},
		{"CDP with reasons", OIDCRLDistributionPoints, "300d 300b a005a003860161 81020780"},
		{"CDP with two names", OIDCRLDistributionPoints, "300c 300a a008a006860161860161"},
		{"CDP relative to the issuer", OIDCRLDistributionPoints, "3007 3005 a003a101 00"},
		{"SAN with a URI", OIDSubjectAltName, "3003860161"},
		{"SAN with otherName of another string", OIDSubjectAltName, "300c a00a 0603550403 a003 130161"},
		{"SAN with an empty name", OIDSubjectAltName, "30028200"},
		{"no-check that is not NULL", OIDOCSPNoCheck, "3000"},
		{"no-check with content", OIDOCSPNoCheck, "050100"},
		{"QC empty", OIDQCStatements, "3000"},
		{"QC with a statement twice", OIDQCStatements, "3014 3008060604008e460101 3008060604008e460101"},
		{"QC with an unknown statement", OIDQCStatements, "300a 3008060604008e460163"},
		{"QC with compliance and NULL", OIDQCStatements, "300c 300a060604008e4601010500"},
		{"QC with an empty type", OIDQCStatements, "300c 300a060604008e4601063000"},
		{"QC with long years", OIDQCStatements, "300e 300c060604008e46010302020023"},
		{"QC with a limit by number", OIDQCStatements, "3017 3015060604008e460102300b020203d20202 00fa020103"},
		{"QC with trailing octets", OIDQCStatements, "300d 300b060604008e460101 020123"},
		{"validity model with more", OIDValidityModel, "300e060a2b06010401c06d0305010500"},
		{"validity model of none", OIDValidityModel, "3000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok, err := reencode(Extension{ID: tt.id, Value: unhex(t, tt.hex)}); !ok || err == nil {
				t.Errorf("read, and encodes as %x; want an error", got.Value)
			}
		})
	}
}

// Cut off at any octet, or with one more, no extension reads.
func TestExtensionsTruncated(t *testing.T) {
	for _, tt := range extensionTemplates {
		e, err := tt.value.Extension()
		if err != nil {
			t.Fatal(err)
		}
		for n := range e.Value {
			if _, _, err := reencode(Extension{ID: e.ID, Value: e.Value[:n]}); err == nil {
				t.Errorf("%s cut to %d of %d octets reads", tt.name, n, len(e.Value))
			}
		}
		if _, _, err := reencode(Extension{ID: e.ID, Value: append(bytes.Clone(e.Value), 0)}); err == nil {
			t.Errorf("%s with a trailing octet reads", tt.name)
		}
	}
}

// What Common PKI allows in an admission and the telematics infrastructure does not is refused, not passed over.
func TestAdmissionShapes(t *testing.T) {
	const item, oid, number = "3003 0c0141", "3009 06072a8214004c0433", "130131"
	info := func(parts string) string { return wrap("30", parts) }
	shape := func(infos string) string { return wrap("30", wrap("30", wrap("30", wrap("30", infos)))) }
	tests := []struct{ name, hex, want string }{
		{"minimal", shape(info(item + oid)), ""},
		{"with number", shape(info(item + oid + number)), ""},
		{"two professions", shape(info(item+oid) + info(item+oid)), "one ProfessionInfo"},
		{"no profession", shape(""), "one ProfessionInfo"},
		{"naming authority", shape(info("a000" + item + oid)), "no professionItems"},
		{"two items", shape(info("3006 0c0141 0c0142" + oid)), "exactly one"},
		{"item in PrintableString", shape(info("3003 130141" + oid)), "no UTF8String"},
		{"two OIDs", shape(info(item + "3012 06072a8214004c0433 06072a8214004c0433")), "exactly one"},
		{"no OID", shape(info(item)), "no professionItems"},
		{"number in UTF8String", shape(info(item + oid + "0c0131")), "registrationNumber"},
		{"number empty", shape(info(item + oid + "1300")), "registrationNumber"},
		{"addProfessionInfo", shape(info(item + oid + number + "0400")), "registrationNumber"},
		{"item empty", shape(info("30020c00" + oid)), "characters"},
		{"two Admissions", wrap("30", wrap("30", strings.Repeat(wrap("30", wrap("30", info(item+oid))), 2))), "one ProfessionInfo"},
		{"authority by URI", wrap("30", "860161"+wrap("30", wrap("30", wrap("30", info(item+oid))))), "one ProfessionInfo"},
		{"authority not a name", wrap("30", "a40131"+wrap("30", wrap("30", wrap("30", info(item+oid))))), "admissionAuthority"},
		{"authority inside Admissions", wrap("30", wrap("30", wrap("30", "a004a4023000"+wrap("30", info(item+oid))))), "one ProfessionInfo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseAdmission(unhex(t, tt.hex))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// wrap puts a tag and a length of one octet before content, all in hex.
func wrap(tag, content string) string {
	content = strings.ReplaceAll(content, " ", "")
	return tag + hex.EncodeToString([]byte{byte(len(content) / 2)}) + content
}

func TestKeyUsageNames(t *testing.T) {
	for bit, want := range keyUsageNames {
		u := KeyUsage(1 << bit)
		if got := u.String(); got != want {
			t.Errorf("bit %d is called %q, want %q", bit, got, want)
		}
		if back, err := ParseKeyUsageName(want); err != nil || back != u {
			t.Errorf("%q reads as %#x, %v, want %#x", want, uint16(back), err, uint16(u))
		}
	}
	if u, err := ParseKeyUsageName("contentCommitment"); err == nil {
		t.Errorf("an unknown name reads as %#x", uint16(u))
	}
}
