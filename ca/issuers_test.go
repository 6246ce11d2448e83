package ca_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: the configuration of issuers changes between two starts. What would change an answer is refused, and what
// may change changes none.

// TestIssuersAreKnownFromTheStart: each with its entry, those above first, and once.
func TestIssuersAreKnownFromTheStart(t *testing.T) {
	w := newWorld(t)
	added := func() (list []tlog.IssuerAddedFacts) {
		for _, e := range w.entries(t) {
			if facts, err := e.ReadFacts(); err != nil {
				t.Error(err)
			} else if f, ok := facts.(*tlog.IssuerAddedFacts); ok {
				list = append(list, *f)
			}
		}
		return list
	}
	var want []tlog.IssuerAddedFacts
	for _, i := range hierarchy() {
		sum := sha256.Sum256(i.Raw())
		want = append(want, tlog.IssuerAddedFacts{Name: i.Name, Kind: string(i.Kind), CertificateSHA256: hex.EncodeToString(sum[:]), IssuedBy: i.IssuedBy})
	}
	if got := added(); !reflect.DeepEqual(got, want) {
		t.Errorf("the log says %+v, want %+v", got, want)
	}
	w.start(t, func(c *ca.Config) { slices.Reverse(c.Issuers) })
	if got := added(); !reflect.DeepEqual(got, want) {
		t.Errorf("after a second start the log says %+v, want %+v", got, want)
	}
}

// TestRootsAreAddedFirst, wherever they stand in the configuration.
func TestRootsAreAddedFirst(t *testing.T) {
	newWorld(t, func(c *ca.Config) { slices.Reverse(c.Issuers) }).sweep(t)
}

