package cvc

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"math/big"
	"strings"
	"testing"
)

// The story of this file: roots of generation 1, which are bare keys, and chains that are opened from them.

// realRoot is the key of a real root with its reference, as a card image holds them.
func realRoot(t testing.TB, v *vectors, card string) *G1CA {
	t.Helper()
	e := v.named(t, "g1-root-4445475858110109-in-"+card)
	root, err := NewG1Root(mustReference(t, e.Decoded.KeyID), &rsa.PublicKey{N: new(big.Int).SetBytes(e.Decoded.N), E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func parseG1Vector(t testing.TB, v *vectors, name string) *G1Certificate {
	t.Helper()
	c, err := ParseG1(v.named(t, name).Hex)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

// A root's object has the size that the comment says and is read back as it was written.
func TestG1RootObject(t *testing.T) {
	root := realRoot(t, loadVectors(t), "80276883110000205690")
	if got, want := len(root.Raw), 296; got != want {
		t.Errorf("object has %d octets, want %d", got, want)
	}
	again, err := ParseG1Root(root.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if !again.PublicKey.Equal(root.PublicKey) || again.CHR != root.CHR || again.CAR != root.CAR || !again.IsRoot() {
		t.Errorf("read back %s %s, want %s %s", again.CHR, again.CAR, root.CHR, root.CAR)
	}
	var text strings.Builder
	if err := Annotate(&text, root.Raw); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"= DEGXX 1-1-01-09", "sigS_ISO9796-2Withrsa_sha256", "modulus, 256 octets", "exponent, 4 octets"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("listing lacks %q:\n%s", want, text.String())
		}
	}
}

// Each change makes the object something else than a root's key.
func TestG1RootRefused(t *testing.T) {
	good := realRoot(t, loadVectors(t), "80276883110000205690").Raw
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
		want   error
	}{
		{"an octet too many", func(b []byte) []byte { return append(b, 0) }, ErrSyntax},
		{"cut short", func(b []byte) []byte { return b[:len(b)-1] }, ErrSyntax},
		{"reference without letters", func(b []byte) []byte { b[8] = '1'; return b }, ErrReference},
		{"another identifier", func(b []byte) []byte { b[29]++; return b }, ErrKeyOID},
		{"modulus of 2047 bits", func(b []byte) []byte { b[34] &= 0x7F; return b }, ErrG1Key},
		{"even modulus", func(b []byte) []byte { b[289] &^= 1; return b }, ErrG1Key},
		{"exponent 65536", func(b []byte) []byte { b[295] = 0; return b }, ErrG1Key},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := ParseG1Root(c.change(bytes.Clone(good))); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := NewG1Root(Reference{}, &rsa.PublicKey{N: big.NewInt(15), E: 3}); !errors.Is(err, ErrG1Key) {
		t.Errorf("small key: got %v, want %v", err, ErrG1Key)
	}
}

// The real chains verify from their root, each level by the level above only. Both images hold sub-CAs of one name with different
// keys, so that the pool has to try them.
func TestG1PoolRealChains(t *testing.T) {
	v := loadVectors(t)
	cards := []string{"80276883110000017289", "80276883110000205690"}
	pool := NewG1Pool(realRoot(t, v, cards[0]), realRoot(t, v, cards[1]))
	for _, card := range cards {
		if err := pool.AddIssuer(parseG1Vector(t, v, "g1-ca-4445474558100115-in-"+card)); err != nil {
			t.Fatal(err)
		}
	}
	for _, card := range cards {
		ee := parseG1Vector(t, v, "g1-ee-HBA-"+card)
		body, above, err := pool.Verify(ee)
		if err != nil {
			t.Fatalf("%s: %v", card, err)
		}
		if got, want := body.CHR.ICCSN(), card; got != want {
			t.Errorf("ICCSN is %s, want %s", got, want)
		}
		if len(above) != 2 || above[0].CHR.String() != "DEGEX 1-0-01-15" || above[1].CHR.String() != "DEGXX 1-1-01-09" {
			t.Errorf("above it are %d keys, want the sub-CA and the root", len(above))
		}
		_, above, err = pool.Verify(parseG1Vector(t, v, "g1-ca-4445474558100115-in-"+card))
		if err != nil || len(above) != 1 {
			t.Errorf("sub-CA: %d keys above it, %v; want 1", len(above), err)
		}
	}
}

// What a pool does not know, or what is not its place, is refused by name.
func TestG1PoolRefuses(t *testing.T) {
	v := loadVectors(t)
	const card = "80276883110000205690"
	root, sub, ee := realRoot(t, v, card), parseG1Vector(t, v, "g1-ca-4445474558100115-in-"+card), parseG1Vector(t, v, "g1-ee-HBA-"+card)
	changed := *ee
	changed.Signature = bytes.Clone(ee.Signature)
	changed.Signature[200] ^= 1
	imposter := *root
	imposter.PublicKey, _ = v.rsaKey(t, "g1-ca")
	for _, c := range []struct {
		name  string
		roots []*G1CA
		subs  []*G1Certificate
		leaf  *G1Certificate
		want  error
	}{
		{"no sub-CA", []*G1CA{root}, nil, ee, ErrUnknownIssuer},
		{"no root", nil, []*G1Certificate{sub}, ee, ErrUnknownIssuer},
		{"another root of the same name", []*G1CA{&imposter}, []*G1Certificate{sub}, ee, ErrSignature},
		{"changed signature", []*G1CA{root}, []*G1Certificate{sub}, &changed, ErrSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool := NewG1Pool(c.roots...)
			for _, s := range c.subs {
				if err := pool.AddIssuer(s); err != nil {
					t.Fatal(err)
				}
			}
			if _, _, err := pool.Verify(c.leaf); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	opened, err := sub.OpenCA(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"card as issuer":             NewG1Pool().AddIssuer(ee),
		"root opens a card":          second(ee.OpenCard(root)),
		"sub-CA opens a sub-CA":      second(sub.OpenCA(opened)),
		"sub-CA's key as trusted":    third(NewG1Pool(opened).Verify(sub)),
		"card's certificate as CA":   second(ee.OpenCA(root)),
		"CA's certificate as card's": second(sub.OpenCard(opened)),
	} {
		if !errors.Is(err, ErrIssuerRole) && !errors.Is(err, ErrUnknownIssuer) {
			t.Errorf("%s: got %v, want %v", name, err, ErrIssuerRole)
		}
	}
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

// FuzzParseG1Root: whatever ParseG1Root accepts, NewG1Root makes again.
func FuzzParseG1Root(f *testing.F) {
	v := loadVectors(f)
	f.Add(realRoot(f, v, "80276883110000205690").Raw)
	f.Add([]byte(v.named(f, "syn-root-p256").Hex))
	f.Fuzz(func(t *testing.T, raw []byte) {
		root, err := ParseG1Root(raw)
		if err != nil {
			return
		}
		again, err := NewG1Root(root.CAR, root.PublicKey)
		if err != nil || !bytes.Equal(again.Raw, raw) {
			t.Fatalf("NewG1Root: %v\n got %X\nwant %X", err, again.Raw, raw)
		}
	})
}
