package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// ExerciseStatus runs the contract of ca.StatusStore as Exercise runs that of ca.Store.
func ExerciseStatus(t *testing.T, open Opener) {
	cases := slices.Concat(statusCases, statusReadCases, statusRaceCases, bulkCases)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store, reopen := open(t)
			b := &statusBench{bench: bench{T: t, ctx: t.Context(), store: store}, Store: store, reopen: reopen}
			b.addIssuers()
			c.run(b)
			if err := errors.Join(Check(b.ctx, b.Store), CheckStatus(b.ctx, b.Store)); err != nil {
				t.Errorf("after the case: %v", err)
			}
		})
	}
	t.Logf("%d cases", len(cases))
}

type statusCase struct {
	name string
	run  func(b *statusBench)
}

// statusBench is what a case works at.
type statusBench struct {
	bench
	ca.Store
	reopen func(t *testing.T) ca.Store
}

// The times, the reasons and the people of the samples.
const (
	desk, otherDesk     = "desk-1", "desk-2"
	holder, otherAsker  = "holder", "gematik"
	lost, otherReason   = "lost", "approval-lost"
	sinceRequest        = 1500 * time.Millisecond
	firstDay, secondDay = 1, 2
)

// NewActivation gives the activation of the card of a sample order, so many days after the beginning of the samples.
func NewActivation(order, day int) *ca.Activation {
	at := start.AddDate(0, 0, day)
	return &ca.Activation{ICCSN: NewIntent(order, 1).ICCSN, RequestedAt: at.Add(-sinceRequest), At: at, Actor: desk}
}

// NewRevocation gives a revocation so many days after the beginning of the samples.
func NewRevocation(day int) *ca.Revocation {
	at := start.AddDate(0, 0, day)
	return &ca.Revocation{RequestedAt: at.Add(-sinceRequest), At: at, Actor: desk, Requester: holder, Reason: lost}
}

// NewStatusEntry gives an entry of a kind about something.
func NewStatusEntry(kind tlog.Kind, about any) tlog.Entry {
	return tlog.Entry{Kind: kind, At: start, Actor: desk, Facts: fmt.Appendf(nil, `{"about":%q}`, fmt.Sprint(about))}
}

func (b *statusBench) activate(order, day int) *ca.CardStatus {
	b.Helper()
	status, err := b.tryActivate(order, day)
	if err != nil {
		b.Fatalf("ActivateCard(%d) = %v, want nil", order, err)
	}
	return status
}

func (b *statusBench) tryActivate(order, day int) (*ca.CardStatus, error) {
	a := NewActivation(order, day)
	return b.ActivateCard(b.ctx, a, NewStatusEntry(tlog.CardActivated, a.ICCSN))
}

func (b *statusBench) revoke(order, day int) *ca.CardStatus {
	b.Helper()
	status, err := b.tryRevoke(order, NewRevocation(day))
	if err != nil {
		b.Fatalf("RevokeCard(%d) = %v, want nil", order, err)
	}
	return status
}

func (b *statusBench) tryRevoke(order int, r *ca.Revocation) (*ca.CardStatus, error) {
	iccsn := NewIntent(order, 1).ICCSN
	return b.RevokeCard(b.ctx, iccsn, r, NewStatusEntry(tlog.CardRevoked, iccsn))
}

func (b *statusBench) revokeCertificate(order, draft, day int) *ca.CertificateStatus {
	b.Helper()
	status, err := b.tryRevokeCertificate(idOf(order, draft), NewRevocation(day))
	if err != nil {
		b.Fatalf("RevokeCertificate(%d, %d) = %v, want nil", order, draft, err)
	}
	return status
}

func (b *statusBench) tryRevokeCertificate(id ca.CertificateID, r *ca.Revocation) (*ca.CertificateStatus, error) {
	return b.RevokeCertificate(b.ctx, id, r, NewStatusEntry(tlog.CertificateRevoked, id.Serial))
}

