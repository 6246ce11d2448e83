package e2e

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/relying"
	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestOpinions issues every sample order and asks others what they think of each certificate: a relying party that knows octets only
// (internal/relying), OpenSSL, and GnuTLS where it knows the curve. What they are shown to trust is what the ceremony left, not what came with the
// answer.
func TestOpinions(t *testing.T) {
	needProgram(t, "openssl", "openssl")
	needProgram(t, "certtool", "gnutls-bin")
	r := newRig(t)
	server := start(t, r)
	defer stop(t, server)
	client := dial(t, r, server, "line-1")
	known := readHierarchy(t, filepath.Join(r.Data, "hierarchy"))
	samples, err := filepath.Glob(filepath.Join(rig.Root(), "testdata", "orders", "*.json"))
	if err != nil || len(samples) < 3 {
		t.Fatalf("found %d sample orders (%v)", len(samples), err)
	}
	t.Run("issuers", known.askAboutIssuers)
	count := map[siegelv1.Format]int{}
	for _, sample := range samples {
		name := strings.TrimSuffix(filepath.Base(sample), ".json")
		order, err := rig.SampleOrder(name)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := issue(t.Context(), client, order)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range answer.GetCard().GetCertificates() {
			count[c.GetFormat()]++
			t.Run(name+"/"+c.GetSlot(), func(t *testing.T) {
				if c.GetFormat() == siegelv1.Format_FORMAT_X509 {
					known.askAboutX509(t, order, c)
					return
				}
				known.askAboutCVC(t, order, c)
			})
		}
	}
	t.Logf("%d X.509 and %d CV certificates on %d cards", count[siegelv1.Format_FORMAT_X509], count[siegelv1.Format_FORMAT_CVC], len(samples))
}

// hierarchy is what the ceremony left: every issuer and root, by name.
type hierarchy struct {
	x509 map[string][]byte // DER
	cvc  map[string][]byte
}

func readHierarchy(t *testing.T, dir string) hierarchy {
	t.Helper()
	h := hierarchy{map[string][]byte{}, map[string][]byte{}}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		switch ending := filepath.Ext(file); ending {
		case ".pem":
			block, _ := pem.Decode(content)
			h.x509[strings.TrimSuffix(filepath.Base(file), ending)] = block.Bytes
		case ".cvc":
			h.cvc[strings.TrimSuffix(filepath.Base(file), ending)] = content
		}
	}
	return h
}

// above gives the certificates above one, issuer and root: by name of the issuer, then by name in its certificate.
func (h hierarchy) above(t *testing.T, issuer string) relying.Above {
	t.Helper()
	raw := h.x509[issuer]
	c, err := pkix.ParseCertificate(raw)
	if err != nil {
		t.Fatalf("issuer %s: %v", issuer, err)
	}
	for _, root := range h.x509 {
		if r, err := pkix.ParseCertificate(root); err == nil && bytes.Equal(r.RawSubject, c.RawIssuer) {
			return relying.Above{Issuer: raw, Root: root}
		}
	}
	t.Fatalf("issuer %s: there is no root %s", issuer, c.Issuer)
	return relying.Above{}
}

// askAboutIssuers: OpenSSL takes every certificate of an issuer or signer below the roots that stand beside it.
func (h hierarchy) askAboutIssuers(t *testing.T) {
	dir := t.TempDir()
	var roots, others []byte
	for _, raw := range h.x509 {
		c, err := pkix.ParseCertificate(raw)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(c.RawIssuer, c.RawSubject) {
			roots = append(roots, c.PEM()...)
		} else {
			others = append(others, c.PEM()...)
		}
	}
	write := func(name string, text []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	rootFile, otherFile := write("roots.pem", roots), write("others.pem", others)
	for name, raw := range h.x509 {
		file := write(name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
		mustAsk(t, "openssl", "verify", "-x509_strict", "-CAfile", rootFile, "-untrusted", otherFile, file)
	}
	t.Logf("%d certificates of issuers and signers", len(h.x509))
}

func (h hierarchy) askAboutX509(t *testing.T, order *siegelv1.Order, c *siegelv1.Certificate) {
	above := h.above(t, c.GetIssuer())
	need, ok := relying.NeedOf(c.GetSlot())
	if !ok {
		t.Fatalf("nobody needs a certificate of slot %s", c.GetSlot())
	}
	identity, err := relying.Check(c.GetData(), above, need, time.Now())
	if err != nil {
		t.Errorf("the relying party says: %v", err)
	}
	if inst := order.GetInstitution(); inst != nil && (identity.Role != inst.GetProfessionOid() || identity.TelematikID != inst.GetTelematikId()) {
		t.Errorf("the relying party takes role %s, number %q from it; the order has %s, %q",
			identity.Role, identity.TelematikID, inst.GetProfessionOid(), inst.GetTelematikId())
	}
	files := writeChain(t, c.GetData(), above)
	askOpenSSL(t, files)
	askOpenSSLAboutExtensions(t, files, c.GetData(), identity)
	askGnuTLS(t, files, strings.HasSuffix(c.GetSlot(), ".R2048"))
}

// askAboutCVC verifies a CV certificate up to the roots of the ceremony: of either generation.
func (h hierarchy) askAboutCVC(t *testing.T, order *siegelv1.Order, c *siegelv1.Certificate) {
	if cvc.IsG1(c.GetData()) {
		h.askAboutG1(t, order, c)
		return
	}
	card, err := cvc.Parse(c.GetData())
	if err != nil {
		t.Fatal(err)
	}
	var issuers []*cvc.Certificate
	for _, raw := range h.cvc {
		if i, err := cvc.Parse(raw); err == nil {
			issuers = append(issuers, i)
		}
	}
	chain, err := cvc.VerifyChain(card, issuers...)
	if err != nil || len(chain) < 2 {
		t.Errorf("chain of %d: %v", len(chain), err)
	}
	if card.CHR.ICCSN() != order.GetIccsn() {
		t.Errorf("CHR names card %s, the order %s", card.CHR.ICCSN(), order.GetIccsn())
	}
	if now := time.Now(); now.Before(card.CED.Time()) || now.After(card.CXD.Time().Add(24*time.Hour)) {
		t.Errorf("valid from %s to %s", card.CED, card.CXD)
	}
}

// askAboutG1 opens a certificate of generation 1, which a card can only do with the right key at every level.
func (h hierarchy) askAboutG1(t *testing.T, order *siegelv1.Order, c *siegelv1.Certificate) {
	var roots []*cvc.G1CA
	var issuers []*cvc.G1Certificate
	for name, raw := range h.cvc {
		if cvc.IsG1Root(raw) {
			root, err := cvc.ParseG1Root(raw)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			roots = append(roots, root)
		} else if cvc.IsG1(raw) {
			issuer, err := cvc.ParseG1(raw)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			issuers = append(issuers, issuer)
		}
	}
	pool := cvc.NewG1Pool(roots...)
	for _, issuer := range issuers {
		if err := pool.AddIssuer(issuer); err != nil {
			t.Fatal(err)
		}
	}
	card, err := cvc.ParseG1(c.GetData())
	if err != nil {
		t.Fatal(err)
	}
	content, above, err := pool.Verify(card)
	if err != nil {
		t.Fatalf("chain of %d: %v", len(above), err)
	}
	if content.CHR.ICCSN() != order.GetIccsn() {
		t.Errorf("CHR names card %s, the order %s", content.CHR.ICCSN(), order.GetIccsn())
	}
}
