package lint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// The story of this file: the drafts that the profiles make, of every card type and sector, pass every rule. They lie in
// profiles/testdata/golden, below the certificates of issuers there.

const profilesData = "../../profiles/testdata/"

func TestGoldenDraftsPass(t *testing.T) {
	files, err := filepath.Glob(profilesData + "golden/*/*/*.der")
	if err != nil {
		t.Fatal(err)
	}
	issuers := goldenIssuers(t)
	judged := 0
	for _, file := range files {
		slot := strings.TrimSuffix(filepath.Base(file), ".der")
		judged++
		t.Run(strings.TrimPrefix(file, profilesData+"golden/"), func(t *testing.T) {
			octets, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range issuers.judge(t, slot, octets, filepath.Dir(file)+"/order.json") {
				t.Error(f)
			}
		})
	}
	t.Logf("%d drafts", judged)
	if judged < 100 {
		t.Errorf("only %d drafts", judged)
	}
}

// golden holds the issuers of the golden drafts.
type golden struct {
	x509 []*pkix.Certificate
	cvc  []*cvc.Certificate
}

func goldenIssuers(t *testing.T) (g golden) {
	t.Helper()
	pems, _ := filepath.Glob(profilesData + "[rm]*/*.pem") // real and made
	for _, file := range pems {
		g.x509 = append(g.x509, readX509(t, file))
	}
	files, _ := filepath.Glob(profilesData + "[rm]*/*.cvc")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := cvc.Parse(raw); err == nil { // not those of generation 1
			g.cvc = append(g.cvc, c)
		}
	}
	return g
}

func (g golden) judge(t *testing.T, slot string, octets []byte, orderFile string) []Finding {
	t.Helper()
	if _, ok := g1Slots[slot]; ok {
		_, c := goodMessage(t) // below the same issuer
		c.ICCSN = orderedICCSN(t, orderFile)
		return G1(octets, c)
	}
	if body, err := readCVC(octets); err == nil {
		for _, issuer := range g.cvc {
			if string(issuer.CHR.Bytes()) == string(body.car) {
				return CVC(octets, CVCContext{slot, issuer, orderedICCSN(t, orderFile), time.Date(2024, 11, 5, 0, 0, 0, 0, time.UTC)})
			}
		}
		t.Fatalf("issuer %x is not at hand", body.car)
	}
	draft, err := readTBS(octets)
	if err != nil {
		t.Fatal(err)
	}
	for _, issuer := range g.x509 {
		if string(issuer.RawSubject) == string(draft.issuer) {
			return X509(octets, X509Context{Slot: slot, Issuer: issuer, Test: true})
		}
	}
	t.Fatal("the issuer is not at hand")
	return nil
}

func orderedICCSN(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var order struct{ ICCSN string }
	if err := json.Unmarshal(text, &order); err != nil {
		t.Fatal(err)
	}
	return order.ICCSN
}
