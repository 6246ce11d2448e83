package ca_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: what becomes of a card after it was made, and what the log says of it.

const (
	desk    = "desk-1"
	revoker = "revocation-1"
)

// carded is a world with the card of an order.
func carded(t *testing.T, order *profiles.Order) (*world, *ca.Card) {
	t.Helper()
	w := newWorld(t)
	card, err := w.Issue(t.Context(), operator, order)
	if err != nil {
		t.Fatal(err)
	}
	return w, card
}

// lost is a holder's request to revoke.
func lost() ca.RevocationRequest {
	return ca.RevocationRequest{DeskRequest: ca.DeskRequest{Reference: "T-4711"}, Requester: "holder", Reason: "lost"}
}

func x509Of(card *ca.Card) (ids []ca.CertificateID) {
	for _, c := range card.Certs {
		if c.Format == ca.X509 {
			ids = append(ids, ca.CertificateID{Issuer: c.Issuer, Serial: c.Serial})
		}
	}
	return ids
}

// last gives the newest entry with its facts.
func (w *world) last(t *testing.T) (ca.StoredEntry, tlog.Facts) {
	t.Helper()
	list := w.entries(t)
	e := list[len(list)-1]
	facts, err := e.ReadFacts()
	if err != nil {
		t.Fatalf("the newest entry, of kind %s: %v", e.Kind, err)
	}
	return e, facts
}

func TestLifeOfACard(t *testing.T) {
	w, card := carded(t, newOrder(1))
	life, err := w.CardLife(t.Context(), card.ICCSN)
	if err != nil || life.State != ca.Issued || len(life.Certificates) != 6 || len(life.NotRevocable) != 3 {
		t.Fatalf("the issued card is %+v, %v", life, err)
	}
	told := dayOfIssue.Add(-time.Hour)
	life, err = w.ActivateCard(t.Context(), desk, card.ICCSN, ca.DeskRequest{Reference: "B-1", At: told})
	if err != nil || life.State != ca.Active || life.Activation.Actor != desk || !life.Activation.RequestedAt.Equal(told) {
		t.Fatalf("the active card is %+v, %v", life, err)
	}
	e, facts := w.last(t)
	if e.Kind != tlog.CardActivated || e.Actor != desk || string(e.Personal) != `{"reference":"B-1"}` || !e.At.Equal(life.Activation.At) ||
		!reflect.DeepEqual(facts, &tlog.ActivationFacts{ICCSN: card.ICCSN, RequestedAt: tlog.Instant(told)}) {
		t.Errorf("the entry is %+v with %+v", e, facts)
	}
	life, err = w.RevokeCard(t.Context(), revoker, card.ICCSN, lost())
	if err != nil || life.State != ca.Revoked || life.Revocation.Actor != revoker || len(life.NotRevocable) != 3 {
		t.Fatalf("the revoked card is %+v, %v", life, err)
	}
	e, facts = w.last(t)
	f, ok := facts.(*tlog.CardRevocationFacts)
	if !ok || e.Kind != tlog.CardRevoked || e.Actor != revoker || string(e.Personal) != `{"reference":"T-4711"}` ||
		f.Requester != "holder" || f.Reason != "lost" || f.Ground != "holder" || len(f.Certificates) != 6 || f.Bulk != "" {
		t.Fatalf("the entry is %+v with %+v", e, facts)
	}
	for i, id := range x509Of(card) {
		if got := f.Certificates[i]; got.Issuer != id.Issuer || got.Serial != id.Serial.String() {
			t.Errorf("certificate %d in the entry is %+v, want %+v", i, got, id)
		}
		status, err := w.CertificateStatus(t.Context(), id)
		if err != nil || status.State != ca.Revoked {
			t.Errorf("certificate %d is %+v, %v", i, status, err)
		}
	}
	w.sweep(t)
}

// TestRepeatedChangesAnswerTheSame sends every change again, by another operator: the answer stays, and the log too.
func TestRepeatedChangesAnswerTheSame(t *testing.T) {
	w, card := carded(t, smallOrder(1))
	id := x509Of(card)[0]
	for _, change := range []func(actor string) (any, error){
		func(actor string) (any, error) {
			return w.ActivateCard(t.Context(), actor, card.ICCSN, ca.DeskRequest{Reference: "B-1"})
		},
		func(actor string) (any, error) { return w.RevokeCertificate(t.Context(), actor, id, lost()) },
		func(actor string) (any, error) { return w.RevokeCard(t.Context(), actor, card.ICCSN, lost()) },
	} {
		first, err := change(desk)
		if err != nil {
			t.Fatal(err)
		}
		n := len(w.entries(t))
		again, err := change("desk-2")
		if err != nil || !reflect.DeepEqual(again, first) {
			t.Errorf("again it gave %+v, %v, before %+v", again, err, first)
		}
		if got := len(w.entries(t)); got != n {
			t.Errorf("again it wrote %d entries", got-n)
		}
	}
}

