package cvc

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"math/big"
	"strings"
	"testing"
)

// Two complete chains of generation 1 from real card images. One opens odd and then even, the other even and then odd.
func TestG1RealChains(t *testing.T) {
	v := loadVectors(t)
	for _, card := range []string{"80276883110000017289", "80276883110000205690"} {
		t.Run(card, func(t *testing.T) {
			root := v.named(t, "g1-root-4445475858110109-in-"+card)
			rootKey := &rsa.PublicKey{N: new(big.Int).SetBytes(root.Decoded.N), E: 65537}
			rootBody := &G1Body{PublicKey: rootKey, CHR: mustReference(t, root.Decoded.KeyID).CHR()}

			ca := openVector(t, v.named(t, "g1-ca-4445474558100115-in-"+card), rootBody)
			openVector(t, v.named(t, "g1-ee-HBA-"+card), ca)
		})
	}
}

// openVector parses, opens and compares a certificate with the fields that another program found in it.
func openVector(t *testing.T, e vector, issuer *G1Body) *G1Body {
	t.Helper()
	c, err := ParseG1(e.Hex)
	if err != nil {
		t.Fatalf("%s: %v", e.Name, err)
	}
	b, err := c.OpenFrom(issuer)
	if err != nil {
		t.Fatalf("%s: %v", e.Name, err)
	}
	block, err := openG1Block(c.Signature, issuer.PublicKey)
	if err != nil {
		t.Fatalf("%s: %v", e.Name, err)
	}
	message, err := b.Message()
	if err != nil {
		t.Fatalf("%s: %v", e.Name, err)
	}
	equalOctets(t, "block F", block, e.Decoded.F)
	equalOctets(t, "message M", message, e.Decoded.Message)
	equalOctets(t, "modulus", b.PublicKey.N.Bytes(), e.Decoded.N)
	equalOctets(t, "CHR", b.CHR.Bytes(), e.Decoded.CHR)
	equalOctets(t, "CAR", b.CAR[:], e.Decoded.CAR)
	if b.CHR.IsCard() {
		equalOctets(t, "CHA", b.CHA[:], e.Decoded.CHA)
	}
	if c.CHA != b.CHA || c.CHR != b.CHR || c.CAR != b.CAR {
		t.Errorf("%s: in the clear %s, %s, %s; inside %s, %s, %s", e.Name, c.CHA, c.CHR, c.CAR, b.CHA, b.CHR, b.CAR)
	}
	return b
}

// The scheme has no randomness: from the same key come the same octets. The private operation is the token's in life; here the
// test does it.
func TestG1SyntheticBitForBit(t *testing.T) {
	v := loadVectors(t)
	branches := map[string]int{}
	for _, e := range v.Synthetic {
		if !isG1Name(e.Name) {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			issuer, d := v.rsaKey(t, e.SignerKey)
			b := syntheticG1(t, e)
			message, err := b.Message()
			if err != nil {
				t.Fatal(err)
			}
			equalOctets(t, "message", message, e.Decoded.Message)
			block, err := EncodeG1Block(message)
			if err != nil {
				t.Fatal(err)
			}
			equalOctets(t, "block", block, e.Decoded.F)
			a := new(big.Int).Exp(new(big.Int).SetBytes(block), d, issuer.N).FillBytes(make([]byte, 256))
			equalOctets(t, "RSA result", a, e.Decoded.A)
			raw, err := AssembleG1(message, a, issuer)
			if err != nil {
				t.Fatal(err)
			}
			equalOctets(t, "certificate", raw, e.Hex)
			branches[e.Decoded.MinChoice]++
			openVector(t, e, &G1Body{PublicKey: issuer, CHR: b.CAR.CHR()})
		})
	}
	if branches["a"] == 0 || branches["n-a"] == 0 {
		t.Errorf("minimum rule: got branches %v, want both", branches)
	}
}

