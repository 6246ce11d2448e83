package ca_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/testkey"
	"github.com/siegel-pki/siegel/profiles"
)

// TestEveryCardIsIssued takes the golden order of every card type and sector down the whole road: what the profiles plan, lint accepts,
// the keys sign and the store keeps. Each card gets keys and a number of its own.
func TestEveryCardIsIssued(t *testing.T) {
	files, err := filepath.Glob("../profiles/testdata/golden/*/*/order.json")
	if err != nil || len(files) < 30 {
		t.Fatalf("there are %d golden orders (%v), want 30 at least", len(files), err)
	}
	w := newWorld(t)
	for n, file := range files {
		name := strings.TrimPrefix(filepath.Dir(file), "../profiles/testdata/golden/")
		t.Run(name, func(t *testing.T) {
			order := goldenOrder(t, file, n)
			card, err := w.Issue(t.Context(), operator, order)
			if err != nil {
				t.Fatal(err)
			}
			if len(card.Certs) != len(order.Keys) {
				t.Errorf("there are %d certificates for %d keys", len(card.Certs), len(order.Keys))
			}
			for _, c := range card.Certs {
				checkCertificate(t, c)
			}
			requireKept(t, w, card)
		})
	}
	w.sweep(t)
}

// goldenOrder reads a golden order and gives it keys and a chip of its own.
func goldenOrder(t *testing.T, file string, n int) *profiles.Order {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	order := new(profiles.Order)
	if err := json.Unmarshal(text, order); err != nil {
		t.Fatal(err)
	}
	order.ID, order.ICCSN = fmt.Sprintf("golden-%d", n), fmt.Sprintf("8027600102%010d", n)
	keys := testkey.New(rand.NewChaCha8([32]byte{2, byte(n)}))
	for i := range order.Keys {
		if strings.HasSuffix(order.Keys[i].Slot, ".R2048") {
			order.Keys[i].SPKI = keys.RSA()
		} else {
			order.Keys[i].SPKI = keys.EC()
		}
	}
	return order
}
