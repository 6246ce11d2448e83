package cvc

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// These tests hold the codec against the certificates that are in use: 62 of generation 2, roots and sub-CAs of the production
// and the test hierarchy and the cards below them.

func TestRealCertificatesParseAndEncodeAgain(t *testing.T) {
	v := loadVectors(t)
	count := 0
	for _, e := range v.RealG2 {
		if len(e.Hex) == 0 {
			continue // a bare key
		}
		count++
		t.Run(e.Name, func(t *testing.T) {
			c := mustParse(t, e.Hex)
			compareFields(t, c, e)
			encodeAgain(t, c)
		})
	}
	if count != 62 {
		t.Errorf("got %d certificates, want 62", count)
	}
}

// compareFields compares what Parse read with the fields that another parser wrote into the vector.
func compareFields(t *testing.T, c *Certificate, e vector) {
	t.Helper()
	oid, err := c.KeyOID()
	if err != nil {
		t.Fatal(err)
	}
	chrText := e.Decoded.CHRText
	if e.Decoded.ICCSN != "" {
		chrText = strings.ToUpper(e.Decoded.CHRKeyID) + " " + e.Decoded.ICCSN
	}
	for _, f := range []struct{ name, got, want string }{
		{"CAR", c.CAR.String(), e.Decoded.CARText},
		{"CHR", c.CHR.String(), chrText},
		{"CHR octets", hex.EncodeToString(c.CHR.Bytes()), hex.EncodeToString(e.Decoded.CHR)},
		{"key identifier", oid.String(), e.Decoded.KeyOID},
		{"key identifier octets", hex.EncodeToString(keyOIDs[oid].der), hex.EncodeToString(e.Decoded.KeyOIDHex)},
		{"curve", c.PublicKey.Curve().Name(), e.Decoded.Curve},
		{"point", hex.EncodeToString(c.PublicKey.Bytes()), hex.EncodeToString(e.Decoded.Q)},
		{"flag identifier", c.FlagOID.String(), e.Decoded.FlagOID},
		{"flags", c.Flags.String(), strings.ToUpper(e.Decoded.Flags)},
		{"CED", c.CED.String(), e.Decoded.CED},
		{"CXD", c.CXD.String(), e.Decoded.CXD},
	} {
		if f.got != f.want {
			t.Errorf("%s: got %s, want %s", f.name, f.got, f.want)
		}
	}
}

func encodeAgain(t *testing.T, c *Certificate) {
	t.Helper()
	body, err := c.Encode()
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	equalOctets(t, "body", body, c.RawBody)
	raw, err := Assemble(body, c.Signature)
	if err != nil {
		t.Fatalf("Assemble: %v", err)
	}
	equalOctets(t, "certificate", raw, c.Raw)
}

func TestRealSignaturesVerify(t *testing.T) {
	v := loadVectors(t)
	for _, e := range v.RealG2 {
		if len(e.Hex) == 0 {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			c := mustParse(t, e.Hex)
			issuer := mustPoint(t, v.named(t, e.VerifiesWith).Decoded.Q)
			if err := c.CheckSignature(issuer); err != nil {
				t.Errorf("with the key of %s: %v", e.VerifiesWith, err)
			}
			c.RawBody = c.RawBody[4:] // the value alone is not what is signed
			if err := c.CheckSignature(issuer); !errors.Is(err, ErrSignature) {
				t.Errorf("over the value of 7F4E: got %v, want %v", err, ErrSignature)
			}
		})
	}
}

// traps are the real certificates whose signature is good and which still must not be issued so.
var traps = map[string]error{
	"subca-DEGXX-1-4-02-20":                   ErrIssuerRole,     // a sub-CA certified by another sub-CA
	"ee-eGK-80276883110000163961-0009":        ErrOutlivesIssuer, // ends almost a year after its sub-CA
	"ee-HBA-80276883110000168613-0006-role":   ErrExceedsIssuer,  // rights below a sub-CA without any
	"ee-HBA-80276883110000168613-0009-device": ErrExceedsIssuer,
}