// syntheticG1 makes the body from the fields of a vector.
func syntheticG1(t *testing.T, e vector) *G1Body {
	t.Helper()
	b := &G1Body{
		PublicKey: &rsa.PublicKey{N: new(big.Int).SetBytes(e.Decoded.N), E: 65537},
		CAR:       Reference(e.Decoded.CAR),
	}
	var err error
	if e.Decoded.ICCSN == "" {
		b.CHR, err = ParseCHR(e.Decoded.CHR)
	} else {
		b.CHR, err = CardCHR(0x0010, e.Decoded.ICCSN)
		b.CHA = NewCHA(e.Decoded.CHA[6])
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A certificate whose issuer's key is not at hand can still be read.
func TestG1WithoutIssuer(t *testing.T) {
	e := loadVectors(t).named(t, "g1-ca-procilon-DEDXX")
	c, err := ParseG1(e.Hex)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.CHR.String()+" from "+c.CAR.String(), e.Decoded.CHRText+" from "+e.Decoded.CARText; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestG1OpenRefuses(t *testing.T) {
	v := loadVectors(t)
	e := v.named(t, "syn-g1-ee-role-02")
	ca, _ := v.rsaKey(t, "g1-ca")
	root, _ := v.rsaKey(t, "g1-root")

	for _, test := range []struct {
		name   string
		change func(raw []byte)
		issuer *rsa.PublicKey
		want   error
	}{
		{"nothing wrong", func([]byte) {}, ca, nil},
		{"another issuer", func([]byte) {}, root, ErrSignature},
		{"signature changed", func(raw []byte) { raw[265] ^= 1 }, ca, ErrSignature},
		{"first bit of the signature is one", func(raw []byte) { raw[10] |= 0x80 }, ca, ErrSignature},
		{"signature is zero", func(raw []byte) { clear(raw[10:266]) }, ca, ErrSignature},
		{"modulus changed", func(raw []byte) { raw[270] ^= 1 }, ca, ErrSignature},
		{"holder changed", func(raw []byte) { raw[332] ^= 1 }, ca, ErrSignature},
		{"role changed", func(raw []byte) { raw[320] ^= 1 }, ca, ErrSignature},
		{"issuer's key too short", func([]byte) {}, &rsa.PublicKey{N: new(big.Int).Rsh(ca.N, 8), E: 65537}, ErrG1Key},
		{"issuer's exponent is 3", func([]byte) {}, &rsa.PublicKey{N: ca.N, E: 3}, ErrG1Key},
	} {
		t.Run(test.name, func(t *testing.T) {
			raw := bytes.Clone(e.Hex)
			test.change(raw)
			c, err := ParseG1(raw)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Open(test.issuer); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// A signature for which the minimum rule was forgotten is refused where a card refuses it: its first bit is one.
func TestG1MinimumRule(t *testing.T) {
	v := loadVectors(t)
	refused := 0
	for _, e := range v.Synthetic {
		if !isG1Name(e.Name) || e.Decoded.A[0]&0x80 == 0 {
			continue
		}
		refused++
		issuer, _ := v.rsaKey(t, e.SignerKey)
		raw := bytes.Clone(e.Hex)
		copy(raw[10:], e.Decoded.A)
		c, err := ParseG1(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Open(issuer); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: got %v, want %v", e.Name, err, ErrSignature)
		}
	}
	if refused == 0 {
		t.Error("no vector has a result with a first bit of one")
	}
}

func TestG1IssuerMismatch(t *testing.T) {
	v := loadVectors(t)
	c, err := ParseG1(v.named(t, "syn-g1-ee-role-02").Hex)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := v.rsaKey(t, "g1-ca")
	for _, test := range []struct {
		name string
		chr  CHR
		want error
	}{
		{"the right one", c.CAR.CHR(), nil},
		{"another CA", mustReference(t, "XXTST 1-3-01-24").CHR(), ErrIssuerReference},
		{"a card", c.CHR, ErrIssuerRole},
		{"nobody", CHR{}, ErrIssuerRole},
	} {
		if _, err := c.OpenFrom(&G1Body{PublicKey: key, CHR: test.chr}); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
}

func TestG1ParseRefuses(t *testing.T) {
	v := loadVectors(t)
	ca, card := v.named(t, "syn-g1-ca").Hex, v.named(t, "syn-g1-ee-role-02").Hex
	for _, raw := range []hexBytes{ca, card} {
		for n := range raw {
			if _, err := ParseG1(raw[:n]); !errors.Is(err, ErrSyntax) {
				t.Errorf("cut to %d of %d octets: got %v, want %v", n, len(raw), err, ErrSyntax)
			}
		}
	}
	for _, test := range []struct {
		name   string
		change func(raw []byte) []byte
		want   error
	}{
		{"octet behind it", func(raw []byte) []byte { return append(raw, 0) }, ErrSyntax},
		{"OID of a CA", func(raw []byte) []byte { raw[310]++; return raw }, ErrKeyOID},
		{"CHA of another application", func(raw []byte) []byte { raw[314]++; return raw }, ErrKind},
		{"serial number with a hex digit", func(raw []byte) []byte { raw[332] = 0xA0; return raw }, ErrReference},
		{"CAR without letters", func(raw []byte) []byte { raw[333] = '1'; return raw }, ErrReference},
		{"generation 2", func([]byte) []byte { return bytes.Clone(v.named(t, "syn-root-p256").Hex) }, ErrSyntax},
		{"with a CAR of its own", func(raw []byte) []byte {
			return tlv(tagCertificate, raw[5:], tlv(tagCAR, raw[333:]))
		}, ErrSyntax},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := ParseG1(test.change(bytes.Clone(card))); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestG1MessageRefuses(t *testing.T) {
	v := loadVectors(t)
	good := syntheticG1(t, v.named(t, "syn-g1-ee-role-02"))
	n := good.PublicKey.N
	for _, test := range []struct {
		name  string
		wrong func(*G1Body)
		want  error
	}{
		{"no key", func(b *G1Body) { b.PublicKey = nil }, ErrG1Key},
		{"modulus of 2047 bits", func(b *G1Body) { b.PublicKey = &rsa.PublicKey{N: new(big.Int).Rsh(n, 1), E: 65537} }, ErrG1Key},
		{"even modulus", func(b *G1Body) { b.PublicKey = &rsa.PublicKey{N: new(big.Int).Sub(n, big.NewInt(1)), E: 65537} }, ErrG1Key},
		{"exponent 3", func(b *G1Body) { b.PublicKey = &rsa.PublicKey{N: n, E: 3} }, ErrG1Key},
		{"even exponent", func(b *G1Body) { b.PublicKey = &rsa.PublicKey{N: n, E: 65538} }, ErrG1Key},
		{"exponent of 33 bits", func(b *G1Body) { b.PublicKey = &rsa.PublicKey{N: n, E: 1<<32 + 1} }, ErrG1Key},
		{"no CAR", func(b *G1Body) { b.CAR = Reference{} }, ErrReference},
		{"no CHR", func(b *G1Body) { b.CHR = CHR{} }, ErrReference},
		{"card without CHA", func(b *G1Body) { b.CHA = CHA{} }, ErrKind},
		{"CA with CHA", func(b *G1Body) { b.CHR = b.CAR.CHR() }, ErrKind},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := *good
			test.wrong(&b)
			if m, err := b.Message(); !errors.Is(err, test.want) {
				t.Errorf("got %X, %v, want %v", m, err, test.want)
			}
		})
	}
}

// What stands inside a signature that verifies must still be a message.
func TestG1MessageReadRefuses(t *testing.T) {
	v := loadVectors(t)
	card, ca := v.named(t, "syn-g1-ee-role-02").Decoded.Message, v.named(t, "syn-g1-ca").Decoded.Message
	for _, test := range []struct {
		name    string
		message []byte
		change  func(m []byte) []byte
		want    error
	}{
		{"card that says CA", card, func(m []byte) []byte { m[0] = g1CPICA; return m }, ErrKind},
		{"CA that says card", ca, func(m []byte) []byte { m[0] = g1CPICard; return m }, ErrKind},
		{"profile identifier in decimal", card, func(m []byte) []byte { m[0] = 22; return m }, ErrKind},
		{"modulus with a first bit of zero", card, func(m []byte) []byte { m[1] &= 0x7F; return m }, ErrG1Key},
		{"exponent 3", card, func(m []byte) []byte { copy(m[257:], []byte{0, 0, 0, 3}); return m }, ErrG1Key},
		{"nothing", card, func(m []byte) []byte { return nil }, ErrSyntax},
		{"cut short", card, func(m []byte) []byte { return m[:293] }, ErrSyntax},
	} {
		if b, err := ParseG1Message(test.change(bytes.Clone(test.message))); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, %v, want %v", test.name, b, err, test.want)
		}
	}
}

func TestG1AssembleRefuses(t *testing.T) {
	v := loadVectors(t)
	issuer, _ := v.rsaKey(t, "g1-ca")
	message := []byte(v.named(t, "syn-g1-ee-role-02").Decoded.Message)
	a := make([]byte, 256)
	tooLarge := issuer.N.FillBytes(make([]byte, 256))
	for _, test := range []struct {
		name       string
		message, a []byte
		issuer     *rsa.PublicKey
		want       error
	}{
		{"short message", message[1:], a, issuer, ErrSyntax},
		{"short result", message, a[1:], issuer, ErrSyntax},
		{"result not below the modulus", message, tooLarge, issuer, ErrSyntax},
		{"no issuer", message, a, nil, ErrG1Key},
	} {
		if raw, err := AssembleG1(test.message, test.a, test.issuer); !errors.Is(err, test.want) {
			t.Errorf("%s: got %X, %v, want %v", test.name, raw, err, test.want)
		}
	}
	if f, err := EncodeG1Block(message[1:]); !errors.Is(err, ErrSyntax) {
		t.Errorf("block of a short message: got %X, %v, want %v", f, err, ErrSyntax)
	}
}

func TestCHA(t *testing.T) {
	a := NewCHA(2)
	if a.String() != "D2760000400002" || a.Role() != 2 || !strings.Contains(a.Holder(), "physician") {
		t.Errorf("got %s, role %d, %q", a, a.Role(), a.Holder())
	}
	if h := NewCHA(6).Holder(); h != "" {
		t.Errorf("role 06 is reserved, got %q", h)
	}
}