// idOf names the certificate of a draft of a sample order.
func idOf(order, draft int) ca.CertificateID {
	d := NewIntent(order, 1).Drafts[draft]
	return ca.CertificateID{Issuer: d.Issuer, Serial: d.Serial}
}

// cardStatus reads the status of a card that must be there.
func (b *statusBench) cardStatus(order int) *ca.CardStatus {
	b.Helper()
	status, err := b.CardStatus(b.ctx, NewIntent(order, 1).ICCSN)
	if err != nil {
		b.Fatalf("CardStatus(%d) = %v, want nil", order, err)
	}
	return status
}

func (b *statusBench) status(id ca.CertificateID) *ca.CertificateStatus {
	b.Helper()
	status, err := b.CertificateStatus(b.ctx, id)
	if err != nil {
		b.Fatalf("CertificateStatus(%v) = %v, want nil", id, err)
	}
	return status
}

func (b *statusBench) epoch() int64 {
	b.Helper()
	epoch, err := b.StatusEpoch(b.ctx)
	if err != nil {
		b.Fatalf("StatusEpoch = %v, want nil", err)
	}
	return epoch
}

// same compares the status that a change gives with what is read after it.
func (b *statusBench) same(order int, got *ca.CardStatus) {
	b.Helper()
	if want := b.cardStatus(order); !reflect.DeepEqual(got, want) {
		b.Errorf("the change gave\n%+v, the status is\n%+v", got, want)
	}
}

// newStatus is the status of the certificate of a draft of a sample order.
func newStatus(order, draft int, epoch int64) *ca.CertificateStatus {
	in := NewIntent(order, 1)
	return &ca.CertificateStatus{CertificateID: idOf(order, draft), State: ca.Issued, Epoch: epoch,
		SHA256: sha256.Sum256(NewCompletion(in).Certificates[draft]), NotAfter: in.Drafts[draft].NotAfter, ICCSN: in.ICCSN, Slot: in.Drafts[draft].Slot}
}

// refusesChange is refused for a change of the status, which must leave no change and no entry behind.
func (b *statusBench) refusesChange(want error, doing string, call func() error) {
	b.Helper()
	before := b.epoch()
	b.refused(want, doing, call)
	if after := b.epoch(); after != before {
		b.Errorf("%s was refused, but left epoch %d after %d", doing, after, before)
	}
}

// CheckStatus sweeps over the status of a store at rest and gives every broken invariant, joined, or nil:
//
//   - Changes are numbered from 1 without gaps, and each has its entry, as many entries of each kind as changes.
//   - A card is activated once at most, revoked once at most, and never changes after that; a certificate is revoked once at most.
//   - Every certificate is as the changes make it, and the revoked ones of each issuer are those that its list shows, sorted.
func CheckStatus(ctx context.Context, store ca.Store) error {
	s := statusSweep{revoked: map[ca.CertificateID]bool{}, cards: map[string]ca.State{}, count: map[tlog.Kind]int{}}
	for _, step := range []func(context.Context, ca.Store) error{s.changes, s.entries, s.certificates, s.lists} {
		if err := step(ctx, store); err != nil {
			return fmt.Errorf("check the status: %w", err)
		}
	}
	return errors.Join(s.broken...)
}

type statusSweep struct {
	broken  []error
	epoch   int64
	cards   map[string]ca.State       // what the changes lead to
	revoked map[ca.CertificateID]bool // the same
	count   map[tlog.Kind]int         // changes by the kind of their entries
}

func (s *statusSweep) report(format string, args ...any) {
	s.broken = append(s.broken, fmt.Errorf(format, args...))
}

func (s *statusSweep) changes(ctx context.Context, store ca.Store) error {
	for {
		list, err := store.StatusChanges(ctx, s.epoch, page)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, c := range list {
			if s.epoch++; c.Epoch != s.epoch {
				s.report("change %d comes where %d should", c.Epoch, s.epoch)
			}
			s.change(ctx, store, c)
		}
	}
}

