package p11

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"testing"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// g256 is the base point of brainpoolP256r1 (RFC 5639, Section 3.4).
const g256 = "048bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997"

// TestECKey reads CKA_EC_POINT in both forms that tokens give.
func TestECKey(t *testing.T) {
	brain, _ := hex.DecodeString(g256)
	nist, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	nistPoint, err := nist.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, _ := ed25519.GenerateKey(nil)
	wrapped := func(b []byte) []byte { return append([]byte{4, byte(len(b))}, b...) }
	off := bytes.Clone(brain)
	off[64] ^= 1
	for _, c := range []struct {
		name   string
		params []byte
		point  []byte
		want   sigalg.KeyType // 0: refused
	}{
		{"brainpool, wrapped", ecParams[sigalg.E256], wrapped(brain), sigalg.E256},
		{"brainpool, bare", ecParams[sigalg.E256], brain, sigalg.E256},
		{"P-256, wrapped", ecParams[sigalg.P256], wrapped(nistPoint), sigalg.P256},
		{"P-256, bare", ecParams[sigalg.P256], nistPoint, sigalg.P256},
		{"Ed25519, wrapped", ecParams[sigalg.Ed25519], wrapped(edwards), sigalg.Ed25519},
		{"Ed25519, bare, curve by name", edwards25519, edwards, sigalg.Ed25519},
		{"point off the curve", ecParams[sigalg.E256], wrapped(off), 0},
		{"point of another curve", ecParams[sigalg.E256], wrapped(nistPoint), 0},
		{"point too short", ecParams[sigalg.E384], wrapped(brain), 0},
		{"point too long", ecParams[sigalg.E256], append(wrapped(brain), 0), 0},
		{"no point", ecParams[sigalg.E256], nil, 0},
		{"unknown curve", []byte{6, 1, 1}, wrapped(brain), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, err := ecKey(c.params, c.point)
			if c.want == 0 {
				if err == nil {
					t.Errorf("got %v, want an error", key)
				}
				return
			}
			if got, err2 := sigalg.TypeOf(key); err != nil || got != c.want {
				t.Errorf("got %v, %v, %v, want %v", got, err, err2, c.want)
			}
			if k, ok := key.(*brainpool.PublicKey); ok && !bytes.Equal(k.Bytes(), brain) {
				t.Errorf("point: got %x, want %x", k.Bytes(), brain)
			}
		})
	}
}

// TestRSAKey refuses moduli and exponents that no issuer has.
func TestRSAKey(t *testing.T) {
	n2048 := append([]byte{0xC0}, make([]byte, 255)...)
	n2048[255] = 1
	for _, c := range []struct {
		name string
		n, e []byte
		ok   bool
	}{
		{"good", n2048, []byte{1, 0, 1}, true},
		{"leading zero", append([]byte{0}, n2048...), []byte{0, 1, 0, 1}, true},
		{"1024 bits", n2048[:128], []byte{1, 0, 1}, false},
		{"even exponent", n2048, []byte{1, 0, 0}, false},
		{"exponent too long", n2048, []byte{1, 0, 0, 0, 1}, false},
		{"no exponent", n2048, nil, false},
		{"nothing", nil, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if key, err := rsaKey(c.n, c.e); (err == nil) != c.ok {
				t.Errorf("got %v, %v, want ok %t", key, err, c.ok)
			}
		})
	}
}

// FuzzECKey: whatever a token gives for a point, it is refused or it is a key of the curve.
func FuzzECKey(f *testing.F) {
	brain, _ := hex.DecodeString(g256)
	f.Add(ecParams[sigalg.E256], append([]byte{4, 65}, brain...))
	f.Add(ecParams[sigalg.E256], brain)
	f.Add(ecParams[sigalg.P256], brain)
	f.Add(ecParams[sigalg.E512], append([]byte{4, 0x81, 129}, make([]byte, 129)...))
	f.Add(edwards25519, make([]byte, 34))
	f.Fuzz(func(t *testing.T, params, point []byte) {
		key, err := ecKey(params, point)
		if err != nil {
			return
		}
		kind, err := sigalg.TypeOf(key)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := curveOf(params); err != nil || want != kind {
			t.Errorf("got a key of type %v, want %v (%v)", kind, want, err)
		}
	})
}
