package ca_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: one good order goes down the whole road, and everything that it leaves behind is looked at.

func TestGoodOrderBecomesACard(t *testing.T) {
	w := newWorld(t)
	order := newOrder(1)
	card, err := w.Issue(t.Context(), operator, order)
	if err != nil {
		t.Fatal(err)
	}
	if card.ICCSN != order.ICCSN || card.OrderID != order.ID || card.CardType != order.CardType || card.Sector != order.Sector ||
		card.Certificates != 9 {
		t.Errorf("card is %+v", card.CardSummary)
	}
	var slots []string
	for _, c := range card.Certs {
		slots = append(slots, c.Slot)
		checkCertificate(t, c)
	}
	want := []string{"C.HCI.AUT.R2048", "C.HCI.ENC.R2048", "C.HCI.OSIG.R2048", "C.HCI.AUT.E256", "C.HCI.ENC.E256", "C.HCI.OSIG.E256",
		"C.SMC.AUTR_CVC.R2048", "C.SMC.AUTR_CVC.E256", "C.SMC.AUTD_RPE_CVC.E256"}
	if !slices.Equal(slots, want) {
		t.Errorf("got slots %v, want %v", slots, want)
	}
	byICCSN, err := w.Card(t.Context(), order.ICCSN)
	if err != nil || !reflect.DeepEqual(byICCSN, card) {
		t.Errorf("card by ICCSN is %+v (%v), want %+v", byICCSN, err, card)
	}
	byOrder, err := w.CardByOrder(t.Context(), order.ID)
	if err != nil || !reflect.DeepEqual(byOrder, card) {
		t.Errorf("card by order is %+v (%v), want %+v", byOrder, err, card)
	}
	list, err := w.Cards(t.Context(), 0, 10)
	if err != nil || len(list) != 1 || list[0] != card.CardSummary {
		t.Errorf("list is %+v (%v), want the one card", list, err)
	}
	w.sweep(t)
}

// checkCertificate parses a certificate and verifies it with its issuer's.
func checkCertificate(t *testing.T, c ca.Certificate) {
	t.Helper()
	var issuer *profiles.Issuer
	for _, i := range hierarchy() {
		if i.Name == c.Issuer {
			issuer = i.Issuer
		}
	}
	if c.Format == ca.CVC {
		var err error
		if issuer.G1 != nil {
			err = checkG1(c, issuer.G1)
		} else if cert, parseErr := cvc.Parse(c.Data); parseErr != nil {
			err = parseErr
		} else {
			err = cert.CheckIssuedBy(issuer.CVC)
		}
		if err != nil {
			t.Errorf("%s: %v", c.Slot, err)
		}
		return
	}
	cert, err := pkix.ParseCertificate(c.Data)
	if err == nil {
		err = cert.CheckSignatureFrom(issuer.X509)
	}
	if err != nil {
		t.Errorf("%s: %v", c.Slot, err)
		return
	}
	if cert.Serial != c.Serial || !cert.NotBefore.Equal(c.NotBefore) || !cert.NotAfter.Equal(c.NotAfter) {
		t.Errorf("%s: the store says %s, %s to %s; the certificate %s, %s to %s", c.Slot, c.Serial, c.NotBefore, c.NotAfter,
			cert.Serial, cert.NotBefore, cert.NotAfter)
	}
}

func TestLogTellsTheStoryWithoutNames(t *testing.T) {
	w := newWorld(t)
	order := newOrder(2)
	card, err := w.Issue(t.Context(), operator, order)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []tlog.Kind
	for _, e := range w.entries(t) {
		kinds = append(kinds, e.Kind)
		for _, personal := range []string{"Waldesrand", "5-2-KH", `"12345"`, "release-7081", "ident-5512", "1-1-Arzt"} {
			if strings.Contains(string(e.Facts), personal) {
				t.Errorf("the facts of a %s entry hold %q", e.Kind, personal)
			}
		}
	}
	want := append([]tlog.Kind{tlog.ServerStarted}, slices.Repeat([]tlog.Kind{tlog.IssuerAdded}, issuersKnown)...)
	want = append(want, slices.Repeat([]tlog.Kind{tlog.KeySessionOpened}, entriesAtStart-1-issuersKnown)...)
	want = append(want, tlog.OrderRecorded, tlog.CardIssued)
	if !slices.Equal(kinds, want) {
		t.Fatalf("got entries %v, want %v", kinds, want)
	}
	recorded, issued := w.entries(t)[entriesAtStart], w.entries(t)[entriesAtStart+1]
	if recorded.Actor != operator || issued.Actor != operator || issued.ID != card.EntryID {
		t.Errorf("actors are %q and %q, the card's entry is %d, the card says %d", recorded.Actor, issued.Actor, issued.ID, card.EntryID)
	}
	if text := must(json.Marshal(order)); !bytes.Equal(recorded.Personal, text) || len(recorded.Salt) != tlog.SaltSize {
		t.Errorf("personal part is %s with a salt of %d octets, want the order", recorded.Personal, len(recorded.Salt))
	}
	var facts struct {
		Certificates []struct {
			Slot   string
			SHA256 string `json:"certificate_sha256"`
		}
	}
	if err := json.Unmarshal(issued.Facts, &facts); err != nil || len(facts.Certificates) != len(card.Certs) {
		t.Fatalf("facts %s (%v)", issued.Facts, err)
	}
	for i, c := range card.Certs {
		sum := sha256.Sum256(c.Data)
		if f := facts.Certificates[i]; f.Slot != c.Slot || f.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("entry says %+v, want slot %s and SHA-256 %x", f, c.Slot, sum)
		}
	}
}

