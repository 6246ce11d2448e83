package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// shown is a store that shows what a test has put into it, right or wrong. It embeds a nil Store for the verbs that write.
type shown struct {
	ca.Store
	entries []ca.StoredEntry
	list    []ca.CardSummary
	cards   map[string]*ca.Card // by ICCSN
	orders  map[string]*ca.OrderState
	open    []ca.OpenAttempt
}

func (s *shown) Order(_ context.Context, id string) (*ca.OrderState, error) {
	if o := s.orders[id]; o != nil {
		return o, nil
	}
	return nil, ca.ErrNotFound
}

func (s *shown) Card(_ context.Context, iccsn string) (*ca.Card, error) {
	if c := s.cards[iccsn]; c != nil {
		return c, nil
	}
	return nil, ca.ErrNotFound
}

func (s *shown) Cards(_ context.Context, after int64, _ int) ([]ca.CardSummary, error) {
	return s.list[min(int(after), len(s.list)):], nil
}

func (s *shown) OpenAttempts(context.Context) ([]ca.OpenAttempt, error) { return s.open, nil }

func (s *shown) Entries(_ context.Context, after int64, _ int) ([]ca.StoredEntry, error) {
	return s.entries[min(int(after), len(s.entries)):], nil
}

// newShown shows two cards, an abandoned attempt and an open one, as they should be.
func newShown() *shown {
	s := &shown{cards: map[string]*ca.Card{}, orders: map[string]*ca.OrderState{}}
	record := func(kind tlog.Kind, in *ca.Intent) int64 {
		id := int64(len(s.entries) + 1)
		s.entries = append(s.entries, ca.StoredEntry{ID: id, Entry: NewEntry(kind, in)})
		return id
	}
	for order := 1; order <= 2; order++ {
		in := NewIntent(order, 1)
		record(tlog.OrderRecorded, in)
		card := NewCompletion(in).Card(ca.CardNumbers{Number: int64(order), EntryID: record(tlog.CardIssued, in)})
		s.list = append(s.list, card.CardSummary)
		s.cards[in.ICCSN] = card
		s.orders[in.OrderID] = &ca.OrderState{ID: in.OrderID, Hash: in.OrderHash, Card: card}
	}
	dead, open := NewIntent(3, 1), NewIntent(3, 2)
	record(tlog.OrderRecorded, dead)
	record(tlog.AttemptAbandoned, dead)
	record(tlog.OrderRecorded, open)
	s.open = []ca.OpenAttempt{{ID: open.Attempt, OrderID: open.OrderID, ICCSN: open.ICCSN, At: open.At}}
	s.orders[open.OrderID] = &ca.OrderState{ID: open.OrderID, Hash: open.OrderHash, Open: &s.open[0]}
	return s
}

// TestCheckAcceptsASoundStore is the other half of the next test.
func TestCheckAcceptsASoundStore(t *testing.T) {
	if err := Check(t.Context(), newShown()); err != nil {
		t.Errorf("Check = %v, want nil", err)
	}
}

