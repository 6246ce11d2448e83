package ca_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The story of this file: the CV certificate of generation 1 on the road and at the door. It has no dates, the token gets a padded block,
// and the certificate must be opened to be seen.

const g1Slot = "C.SMC.AUTR_CVC.R2048"

// checkG1 opens a certificate and compares it with its record.
func checkG1(c ca.Certificate, issuer *cvc.G1CA) error {
	sealed, err := cvc.ParseG1(c.Data)
	if err != nil {
		return err
	}
	body, err := sealed.OpenCard(issuer)
	if err != nil {
		return err
	}
	if got := fmt.Sprintf("%X", body.CHR.Bytes()); got != c.CHR {
		return fmt.Errorf("CHR is %s, the record says %s", got, c.CHR)
	}
	return nil
}

// g1Door is a world whose witness takes every draft for recorded, and a good draft of generation 1.
func g1Door(t *testing.T) (*world, ca.Draft) {
	t.Helper()
	w, _, _ := doorWorld(t)
	plan, err := w.Plan(t.Context(), newOrder(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range plan.Drafts {
		if d.Slot == g1Slot {
			return w, d
		}
	}
	t.Fatalf("the plan has no draft for %s", g1Slot)
	return nil, ca.Draft{}
}

func TestG1CertificateIsWhatWasOrdered(t *testing.T) {
	w := newWorld(t)
	order := newOrder(7)
	card, err := w.Issue(t.Context(), operator, order)
	if err != nil {
		t.Fatal(err)
	}
	var c *ca.Certificate
	for i := range card.Certs {
		if card.Certs[i].Slot == g1Slot {
			c = &card.Certs[i]
		}
	}
	if c == nil || len(c.Data) != 341 || c.HasTerm() || !c.NotBefore.Equal(card.Certs[0].NotBefore) || !c.NotAfter.Equal(card.Certs[0].NotAfter) {
		t.Fatalf("got %+v, want 341 octets without a term of their own, recorded with the card's", c)
	}
	sealed := must(cvc.ParseG1(c.Data))
	body := must(sealed.OpenCard(hierarchy()[g1Sub].G1))
	if got, want := body.CHR.String(), "0010 "+order.ICCSN; got != want {
		t.Errorf("CHR is %s, want %s", got, want)
	}
	if got, want := body.CHA.String(), "D2760000400003"; got != want {
		t.Errorf("CHA is %s, want that of a pharmacy, %s", got, want)
	}
	if sealed.Signature[0]&0x80 != 0 {
		t.Error("the first bit of the signature is one; cards refuse that")
	}
	if n := strings.Count(strings.Join(card.Warnings, "\n"), "carries no dates"); n != 1 {
		t.Errorf("the card says %d times that the certificate carries no dates, want once: %q", n, card.Warnings)
	}
	w.sweep(t)
}

// TestLogSaysThatThereIsNoTerm: whoever counts terms in the log finds out which ones stand in no certificate.
func TestLogSaysThatThereIsNoTerm(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Issue(t.Context(), operator, newOrder(8)); err != nil {
		t.Fatal(err)
	}
	for _, e := range w.entries(t) {
		var facts struct {
			Drafts, Certificates []struct {
				Slot   string
				NoTerm bool `json:"no_term_in_certificate"`
			}
		}
		if err := json.Unmarshal(e.Facts, &facts); err != nil {
			t.Fatal(err)
		}
		list := append(facts.Drafts, facts.Certificates...)
		if (e.Kind == tlog.OrderRecorded || e.Kind == tlog.CardIssued) != (len(list) == 9) {
			t.Errorf("%s names %d certificates", e.Kind, len(list))
		}
		for _, c := range list {
			if c.NoTerm != (c.Slot == g1Slot) {
				t.Errorf("%s, %s: no term is %t", e.Kind, c.Slot, c.NoTerm)
			}
		}
	}
}

// TestEitherRootOfTheBlock: the smaller of the two signatures of a block counts, whichever the token gives.
func TestEitherRootOfTheBlock(t *testing.T) {
	w, draft := g1Door(t)
	modulus := hierarchy()[g1Sub].G1.PublicKey.N
	var certificates [][]byte
	for _, alter := range []func([]byte) []byte{
		func(s []byte) []byte { return s },
		func(s []byte) []byte {
			return new(big.Int).Sub(modulus, new(big.Int).SetBytes(s)).FillBytes(make([]byte, 256))
		},
	} {
		w.keys.alter = alter
		certificate, err := w.Sign(t.Context(), ca.NewRecorded(&draft))
		if err != nil {
			t.Fatal(err)
		}
		certificates = append(certificates, certificate)
	}
	if !bytes.Equal(certificates[0], certificates[1]) {
		t.Errorf("got\n%x and\n%x, want the same", certificates[0], certificates[1])
	}
}

func TestDoorRefusesG1(t *testing.T) {
	caMessage := func(d *ca.Draft) {
		body := must(cvc.ParseG1Message(d.Body))
		d.Body = must((&cvc.G1Body{PublicKey: body.PublicKey, CHR: must(cvc.ParseReference("DESGX 1-5-01-25")).CHR(), CAR: body.CAR}).Message())
	}
	for _, c := range []struct {
		name  string
		spoil func(d *ca.Draft)
		want  string
	}{
		{"record of five years and a day", func(d *ca.Draft) { d.NotAfter = d.NotAfter.Add(24 * time.Hour) }, "longer than five years"},
		{"a CA", caMessage, "is no card"},
		{"signed with PKCS#1", func(d *ca.Draft) { d.Scheme = sigalg.RSAPKCS1SHA256 }, "does not sign with"},
		{"claimed to be X.509", func(d *ca.Draft) { d.Format = ca.X509 }, "another format"},
		{"root", func(d *ca.Draft) { d.Issuer = "SIEGEL-CVC-G1-Root1" }, "has no key here"},
		{"profile of generation 2", func(d *ca.Draft) { d.Profile = "C.SMC.AUTR_CVC" }, "is not bound to it"},
		{"octets of generation 2", func(d *ca.Draft) { d.Body = []byte{0x7F, 0x4E, 0x00} }, "read the draft"},
		{"small modulus", func(d *ca.Draft) { d.Body = bytes.Clone(d.Body); d.Body[1] &= 0x7F }, "read the draft"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, draft := g1Door(t)
			c.spoil(&draft)
			if _, err := w.Sign(t.Context(), ca.NewRecorded(&draft)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
			if w.keys.calls != 0 {
				t.Errorf("keys were used %d times, want 0", w.keys.calls)
			}
		})
	}
}

// TestDoorOpensWhatComesBack: a result that does not open to the draft with the key of the issuer's certificate never leaves.
func TestDoorOpensWhatComesBack(t *testing.T) {
	foreign := must(rsa.GenerateKey(rand.Reader, 2048))
	for name, alter := range map[string]func(d *ca.Draft) func([]byte) []byte{
		"one bit wrong": func(*ca.Draft) func([]byte) []byte {
			return func(s []byte) []byte { s = bytes.Clone(s); s[100] ^= 1; return s }
		},
		"another key": func(d *ca.Draft) func([]byte) []byte {
			block := must(cvc.EncodeG1Block(d.Body))
			return func([]byte) []byte { return power(foreign, block) }
		},
		"another message": func(d *ca.Draft) func([]byte) []byte {
			other := bytes.Clone(d.Body)
			other[100] ^= 1
			block := must(cvc.EncodeG1Block(other))
			return func([]byte) []byte { return power(hierarchy()[g1Sub].Key.(*rsaKey).private, block) }
		},
		"not below the modulus": func(*ca.Draft) func([]byte) []byte {
			return func([]byte) []byte { return bytes.Repeat([]byte{0xFF}, 256) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, draft := g1Door(t)
			w.keys.alter = alter(&draft)
			_, err := w.Sign(t.Context(), ca.NewRecorded(&draft))
			if name == "another message" { // a good signature of something else
				if err == nil || !strings.Contains(err.Error(), "signed part is not the draft") {
					t.Errorf("got %v, want a refusal", err)
				}
			} else if !errors.Is(err, sigalg.ErrSignature) {
				t.Errorf("got %v, want %v", err, sigalg.ErrSignature)
			}
		})
	}
}

// power is the bare RSA operation.
func power(k *rsa.PrivateKey, block []byte) []byte {
	return new(big.Int).Exp(new(big.Int).SetBytes(block), k.D, k.N).FillBytes(make([]byte, 256))
}
