package e2e

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestG1WithOpenSSL issues a card and opens its CV certificate of generation 1 with OpenSSL's bare RSA operation, from the root's key
// that the ceremony left through the sub-CA's certificate that came with the answer, and compares the whole signed block with
// one that is put together here, octet by octet. No code of ours reads or writes a CV certificate in this test.
func TestG1WithOpenSSL(t *testing.T) {
	needProgram(t, "openssl", "openssl")
	r := newRig(t)
	server := start(t, r)
	defer stop(t, server)
	for sample, role := range map[string]byte{"hospital-pharmacy": 3, "psychotherapist": 4} {
		t.Run(sample, func(t *testing.T) {
			order, err := rig.SampleOrder(sample)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := issue(t.Context(), dial(t, r, server, "line-1"), order)
			if err != nil {
				t.Fatal(err)
			}
			g := readG1(t, r, answer.GetCard())

			// 7F4E 82 0123 { 5F20 08 CHR, 7F49 82 0110 { 06 07 OID, 81 82 0100 n, 82 04 e } }
			root := &rsa.PublicKey{N: new(big.Int).SetBytes(g.root[34:290]), E: 65537}
			rootName := g.root[8:16]
			subModulus := append(open(t, g.sub, root)[2:223:223], g.sub[269:304]...)
			sub := &rsa.PublicKey{N: new(big.Int).SetBytes(subModulus), E: 65537}
			subName := g.sub[315:323]
			if !bytes.Equal(g.sub[323:331], rootName) {
				t.Errorf("CAR of the sub-CA is %X, want the root's %X", g.sub[323:331], rootName)
			}

			key := keyOf(t, order, "C.SMC.AUTR_CVC.R2048")
			message := bytes.Join([][]byte{
				{0x22}, key.N.FillBytes(make([]byte, 256)), {0, 1, 0, 1}, {0x2B, 0x24, 0x03, 0x05, 0x02, 0x04},
				{0xD2, 0x76, 0x00, 0x00, 0x40, 0x00, role}, {0x00, 0x10}, unhex(t, order.GetIccsn()), subName,
			}, nil)
			hash := sha256.Sum256(message)
			want := bytes.Join([][]byte{{0x6A}, message[:222], hash[:], {0xBC}}, nil)
			if got := open(t, g.card, sub); !bytes.Equal(got, want) {
				t.Errorf("OpenSSL recovers\n%x\nwant\n%x", got, want)
			}
			if rest := g.card[269:]; !bytes.Equal(rest, message[222:]) {
				t.Errorf("rest of the message is\n%x\nwant\n%x", rest, message[222:])
			}
		})
	}
}

// g1Files are the octets of a chain of generation 1: 341, 331 and 296.
type g1Files struct{ card, sub, root []byte }

// readG1 takes card and sub-CA from an answer, and the root from what the ceremony left.
func readG1(t *testing.T, r *rig.Rig, card *siegelv1.Card) (g g1Files) {
	t.Helper()
	issuer := ""
	for _, c := range card.GetCertificates() {
		if c.GetSlot() == "C.SMC.AUTR_CVC.R2048" {
			g.card, issuer = c.GetData(), c.GetIssuer()
			if !c.GetNoTerm() {
				t.Error("the answer does not say that the certificate carries no dates")
			}
		}
	}
	for _, i := range card.GetIssuers() {
		if i.GetName() == issuer {
			root, err := os.ReadFile(filepath.Join(r.Data, "hierarchy", i.GetIssuedBy()+".cvc"))
			if err != nil {
				t.Fatal(err)
			}
			g.sub, g.root = i.GetData(), root
		}
	}
	if len(g.card) != 341 || len(g.sub) != 331 || len(g.root) != 296 {
		t.Fatalf("chain has %d, %d and %d octets, want 341, 331 and 296", len(g.card), len(g.sub), len(g.root))
	}
	return g
}

// open raises the signature of a certificate to the public exponent with OpenSSL. The block is even, the modulus odd: an odd result is
// the modulus less the block.
func open(t *testing.T, certificate []byte, issuer *rsa.PublicKey) []byte {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKIXPublicKey(issuer)
	if err != nil {
		t.Fatal(err)
	}
	key, signature, out := filepath.Join(dir, "issuer.pem"), filepath.Join(dir, "signature"), filepath.Join(dir, "block")
	write(t, key, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	write(t, signature, certificate[10:266])
	mustAsk(t, "openssl", "pkeyutl", "-verifyrecover", "-pubin", "-inkey", key, "-pkeyopt", "rsa_padding_mode:none", "-in", signature, "-out", out)
	block, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	n := new(big.Int).SetBytes(block)
	if n.Bit(0) == 1 {
		n.Sub(issuer.N, n)
	}
	if block = n.FillBytes(block); block[0] != 0x6A || block[255] != 0xBC {
		t.Fatalf("OpenSSL recovers\n%x\nwhich is no block", block)
	}
	return block
}

func write(t *testing.T, file string, octets []byte) {
	t.Helper()
	if err := os.WriteFile(file, octets, 0o600); err != nil {
		t.Fatal(err)
	}
}

// keyOf reads the RSA key that an order has for a slot.
func keyOf(t *testing.T, order *siegelv1.Order, slot string) *rsa.PublicKey {
	t.Helper()
	pub, err := x509.ParsePKIXPublicKey(key(order, slot).GetSpki())
	if err != nil {
		t.Fatal(err)
	}
	return pub.(*rsa.PublicKey)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