// TestPlanIsWhatIssueSigns: a dry run differs from what is issued in the serial numbers only, and they have the same length.
func TestPlanIsWhatIssueSigns(t *testing.T) {
	w := newWorld(t)
	order := newOrder(3)
	plan, err := w.Plan(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(w.entries(t)); n != entriesAtStart {
		t.Errorf("a dry run left %d entries, want the %d of the start", n, entriesAtStart)
	}
	card, err := w.Issue(t.Context(), operator, order)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Drafts) != len(card.Certs) {
		t.Fatalf("plan has %d drafts, the card %d certificates", len(plan.Drafts), len(card.Certs))
	}
	for i, c := range card.Certs {
		body := plan.Drafts[i].Body
		if c.Format == ca.X509 {
			if len(c.Serial.Bytes()) != 16 || len(plan.Drafts[i].Serial.Bytes()) != 16 {
				t.Errorf("%s: serial numbers %s and %s, want 16 octets each", c.Slot, plan.Drafts[i].Serial, c.Serial)
			}
			body = bytes.Replace(body, plan.Drafts[i].Serial.Bytes(), c.Serial.Bytes(), 1)
		}
		if !c.HasTerm() {
			body = body[222:] // what the signature cannot carry; the rest is in it
		}
		if !bytes.Contains(c.Data, body) {
			t.Errorf("%s: what was planned is not what was signed:\nplan %x\ncert %x", c.Slot, body, c.Data)
		}
	}
	if !slices.Equal(plan.Warnings, card.Warnings) {
		t.Errorf("plan warns %q, card %q", plan.Warnings, card.Warnings)
	}
}

func TestUnknownIsNotFound(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Card(t.Context(), "80276001019999999999"); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("card: got %v, want ErrNotFound", err)
	}
	if _, err := w.CardByOrder(t.Context(), "never-sent"); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("order: got %v, want ErrNotFound", err)
	}
}

// TestBadOrderLeavesNothing: neither a row nor an entry, and the good order with the same id and ICCSN is issued.
func TestBadOrderLeavesNothing(t *testing.T) {
	for name, spoil := range map[string]func(*profiles.Order){
		"five years and a day": func(o *profiles.Order) { o.ValidFrom, o.ValidUntil = "2026-03-02", "2031-03-02" },
		"no evidence":          func(o *profiles.Order) { o.Evidence = profiles.Evidence{} },
		"the same key twice":   func(o *profiles.Order) { o.Keys[1].SPKI = o.Keys[0].SPKI },
		"key cut short":        func(o *profiles.Order) { o.Keys[0].SPKI = o.Keys[0].SPKI[:40] },
		"QES in generation 2.1": func(o *profiles.Order) {
			o.Keys = append(o.Keys, profiles.SlotKey{Slot: "C.HCI.QES.R2048", SPKI: o.Keys[0].SPKI})
		},
		"no order id": func(o *profiles.Order) { o.ID = "" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			before := len(w.entries(t))
			order := newOrder(4)
			spoil(order)
			_, err := w.Issue(t.Context(), operator, order)
			var refusal *profiles.Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("got %v, want a refusal", err)
			}
			for _, v := range refusal.Violations {
				if v.Field == "" || v.Rule == "" || v.Citation == "" || v.Message == "" {
					t.Errorf("violation %+v is not complete", v)
				}
			}
			if _, err := w.db.Order(t.Context(), order.ID); !errors.Is(err, ca.ErrNotFound) {
				t.Errorf("the order is in the store: %v", err)
			}
			if after := len(w.entries(t)); after != before {
				t.Errorf("%d entries before, %d after", before, after)
			}
			if _, err := w.Issue(t.Context(), operator, newOrder(4)); err != nil {
				t.Errorf("the good order: %v", err)
			}
			w.sweep(t)
		})
	}
}

func TestWhatIsTakenIsRefused(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Issue(t.Context(), operator, newOrder(5)); err != nil {
		t.Fatal(err)
	}
	sameICCSN := newOrder(6)
	sameICCSN.ICCSN = newOrder(5).ICCSN
	sameKey := newOrder(7)
	sameKey.Keys[6].SPKI = newOrder(5).Keys[6].SPKI
	for _, c := range []struct {
		order              *profiles.Order
		field, rule, about string
	}{
		{sameICCSN, "iccsn", "ICCSN_TAKEN", ""},
		{sameKey, "keys[6].spki", "KEY_REUSED", "GS-A_4906"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := w.Issue(t.Context(), operator, c.order)
			var refusal *profiles.Refusal
			if !errors.As(err, &refusal) || len(refusal.Violations) != 1 {
				t.Fatalf("got %v, want one violation", err)
			}
			if v := refusal.Violations[0]; v.Field != c.field || v.Rule != c.rule || !strings.Contains(v.Citation, c.about) {
				t.Errorf("got %+v, want %s at %s, citing %s", v, c.rule, c.field, c.about)
			}
		})
	}
	w.sweep(t)
}

func BenchmarkPlan(b *testing.B) {
	w := &world{keys: &witness{}}
	cfg := w.config()
	cfg.Store = storetest.Faulty(nil)
	a, err := ca.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	order := newOrder(1)
	for b.Loop() {
		if _, err := a.Plan(b.Context(), order); err != nil {
			b.Fatal(err)
		}
	}
}
