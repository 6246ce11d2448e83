package ca_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: the sample orders, one of each card type that is not a G2.1 institution card, go the whole road.

// sampleOrder reads an order of testdata/orders.
func sampleOrder(t *testing.T, name string) *profiles.Order {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "orders", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	order := new(profiles.Order)
	if err := json.Unmarshal(text, order); err != nil {
		t.Fatal(err)
	}
	return order
}

func TestIssuesEveryCardType(t *testing.T) {
	for name, want := range map[string]struct {
		slots  []string
		sector string
	}{
		"pharmacy": {[]string{"C.HCI.AUT.R2048", "C.HCI.ENC.R2048", "C.HCI.OSIG.R2048", "C.HCI.QES.R2048", "C.SMC.AUTR_CVC.R2048",
			"C.SMC.AUTR_CVC.E256", "C.SMC.AUTD_RPE_CVC.E256"}, "pharmacy"},
		"dental-practice": {[]string{"C.HCI.AUT.R2048", "C.HCI.ENC.R2048", "C.HCI.OSIG.R2048", "C.HCI.QSEAL.R2048", "C.SMC.AUTR_CVC.R2048",
			"C.SMC.AUTR_CVC.E256", "C.SMC.AUTD_RPE_CVC.E256"}, "kzbv"},
		"connector": {[]string{"C.NK.VPN.R2048", "C.AK.AUT.R2048", "C.SAK.AUT.R2048", "C.NK.VPN.E256", "C.AK.AUT.E256", "C.SAK.AUT.E256",
			"C.SMC.AUT_CVC.E256", "C.SAK.AUTD_CVC.E256"}, "device"},
		"card-terminal": {[]string{"C.SMKT.AUT.R2048", "C.SMKT.AUT.E256", "C.SMC.AUTD_RPS_CVC.E256"}, "device"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			card, err := w.Issue(t.Context(), operator, sampleOrder(t, name))
			if err != nil {
				t.Fatal(err)
			}
			var slots []string
			for _, c := range card.Certs {
				slots = append(slots, c.Slot)
			}
			if !slices.Equal(slots, want.slots) || card.Sector != want.sector {
				t.Errorf("card of sector %s has %v, want %s, %v", card.Sector, slots, want.sector, want.slots)
			}
			w.sweep(t)
		})
	}
}

// TestQualifiedIsSignedWithPSS: the key signs with the scheme that its issuer is configured with, and the door lets no other through.
func TestQualifiedIsSignedWithPSS(t *testing.T) {
	card, err := newWorld(t).Issue(t.Context(), operator, sampleOrder(t, "pharmacy"))
	if err != nil {
		t.Fatal(err)
	}
	for _, cert := range card.Certs {
		if !strings.HasPrefix(cert.Slot, "C.HCI.") {
			continue
		}
		c, err := pkix.ParseCertificate(cert.Data)
		if err != nil {
			t.Fatal(err)
		}
		issuer, want := hierarchy()[smcbRSA].X509, sigalg.RSAPKCS1SHA256
		if cert.Slot == "C.HCI.QES.R2048" {
			issuer, want = hierarchy()[qes].X509, sigalg.RSAPSSSHA256
		}
		if c.Scheme != want {
			t.Errorf("%s is signed with %s, want %s", cert.Slot, c.Scheme, want)
		}
		if err := c.CheckSignatureFrom(issuer); err != nil {
			t.Errorf("%s: %v", cert.Slot, err)
		}
	}
}