func TestRefusedChanges(t *testing.T) {
	w, card := carded(t, smallOrder(1))
	id := x509Of(card)[0]
	revokeCard := func(change func(*ca.RevocationRequest)) func() error {
		return func() error {
			req := lost()
			change(&req)
			_, err := w.RevokeCard(t.Context(), revoker, card.ICCSN, req)
			_, alone := w.RevokeCertificate(t.Context(), revoker, id, req)
			if fmt.Sprint(err) != fmt.Sprint(alone) {
				t.Errorf("the card is refused with %v, its certificate with %v", err, alone)
			}
			return err
		}
	}
	for _, c := range []struct {
		name, field, rule string
		call              func() error
	}{
		{"unknown reason", "reason", "REASON_UNKNOWN", revokeCard(func(r *ca.RevocationRequest) { r.Reason = "because" })},
		{"suspension", "reason", "NO_SUSPENSION", revokeCard(func(r *ca.RevocationRequest) { r.Reason = "certificate-hold" })},
		{"unknown requester", "requester", "NOT_ENTITLED", revokeCard(func(r *ca.RevocationRequest) { r.Requester = "neighbour" })},
		{"requester without that ground", "reason", "NOT_ENTITLED", revokeCard(func(r *ca.RevocationRequest) { r.Requester = "gematik" })},
		{"request of tomorrow", "requested_at", "REQUEST_IN_THE_FUTURE", revokeCard(func(r *ca.RevocationRequest) { r.At = dayOfIssue.AddDate(0, 0, 1) })},
		{"activation asked for tomorrow", "requested_at", "REQUEST_IN_THE_FUTURE", func() error {
			_, err := w.ActivateCard(t.Context(), desk, card.ICCSN, ca.DeskRequest{Reference: "B-1", At: dayOfIssue.AddDate(0, 0, 1)})
			return err
		}},
		{"CV certificate", "slot.slot", "NOT_REVOCABLE", func() error {
			_, err := w.CertificateInSlot(t.Context(), card.ICCSN, "C.SMC.AUTR_CVC.E256")
			return err
		}},
		{"empty slot", "slot.slot", "NO_SUCH_SLOT", func() error {
			_, err := w.CertificateInSlot(t.Context(), card.ICCSN, "C.HCI.AUT.R2048")
			return err
		}},
	} {
		n := len(w.entries(t))
		var refusal *profiles.Refusal
		if err := c.call(); !errors.As(err, &refusal) || refusal.Violations[0].Field != c.field || refusal.Violations[0].Rule != c.rule || refusal.Violations[0].Citation == "" {
			t.Errorf("%s: %v, want it refused by %s of %s", c.name, err, c.rule, c.field)
		}
		if got := len(w.entries(t)); got != n {
			t.Errorf("%s: wrote %d entries", c.name, got-n)
		}
	}
	if life, err := w.CardLife(t.Context(), card.ICCSN); err != nil || life.State != ca.Issued {
		t.Errorf("the card is %+v, %v", life, err)
	}
}

func TestChangesOfNothing(t *testing.T) {
	w, card := carded(t, smallOrder(1))
	serial, err := pkix.ParseSerial("7f01")
	if err != nil {
		t.Fatal(err)
	}
	const nobody = "80276001010000000099"
	for name, call := range map[string]func() error{
		"status":   func() error { _, err := w.CardLife(t.Context(), nobody); return err },
		"activate": func() error { _, err := w.ActivateCard(t.Context(), desk, nobody, ca.DeskRequest{}); return err },
		"revoke":   func() error { _, err := w.RevokeCard(t.Context(), revoker, nobody, lost()); return err },
		"certificate": func() error {
			_, err := w.RevokeCertificate(t.Context(), revoker, ca.CertificateID{Issuer: x509Of(card)[0].Issuer, Serial: serial}, lost())
			return err
		},
		"slot": func() error { _, err := w.CertificateInSlot(t.Context(), nobody, "C.HCI.AUT.E256"); return err },
	} {
		if err := call(); !errors.Is(err, ca.ErrNotFound) {
			t.Errorf("%s: %v, want %v", name, err, ca.ErrNotFound)
		}
	}
}

