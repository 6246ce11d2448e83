package lint

import (
	"fmt"
	"testing"

	"github.com/siegel-pki/siegel/internal/cvc"
)

// The story of this file: certificates of those who sign CV certificates, one thing wrong with them at a time, and the rule that says so.

// goodIssuers are real sub-CAs below testdata/real, and a root that is made of one.
var goodIssuers = []struct {
	kind CVCKind
	file string
	do   func(b *cvcBody)
}{
	{CVCSubCA, "subca-DEGXX-1-3-02-23", nil},
	{CVCDeviceCA, "subca-DEGXX-1-2-02-23", nil},
	{CVCRoot, "subca-DEGXX-1-3-02-23", func(b *cvcBody) { b.chr, b.flags = b.car, unhex("ffffffffffffff") }},
}

// issuerSpoils are ways to spoil the good sub-CA, or to take it for what it is not.
var issuerSpoils = []struct {
	name, rule string
	kind       CVCKind
	do         func(b *cvcBody)
}{
	{"sub-CA taken for a root", "CVC_CA_ROLE", CVCRoot, func(*cvcBody) {}},
	{"name of a sub-CA for a root", "CVC_CA_NAME", CVCRoot, func(b *cvcBody) { b.flags = unhex("ffffffffffffff") }},
	{"card taken for a sub-CA", "CVC_CA_ROLE", CVCSubCA, func(b *cvcBody) { b.flags[0] &= 0x3F }},
	{"name of a card", "CVC_CA_NAME", CVCSubCA, func(b *cvcBody) { b.chr = unhex("000680276883110000152725") }},
	{"certified by a sub-CA", "CVC_CA_NAME", CVCSubCA, func(b *cvcBody) { b.car[5] = 0x11 }},
	{"hierarchy of card management", "CVC_CA_ROLE", CVCSubCA, func(b *cvcBody) { b.flagOID[7] = 0x19 }},
	{"rights of a Konnektor", "CVC_CA_FLAGS", CVCSubCA, func(b *cvcBody) { b.flags[6] |= 0x01 }},
	{"sub-CA of institutions taken for one of devices", "CVC_CA_FLAGS", CVCDeviceCA, func(*cvcBody) {}},
}

func issuerBody(t *testing.T, file string) *cvcBody {
	t.Helper()
	body, err := readCVC(readCVCFile(t, "testdata/real/"+file+".cvc").RawBody)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestGoodIssuersPass(t *testing.T) {
	for _, good := range goodIssuers {
		body := issuerBody(t, good.file)
		if good.do != nil {
			good.do(body)
		}
		e := example{file: "pass/" + fileName(string(good.kind)), ending: "tlv", octets: body.encode()}
		e.findings = CVCIssuer(e.octets, good.kind)
		e.text = fmt.Sprintf("Judged as  %s\n\n", good.kind) + annotation(e.octets)
		e.check(t)
		if len(e.findings) > 0 {
			t.Errorf("%s: got %v, want no findings", good.kind, e.findings)
		}
	}
}

func TestEveryIssuerRuleFindsItsFault(t *testing.T) {
	for _, s := range issuerSpoils {
		t.Run(s.rule+"/"+s.name, func(t *testing.T) {
			before, body := issuerBody(t, goodIssuers[0].file), issuerBody(t, goodIssuers[0].file)
			s.do(body)
			e := example{file: "fail/" + s.rule + "/" + fileName(s.name), ending: "tlv", octets: body.encode()}
			e.findings = CVCIssuer(e.octets, s.kind)
			e.text = header(s.name, string(CVCSubCA), fmt.Sprintf("Judged as  %s\n", s.kind), e.findings) +
				difference(annotation(before.encode()), annotation(e.octets))
			e.check(t)
			e.wantFinding(t, s.rule)
		})
	}
	if f := CVCIssuer([]byte{0x7F}, CVCRoot); len(f) != 1 || f[0].Rule != "CVC_SHAPE" {
		t.Errorf("what is no body: got %v, want CVC_SHAPE", f)
	}
}

// TestG1Issuers: of generation 1 the names alone tell a root from a sub-CA.
func TestG1Issuers(t *testing.T) {
	root, err := cvc.ParseG1Root(readFile(t, "testdata/real/g1-root-DEGXX-1-1-01-09.cvc"))
	if err != nil {
		t.Fatal(err)
	}
	_, c := goodMessage(t)
	for _, try := range []struct {
		ca   *cvc.G1CA
		root bool
		good bool
	}{{root, true, true}, {c.Issuer, false, true}, {root, false, false}, {c.Issuer, true, false}} {
		got := G1Issuer(try.ca, try.root)
		if good := len(got) == 0; good != try.good || !good && got[0].Rule != "G1_CA_ROLE" {
			t.Errorf("%s as root %t: got %v, want good %t", try.ca.CHR, try.root, got, try.good)
		}
	}
}
