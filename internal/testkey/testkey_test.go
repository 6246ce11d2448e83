package testkey

import (
	"crypto/rsa"
	"crypto/x509"
	"math/rand/v2"
	"os/exec"
	"testing"
)

// TestKeysAreTakenForKeys lets other people's code read the keys: crypto/x509 the RSA one, OpenSSL the brainpool one.
func TestKeysAreTakenForKeys(t *testing.T) {
	s := New(rand.NewChaCha8([32]byte{1}))
	pub, err := x509.ParsePKIXPublicKey(s.RSA())
	if err != nil {
		t.Fatalf("crypto/x509 refuses the RSA key: %v", err)
	}
	if n := pub.(*rsa.PublicKey).N.BitLen(); n != 2048 {
		t.Errorf("modulus has %d bits, want 2048", n)
	}
	cmd := exec.Command("openssl", "pkey", "-pubin", "-inform", "DER", "-pubcheck", "-noout")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() { in.Write(s.EC()); in.Close() }()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("openssl refuses the point: %v: %s", err, out)
	}
}

// TestSameSourceSameKeys holds what failures are reproduced with.
func TestSameSourceSameKeys(t *testing.T) {
	a, b := New(rand.NewChaCha8([32]byte{2})), New(rand.NewChaCha8([32]byte{2}))
	if string(a.EC()) != string(b.EC()) || string(a.RSA()) != string(b.RSA()) {
		t.Error("two sources with the same seed gave different keys")
	}
}

// TestModuliDiffer makes enough of them for several halves.
func TestModuliDiffer(t *testing.T) {
	s, seen := New(rand.NewChaCha8([32]byte{4})), map[string]bool{}
	const n = 1000
	for range n {
		seen[s.modulus().String()] = true
	}
	if len(seen) != n || len(s.left) != 32 {
		t.Errorf("%d moduli of %d differ, of %d halves on a side, want all, of 32", len(seen), n, len(s.left))
	}
}

func BenchmarkEC(b *testing.B) {
	s := New(rand.NewChaCha8([32]byte{3}))
	for b.Loop() {
		s.EC()
	}
}

func BenchmarkRSA(b *testing.B) {
	s := New(rand.NewChaCha8([32]byte{3}))
	for b.Loop() {
		s.RSA()
	}
}
