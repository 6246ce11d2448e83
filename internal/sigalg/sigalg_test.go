package sigalg_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// TestNamesReadBack holds that every name that is printed is read again.
func TestNamesReadBack(t *testing.T) {
	for typ := sigalg.R2048; typ <= sigalg.Ed25519; typ++ {
		if got, err := sigalg.ParseKeyType(typ.String()); err != nil || got != typ {
			t.Errorf("%s reads back as %v, %v", typ, got, err)
		}
	}
	for s := sigalg.RSAPKCS1SHA256; s <= sigalg.PureEd25519; s++ {
		if got, err := sigalg.ParseScheme(s.String()); err != nil || got != s {
			t.Errorf("%s reads back as %v, %v", s, got, err)
		}
	}
	if _, err := sigalg.ParseKeyType("R1024"); err == nil {
		t.Error("R1024 is taken for a key type")
	}
	if _, err := sigalg.ParseScheme("md5WithRSAEncryption"); err == nil {
		t.Error("md5WithRSAEncryption is taken for a scheme")
	}
}

// TestSchemesFollowTheKey is the table of GS-A_4357, GS-A_4359 and Tab_PKI_906.
func TestSchemesFollowTheKey(t *testing.T) {
	for _, c := range []struct {
		typ       sigalg.KeyType
		gen       sigalg.Generation
		x509, cvc sigalg.Scheme // 0: the key does not sign such certificates
	}{
		{sigalg.R2048, sigalg.RSA, sigalg.RSAPKCS1SHA256, sigalg.ISO9796SHA256},
		{sigalg.R3072, sigalg.RSA, sigalg.RSAPKCS1SHA256, 0},
		{sigalg.E256, sigalg.ECC, sigalg.ECDSASHA256, sigalg.ECDSASHA256},
		{sigalg.E384, sigalg.ECC, sigalg.ECDSASHA384, sigalg.ECDSASHA384},
		{sigalg.E512, sigalg.ECC, sigalg.ECDSASHA512, sigalg.ECDSASHA512},
		{sigalg.P256, sigalg.ECC, sigalg.ECDSASHA256, 0},
		{sigalg.Ed25519, sigalg.ECC, 0, 0},
	} {
		if got := c.typ.Generation(); got != c.gen {
			t.Errorf("%s is of generation %s, want %s", c.typ, got, c.gen)
		}
		if got, err := sigalg.X509Scheme(c.typ); got != c.x509 || (err == nil) != (c.x509 != 0) {
			t.Errorf("%s signs X.509 with %v, %v, want %v", c.typ, got, err, c.x509)
		}
		if got, err := sigalg.CVCScheme(c.typ); got != c.cvc || (err == nil) != (c.cvc != 0) {
			t.Errorf("%s signs CVC with %v, %v, want %v", c.typ, got, err, c.cvc)
		}
	}
}

// signature is a key with a signature of message that other people's code made.
type signature struct {
	name   string
	typ    sigalg.KeyType
	pub    crypto.PublicKey
	scheme sigalg.Scheme
	sig    []byte
}

var message = []byte("what is signed")

// TestVerify checks signatures made by the standard library and by OpenSSL, and refuses each of them with one bit changed, one
// octet less, over another message and with another scheme.
func TestVerify(t *testing.T) {
	for _, c := range append(standardSignatures(t), opensslSignatures(t)...) {
		t.Run(c.name, func(t *testing.T) {
			if typ, err := sigalg.TypeOf(c.pub); err != nil || typ != c.typ {
				t.Errorf("key is %v, %v, want %v", typ, err, c.typ)
			}
			if err := sigalg.Verify(c.pub, c.scheme, message, c.sig); err != nil {
				t.Errorf("good signature: %v", err)
			}
			flipped := bytes.Clone(c.sig)
			flipped[len(flipped)/2] ^= 1
			for what, err := range map[string]error{
				"one bit changed": sigalg.Verify(c.pub, c.scheme, message, flipped),
				"one octet less":  sigalg.Verify(c.pub, c.scheme, message, c.sig[:len(c.sig)-1]),
				"other message":   sigalg.Verify(c.pub, c.scheme, message[1:], c.sig),
			} {
				if !errors.Is(err, sigalg.ErrSignature) {
					t.Errorf("%s: %v, want ErrSignature", what, err)
				}
			}
			if err := sigalg.Verify(c.pub, sigalg.ISO9796SHA256, message, c.sig); err == nil {
				t.Error("a scheme with message recovery was checked here")
			}
		})
	}
}