// realPool holds everything that is known about the real hierarchy: roots as anchors, the bare key of a card image as one more
// of the same name as a genuine root, sub-CAs and link certificates.
func realPool(t *testing.T) *Pool {
	t.Helper()
	v := loadVectors(t)
	p := NewPool()
	for _, e := range v.RealG2 {
		switch kind, _, _ := strings.Cut(e.Name, "-"); kind {
		case "key":
			a := bareAnchor(t, e)
			p.anchors[a.Reference] = append(p.anchors[a.Reference], a)
		case "root":
			a, err := mustParse(t, e.Hex).Anchor()
			if err != nil {
				t.Fatal(err)
			}
			p.anchors[a.Reference] = append(p.anchors[a.Reference], a)
		case "subca", "link":
			if err := p.AddIssuer(mustParse(t, e.Hex)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return p
}

func bareAnchor(t *testing.T, e vector) *Anchor {
	t.Helper()
	return &Anchor{
		Reference: mustReference(t, e.Decoded.KeyID),
		PublicKey: mustPoint(t, e.Decoded.Q),
		FlagOID:   FlagsTI,
		Flags:     mustFlags(t, "FFFFFFFFFFFFFF"),
	}
}

func TestRealChains(t *testing.T) {
	v, pool := loadVectors(t), realPool(t)
	for _, e := range v.RealG2 {
		if len(e.Hex) == 0 {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			chain, err := pool.Verify(mustParse(t, e.Hex))
			if want := traps[e.Name]; !errors.Is(err, want) {
				t.Fatalf("got %v, want %v", err, want)
			}
			if err == nil && chain[len(chain)-1].Role() == RoleCard {
				t.Errorf("chain of %d certificates ends with a card", len(chain))
			}
		})
	}
}

func TestNamesakesAreToldApart(t *testing.T) {
	v := loadVectors(t)
	root, err := v.parse(t, "root-DEGXX-8-5-02-18").Anchor()
	if err != nil {
		t.Fatal(err)
	}
	imposed := bareAnchor(t, v.named(t, "key-root-DEGXX-8-5-02-18-simulated"))
	genuineCA, simulatedCA := v.parse(t, "subca-DEGXX-1-0-02-18"), v.parse(t, "subca-DEGXX-1-0-02-18-from-HBA")
	genuine, simulated := v.parse(t, "ee-SMC-B-80276883110000117743-0006-role"), v.parse(t, "ee-HBA-80276883110000205690-0006")

	for _, test := range []struct {
		name     string
		anchors  []*Anchor
		cert     *Certificate
		issuer   *Certificate // the one that the chain must hold
		wantFail error
	}{
		{"both roots known, genuine card", []*Anchor{root, imposed}, genuine, genuineCA, nil},
		{"both roots known, simulated card", []*Anchor{root, imposed}, simulated, simulatedCA, nil},
		{"the other order, genuine card", []*Anchor{imposed, root}, genuine, genuineCA, nil},
		{"only the genuine root, genuine card", []*Anchor{root}, genuine, genuineCA, nil},
		{"only the genuine root, simulated card", []*Anchor{root}, simulated, nil, ErrSignature},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := NewPool(test.anchors...)
			for _, c := range []*Certificate{simulatedCA, genuineCA} {
				if err := p.AddIssuer(c); err != nil {
					t.Fatal(err)
				}
			}
			chain, err := p.Verify(test.cert)
			if !errors.Is(err, test.wantFail) {
				t.Fatalf("got %v, want %v", err, test.wantFail)
			}
			if err == nil && (len(chain) != 2 || chain[1] != test.issuer) {
				t.Errorf("chain goes over the namesake: %d certificates", len(chain))
			}
		})
	}
}

func TestLinkCertificatesConnectRoots(t *testing.T) {
	v := loadVectors(t)
	card, subCA := v.parse(t, "ee-SMC-B-80276883110000016093-0006-role"), v.parse(t, "subca-DETXX-1-5-02-14")
	newRoot := v.parse(t, "root-DEGXX-8-3-02-14")
	link := v.parse(t, "link-DEGXX-8-3-02-14-signs-8-2-02-14")
	back := v.parse(t, "link-DEGXX-8-2-02-14-signs-8-3-02-14")

	if _, err := VerifyChain(card, subCA, newRoot); !errors.Is(err, ErrUnknownIssuer) {
		t.Errorf("without the link: got %v, want %v", err, ErrUnknownIssuer)
	}
	chain, err := VerifyChain(card, subCA, back, link, newRoot)
	if err != nil {
		t.Fatalf("over the link: %v", err)
	}
	if len(chain) != 3 || chain[0] != card || chain[1] != subCA || chain[2] != link {
		t.Errorf("got a chain of %d certificates, want card, sub-CA and link", len(chain))
	}
	if _, err := VerifyChain(card, subCA, back, link); !errors.Is(err, ErrUnknownIssuer) {
		t.Errorf("two links that only vouch for each other: got %v, want %v", err, ErrUnknownIssuer)
	}
}

// A link certificate may outlive the root that signed it (gemSpec_COS, (N095.900) b.11.i); a sub-CA may not.
func TestLinkMayOutliveItsIssuer(t *testing.T) {
	v := loadVectors(t)
	link, old := v.parse(t, "link-DEGXX-8-2-02-14-signs-8-3-02-14"), v.parse(t, "root-DEGXX-8-2-02-14")
	if !link.IsLink() || old.IsLink() || !link.CXD.After(old.CXD) {
		t.Fatalf("want a link certificate to %s and a root to %s", link.CXD, old.CXD)
	}
	if err := link.CheckIssuedBy(old); err != nil {
		t.Error(err)
	}
}

// The fingerprints of the newest roots, as their operator publishes them.
func TestRootFingerprints(t *testing.T) {
	v := loadVectors(t)
	for name, want := range map[string]string{
		"root-DEZGW-8-7-02-26": "364d3a85fad1dbca9c4d8e1a2b9d07c61e4343abafe79dae38563887cf604a98",
		"root-DEGXX-8-9-02-25": "417d4bbfcf58a33ecce65fb513d7a2c0735106baa0e91a269865edd275db40f0",
	} {
		if got := sha256.Sum256(v.parse(t, name).Raw); hex.EncodeToString(got[:]) != want {
			t.Errorf("%s: got %x, want %s", name, got, want)
		}
	}
}