func TestRevokedIsFinal(t *testing.T) {
	w, card := carded(t, rewritable(1))
	id := x509Of(card)[0]
	if _, err := w.RevokeCard(t.Context(), revoker, card.ICCSN, lost()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ActivateCard(t.Context(), desk, card.ICCSN, ca.DeskRequest{Reference: "B-1"}); !errors.Is(err, ca.ErrCardRevoked) {
		t.Errorf("ActivateCard = %v, want %v", err, ca.ErrCardRevoked)
	}
	other := lost()
	other.Reason = "replaced"
	if _, err := w.RevokeCard(t.Context(), revoker, card.ICCSN, other); !errors.Is(err, ca.ErrRevokedOtherwise) {
		t.Errorf("RevokeCard = %v, want %v", err, ca.ErrRevokedOtherwise)
	}
	if _, err := w.RevokeCertificate(t.Context(), revoker, id, other); !errors.Is(err, ca.ErrRevokedOtherwise) {
		t.Errorf("RevokeCertificate = %v, want %v", err, ca.ErrRevokedOtherwise)
	}
	var refusal *profiles.Refusal
	if _, err := w.Issue(t.Context(), operator, renewalOf(1)); !errors.As(err, &refusal) || refusal.Violations[0].Rule != "CARD_REVOKED" {
		t.Errorf("a renewal of a revoked card gives %v, want it refused", err)
	}
}

// TestEveryCallOfAChangeFails makes every call of every change fail, each in two ways, and sends the change again. What was acknowledged
// stands, what was not is done once, and the log has one entry for it.
func TestEveryCallOfAChangeFails(t *testing.T) {
	type change struct {
		name string
		want []storetest.Verb
		do   func(w *world, card *ca.Card) (any, error)
	}
	changes := []change{
		{"activate", []storetest.Verb{storetest.Card, storetest.ActivateCard}, func(w *world, card *ca.Card) (any, error) {
			return w.ActivateCard(context.Background(), desk, card.ICCSN, ca.DeskRequest{Reference: "B-1"})
		}},
		{"revoke", []storetest.Verb{storetest.Card, storetest.RevokeCard}, func(w *world, card *ca.Card) (any, error) {
			return w.RevokeCard(context.Background(), revoker, card.ICCSN, lost())
		}},
		{"revoke certificate", []storetest.Verb{storetest.CertificateStatus, storetest.Card, storetest.RevokeCertificate}, func(w *world, card *ca.Card) (any, error) {
			return w.RevokeCertificate(context.Background(), revoker, x509Of(card)[0], lost())
		}},
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			w, card := carded(t, smallOrder(1))
			before := len(w.faulty.Calls())
			if _, err := c.do(w, card); err != nil {
				t.Fatal(err)
			}
			if got := w.faulty.Calls()[before:]; !slices.Equal(got, c.want) {
				t.Fatalf("without faults it makes the calls %v, want %v", got, c.want)
			}
		})
		for _, verb := range c.want {
			for _, answerLost := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, lost %t", c.name, verb, answerLost), func(t *testing.T) {
					t.Parallel()
					w, card := carded(t, smallOrder(1))
					var faulty *storetest.FaultyStore
					w.start(t, func(cfg *ca.Config) {
						faulty = storetest.Faulty(w.db, storetest.Fault{Verb: verb, Call: 1, Lost: answerLost})
						cfg.Store = faulty
					})
					entries := len(w.entries(t))
					_, err := c.do(w, card)
					var unavailable *ca.UnavailableError
					if !errors.As(err, &unavailable) || !errors.Is(err, storetest.ErrFault) {
						t.Fatalf("got %v, want the fault, as temporary", err)
					}
					happened := answerLost && !strings.HasPrefix(string(verb), "Card") && verb != storetest.CertificateStatus
					if got := len(w.entries(t)) - entries; (got == 1) != happened || got > 1 {
						t.Errorf("the fault left %d entries, want it to have happened: %t", got, happened)
					}
					if _, err := c.do(w, card); err != nil {
						t.Errorf("again: %v", err)
					}
					if got := len(w.entries(t)) - entries; got != 1 {
						t.Errorf("in the end there are %d entries, want 1", got)
					}
					if err := errors.Join(storetest.CheckStatus(t.Context(), w.db)); err != nil {
						t.Error(err)
					}
					w.sweep(t)
				})
			}
		}
	}
}