func standardSignatures(t *testing.T) []signature {
	t.Helper()
	digest := sha256.Sum256(message)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	fatal(t, err)
	pkcs1, err := rsa.SignPKCS1v15(nil, rsaKey, crypto.SHA256, digest[:])
	fatal(t, err)
	pss, err := rsa.SignPSS(rand.Reader, rsaKey, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: 32})
	fatal(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(t, err)
	r, s, err := ecdsa.Sign(rand.Reader, ecKey, digest[:])
	fatal(t, err)
	rs := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	edPub, edKey, err := ed25519.GenerateKey(rand.Reader)
	fatal(t, err)
	return []signature{
		{"RSA PKCS#1 v1.5", sigalg.R2048, &rsaKey.PublicKey, sigalg.RSAPKCS1SHA256, pkcs1},
		{"RSASSA-PSS", sigalg.R2048, &rsaKey.PublicKey, sigalg.RSAPSSSHA256, pss},
		{"P-256", sigalg.P256, &ecKey.PublicKey, sigalg.ECDSASHA256, rs},
		{"Ed25519", sigalg.Ed25519, edPub, sigalg.PureEd25519, ed25519.Sign(edKey, message)},
	}
}

// opensslSignatures has OpenSSL make a key and a signature on each brainpool curve.
func opensslSignatures(t *testing.T) []signature {
	t.Helper()
	var out []signature
	for _, c := range []struct {
		curve, hash string
		typ         sigalg.KeyType
		scheme      sigalg.Scheme
	}{
		{"brainpoolP256r1", "-sha256", sigalg.E256, sigalg.ECDSASHA256},
		{"brainpoolP384r1", "-sha384", sigalg.E384, sigalg.ECDSASHA384},
		{"brainpoolP512r1", "-sha512", sigalg.E512, sigalg.ECDSASHA512},
	} {
		dir := t.TempDir()
		key, in := filepath.Join(dir, "key.pem"), filepath.Join(dir, "message")
		fatal(t, os.WriteFile(in, message, 0o600))
		openssl(t, "ecparam", "-name", c.curve, "-genkey", "-noout", "-out", key)
		spki := openssl(t, "pkey", "-in", key, "-pubout", "-outform", "DER")
		curve, _ := brainpool.ByName(c.curve)
		point := spki[len(spki)-1-2*curve.ByteLen():] // the point ends the DER
		pub, err := curve.ParsePoint(point)
		fatal(t, err)
		der := openssl(t, "dgst", c.hash, "-sign", key, in)
		out = append(out, signature{c.curve, c.typ, pub, c.scheme, rsOf(t, der, curve.ByteLen())})
	}
	return out
}

// rsOf reads ECDSA-Sig-Value by hand, so that this test shares no code with internal/der.
func rsOf(t *testing.T, der []byte, n int) []byte {
	t.Helper()
	rest := der[2:]
	if der[1] == 0x81 {
		rest = der[3:]
	}
	var rs []byte
	for range 2 {
		number := bytes.TrimLeft(rest[2:2+int(rest[1])], "\x00")
		rs = append(rs, append(make([]byte, n-len(number)), number...)...)
		rest = rest[2+int(rest[1]):]
	}
	return rs
}

// TestKeysThatAreNotOurs are errors, not guesses.
func TestKeysThatAreNotOurs(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	fatal(t, err)
	t.Setenv("GODEBUG", "rsa1024min=0")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	fatal(t, err)
	for name, pub := range map[string]crypto.PublicKey{"P-384": &p384.PublicKey, "RSA-1024": &short.PublicKey, "nothing": nil} {
		if typ, err := sigalg.TypeOf(pub); err == nil {
			t.Errorf("%s is taken for %s", name, typ)
		}
	}
	if err := sigalg.Verify(nil, sigalg.ECDSASHA256, message, nil); err == nil || errors.Is(err, sigalg.ErrSignature) {
		t.Errorf("a missing key gives %v, want an error that is not ErrSignature", err)
	}
}

func openssl(t *testing.T, args ...string) []byte {
	t.Helper()
	out, err := exec.Command("openssl", args...).Output()
	if err != nil {
		t.Fatalf("openssl %v: %v (package openssl)", args, err)
	}
	return out
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