// TestCardKeepsItsIssuers: the issuers of a card's answer are the same after every change that is allowed.
func TestCardKeepsItsIssuers(t *testing.T) {
	w := newWorld(t)
	card, err := w.Issue(t.Context(), operator, newOrder(1))
	if err != nil {
		t.Fatal(err)
	}
	want, err := w.CardIssuers(t.Context(), card)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range want {
		names = append(names, i.Name)
	}
	if wantNames := []string{"SIEGEL.SMCB-CA1", "SIEGEL.SMCB-CA3", "SIEGEL-CVC-G1-CA1", "SIEGEL-CVC-CA1",
		"SIEGEL.RCA1", "SIEGEL.RCA2", "SIEGEL-CVC-G1-Root1", "SIEGEL-CVC-Root1"}; !slices.Equal(names, wantNames) {
		t.Errorf("issuers are %q, want %q", names, wantNames)
	}
	for name, change := range map[string]func(*ca.Config){
		"another order": func(c *ca.Config) { slices.Reverse(c.Issuers) },
		"a retired issuer": func(c *ca.Config) {
			public := *c.Issuers[smcbECC].Issuer
			public.Profiles = nil
			c.Issuers[smcbECC] = ca.Issuer{Issuer: &public}
		},
		"an issuer gone that signed nothing": func(c *ca.Config) { c.Issuers = slices.Delete(c.Issuers, qes, qes+1) },
		"a new issuer":                       func(c *ca.Config) { c.Issuers = append(c.Issuers, newer(c.Issuers)) },
	} {
		t.Run(name, func(t *testing.T) {
			w.start(t, change)
			if got, err := w.CardIssuers(t.Context(), card); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("issuers are %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

// newer is another SMC-B CA, with a name of its own.
func newer(list []ca.Issuer) ca.Issuer {
	iss := x509Issuer(smcbECC, newECKey(), &list[rootECC])
	iss.Name = "SIEGEL.SMCB-CA5"
	return iss
}

// TestChangedIssuersEndTheStart: what would give a card other issuers, or its serial numbers to another key, does not start. The text
// says which issuer, and what to do.
func TestChangedIssuersEndTheStart(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Issue(t.Context(), operator, newOrder(1)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(list []ca.Issuer) []ca.Issuer
		differ bool // the error is ErrIssuerDiffers
		want   []string
	}{
		"renamed": {func(list []ca.Issuer) []ca.Issuer {
			return renamed(list, smcbECC, "SIEGEL.SMCB-CA9")
		}, true, []string{`issuer "SIEGEL.SMCB-CA9"`, `by the name "SIEGEL.SMCB-CA3": give it that name again`}},
		"another key and certificate": {func(list []ca.Issuer) []ca.Issuer {
			list[smcbECC] = x509Issuer(smcbECC, newECKey(), &list[rootECC])
			return list
		}, true, []string{`issuer "SIEGEL.SMCB-CA3"`, "give a new issuer a name of its own"}},
		"another root": {func(list []ca.Issuer) []ca.Issuer {
			list[rootECC] = x509Issuer(rootECC, newECKey(), nil)
			list[smcbECC] = x509Issuer(smcbECC, newECKey(), &list[rootECC])
			list[kompECC] = profiledIssuer(profiles.KOMPCA, "SIEGEL.KOMP-CA2", newECKey(), &list[rootECC])
			return list
		}, true, []string{`issuer "SIEGEL.RCA2"`, "open the database that belongs to this hierarchy"}},
		"hung below another root": {func(list []ca.Issuer) []ca.Issuer {
			public, root := *list[smcbECC].Issuer, *list[rootECC].Issuer
			root.Name, root.IssuedBy, public.IssuedBy = "SIEGEL.RCA9", "SIEGEL.RCA9", "SIEGEL.RCA9" // of the same key
			list[smcbECC].Issuer = &public
			return append(list, ca.Issuer{Issuer: &root})
		}, true, []string{`below "SIEGEL.RCA2", the configuration says smcb-ca below "SIEGEL.RCA9"`}},
		"gone": {func(list []ca.Issuer) []ca.Issuer {
			return slices.Delete(list, cvcSub, cvcSub+1)
		}, false, []string{`issuer "SIEGEL-CVC-CA1": cards of this database depend on it`, "put it back; without profiles it signs no more"}},
		"gone with its root": {func(list []ca.Issuer) []ca.Issuer {
			return slices.Delete(list, g1Root, g1Sub+1)
		}, false, []string{`issuer "SIEGEL-CVC-G1-CA1": cards`, `issuer "SIEGEL-CVC-G1-Root1": cards`}},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(w.entries(t))
			cfg := w.config()
			cfg.Issuers = c.change(cfg.Issuers)
			a, err := ca.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = a.Start(t.Context())
			if err == nil || errors.Is(err, ca.ErrIssuerDiffers) != c.differ {
				t.Fatalf("Start = %v, ErrIssuerDiffers is wanted: %t", err, c.differ)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Start = %v, want %q in it", err, want)
				}
			}
			if after := len(w.entries(t)); after != before {
				t.Errorf("the refused start left %d entries", after-before)
			}
			if _, err := a.Issue(t.Context(), operator, smallOrder(2)); err == nil {
				t.Error("an authority that did not start issues cards")
			}
		})
	}
}

// renamed gives an issuer another name.
func renamed(list []ca.Issuer, i int, name string) []ca.Issuer {
	public := *list[i].Issuer
	public.Name = name
	list[i].Issuer = &public
	return list
}

// TestIssuerOfAnotherServer: a server that knows nothing of a new issuer answers for the cards that it signs.
func TestIssuerOfAnotherServer(t *testing.T) {
	w := newWorld(t)
	old := w.Authority
	w.start(t, func(c *ca.Config) { c.Issuers = append(c.Issuers, newer(c.Issuers)) })
	card, err := w.Issue(t.Context(), operator, smallOrder(1))
	if err != nil {
		t.Fatal(err)
	}
	list, err := old.CardIssuers(t.Context(), card)
	if err != nil || !slices.ContainsFunc(list, func(i ca.KnownIssuer) bool { return i.Name == "SIEGEL.SMCB-CA5" }) {
		t.Errorf("issuers are %+v, %v, want SIEGEL.SMCB-CA5 among them", list, err)
	}
}

// TestTwoServersAddOneIssuer at the same time, with other certificates: the slower is refused by the database.
func TestTwoServersAddOneIssuer(t *testing.T) {
	w := emptyWorld(t)
	cfg := w.config()
	cfg.Store = &overtaken{Store: cfg.Store, issuer: ca.KnownIssuer{
		Name: "SIEGEL.RCA2", Kind: profiles.RootCA, IssuedBy: "SIEGEL.RCA2", Certificate: []byte("another"),
	}}
	a, err := ca.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); !errors.Is(err, ca.ErrIssuerDiffers) || !strings.Contains(err.Error(), "SIEGEL.RCA2") {
		t.Errorf("Start = %v, want ErrIssuerDiffers that names SIEGEL.RCA2", err)
	}
}

// overtaken is a store to which another server adds an issuer after this one has looked.
type overtaken struct {
	ca.Store
	issuer ca.KnownIssuer
}

func (s *overtaken) Issuers(ctx context.Context) ([]ca.KnownIssuer, error) {
	list, err := s.Store.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	entry, err := tlog.NewEntry(tlog.IssuerAdded, dayOfIssue, "siegeld", struct{}{}, nil)
	if err != nil {
		return nil, err
	}
	return list, s.Store.AddIssuer(ctx, &s.issuer, entry)
}

// TestKeysOfIssuersServeNoCard: not those of the issuers that sign here, and not those of the roots above them.
func TestKeysOfIssuersServeNoCard(t *testing.T) {
	w := newWorld(t)
	for _, i := range []int{smcbECC, cvcSub, rootECC, cvcRoot} {
		order := smallOrder(1)
		order.Keys[0].SPKI = must(pkix.MarshalPublicKey(hierarchy()[i].PublicKey()))
		_, err := w.Issue(t.Context(), operator, order)
		var refusal *profiles.Refusal
		if !errors.As(err, &refusal) || refusal.Violations[0].Rule != "KEY_OF_ISSUER" || refusal.Violations[0].Field != "keys[0].spki" {
			t.Errorf("key of %s: got %v, want KEY_OF_ISSUER at keys[0].spki", hierarchy()[i].Name, err)
		}
	}
	w.sweep(t)
}
