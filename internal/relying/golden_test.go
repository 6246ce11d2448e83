package relying

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// The story of this file: every draft that the profiles make, of every card type and sector, is what a relying party needs. The drafts lie
// in profiles/testdata/golden, below the certificates of issuers there.

const profilesData = "../../profiles/testdata/"

func TestGoldenDrafts(t *testing.T) {
	orders, err := filepath.Glob(profilesData + "golden/*/*/order.json")
	if err != nil || len(orders) == 0 {
		t.Fatalf("there are no golden cards (%v)", err)
	}
	issuers := readIssuers(t)
	count := map[string]int{}
	for _, order := range orders {
		dir := filepath.Dir(order)
		t.Run(strings.TrimPrefix(dir, profilesData+"golden/"), func(t *testing.T) {
			number := iccsn(t, order)
			files, _ := filepath.Glob(dir + "/*.der")
			if len(files) == 0 {
				t.Fatal("the card has no certificates")
			}
			var first *Identity
			for _, file := range files {
				slot := strings.TrimSuffix(filepath.Base(file), ".der")
				octets, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				need, isX509 := NeedOf(slot)
				switch {
				case isX509:
					identity := issuers.checkX509(t, slot, octets, need)
					identity.Type = ""
					if first == nil {
						first = &identity
					} else if *first != identity && need.Qualified == "" && need.Role == "" {
						t.Errorf("%s says %+v, another certificate of the card %+v (GS-A_4901)", slot, identity, *first)
					}
				case strings.HasSuffix(slot, "_CVC.R2048"):
					continue // generation 1 is all signature: there is nothing to decide about a draft
				default:
					issuers.checkCVC(t, slot, octets, number)
				}
				count[slot]++
			}
		})
	}
	total := 0
	for _, n := range count {
		total += n
	}
	t.Logf("%d certificates on %d cards: %v", total, len(orders), count)
	if len(orders) < 20 || total < 100 {
		t.Errorf("only %d certificates on %d cards", total, len(orders))
	}
}

// above holds the certificates of the issuers by their names.
type above struct {
	x509 map[string][]byte
	cvc  map[cvc.CHR]*cvc.Certificate
}

func readIssuers(t *testing.T) above {
	t.Helper()
	a := above{map[string][]byte{}, map[cvc.CHR]*cvc.Certificate{}}
	pems, _ := filepath.Glob(profilesData + "[rm]*/*.pem") // real and made
	for _, file := range pems {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		certs, err := pkix.ParseCertificates(text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		a.x509[string(certs[0].RawSubject)] = certs[0].Raw
	}
	files, _ := filepath.Glob(profilesData + "[rm]*/*.cvc") // real and made
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := cvc.Parse(raw); err == nil { // not those of generation 1
			a.cvc[c.CHR] = c
		}
	}
	return a
}

// checkX509 decides at the first second of the validity and at the last.
func (a above) checkX509(t *testing.T, slot string, octets []byte, need Need) (identity Identity) {
	t.Helper()
	draft, err := pkix.ParseTBSCertificate(octets)
	if err != nil {
		t.Fatalf("%s: %v", slot, err)
	}
	issuer, ok := a.x509[string(draft.RawIssuer)]
	if !ok {
		t.Fatalf("%s: issuer %s is not at hand", slot, draft.Issuer)
	}
	for _, at := range []time.Time{draft.NotBefore, draft.NotAfter} {
		if identity, err = CheckDraft(octets, issuer, need, at); err != nil {
			t.Errorf("%s at %s: %v", slot, at, err)
		}
	}
	for _, at := range []time.Time{draft.NotBefore.Add(-time.Second), draft.NotAfter.Add(time.Second)} {
		_, err := CheckDraft(octets, issuer, need, at)
		wantRefusal(t, err, NotValidTime)
	}
	return identity
}

// checkCVC does what a card does with a certificate that it imports, but for the signature (gemSpec_COS, (N095.900)).
func (a above) checkCVC(t *testing.T, slot string, body []byte, iccsn string) {
	t.Helper()
	raw, err := cvc.Assemble(body, make([]byte, 64))
	if err != nil {
		t.Fatalf("%s: %v", slot, err)
	}
	c, err := cvc.Parse(raw)
	if err != nil {
		t.Fatalf("%s: %v", slot, err)
	}
	issuer := a.cvc[c.CAR.CHR()]
	if issuer == nil {
		t.Fatalf("%s: issuer %s is not at hand", slot, c.CAR)
	}
	if err := c.CheckIssuedBy(issuer); !errors.Is(err, cvc.ErrSignature) {
		t.Errorf("%s: got %v, want the signature as the first thing that is wrong", slot, err)
	}
	if !c.Flags.Within(issuer.Flags) || c.CXD.After(issuer.CXD) {
		t.Errorf("%s has rights %s until %s, its issuer %s until %s", slot, c.Flags, c.CXD, issuer.Flags, issuer.CXD)
	}
	if c.CHR.ICCSN() != iccsn {
		t.Errorf("%s is for card %s, want %s", slot, c.CHR.ICCSN(), iccsn)
	}
}

func iccsn(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var order struct{ ICCSN string }
	if err := json.Unmarshal(text, &order); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", file, err))
	}
	return order.ICCSN
}
