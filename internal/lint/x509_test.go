package lint

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// The story of this file: a good draft, one thing wrong with it at a time, and the rule that says so. Every rule has its turn.

// spoil is one way to spoil a good draft.
type spoil struct {
	name string
	rule string
	do   func(t *tbsCertificate, c *X509Context)
}

// replace gives a change that replaces an extension's value.
func replace(oid, value string) func(*tbsCertificate, *X509Context) {
	return func(t *tbsCertificate, _ *X509Context) {
		for i := range t.extensions {
			if t.extensions[i].oid == oid {
				t.extensions[i].value = unhex(value)
			}
		}
	}
}

// swap gives a change that replaces octets in an extension's value.
func swap(oid, old, new string) func(*tbsCertificate, *X509Context) {
	return func(t *tbsCertificate, _ *X509Context) {
		for i := range t.extensions {
			if e := &t.extensions[i]; e.oid == oid {
				e.value = bytes.ReplaceAll(e.value, unhex(old), unhex(new))
			}
		}
	}
}

// naming gives a change of the subject's attributes.
func naming(change func(a *attribute)) func(*tbsCertificate, *X509Context) {
	return func(t *tbsCertificate, _ *X509Context) {
		for i := range t.subject {
			for j := range t.subject[i] {
				change(&t.subject[i][j])
			}
		}
	}
}

const (
	cn = "2.5.4.3"
	o  = "2.5.4.10"
	c  = "2.5.4.6"
)

var spoils = []spoil{
	{"version 1", "VERSION_3", func(t *tbsCertificate, _ *X509Context) { t.version = 0 }},
	{"serial zero", "SERIAL_NUMBER", func(t *tbsCertificate, _ *X509Context) { t.serial = []byte{0} }},
	{"serial negative", "SERIAL_NUMBER", func(t *tbsCertificate, _ *X509Context) { t.serial = []byte{0x80} }},
	{"serial of 21 octets", "SERIAL_NUMBER", func(t *tbsCertificate, _ *X509Context) { t.serial = bytes.Repeat([]byte{1}, 21) }},
	{"ECDSA algorithm below an RSA issuer", "SIGNATURE_ALGORITHM", func(t *tbsCertificate, _ *X509Context) { t.signature = ecdsaWithSHA256 }},
	{"RSA algorithm without NULL", "SIGNATURE_ALGORITHM", func(t *tbsCertificate, _ *X509Context) {
		t.signature = unhex("300b06092a864886f70d01010b")
	}},
	{"RSA issuer for an ECC slot", "KEY_GENERATION", func(_ *tbsCertificate, c *X509Context) { c.Slot = "C.HCI.AUT.E256" }},
	{"another issuer's name", "ISSUER_NAME", func(t *tbsCertificate, _ *X509Context) { t.issuer = unhex("3000") }},
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
	{"no country", "SUBJECT_COUNTRY", func(t *tbsCertificate, _ *X509Context) { t.subject = t.subject[1:] }},
	{"no common name", "SUBJECT_COMMON_NAME", func(t *tbsCertificate, _ *X509Context) { t.subject = t.subject[:len(t.subject)-1] }},
	{"an e-mail address", "SUBJECT_ATTRIBUTES", func(t *tbsCertificate, _ *X509Context) {
		t.subject = append(t.subject, []attribute{{"1.2.840.113549.1.9.1", tag.IA5String, "a@b.example"}})
	}},
	{"two localities", "SUBJECT_ATTRIBUTES", func(t *tbsCertificate, _ *X509Context) {
		t.subject = slices.Insert(t.subject, 3, []attribute{{"2.5.4.7", tag.UTF8String, "Bielefeld"}})
	}},
	{"a relative name of two", "SUBJECT_SINGLE_VALUED", func(t *tbsCertificate, _ *X509Context) {
		t.subject = append([][]attribute{append(t.subject[0], t.subject[1]...)}, t.subject[2:]...)
	}},
	{"country last", "SUBJECT_ORDER", func(t *tbsCertificate, _ *X509Context) { t.subject = append(t.subject[1:], t.subject[0]) }},
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
	{"P-256 key", "SUBJECT_KEY", ecc(func(spki []byte) []byte {
		return unhex("3059301306072a8648ce3d020106082a8648ce3d030107034200" + strings.Repeat("04", 65))
	})},
	{"compressed point", "SUBJECT_KEY", ecc(func(spki []byte) []byte {
		return append(unhex("303a301406072a8648ce3d020106092b2403030208010107032200"), append([]byte{2}, spki[len(spki)-64:len(spki)-32]...)...)
	})},
	{"point off the curve", "SUBJECT_KEY_ON_CURVE", ecc(func(spki []byte) []byte { spki[len(spki)-1] ^= 1; return spki })},

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
	{"cA FALSE written out", "BASIC_CONSTRAINTS", replace(oidBasicConstraints, "3003010100")},
	{"caIssuers instead of OCSP", "AUTHORITY_INFO_ACCESS", swap(oidInfoAccess, "2b06010505073001", "2b06010505073002")},
	{"OCSP over ldap", "AUTHORITY_INFO_ACCESS", swap(oidInfoAccess, hex.EncodeToString([]byte("http")), hex.EncodeToString([]byte("ldap")))},
	{"directoryName as alternative name", "SUBJECT_ALT_NAME", altNames(seq("a4023000"))},
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
}

const pharmacyOID = "06072a8214004c0436"

// seq gives a SEQUENCE of the parts, all in hex.
func seq(parts ...string) string {
	content := unhex(strings.Join(parts, ""))
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(content) })
	return hex.EncodeToString(b.BytesOrPanic())
}

// profession gives an admission with one ProfessionInfo of the parts.
func profession(parts ...string) string { return seq(seq(seq(seq(seq(parts...))))) }

