package profiles_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// The story of this file: every row of chat.yaml and subca.yaml becomes a certificate that OpenSSL signs and Siegel verifies, from a root
// down to the card, on every pair of curves.

// curves are the curves of CV certificates; their octets make the file lengths of gemSpec_PKI, section 6.4.5.
var curves = []string{"brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"}

// softKey is a key of OpenSSL.
type softKey struct {
	file   string
	hash   string
	public *brainpool.PublicKey
}

func newSoftKey(t *testing.T, curve string) *softKey {
	t.Helper()
	k := &softKey{file: filepath.Join(t.TempDir(), "key.pem"), hash: map[string]string{
		"brainpoolP256r1": "-sha256", "brainpoolP384r1": "-sha384", "brainpoolP512r1": "-sha512"}[curve]}
	openssl(t, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:"+curve, "-out", k.file)
	block, _ := pem.Decode(openssl(t, "pkey", "-in", k.file, "-pubout"))
	pub, err := pkix.ParsePublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	k.public = pub.(*brainpool.PublicKey)
	return k
}

func openssl(t *testing.T, args ...string) []byte {
	t.Helper()
	out, err := exec.Command("openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return out
}

// certify signs a body and reads the certificate back.
func (k *softKey) certify(t *testing.T, body cvc.Body) *cvc.Certificate {
	t.Helper()
	octets, err := body.Encode()
	if err != nil {
		t.Fatalf("%s: %v", body.CHR, err)
	}
	message := filepath.Join(t.TempDir(), "message")
	if err := os.WriteFile(message, octets, 0o600); err != nil {
		t.Fatal(err)
	}
	signature, err := der.ParseECDSASignature(openssl(t, "dgst", k.hash, "-sign", k.file, message), k.public.Curve().ByteLen())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := cvc.Assemble(octets, signature)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cvc.Parse(raw)
	if err != nil {
		t.Fatalf("%s: %v", body.CHR, err)
	}
	return c
}

// pki is a root and what it takes to certify below it.
type pki struct {
	key  *softKey
	root *cvc.Certificate
}

func newPKI(t *testing.T, curve string) *pki {
	t.Helper()
	p := &pki{key: newSoftKey(t, curve)}
	ref := reference(t, "DEGXX 8-1-02-24")
	p.root = p.key.certify(t, cvcBody(t, ref, ref.CHR(), p.key.public, cvc.Flags{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, "2024-01-01", "2033-12-31"))
	return p
}

// subCA certifies a key as a sub-CA.
func (p *pki) subCA(t *testing.T, key *softKey, flags cvc.Flags) *cvc.Certificate {
	t.Helper()
	return p.key.certify(t, cvcBody(t, p.root.CAR, reference(t, "DEGXX 1-1-02-24").CHR(), key.public, flags, "2024-06-01", "2032-05-31"))
}

// cardBody is the body of a card's certificate below a sub-CA.
func cardBody(t *testing.T, sub *cvc.Certificate, key *softKey, flags cvc.Flags) cvc.Body {
	t.Helper()
	chr, err := cvc.CardCHR(0x0006, "80276883110000000001")
	if err != nil {
		t.Fatal(err)
	}
	car, _ := sub.CHR.Reference()
	return cvcBody(t, car, chr, key.public, flags, "2024-06-01", "2029-05-31")
}

func cvcBody(t *testing.T, car cvc.Reference, chr cvc.CHR, key *brainpool.PublicKey, flags cvc.Flags, from, until string) cvc.Body {
	t.Helper()
	ced, err := cvc.ParseDate(from)
	if err != nil {
		t.Fatal(err)
	}
	cxd, err := cvc.ParseDate(until)
	if err != nil {
		t.Fatal(err)
	}
	return cvc.Body{CAR: car, CHR: chr, PublicKey: key, FlagOID: cvc.FlagsTI, Flags: flags, CED: ced, CXD: cxd}
}

func reference(t *testing.T, text string) cvc.Reference {
	t.Helper()
	r, err := cvc.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEverySubCACertifiesItsProfiles: of every row of subca.yaml a sub-CA is made, and below it a card with each of its profiles. A card
// with a profile that the row has not, and that needs a bit of it, is refused although its signature is good.
func TestEverySubCACertifiesItsProfiles(t *testing.T) {
	p, subKey, cardKey := newPKI(t, curves[0]), newSoftKey(t, curves[0]), newSoftKey(t, curves[0])
	refused := 0
	for _, row := range builtin(t).SubCAs() {
		t.Run(row.Name, func(t *testing.T) {
			sub := p.subCA(t, subKey, row.Flags)
			if err := sub.CheckIssuedBy(p.root); err != nil {
				t.Fatal(err)
			}
			if sub.Role() != cvc.RoleSubCA {
				t.Errorf("%s is a %s, want %s", row.Flags, sub.Role(), cvc.RoleSubCA)
			}
			own := slices.Concat(row.Roles, row.Devices)
			for _, access := range builtin(t).AccessProfiles() {
				isOwn, covered := slices.Contains(own, access.Name), access.Flags.Within(row.Flags)
				if !isOwn && covered {
					continue // CHAT.0 below everything, CHAT.55 below HBA
				}
				err := subKey.certify(t, cardBody(t, sub, cardKey, access.Flags)).CheckIssuedBy(sub)
				switch {
				case isOwn && err != nil:
					t.Errorf("%s: %v", access.Name, err)
				case !isOwn && !errors.Is(err, cvc.ErrExceedsIssuer):
					t.Errorf("%s: got %v, want %v", access.Name, err, cvc.ErrExceedsIssuer)
				case !isOwn:
					refused++
				}
			}
		})
	}
	if refused == 0 {
		t.Error("no access profile is outside any sub-CA; the table cannot be right")
	}
}

// TestEveryAccessProfileOnEveryPairOfCurves: cards must take all nine pairs of subject and issuer curve (gemSpec_COS, (N095.410)).
func TestEveryAccessProfileOnEveryPairOfCurves(t *testing.T) {
	combined, ok := builtin(t).SubCA("hba-smcb")
	if !ok {
		t.Fatal("subca.yaml has no row hba-smcb")
	}
	all := combined.Flags
	all[6] |= 0x03 // gSMC too, which no real sub-CA is certified for together
	for i, issuerCurve := range curves {
		p, subKey := newPKI(t, curves[(i+1)%len(curves)]), newSoftKey(t, issuerCurve)
		sub := p.subCA(t, subKey, all)
		if err := sub.CheckIssuedBy(p.root); err != nil {
			t.Fatalf("sub-CA on %s below a root on another curve: %v", issuerCurve, err)
		}
		for _, cardCurve := range curves {
			t.Run(fmt.Sprintf("%s below %s", cardCurve, issuerCurve), func(t *testing.T) {
				key := newSoftKey(t, cardCurve)
				for _, access := range builtin(t).AccessProfiles() {
					if !access.Flags.Within(all) {
						t.Fatalf("%s is not within %s", access.Name, all)
					}
					card := subKey.certify(t, cardBody(t, sub, key, access.Flags))
					if err := card.CheckIssuedBy(sub); err != nil {
						t.Errorf("%s: %v", access.Name, err)
					}
					if _, err := cvc.VerifyChain(card, sub, p.root); err != nil {
						t.Errorf("%s: chain: %v", access.Name, err)
					}
					if card.Role() != cvc.RoleCard || card.Flags != access.Flags {
						t.Errorf("%s: certificate of a %s with %s", access.Name, card.Role(), card.Flags)
					}
				}
			})
		}
	}
}

// TestRootsVouchForEachOther: link certificates on mixed curves, in both directions, carry a card from one root to the other.
func TestRootsVouchForEachOther(t *testing.T) {
	older, younger := newPKI(t, curves[0]), &pki{key: newSoftKey(t, curves[2])}
	ref := reference(t, "DEGXX 8-2-02-26")
	younger.root = younger.key.certify(t, cvcBody(t, ref, ref.CHR(), younger.key.public, older.root.Flags, "2026-01-01", "2035-12-31"))
	subKey := newSoftKey(t, curves[1])
	for name, c := range map[string]struct{ from, to *pki }{
		"older root's cards below the younger": {older, younger}, "younger root's cards below the older": {younger, older},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := cvc.LinkBody(c.from.root, c.to.root)
			if err != nil {
				t.Fatal(err)
			}
			link := c.to.key.certify(t, *b)
			sub := c.from.key.certify(t, cvcBody(t, c.from.root.CAR, reference(t, "DEGXX 1-1-02-26").CHR(), subKey.public, cvc.Flags{0x80}, "2026-06-01", "2032-05-31"))
			card := subKey.certify(t, cardBody(t, sub, newSoftKey(t, curves[0]), cvc.Flags{}))
			anchor, err := c.to.root.Anchor()
			if err != nil {
				t.Fatal(err)
			}
			pool := cvc.NewPool(anchor)
			for _, i := range []*cvc.Certificate{link, sub} {
				if err := pool.AddIssuer(i); err != nil {
					t.Fatal(err)
				}
			}
			if way, err := pool.Verify(card); err != nil || len(way) != 3 {
				t.Errorf("way of %d certificates, %v; want card, sub-CA and link", len(way), err)
			}
		})
	}
}
