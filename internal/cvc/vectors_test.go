package cvc

import (
	"bytes"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/siegel-pki/siegel/internal/brainpool"
)

// hexBytes is an octet string that JSON writes as hex digits.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// vector is one entry of testdata/cvc.json. Fields that an entry has not are empty.
type vector struct {
	Name         string
	Format       string
	Hex          hexBytes
	VerifiesWith string `json:"verifies_with"`
	SignerKey    string `json:"signer_key"`
	SubjectKey   string `json:"subject_key"`
	Decoded      struct {
		CAR       hexBytes `json:"car_hex"`
		CARText   string   `json:"car_text"`
		KeyOID    string   `json:"oid_puk"`
		KeyOIDHex hexBytes `json:"oid_puk_hex"`
		Curve     string   `json:"curve_of_public_key"`
		Q         hexBytes `json:"q_hex"`
		CHR       hexBytes `json:"chr_hex"`
		CHRText   string   `json:"chr_text"`
		CHRKeyID  string   `json:"chr_key_id"`
		ICCSN     string   `json:"chr_iccsn"`
		FlagOID   string   `json:"oid_flags"`
		Flags     string   `json:"flag_list_hex"`
		CED       string
		CXD       string
		KeyID     string `json:"key_identifier_hex"` // of a bare key

		// Generation 1.
		N         hexBytes `json:"n_hex"`
		E         hexBytes `json:"e_hex"`
		CHA       hexBytes `json:"cha_hex"`
		Message   hexBytes `json:"message_hex"`
		F         hexBytes `json:"f_hex"`
		Opened    string   `json:"opened_J_is"`
		A         hexBytes `json:"a_hex (J^d mod n before min)"`
		MinChoice string   `json:"min_chose"`
	}
}

type vectors struct {
	RealG2    []vector `json:"real_g2"`
	RealG1    []vector `json:"real_g1"`
	Synthetic []vector
	Negative  []vector
	Keys      []struct {
		Name string
		Q    hexBytes `json:"q_hex"`
		P    hexBytes `json:"p_hex"`
		N    hexBytes `json:"n_hex"`
	} `json:"synthetic_keys"`
}

var load = sync.OnceValues(func() (*vectors, error) {
	data, err := os.ReadFile("testdata/cvc.json")
	if err != nil {
		return nil, err
	}
	v := new(vectors)
	return v, json.Unmarshal(data, v)
})

func loadVectors(t testing.TB) *vectors {
	t.Helper()
	v, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// named gives the vector with a name, from any part of the file.
func (v *vectors) named(t testing.TB, name string) vector {
	t.Helper()
	for _, part := range [][]vector{v.RealG2, v.RealG1, v.Synthetic, v.Negative} {
		for _, e := range part {
			if e.Name == name {
				return e
			}
		}
	}
	t.Fatalf("testdata/cvc.json has no entry %q", name)
	return vector{}
}

func (v *vectors) parse(t testing.TB, name string) *Certificate {
	t.Helper()
	return mustParse(t, v.named(t, name).Hex)
}

// ecKey gives the public key of a synthetic key.
func (v *vectors) ecKey(t testing.TB, name string) *brainpool.PublicKey {
	t.Helper()
	for _, k := range v.Keys {
		if k.Name == name {
			return mustPoint(t, k.Q)
		}
	}
	t.Fatalf("no synthetic key %q", name)
	return nil
}

// rsaKey gives a synthetic RSA key with its private exponent, which nothing but a test computes.
func (v *vectors) rsaKey(t testing.TB, name string) (*rsa.PublicKey, *big.Int) {
	t.Helper()
	for _, k := range v.Keys {
		if k.Name != name {
			continue
		}
		n, p := new(big.Int).SetBytes(k.N), new(big.Int).SetBytes(k.P)
		q := new(big.Int).Div(n, p)
		one := big.NewInt(1)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		pub := &rsa.PublicKey{N: n, E: 65537}
		return pub, new(big.Int).ModInverse(big.NewInt(65537), phi)
	}
	t.Fatalf("no synthetic key %q", name)
	return nil, nil
}

func mustParse(t testing.TB, raw []byte) *Certificate {
	t.Helper()
	c, err := Parse(raw)
	if err != nil {
		t.Fatalf("Parse(%X): %v", raw, err)
	}
	return c
}

func mustPoint(t testing.TB, point []byte) *brainpool.PublicKey {
	t.Helper()
	curve, ok := brainpool.ByPointLen(len(point))
	if !ok {
		t.Fatalf("point of %d octets", len(point))
	}
	k, err := curve.ParsePoint(point)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustReference(t testing.TB, s string) Reference {
	t.Helper()
	r, err := ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustDate(t testing.TB, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustFlags(t testing.TB, s string) Flags {
	t.Helper()
	f, err := ParseFlags(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func equalOctets(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s\n got %X\nwant %X", what, got, want)
	}
}

// isG1Name tells synthetic certificates of generation 1 apart.
func isG1Name(name string) bool { return strings.HasPrefix(name, "syn-g1") }