func set(a *attribute, oid, value string) {
	if a.oid == oid {
		a.value = value
	}
}

func without(oid string) func(*tbsCertificate, *X509Context) {
	return func(t *tbsCertificate, _ *X509Context) {
		t.extensions = slices.DeleteFunc(t.extensions, func(e extension) bool { return e.oid == oid })
	}
}

func criticality(oid string, critical bool) func(*tbsCertificate, *X509Context) {
	return func(t *tbsCertificate, _ *X509Context) {
		for i := range t.extensions {
			if t.extensions[i].oid == oid {
				t.extensions[i].critical = critical
			}
		}
	}
}

func altNames(value string) func(*tbsCertificate, *X509Context) {
	return func(t *tbsCertificate, _ *X509Context) {
		t.extensions = append(t.extensions, extension{oidSubjectAltName, false, unhex(value)})
	}
}

// ecc gives a change that puts an ECC key into the draft, and changes it.
func ecc(change func(spki []byte) []byte) func(*tbsCertificate, *X509Context) {
	return func(t *tbsCertificate, c *X509Context) {
		c.Slot = "C.HCI.AUT.E256"
		t.spki = change(unhex(psychotherapistKey))
	}
}

// psychotherapistKey is the SubjectPublicKeyInfo of testdata/real/psychotherapist-AUT-E256.pem.
const psychotherapistKey = "305a301406072a8648ce3d020106092b2403030208010107034200040524dea45a6649245a651532c2e9f9bbe489" +
	"9a25a946b4bcdb76cd73682340e60f862b8e0479c019d3016bf83856d8bd04fbf4d40d27d9bf8a47ffaa5035b5d2"

func TestEveryRuleFindsItsFault(t *testing.T) {
	turns := map[string]bool{}
	for _, s := range spoils {
		t.Run(s.name, func(t *testing.T) {
			draft, context := goodDraft(t)
			s.do(draft, &context)
			findings := X509(draft.encode(), context)
			if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Rule == s.rule }) {
				t.Errorf("got %v, want a finding of %s", findings, s.rule)
			}
		})
		turns[s.rule] = true
	}
	for _, r := range x509Rules {
		if !turns[r.name] {
			t.Errorf("no example fails rule %s", r.name)
		}
		if r.citation == "" || r.level != Error && r.level != Warning {
			t.Errorf("rule %s has citation %q and level %q", r.name, r.citation, r.level)
		}
	}
}

// TestGoodDraftPasses shows that the draft which the others spoil is good, and that the encoder of this test adds no fault.
func TestGoodDraftPasses(t *testing.T) {
	draft, context := goodDraft(t)
	if got := draft.encode(); !bytes.Equal(got, draft.raw) {
		t.Fatalf("encoded again:\n got %x\nwant %x", got, draft.raw)
	}
	if findings := X509(draft.encode(), context); len(findings) > 0 {
		t.Errorf("got %v, want no findings", findings)
	}
}

func TestOctetsThatAreNoDraft(t *testing.T) {
	draft, context := goodDraft(t)
	whole := draft.encode()
	for name, octets := range map[string][]byte{"nothing": nil, "cut": whole[:len(whole)-1], "one more": append(bytes.Clone(whole), 0)} {
		t.Run(name, func(t *testing.T) {
			findings := X509(octets, context)
			if len(findings) != 1 || findings[0].Rule != "TBS_SHAPE" || findings[0].Level != Error {
				t.Errorf("got %v, want one error of TBS_SHAPE", findings)
			}
		})
	}
	context.Slot = "C.HCI.QES.R2048"
	if findings := X509(whole, context); len(findings) != 1 || findings[0].Rule != "SLOT_KNOWN" {
		t.Errorf("unknown slot: got %v, want one finding of SLOT_KNOWN", findings)
	}
}

// goodDraft is the signed part of a real certificate.
func goodDraft(t testing.TB) (*tbsCertificate, X509Context) {
	t.Helper()
	cert := readX509(t, "testdata/real/pharmacy-AUT-R2048.pem")
	draft, err := readTBS(cert.RawTBS)
	if err != nil {
		t.Fatal(err)
	}
	return draft, X509Context{Slot: "C.HCI.AUT.R2048", Issuer: issuerOf(t, cert), Test: true}
}

// encode writes a draft as readTBS reads it, whatever is wrong with it.
func (t *tbsCertificate) encode() []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit0, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(t.version)) })
		b.AddASN1(tag.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(t.serial) })
		b.AddBytes(t.signature)
		b.AddBytes(t.issuer)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, i := range []instant{t.notBefore, t.notAfter} {
				b.AddASN1(i.tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(i.text)) })
			}
		})
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, rdn := range t.subject {
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { addAttributes(b, rdn) })
			}
		})
		b.AddBytes(t.spki)
		b.AddASN1(explicit3, func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { addExtensions(b, t.extensions) })
		})
	})
	return b.BytesOrPanic()
}

func addAttributes(b *cryptobyte.Builder, rdn []attribute) {
	for _, a := range rdn {
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(parseOID(a.oid))
			b.AddASN1(a.tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.value)) })
		})
	}
}

func addExtensions(b *cryptobyte.Builder, list []extension) {
	for _, e := range list {
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(parseOID(e.oid))
			if e.critical {
				b.AddASN1Boolean(true)
			}
			b.AddASN1OctetString(e.value)
		})
	}
}

func parseOID(s string) asn1.ObjectIdentifier {
	var oid asn1.ObjectIdentifier
	for arc := range strings.SplitSeq(s, ".") {
		n, err := strconv.Atoi(arc)
		if err != nil {
			panic(err)
		}
		oid = append(oid, n)
	}
	return oid
}
