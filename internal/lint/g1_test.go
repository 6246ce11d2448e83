package lint

import (
	"bytes"
	"crypto/rsa"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/cvc"
)

// The story of this file: the message of a real role certificate of generation 1, one thing wrong with it at a time, and the rule that
// says so.

// g1Spoils are ways to spoil the good message of g1Role.
var g1Spoils = []struct {
	name, rule string
	do         func(m []byte, c *G1Context)
}{
	{"profile identifier of a CA", "G1_CPI", func(m []byte, _ *G1Context) { m[0] = 0x21 }},
	{"profile identifier in decimal", "G1_CPI", func(m []byte, _ *G1Context) { m[0] = 22 }},
	{"modulus of 2047 bits", "G1_MODULUS", func(m []byte, _ *G1Context) { m[1] &= 0x7F }},
	{"even modulus", "G1_MODULUS", func(m []byte, _ *G1Context) { m[256] &^= 1 }},
	{"exponent 3", "G1_EXPONENT", func(m []byte, _ *G1Context) { copy(m[257:], []byte{0, 0, 0, 3}) }},
	{"identifier of a card of generation 2", "G1_KEY_OID", func(m []byte, _ *G1Context) { copy(m[261:], unhex("2b2403050301")) }},
	{"role of an insured person", "G1_CHA", func(m []byte, _ *G1Context) { m[273] = 0 }},
	{"role that is reserved", "G1_CHA", func(m []byte, _ *G1Context) { m[273] = 6 }},
	{"authorisation of another application", "G1_CHA", func(m []byte, _ *G1Context) { m[272] ^= 1 }},
	{"key identifier of the key of generation 2", "G1_CHR", func(m []byte, _ *G1Context) { m[275] = 0x06 }},
	{"number of another card", "G1_CHR", func(m []byte, _ *G1Context) { m[285] ^= 1 }},
	{"another issuer's name", "G1_CAR", func(m []byte, _ *G1Context) { m[293] ^= 1 }},
	{"signed by a root", "G1_ISSUER_ROLE", func(m []byte, c *G1Context) { copy(c.Issuer.CAR[:], c.Issuer.CHR.Bytes()) }},
	{"key of the issuer", "G1_FOREIGN_KEY", func(m []byte, c *G1Context) { c.Issuer.PublicKey.N.FillBytes(m[1:257]) }},
	{"issuer with a key of 3072 bits", "G1_FILE_SIZE", func(_ []byte, c *G1Context) {
		c.Issuer.PublicKey = &rsa.PublicKey{N: new(big.Int).Lsh(c.Issuer.PublicKey.N, 1024), E: 65537}
	}},
}

const g1Role = "C.SMC.AUTR_CVC.R2048"

// goodMessage is the message of a real certificate: that of an HBA, whose slot has the same shape.
func goodMessage(t testing.TB) ([]byte, G1Context) {
	t.Helper()
	root, err := cvc.ParseG1Root(readFile(t, "testdata/real/g1-root-DEGXX-1-1-01-09.cvc"))
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := parseG1(t, "testdata/real/g1-subca-DEGEX-1-0-01-15.cvc").OpenCA(root)
	if err != nil {
		t.Fatal(err)
	}
	body, err := parseG1(t, "testdata/real/g1-hba-205690-autr.cvc").OpenCard(issuer)
	if err != nil {
		t.Fatal(err)
	}
	message, err := body.Message()
	if err != nil {
		t.Fatal(err)
	}
	return message, G1Context{g1Role, issuer, body.CHR.ICCSN()}
}

func parseG1(t testing.TB, file string) *cvc.G1Certificate {
	t.Helper()
	c, err := cvc.ParseG1(readFile(t, file))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

func readFile(t testing.TB, file string) []byte {
	t.Helper()
	octets, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// g1Example judges a message and describes it.
func g1Example(file string, message []byte, c G1Context) example {
	return example{file: file, ending: "tlv", octets: message, findings: G1(message, c)}
}

func messageJudgedAs(c G1Context) string {
	return fmt.Sprintf("Judged as  %s of card %s\nIssuer     %s, certified by %s, key of %d bits\n", c.Slot, c.ICCSN, c.Issuer.CHR,
		c.Issuer.CAR, c.Issuer.PublicKey.N.BitLen())
}

// messageListing lists the fields of a message, which have no tags.
func messageListing(m []byte) string {
	var b strings.Builder
	for _, f := range []struct {
		name string
		size int
	}{{"CPI", 1}, {"modulus", 256}, {"exponent", 4}, {"identifier", 6}, {"CHA", 7}, {"CHR", 12}, {"CAR", 8}} {
		fmt.Fprintf(&b, "%s\n", f.name)
		field := m[:f.size]
		for m = m[f.size:]; len(field) > 0; field = field[min(32, len(field)):] {
			fmt.Fprintf(&b, "  %X\n", field[:min(32, len(field))])
		}
	}
	return b.String()
}

// TestG1Unreadable: what has another length, or no slot, has one finding.
func TestG1Unreadable(t *testing.T) {
	good, c := goodMessage(t)
	for rule, findings := range map[string][]Finding{
		"G1_SHAPE":   G1(good[:293], c),
		"SLOT_KNOWN": G1(good, G1Context{Slot: "C.SMC.AUTR_CVC.E256", Issuer: c.Issuer, ICCSN: c.ICCSN}),
	} {
		if len(findings) != 1 || findings[0].Rule != rule || findings[0].Level != Error {
			t.Errorf("got %v, want one error %s", findings, rule)
		}
	}
	if size, ok := FileSize(g1Role); !ok || size != 341 {
		t.Errorf("file size is %d, %t, want 341", size, ok)
	}
}

// FuzzG1: what has no findings, the codec reads.
func FuzzG1(f *testing.F) {
	message, context := goodMessage(f)
	f.Add(message)
	for _, s := range g1Spoils[:12] { // those that change the message alone
		spoiled := bytes.Clone(message)
		s.do(spoiled, &context)
		f.Add(spoiled)
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		if len(G1(octets, context)) > 0 {
			return
		}
		if _, err := cvc.ParseG1Message(octets); err != nil {
			t.Errorf("no findings, but the parser says: %v", err)
		}
	})
}
