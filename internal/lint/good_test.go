package lint

import (
	"encoding/hex"
	"testing"

	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// Good drafts: the signed parts of real certificates, and for the kinds of which none is at hand, real ones changed as told.

// change is something done to a draft or to what it is judged against.
type change func(t *tbsCertificate, c *X509Context)

// good says how a good draft comes about: the file below testdata/real that it is taken from, what it is judged as, and what is
// changed.
type good struct {
	file    string
	context X509Context
	changes []change
}

var goods = map[string]good{
	"C.HCI.AUT.R2048":  onCard("pharmacy-AUT-R2048", "C.HCI.AUT.R2048"),
	"C.HCI.ENC.R2048":  onCard("80276001011699900861-C_SMCB_ENC_R2048_X509", "C.HCI.ENC.R2048"),
	"C.HCI.OSIG.R2048": onCard("80276001011699900861-C_SMCB_OSIG_R2048_X509", "C.HCI.OSIG.R2048"),
	"C.HCI.AUT.E256":   onCard("psychotherapist-AUT-E256", "C.HCI.AUT.E256"),
	"C.HCI.ENC.E256":   onCard("80276001011699900861-C_SMCB_ENC_E256_X509", "C.HCI.ENC.E256"),
	"C.HCI.OSIG.E256":  onCard("80276001011699900861-C_SMCB_OSIG_E256_X509", "C.HCI.OSIG.E256"),

	"C.HCI.QES.R2048": onCard("HBA-80276001011699901501-C_HP_QES_R2048", "C.HCI.QES.R2048", withinIssuer,
		subject("C=DE", "O=Praxis Ulmenwald NOT-VALID", "serialNumber=16.80276001011699901501", "SN=Ulmenwald", "GN=Adelheid",
			"CN=Adelheid Ulmenwald TEST-ONLY"),
		replace(oidAdmission, profession(seq(utf8String("Öffentliche Apotheke")), seq(pharmacyOID), printable("3-2-APO-1"))),
		replace(oidPolicies, seq(seq(objectID(arc+"145")), seq(objectID(policyNaturalQSCD)))),
		replace(oidQCStatements, seq(seq(objectID(qcCompliance)), seq(objectID(qcSSCD)), seq(objectID(qcTypeStatement), seq(objectID(qcTypeESign))))),
	),
	"C.HCI.QSEAL.R2048": onCard("HBA-80276001011699901501-C_HP_QES_R2048", "C.HCI.QSEAL.R2048", withinIssuer,
		subject("C=DE", "O=Praxis Ulmenwald NOT-VALID", "organizationIdentifier=NTRDE-HRB 1", "CN=Praxis Ulmenwald TEST-ONLY"),
		replace(oidAdmission, profession(seq(utf8String("Öffentliche Apotheke")), seq(pharmacyOID), printable("3-2-APO-1"))),
		replace(oidPolicies, seq(seq(objectID(arc+"145")), seq(objectID(policyLegalQSCD)))),
		replace(oidQCStatements, seq(seq(objectID(qcCompliance)), seq(objectID(qcSSCD)), seq(objectID(qcTypeStatement), seq(objectID(qcTypeESeal))))),
	),

	"C.AK.AUT.E256": onCard("konnektor-AK-AUT-E256", "C.AK.AUT.E256"),
	"C.NK.VPN.E256": onCard("konnektor-AK-AUT-E256", "C.NK.VPN.E256",
		deviceOf("104", "Netzkonnektor", typeNK), without(oidSubjectAltName)),
	"C.SAK.AUT.E256": onCard("konnektor-AK-AUT-E256", "C.SAK.AUT.E256",
		deviceOf("119", "Signaturanwendungskomponente", typeSAK), without(oidSubjectAltName)),
	"C.SMKT.AUT.E256": onCard("konnektor-AK-AUT-E256", "C.SMKT.AUT.E256",
		deviceOf("105", "Kartenterminal", typeSMKT), without(oidSubjectAltName), without(oidInfoAccess),
		replace(oidExtKeyUsage, seq(objectID(serverAuth))), naming(func(a *attribute) { set(a, cn, "80276883110000000001") })),

	"GEM.RCA": {"GEM.RCA8_TEST-ONLY", X509Context{Kind: RootCA, Test: true}, nil},
	"SMCB-CA": offCard("GEM.SMCB-CA57_TEST-ONLY", SMCBCA),
	"KOMP-CA": offCard("GEM.SMCB-CA57_TEST-ONLY", KOMPCA,
		subject("C=DE", "O=gematik NOT-VALID", "OU=Komponenten-CA der Telematikinfrastruktur", "CN=GEM.KOMP-CA57 TEST-ONLY")),
	"HBA-qCA": {"GEM.HBA-qCA51_TEST-ONLY", X509Context{Kind: QESCA, Test: true}, nil},
	"C.GEM.OCSP": offCard("psychotherapist-AUT-E256", OCSPSigner,
		subject("C=DE", "O=gematik GmbH NOT-VALID", "CN=OCSP 1 TEST-ONLY"), replace(oidKeyUsage, "03020640"),
		replace(oidExtKeyUsage, seq(objectID(ocspSigning))), replace(oidPolicies, seq(seq(objectID(arc+"163")))),
		without(oidAdmission), without(oidInfoAccess), without(oidCRLPoints), adding(oidOCSPNoCheck, "0500")),
	"C.GEM.CRL": offCard("psychotherapist-AUT-E256", CRLSigner,
		subject("C=DE", "O=gematik GmbH NOT-VALID", "CN=CRL 1 TEST-ONLY"), replace(oidKeyUsage, "03020102"),
		without(oidExtKeyUsage), replace(oidPolicies, seq(seq(objectID(arc+"163")))),
		without(oidAdmission), without(oidInfoAccess), without(oidCRLPoints)),
}

func onCard(file, slot string, changes ...change) good {
	return good{file, X509Context{Slot: slot, Test: true}, changes}
}

func offCard(file string, kind Kind, changes ...change) good {
	return good{file, X509Context{Kind: kind, Test: true}, changes}
}

// goodDraft makes a good draft and what it is judged against.
func goodDraft(t testing.TB, name string) (*tbsCertificate, X509Context) {
	t.Helper()
	g, ok := goods[name]
	if !ok {
		t.Fatalf("there is no good draft %s", name)
	}
	cert := readX509(t, "testdata/real/"+g.file+".pem")
	draft, err := readTBS(cert.RawTBS)
	if err != nil {
		t.Fatal(err)
	}
	c := g.context
	if string(cert.RawIssuer) != string(cert.RawSubject) {
		c.Issuer = issuerOf(t, cert)
	}
	for _, do := range g.changes {
		do(draft, &c)
	}
	return draft, c
}

// deviceOf gives the changes from C.AK.AUT to another certificate of a component.
func deviceOf(role, item, typ string) change {
	return func(t *tbsCertificate, c *X509Context) {
		replace(oidPolicies, seq(seq(objectID(arc+"163")), seq(objectID(typ))))(t, c)
		replace(oidAdmission, profession(seq(utf8String(item)), seq(objectID(arc+role))))(t, c)
	}
}

// subject gives another subject: attributes as "name=value".
func subject(attributes ...string) change {
	return func(t *tbsCertificate, _ *X509Context) {
		t.subject = nil
		for _, text := range attributes {
			t.subject = append(t.subject, []attribute{parseAttribute(text)})
		}
	}
}

// withinIssuer ends the term with the issuer's: the real certificate outlives it, as the chain model allows and Siegel does not.
func withinIssuer(t *tbsCertificate, c *X509Context) {
	t.notAfter.text = c.Issuer.NotAfter.Format(utcTime)
}

func adding(oid, value string) change {
	return func(t *tbsCertificate, _ *X509Context) {
		t.extensions = append(t.extensions, extension{oid, false, unhex(value)})
	}
}

// The encodings of single values in hex.
func utf8String(s string) string { return element(tag.UTF8String, []byte(s)) }
func printable(s string) string  { return element(tag.PrintableString, []byte(s)) }
func objectID(s string) string   { return hex.EncodeToString(encodeOID(s)) }
