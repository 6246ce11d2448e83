package cvc

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/siegel-pki/siegel/internal/brainpool"
)

// A second opinion: OpenSSL verifies what this package takes for the signed octets and for the signature.

var curveOIDs = map[*brainpool.Curve]asn1.ObjectIdentifier{ // RFC 5639, Section 4.1
	brainpool.P256r1(): {1, 3, 36, 3, 3, 2, 8, 1, 1, 7},
	brainpool.P384r1(): {1, 3, 36, 3, 3, 2, 8, 1, 1, 11},
	brainpool.P512r1(): {1, 3, 36, 3, 3, 2, 8, 1, 1, 13},
}

var digestNames = map[*brainpool.Curve]string{
	brainpool.P256r1(): "-sha256", brainpool.P384r1(): "-sha384", brainpool.P512r1(): "-sha512",
}

func TestOpenSSLAgreesOnG2(t *testing.T) {
	openssl := findOpenSSL(t)
	v := loadVectors(t)
	for _, e := range v.Synthetic {
		if isG1Name(e.Name) {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			c, issuer := mustParse(t, e.Hex), v.ecKey(t, e.SignerKey)
			half := len(c.Signature) / 2
			der := marshal(t, struct{ R, S *big.Int }{
				new(big.Int).SetBytes(c.Signature[:half]), new(big.Int).SetBytes(c.Signature[half:]),
			})
			key, sig, body := files(t, ecPEM(t, issuer), der, c.RawBody)
			out, err := exec.Command(openssl, "dgst", digestNames[issuer.Curve()], "-verify", key, "-signature", sig, body).CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

func TestOpenSSLRecoversG1(t *testing.T) {
	openssl := findOpenSSL(t)
	v := loadVectors(t)
	for _, e := range v.Synthetic {
		if !isG1Name(e.Name) {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			issuer, _ := v.rsaKey(t, e.SignerKey)
			c, err := ParseG1(e.Hex)
			if err != nil {
				t.Fatal(err)
			}
			key, sig, _ := files(t, rsaPEM(t, issuer), c.Signature, nil)
			out, err := exec.Command(openssl, "pkeyutl", "-verifyrecover", "-pubin", "-inkey", key, "-in", sig,
				"-pkeyopt", "rsa_padding_mode:none").Output()
			if err != nil {
				t.Fatal(err)
			}
			got := new(big.Int).SetBytes(out)
			if got.Bit(0) == 1 {
				got.Sub(issuer.N, got)
			}
			block, err := openG1Block(c.Signature, issuer)
			if err != nil {
				t.Fatal(err)
			}
			equalOctets(t, "block", block, got.FillBytes(make([]byte, 256)))
		})
	}
}

func findOpenSSL(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("openssl is missing: install the package openssl")
	}
	return path
}

// files writes a key, a signature and a message where OpenSSL can read them.
func files(t *testing.T, key, sig, message []byte) (keyFile, sigFile, messageFile string) {
	t.Helper()
	dir := t.TempDir()
	paths := make([]string, 3)
	for i, content := range [][]byte{key, sig, message} {
		paths[i] = filepath.Join(dir, []string{"key.pem", "signature", "message"}[i])
		if err := os.WriteFile(paths[i], content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return paths[0], paths[1], paths[2]
}

func ecPEM(t *testing.T, k *brainpool.PublicKey) []byte {
	t.Helper()
	point := k.Bytes()
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: marshal(t, struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{
		pkix.AlgorithmIdentifier{
			Algorithm:  asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1},
			Parameters: asn1.RawValue{FullBytes: marshal(t, curveOIDs[k.Curve()])},
		},
		asn1.BitString{Bytes: point, BitLength: 8 * len(point)},
	})})
}

func rsaPEM(t *testing.T, k *rsa.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	der, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