func (s *statusSweep) change(ctx context.Context, store ca.Store, c ca.StatusChange) {
	before := s.cards[c.ICCSN]
	card, err := store.CardStatus(ctx, c.ICCSN)
	switch {
	case err != nil:
		s.report("change %d is of a card without status: %w", c.Epoch, err)
		return
	case before == ca.Revoked, before == ca.Active && c.To == ca.Active:
		s.report("change %d leads card %s from %s to %s", c.Epoch, c.ICCSN, before, c.To)
	}
	kind := tlog.CardActivated
	if c.To == ca.Revoked {
		// That one certificate of a card with several is named says that it is revoked alone. A card of one is not among the samples.
		if kind = tlog.CertificateRevoked; len(c.Certificates) == len(card.Certificates) {
			kind = tlog.CardRevoked
		} else if s.revoked[c.Certificates[0]] {
			s.report("change %d revokes again %v", c.Epoch, c.Certificates[0])
		}
		for _, id := range c.Certificates {
			s.revoked[id] = true
		}
	}
	if kind != tlog.CertificateRevoked {
		s.cards[c.ICCSN] = c.To
	}
	s.count[kind]++
}

func (s *statusSweep) entries(ctx context.Context, store ca.Store) error {
	last := int64(0)
	for {
		list, err := store.Entries(ctx, last, page)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
		for _, e := range list {
			last = e.ID
			switch e.Kind {
			case tlog.CardActivated, tlog.CardRevoked, tlog.CertificateRevoked:
				s.count[e.Kind]--
			}
		}
	}
	for kind, n := range s.count {
		if n != 0 {
			s.report("there are %d more changes than entries of kind %s", n, kind)
		}
	}
	return nil
}

func (s *statusSweep) certificates(ctx context.Context, store ca.Store) error {
	last := int64(0)
	for {
		list, err := store.Cards(ctx, last, page)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, c := range list {
			last = c.Number
			if c.Renews != "" {
				continue
			}
			status, err := store.CardStatus(ctx, c.ICCSN)
			if err != nil {
				return fmt.Errorf("card %d: %w", c.Number, err)
			}
			if want := s.cards[c.ICCSN]; status.State != want && (want != "" || status.State != ca.Issued) {
				s.report("card %d is %s, by its changes %s", c.Number, status.State, want)
			}
			for _, certificate := range status.Certificates {
				alone, err := store.CertificateStatus(ctx, certificate.CertificateID)
				if err != nil {
					return err
				}
				if !reflect.DeepEqual(alone, &certificate) {
					s.report("a certificate has status\n%+v by its serial number,\n%+v by its card", alone, &certificate)
				}
				if (certificate.State == ca.Revoked) != s.revoked[certificate.CertificateID] {
					s.report("certificate %v is %s against its changes", certificate.CertificateID, certificate.State)
				}
			}
		}
	}
}

func (s *statusSweep) lists(ctx context.Context, store ca.Store) error {
	listed := 0
	issuers, err := store.Issuers(ctx)
	if err != nil {
		return err
	}
	for _, issuer := range issuers {
		q := ca.RevokedQuery{Issuer: issuer.Name, Epoch: s.epoch, Limit: page}
		for {
			list, err := store.RevokedCertificates(ctx, q)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				break
			}
			for _, c := range list {
				if bytes.Compare(c.Serial.Bytes(), q.After.Bytes()) <= 0 {
					s.report("serial number %s comes after %s in the list of %s", c.Serial, q.After, issuer.Name)
				}
				if q.After = c.Serial; !s.revoked[ca.CertificateID{Issuer: issuer.Name, Serial: c.Serial}] {
					s.report("serial number %s of %s is listed, but not revoked", c.Serial, issuer.Name)
				}
				listed++
			}
		}
	}
	if listed != len(s.revoked) {
		s.report("%d certificates are listed as revoked, but %d are", listed, len(s.revoked))
	}
	return nil
}
