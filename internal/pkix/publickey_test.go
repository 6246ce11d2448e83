package pkix

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/brainpool"
)

// The generators of the curves are public points that everybody can look up (RFC 5639, Section 3; FIPS 186-4, D.1.2.3).
const (
	pointP256r1 = "04" + "8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262" + "547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997"
	pointP384r1 = "04" + "1d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e" +
		"8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315"
	pointP512r1 = "04" + "81aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098eff3b1f78e2d0d48d50d1687b93b97d5f7c6d5047406a5e688b352209bcb9f822" +
		"7dde385d566332ecc0eabfa9cf7822fdf209f70024a57b1aa000c55b881f8111b2dcde494a5f485e5bca4bd88a2763aed1ca2b2fa8f0540678cd1e0f3ad80892"
	pointP256 = "04" + "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" + "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)

// spkiHeaders are the octets before the point.
var ecKeys = []struct{ name, header, point string }{
	{"brainpoolP256r1", "305a301406072a8648ce3d020106092b2403030208010107034200", pointP256r1},
	{"brainpoolP384r1", "307a301406072a8648ce3d020106092b240303020801010b036200", pointP384r1},
	{"brainpoolP512r1", "30819b301406072a8648ce3d020106092b240303020801010d03818200", pointP512r1},
	{"P-256", "3059301306072a8648ce3d020106082a8648ce3d030107034200", pointP256},
}

func TestECKeys(t *testing.T) {
	for _, tt := range ecKeys {
		t.Run(tt.name, func(t *testing.T) {
			spki := unhex(t, tt.header+tt.point)
			pub, err := ParsePublicKey(spki)
			if err != nil {
				t.Fatal(err)
			}
			got, err := MarshalPublicKey(pub)
			if err != nil || !bytes.Equal(got, spki) {
				t.Errorf("encodes again as %x, %v, want %x", got, err, spki)
			}
		})
	}
}

// Each wrong point has its own error, the same for brainpool curves and for P-256.
func TestWrongPoints(t *testing.T) {
	for _, tt := range ecKeys {
		good := unhex(t, tt.header+tt.point)
		n := (len(tt.point)/2 - 1) / 2
		point := len(good) - 1 - 2*n
		for _, bad := range []struct {
			name  string
			spoil func(b []byte)
			want  error
		}{
			{"off the curve", func(b []byte) { b[len(b)-1] ^= 1 }, brainpool.ErrNotOnCurve},
			{"compressed form", func(b []byte) { b[point] = 3 }, brainpool.ErrPointFormat},
			{"x beyond the field", func(b []byte) { copy(b[point+1:], bytes.Repeat([]byte{0xff}, n)) }, brainpool.ErrPointRange},
			{"y beyond the field", func(b []byte) { copy(b[point+1+n:], bytes.Repeat([]byte{0xff}, n)) }, brainpool.ErrPointRange},
		} {
			spki := bytes.Clone(good)
			bad.spoil(spki)
			if _, err := ParsePublicKey(spki); !errors.Is(err, bad.want) {
				t.Errorf("%s, %s: got %v, want %v", tt.name, bad.name, err, bad.want)
			}
		}
	}
	infinity := unhex(t, "301a"+"301406072a8648ce3d020106092b2403030208010107"+"03020000")
	if _, err := ParsePublicKey(infinity); !errors.Is(err, brainpool.ErrPointLength) {
		t.Errorf("point at infinity: got %v, want %v", err, brainpool.ErrPointLength)
	}
}

func TestPublicKeysRefused(t *testing.T) {
	const rsaAlgorithm = "300d06092a864886f70d0101010500"
	rsaKey := func(algorithm, modulus, exponent string) string {
		body := modulus + exponent
		key := "30" + length(body) + body
		bits := "00" + key
		spki := algorithm + "03" + length(bits) + bits
		return "30" + length(spki) + spki
	}
	modulus := "028181" + "00" + "c1" + strings.Repeat("11", 127)
	if _, err := ParsePublicKey(unhex(t, rsaKey(rsaAlgorithm, modulus, "0203010001"))); err != nil {
		t.Fatalf("the key that the tests spoil does not parse: %v", err)
	}
	ec := "3014" + "06072a8648ce3d0201" + "06092b2403030208010107"
	for _, tt := range []struct{ name, hex, want string }{
		{"nothing", "", "SubjectPublicKeyInfo"},
		{"not a BIT STRING", "3017" + "300d06092a864886f70d0101010500" + "0406" + "000000000000", "SubjectPublicKeyInfo"},
		{"unused bits", "3059" + ec + "034101" + pointP256r1[:128], "SubjectPublicKeyInfo"},
		{"RSA without parameters", rsaKey("300b06092a864886f70d010101", modulus, "0203010001"), "NULL"},
		{"RSA with other parameters", rsaKey("300d06092a864886f70d0101013000", modulus, "0203010001"), "NULL"},
		{"id-RSASSA-PSS key", rsaKey("300d06092a864886f70d01010a0500", modulus, "0203010001"), "not supported"},
		{"negative modulus", rsaKey(rsaAlgorithm, "028180"+"c1"+strings.Repeat("11", 127), "0203010001"), "negative"},
		{"modulus not in least form", rsaKey(rsaAlgorithm, "028181"+"0001"+strings.Repeat("11", 127), "0203010001"), "leading zero"},
		{"modulus of 1023 bits", rsaKey(rsaAlgorithm, "028180"+"71"+strings.Repeat("11", 127), "0203010001"), "1023 bits"},
		{"modulus of 8199 bits", rsaKey(rsaAlgorithm, "02820401"+"71"+strings.Repeat("11", 1024), "0203010001"), "8199 bits"},
		{"modulus of 16384 bits", rsaKey(rsaAlgorithm, "02820801"+"00"+strings.Repeat("f1", 2048), "0203010001"), "2049 octets"},
		{"exponent 1", rsaKey(rsaAlgorithm, modulus, "020101"), "exponent"},
		{"exponent 0", rsaKey(rsaAlgorithm, modulus, "020100"), "exponent"},
		{"negative exponent", rsaKey(rsaAlgorithm, modulus, "0201ff"), "exponent"},
		{"exponent of 33 bits", rsaKey(rsaAlgorithm, modulus, "02050100000001"), "exponent"},
		{"third number", rsaKey(rsaAlgorithm, modulus, "0203010001"+"020101"), "more than"},
		{"curve not named", "3011" + "300b06072a8648ce3d02013000" + "03020004", "named curve"},
		{"curve by parameters", "3013" + "300d06072a8648ce3d020130020500" + "03020004", "named curve"},
		{"P-384", "3018" + "301006072a8648ce3d020106052b81040022" + "0304000401" + "01", "not supported"},
		{"brainpoolP256t1", "301a" + "301406072a8648ce3d020106092b2403030208010108" + "03020004", "not supported"},
		{"Ed25519", "302a300506032b6570032100" + strings.Repeat("11", 32), "not supported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParsePublicKey(unhex(t, tt.hex))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// length gives the DER length of content, both in hex.
func length(content string) string {
	n := len(content) / 2
	switch {
	case n < 0x80:
		return hex.EncodeToString([]byte{byte(n)})
	case n < 0x100:
		return hex.EncodeToString([]byte{0x81, byte(n)})
	}
	return hex.EncodeToString([]byte{0x82, byte(n >> 8), byte(n)})
}

// Keys whose weakness is for the rules on orders to name are read: even exponents, 1024 bits.
func TestWeakRSAKeysAreRead(t *testing.T) {
	n := new(big.Int).SetBit(big.NewInt(1), 1023, 1)
	for _, k := range []*rsa.PublicKey{{N: n, E: 65537}, {N: n, E: 65536}, {N: n, E: 3}, {N: n, E: 1<<31 - 1}} {
		spki, err := MarshalPublicKey(k)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParsePublicKey(spki)
		if err != nil || !k.Equal(back) {
			t.Errorf("exponent %d: got %v, %v", k.E, back, err)
		}
	}
}

// crypto/x509 encodes the keys that it knows to the same octets.
func TestMarshalAgreesWithStandardLibrary(t *testing.T) {
	p256, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), unhex(t, pointP256))
	if err != nil {
		t.Fatal(err)
	}
	for _, pub := range []crypto.PublicKey{p256, realCertificate(t, "pharmacy-AUT-R2048").PublicKey} {
		want, err := x509.MarshalPKIXPublicKey(pub)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := MarshalPublicKey(pub); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%T: got %x, %v, want %x", pub, got, err, want)
		}
	}
}

func TestMarshalRefuses(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, pub := range []crypto.PublicKey{nil, "key", &p384.PublicKey} {
		if spki, err := MarshalPublicKey(pub); err == nil {
			t.Errorf("%T: encodes as %x, want an error", pub, spki)
		}
		if id, err := KeyIdentifier(pub); err == nil {
			t.Errorf("%T: key identifier %x, want an error", pub, id)
		}
	}
}

// TestLargestExponent: of 32 bits, as a card may have it.
func TestLargestExponent(t *testing.T) {
	want := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(5), 2045), E: 1<<32 - 1}
	spki, err := MarshalPublicKey(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParsePublicKey(spki); err != nil || !want.Equal(got) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// TestKeyIdentity: the same for keys that one secret serves, and for no others.
func TestKeyIdentity(t *testing.T) {
	identity := func(pub crypto.PublicKey) [32]byte {
		t.Helper()
		id, err := KeyIdentity(pub)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	n := new(big.Int).Lsh(big.NewInt(5), 2045)
	one, same, other := &rsa.PublicKey{N: n, E: 65537}, &rsa.PublicKey{N: n, E: 65539}, &rsa.PublicKey{N: new(big.Int).Add(n, big.NewInt(1)), E: 65537}
	if identity(one) != identity(same) || identity(one) == identity(other) {
		t.Error("RSA keys are not told by their modulus")
	}
	seen := map[[32]byte]bool{}
	for _, c := range []struct {
		curve *brainpool.Curve
		prime string // of the field
	}{
		{brainpool.P256r1(), "A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377"},
		{brainpool.P384r1(), "8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B412B1DA197FB71123ACD3A729901D1A71874700133107EC53"},
	} {
		prime, _ := new(big.Int).SetString(c.prime, 16)
		point := c.curve.BasePoint()
		negative := slices.Clone(point)
		y := negative[1+c.curve.ByteLen():]
		new(big.Int).Sub(prime, new(big.Int).SetBytes(y)).FillBytes(y)
		p, errP := c.curve.ParsePoint(point)
		q, errQ := c.curve.ParsePoint(negative)
		if errP != nil || errQ != nil || p.Equal(q) {
			t.Fatalf("%s: G and -G are %v (%v) and %v (%v)", c.curve.Name(), p, errP, q, errQ)
		}
		if identity(p) != identity(q) || seen[identity(p)] {
			t.Errorf("%s: points are not told by their x coordinate", c.curve.Name())
		}
		seen[identity(p)] = true
	}
	want := sha256.Sum256(append([]byte("brainpoolP256r1:"), brainpool.P256r1().BasePoint()[1:33]...))
	if !seen[want] {
		t.Errorf("no point has the identity %x that the comment describes", want)
	}
	point, err := hex.DecodeString(pointP256)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	if identity(p256) != sha256.Sum256(append([]byte("P-256:"), point[1:33]...)) {
		t.Error("a key on P-256 is not told by its x coordinate")
	}
	for _, bad := range []crypto.PublicKey{nil, "key", rsa.PublicKey{}} {
		if id, err := KeyIdentity(bad); err == nil {
			t.Errorf("%T has identity %x, want an error", bad, id)
		}
	}
}
