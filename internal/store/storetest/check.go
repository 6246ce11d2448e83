package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// page is how many cards or entries the sweep reads at a time.
const page = 500

// Check sweeps over a whole store and gives every broken invariant, joined, or nil. The store must be at rest: no verb may run
// meanwhile. It uses nothing but ca.Store, so that it serves every store and every fault test.
//
// The invariants:
//
//   - A complete order has exactly one card, the same by order, by ICCSN and in the list, and no open attempt.
//   - A card is whole: as many certificates as its summary says and at least one, each in a slot of its own, with octets.
//   - Serial numbers and CHRs are unique for their issuer, subject public keys among all, over all cards.
//   - A renewal names a card, with which it shares ICCSN, card type and sector, and in each of its slots key and CHR. It holds CV
//     certificates only, and no other renewal of the card has its number.
//   - No certificate lives longer than five years less a second.
//   - Each card has its card-issued entry, and no other card has it; and there is no such entry without a card.
//   - Attempts that began are those that completed, were abandoned or are open: counted by entries, cards and open attempts.
//   - Numbers and ids ascend; every entry has a leaf.
//
// That nothing is signed without intent only a witness of the signing can say: see FaultyStore.Intended.
func Check(ctx context.Context, store ca.Store) error {
	s := &sweep{ctx: ctx, store: store, kinds: map[int64]tlog.Kind{}, count: map[tlog.Kind]int{}, seen: map[string]string{}}
	for _, step := range []func() error{s.entries, s.cards, s.openAttempts} {
		if err := step(); err != nil {
			return fmt.Errorf("check the store: %w", err)
		}
	}
	s.balance()
	return errors.Join(s.broken...)
}

// sweep is what one Check has seen so far.
type sweep struct {
	ctx    context.Context // of the one call of Check that the sweep is
	store  ca.Store
	broken []error

	kinds  map[int64]tlog.Kind // entries by id
	count  map[tlog.Kind]int   // entries by kind
	seen   map[string]string   // what must be unique, and whose it is
	issued int                 // cards
	open   int                 // open attempts
}

func (s *sweep) report(format string, args ...any) {
	s.broken = append(s.broken, fmt.Errorf(format, args...))
}

// unique reports a thing that was seen before.
func (s *sweep) unique(whose, format string, args ...any) {
	thing := fmt.Sprintf(format, args...)
	if other, ok := s.seen[thing]; ok {
		s.report("%s belongs to %s and to %s", thing, other, whose)
	}
	s.seen[thing] = whose
}

func (s *sweep) entries() error {
	last := int64(0)
	for {
		list, err := s.store.Entries(s.ctx, last, page)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, e := range list {
			if e.ID <= last {
				s.report("entry %d comes after entry %d", e.ID, last)
				return nil
			}
			last = e.ID
			if _, err := e.Leaf(); err != nil {
				s.report("entry %d has no leaf: %w", e.ID, err)
			}
			s.kinds[e.ID] = e.Kind
			s.count[e.Kind]++
		}
	}
}

func (s *sweep) cards() error {
	last := int64(0)
	for {
		list, err := s.store.Cards(s.ctx, last, page)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, c := range list {
			if c.Number <= last {
				s.report("card %d comes after card %d", c.Number, last)
				return nil
			}
			last = c.Number
			s.issued++
			if err := s.card(c); err != nil {
				return err
			}
		}
	}
}

// card checks one card of the list.
func (s *sweep) card(summary ca.CardSummary) error {
	whose := fmt.Sprintf("card %d", summary.Number)
	card, err := s.store.Card(s.ctx, summary.ICCSN)
	if err != nil {
		return fmt.Errorf("%s is listed, but: %w", whose, err)
	}
	var first *ca.Card
	if summary.Renews != "" {
		first = card
		if card, err = s.renewal(whose, summary, first); err != nil {
			return err
		}
	}
	order, err := s.store.Order(s.ctx, summary.OrderID)
	if err != nil {
		return fmt.Errorf("%s is listed, but its order: %w", whose, err)
	}
	if card.CardSummary != summary {
		s.report("%s is listed as %+v, but is %+v", whose, summary, card.CardSummary)
	}
	if !reflect.DeepEqual(order.Card, card) {
		s.report("%s is not the same by ICCSN and by order", whose)
	}
	if order.Hash != card.OrderHash {
		s.report("%s has order hash %x, its order %x", whose, card.OrderHash, order.Hash)
	}
	if order.Open != nil {
		s.report("%s is complete, but attempt %s of its order is open", whose, order.Open.ID)
	}
	if kind := s.kinds[card.EntryID]; kind != tlog.CardIssued {
		s.report("%s has entry %d, which is of kind %q", whose, card.EntryID, kind)
	}
	s.unique(whose, "entry %d", card.EntryID)
	s.unique(whose, "order %q", card.OrderID)
	s.unique(whose, "renewal %d of card %s", card.Renewal, card.ICCSN)
	if len(card.Certs) == 0 || len(card.Certs) != card.Certificates {
		s.report("%s has %d certificates, its summary says %d", whose, len(card.Certs), card.Certificates)
	}
	for i := range card.Certs {
		s.certificate(whose, &card.Certs[i], first)
	}
	return nil
}