// TestCheckFinds breaks each invariant in turn.
func TestCheckFinds(t *testing.T) {
	one, two := NewIntent(1, 1), NewIntent(2, 1)
	for _, c := range []struct {
		name string
		harm func(s *shown)
		want string // a part of the report
	}{
		{"entries out of order", func(s *shown) { s.entries[1].ID, s.entries[2].ID = 3, 2 }, "entry 2 comes after entry 3"},
		{"an entry without a leaf", func(s *shown) { s.entries[2].Facts = []byte("{") }, "entry 3 has no leaf"},
		{"a lost entry of an issuance", func(s *shown) { s.entries[1].Kind = tlog.ServerStarted }, "2 cards, but 1 card-issued"},
		{"a card with the entry of something else", func(s *shown) { s.cards[one.ICCSN].EntryID = 1 }, `entry 1, which is of kind "order-recorded"`},
		{"two cards with one entry", func(s *shown) { s.cards[one.ICCSN].EntryID = s.cards[two.ICCSN].EntryID }, "entry 4 belongs to card 1 and to card 2"},
		{"an attempt without an entry", func(s *shown) { s.entries = s.entries[:6] }, "3 attempts were recorded, but 2 completed, 1 were abandoned and 1 are open"},
		{"an attempt that vanished", func(s *shown) { s.open = nil }, "1 were abandoned and 0 are open"},
		{"cards out of order", func(s *shown) { s.list[0].Number, s.list[1].Number = 2, 1 }, "card 1 comes after card 2"},
		{"a listed card that is not there", func(s *shown) { delete(s.cards, one.ICCSN) }, "card 1 is listed, but: not found"},
		{"a card without an order", func(s *shown) { delete(s.orders, one.OrderID) }, "but its order: not found"},
		{"a card other than listed", func(s *shown) { s.list[0].Sector = "pharmacy" }, "card 1 is listed as"},
		{"an order with another card", func(s *shown) { s.orders[one.OrderID].Card = s.cards[two.ICCSN] }, "card 1 is not the same by ICCSN and by order"},
		{"a card of another order content", func(s *shown) { s.cards[one.ICCSN].OrderHash[0]++ }, "card 1 has order hash"},
		{"two cards of one order", func(s *shown) {
			s.list[1].OrderID, s.cards[two.ICCSN].OrderID = one.OrderID, one.OrderID
		}, `order "order-1" belongs to card 1 and to card 2`},
		{"a complete order with an open attempt", func(s *shown) { s.orders[one.OrderID].Open = &s.open[0] }, "of its order is open"},
		{"an open attempt of a complete order", func(s *shown) { s.open[0].OrderID = one.OrderID }, `order "order-1" belongs to card 1 and to open attempt`},
		{"an open attempt that its order does not know", func(s *shown) { s.orders["order-3"].Open = nil }, "but its order has <nil>"},
		{"a missing certificate", func(s *shown) { cut(s.cards[one.ICCSN]) }, "card 1 has 2 certificates, its summary says 3"},
		{"an empty certificate", func(s *shown) { s.cards[one.ICCSN].Certs[1].Data = nil }, "C.HCI.AUT.E256 of card 1 is empty"},
		{"one slot twice", func(s *shown) { s.cards[one.ICCSN].Certs[0].Slot = "C.HCI.AUT.E256" }, "slot C.HCI.AUT.E256 of card 1 belongs to"},
		{"one key twice", func(s *shown) {
			s.cards[two.ICCSN].Certs[1].KeyIdentity = s.cards[one.ICCSN].Certs[1].KeyIdentity
		}, "belongs to C.HCI.AUT.E256 of card 1 and to C.HCI.AUT.E256 of card 2"},
		{"one serial number twice", func(s *shown) {
			s.cards[two.ICCSN].Certs[1].Serial = s.cards[one.ICCSN].Certs[1].Serial
		}, "of issuer SMCB-CA51 TEST-ONLY belongs to"},
		{"one CHR twice", func(s *shown) {
			s.cards[two.ICCSN].Certs[2].CHR = s.cards[one.ICCSN].Certs[2].CHR
		}, "of issuer DEZGW860225 belongs to"},
		{"a certificate without a number", func(s *shown) { s.cards[one.ICCSN].Certs[2].CHR = "" }, `serial number "" and CHR ""`},
		{"five years", func(s *shown) { longer(&s.cards[one.ICCSN].Certs[0]) }, "C.HCI.AUT.R2048 of card 1 is valid from"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShown()
			c.harm(s)
			if err := Check(t.Context(), s); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Check = %v, want a report of %q", err, c.want)
			}
		})
	}
}

// TestCheckNeedsAnAnswer must not take a store that fails for a sound one.
func TestCheckNeedsAnAnswer(t *testing.T) {
	for _, verb := range []Verb{Order, Card, Cards, OpenAttempts, Entries} {
		if err := Check(t.Context(), Faulty(newShown(), Fault{Verb: verb, Call: 1})); !errors.Is(err, ErrFault) {
			t.Errorf("Check without an answer of %s = %v, want %v", verb, err, ErrFault)
		}
	}
}

func cut(card *ca.Card) { card.Certs = card.Certs[:2] }

func longer(c *ca.Certificate) { c.NotAfter = c.NotAfter.Add(time.Second) }
