package hsm

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/hsm/quirks"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// TestSchemeFitsKey refuses what the key cannot sign before the token is asked.
func TestSchemeFitsKey(t *testing.T) {
	r2048 := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}
	p256 := &ecdsa.PublicKey{Curve: elliptic.P256()}
	below := append([]byte{0x6A}, make([]byte, 255)...)
	above := append([]byte{0x80}, make([]byte, 255)...)
	for _, c := range []struct {
		name    string
		key     any
		scheme  sigalg.Scheme
		message []byte
		octets  int // of what the token is given; 0: refused
	}{
		{"RSA PKCS#1", r2048, sigalg.RSAPKCS1SHA256, nil, 19 + 32},
		{"RSA PSS", r2048, sigalg.RSAPSSSHA256, nil, 32},
		{"RSA block", r2048, sigalg.ISO9796SHA256, below, 256},
		{"RSA block not below the modulus", r2048, sigalg.ISO9796SHA256, above, 0},
		{"RSA block of another length", r2048, sigalg.ISO9796SHA256, below[:255], 0},
		{"RSA with ECDSA", r2048, sigalg.ECDSASHA256, nil, 0},
		{"P-256", p256, sigalg.ECDSASHA256, nil, 32},
		{"P-256 with a longer hash", p256, sigalg.ECDSASHA512, nil, 32},
		{"P-256 with RSA", p256, sigalg.RSAPKCS1SHA256, nil, 0},
		{"Ed25519", ed25519.PublicKey{}, sigalg.PureEd25519, []byte("log"), 3},
		{"Ed25519 without a message", ed25519.PublicKey{}, sigalg.PureEd25519, nil, 0},
		{"Ed25519 with ECDSA", ed25519.PublicKey{}, sigalg.ECDSASHA256, []byte("log"), 0},
		{"no scheme", p256, 0, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, data, err := operation(c.key, c.scheme, c.message)
			if refused := c.octets == 0; (err != nil) != refused || !refused && len(data) != c.octets {
				t.Errorf("got %d octets, %v, want %d (0: refused)", len(data), err, c.octets)
			}
		})
	}
}

// TestPlain brings DER signatures into the form r||s.
func TestPlain(t *testing.T) {
	for _, c := range []struct{ name, der, want string }{
		{"short numbers are padded", "3006020101020102", "00000001" + "00000002"},
		{"leading zero is taken off", "300c020500ffffffff0203010203", "ffffffff" + "00010203"},
		{"r is too long", "300b0206010000000000020101", ""},
		{"r is zero", "3006020100020102", ""},
		{"s is negative", "3006020101020182", ""},
		{"something follows", "300602010102010200", ""},
		{"something follows inside", "3009020101020102020103", ""},
		{"s is missing", "3003020101", ""},
		{"number is not minimal", "300702020001020102", ""},
		{"not DER", "0000000100000002", ""},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			der, err := hex.DecodeString(c.der)
			if err != nil {
				t.Fatal(err)
			}
			got, err := plain(der, 4)
			if hex.EncodeToString(got) != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %x, %v, want %q", got, err, c.want)
			}
		})
	}
}

// FuzzPlain: whatever is accepted has the right length and comes out the same when it is encoded again.
func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"3006020101020102", "300c020500ffffffff0203010203", "30060201010201", "3080"} {
		der, _ := hex.DecodeString(seed)
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		got, err := plain(der, 32)
		if err != nil {
			return
		}
		if len(got) != 64 {
			t.Fatalf("got %d octets, want 64", len(got))
		}
		if again, err := plain(encode(got), 32); err != nil || !bytes.Equal(again, got) {
			t.Errorf("got %x, %v, want %x", again, err, got)
		}
	})
}

// encode writes r||s as DER; the numbers of the fuzzer are short enough for one octet of length.
func encode(rs []byte) []byte {
	number := func(b []byte) []byte {
		b = bytes.TrimLeft(b, "\x00")
		if b[0] >= 0x80 {
			b = append([]byte{0}, b...)
		}
		return append([]byte{2, byte(len(b))}, b...)
	}
	content := append(number(rs[:len(rs)/2]), number(rs[len(rs)/2:])...)
	return append([]byte{0x30, byte(len(content))}, content...)
}

// TestTokenAnswersNonsense: a signature of another length is an error, not a signature.
func TestTokenAnswersNonsense(t *testing.T) {
	k := &Key{token: &Token{family: &quirks.Family{}}, public: &ecdsa.PublicKey{Curve: elliptic.P256()}}
	if _, err := k.signature(make([]byte, 63)); err == nil || !strings.Contains(err.Error(), "63 octets, want 64") {
		t.Errorf("got %v, want an error about the length", err)
	}
	k.token.family.Facts = []quirks.Fact{{Quirk: quirks.DERSignatures}}
	if got, err := k.signature([]byte{0x30, 6, 2, 1, 1, 2, 1, 2}); err != nil || len(got) != 64 || got[31] != 1 || got[63] != 2 {
		t.Errorf("DER quirk: got %x, %v, want r = 1, s = 2", got, err)
	}
}