// renewal compares a renewal of the list with the card that has its ICCSN, and gives it as its order has it.
func (s *sweep) renewal(whose string, summary ca.CardSummary, first *ca.Card) (*ca.Card, error) {
	order, err := s.store.Order(s.ctx, summary.OrderID)
	if err != nil || order.Card == nil {
		return nil, fmt.Errorf("%s is listed, but its order %q has no card: %w", whose, summary.OrderID, err)
	}
	if first.OrderID != summary.Renews || first.Renews != "" || first.CardType != summary.CardType || first.Sector != summary.Sector {
		s.report("%s renews order %q, but its ICCSN is that of %+v", whose, summary.Renews, first.CardSummary)
	}
	if (summary.Renewal > 0) != (summary.Renews != "") {
		s.report("%s is renewal number %d of order %q", whose, summary.Renewal, summary.Renews)
	}
	return order.Card, nil
}

// certificate checks a certificate of a card, or of a renewal of the card first.
func (s *sweep) certificate(whose string, c *ca.Certificate, first *ca.Card) {
	s.unique(whose, "slot %s of %s", c.Slot, whose)
	whose = fmt.Sprintf("%s of %s", c.Slot, whose)
	if first == nil {
		s.unique(whose, "key %x", c.KeyIdentity)
	}
	switch {
	case first != nil:
		if !slices.ContainsFunc(first.Certs, func(old ca.Certificate) bool {
			return c.Format == ca.CVC && old.Slot == c.Slot && old.KeyHash == c.KeyHash && old.KeyIdentity == c.KeyIdentity && old.CHR == c.CHR
		}) {
			s.report("%s has key %x and CHR %s, which the card has not in this slot", whose, c.KeyHash, c.CHR)
		}
	case c.Format == ca.X509 && !c.Serial.IsZero() && c.CHR == "":
		s.unique(whose, "serial number %s of issuer %s", c.Serial, c.Issuer)
	case c.Format == ca.CVC && c.Serial.IsZero() && c.CHR != "":
		s.unique(whose, "CHR %s of issuer %s", c.CHR, c.Issuer)
	default:
		s.report("%s is of format %q with serial number %q and CHR %q", whose, c.Format, c.Serial, c.CHR)
	}
	if len(c.Data) == 0 {
		s.report("%s is empty", whose)
	}
	if !c.NotAfter.After(c.NotBefore) || c.NotAfter.After(c.NotBefore.AddDate(5, 0, 0).Add(-time.Second)) {
		s.report("%s is valid from %s to %s", whose, c.NotBefore, c.NotAfter)
	}
}

func (s *sweep) openAttempts() error {
	list, err := s.store.OpenAttempts(s.ctx)
	if err != nil {
		return err
	}
	s.open = len(list)
	for _, a := range list {
		whose := fmt.Sprintf("open attempt %s", a.ID)
		s.unique(whose, "order %q", a.OrderID)
		if _, err := s.store.Card(s.ctx, a.ICCSN); errors.Is(err, ca.ErrNotFound) { // otherwise it renews that card
			s.unique(whose, "ICCSN %s", a.ICCSN)
		}
		order, err := s.store.Order(s.ctx, a.OrderID)
		if err != nil {
			return fmt.Errorf("%s is listed, but its order: %w", whose, err)
		}
		if order.Open == nil || *order.Open != a {
			s.report("%s is listed as %+v, but its order has %+v", whose, a, order.Open)
		}
	}
	return nil
}

// balance compares the log with what it records.
func (s *sweep) balance() {
	if n := s.count[tlog.CardIssued]; n != s.issued {
		s.report("there are %d cards, but %d card-issued entries", s.issued, n)
	}
	began, abandoned := s.count[tlog.OrderRecorded], s.count[tlog.AttemptAbandoned]
	if ended := s.issued + abandoned; began != ended+s.open {
		s.report("%d attempts were recorded, but %d completed, %d were abandoned and %d are open", began, s.issued, abandoned, s.open)
	}
}
