package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// NewBulk gives the plan of a sample bulk revocation of so many cards.
func NewBulk(n, cards int) *ca.BulkPlan {
	return &ca.BulkPlan{ID: ca.BulkID(fmt.Sprintf("%032x", n)), Selection: []byte(`{"sector":"hospital"}`), Requester: "provider", Reason: "weak-device",
		Ground: "provider", RequestedAt: start.AddDate(0, 0, 1), PlannedAt: start.AddDate(0, 0, 2), PlannedBy: desk, Cards: cards, ListSHA256: sha256.Sum256([]byte{byte(n)})}
}

// plan issues cards of the orders 1 to n, and plans to revoke them, the last first.
func (b *statusBench) plan(n int) *ca.BulkPlan {
	b.Helper()
	numbers := make([]int64, n)
	for order := 1; order <= n; order++ {
		numbers[n-order] = b.issue(NewIntent(order, 1)).Number
	}
	p := NewBulk(1, n)
	if _, err := b.PlanBulk(b.ctx, p, numbers, NewStatusEntry(tlog.BulkPlanned, p.ID)); err != nil {
		b.Fatalf("PlanBulk = %v, want nil", err)
	}
	return p
}

// approve makes an approval that a bulk revocation may use.
func (b *statusBench) approve(p *ca.BulkPlan) *ca.ApprovalUse {
	b.Helper()
	r := &ca.ApprovalRequest{ID: ca.ApprovalID(p.ID), Act: ca.BulkRevocation, Summary: "revoke", Parameters: []byte(`{}`), Hash: sha256.Sum256([]byte(`{}`)), Reason: "r",
		RequestedBy: ca.Person{Operator: desk, Person: desk}, RequestedAt: start, Expires: start.AddDate(1, 0, 0)}
	_, err := b.RequestApproval(b.ctx, r, NewStatusEntry(tlog.ApprovalRequested, r.ID))
	d := &ca.Decision{ID: r.ID, Hash: r.Hash, Approved: true, By: ca.Person{Operator: otherDesk, Person: otherDesk}, At: start.Add(time.Hour)}
	if err = errors.Join(err, b.DecideApproval(b.ctx, d, NewStatusEntry(tlog.ApprovalGiven, r.ID))); err != nil {
		b.Fatalf("approve: %v", err)
	}
	return &ca.ApprovalUse{ID: r.ID, Act: r.Act, Hash: r.Hash, At: d.At, Entry: NewStatusEntry(tlog.ApprovalUsed, r.ID)}
}

func (b *statusBench) startBulk(p *ca.BulkPlan) {
	b.Helper()
	if err := b.StartBulk(b.ctx, p.ID, start.AddDate(0, 0, 3), NewStatusEntry(tlog.BulkStarted, p.ID), b.approve(p)); err != nil {
		b.Fatalf("StartBulk = %v, want nil", err)
	}
}

func (b *statusBench) tryAdvance(p *ca.BulkPlan, from, n int) (*ca.Bulk, error) {
	entries := make([]tlog.Entry, n)
	for i := range entries {
		entries[i] = NewStatusEntry(tlog.CardRevoked, from+i)
	}
	return b.AdvanceBulk(b.ctx, &ca.BulkStep{ID: p.ID, From: from, Revocation: *NewRevocation(4)}, entries)
}

func (b *statusBench) advance(p *ca.BulkPlan, from, n int) *ca.Bulk {
	b.Helper()
	bulk, err := b.tryAdvance(p, from, n)
	if err != nil {
		b.Fatalf("AdvanceBulk(%d, %d) = %v, want nil", from, n, err)
	}
	return bulk
}

func (b *statusBench) bulk(p *ca.BulkPlan) *ca.Bulk {
	b.Helper()
	bulk, err := b.Bulk(b.ctx, p.ID)
	if err != nil {
		b.Fatalf("Bulk = %v, want nil", err)
	}
	return bulk
}

func (b *statusBench) tryHold(p *ca.BulkPlan, hold bool) error {
	return b.HoldBulk(b.ctx, p.ID, hold, start, NewStatusEntry(tlog.BulkPaused, p.ID))
}

func (b *statusBench) tryEnd(p *ca.BulkPlan) error {
	return b.EndBulk(b.ctx, p.ID, start.AddDate(0, 0, 5), NewStatusEntry(tlog.BulkEnded, p.ID))
}

// How many cards are revoked at once.
var bulkCases = []statusCase{
	{"a bulk revocation goes from its plan to its end", func(b *statusBench) {
		p := b.plan(5)
		want := &ca.Bulk{BulkPlan: *p, State: ca.BulkPlanned}
		if got := b.bulk(p); !reflect.DeepEqual(got, want) {
			b.Errorf("planned it is\n%+v, want\n%+v", got, want)
		}
		b.startBulk(p)
		want.State, want.StartedBy, want.StartedAt = ca.BulkRunning, desk, start.AddDate(0, 0, 3)
		if got, err := b.RunningBulks(b.ctx); err != nil || len(got) != 1 || !reflect.DeepEqual(&got[0], want) {
			b.Errorf("running are %+v, %v, want %+v", got, err, want)
		}
		want.Done, want.Revoked = 2, 2
		if got := b.advance(p, 0, 2); !reflect.DeepEqual(got, want) {
			b.Errorf("after a step it is\n%+v, want\n%+v", got, want)
		}
		if b.cardStatus(5).State != ca.Revoked || b.cardStatus(4).State != ca.Revoked || b.cardStatus(3).State != ca.Issued {
			b.Errorf("after two of five, the last two cards must be revoked and no other")
		}
		b.advance(p, 2, 3)
		if err := b.tryEnd(p); err != nil {
			b.Fatalf("EndBulk = %v, want nil", err)
		}
		want.Done, want.Revoked, want.State, want.EndedAt = 5, 5, ca.BulkEnded, start.AddDate(0, 0, 5)
		if got := b.bulk(p); !reflect.DeepEqual(got, want) {
			b.Errorf("ended it is\n%+v, want\n%+v", got, want)
		}
		if got, err := b.RunningBulks(b.ctx); err != nil || len(got) != 0 {
			b.Errorf("running are %+v, %v, want none", got, err)
		}
	}},
	{"a plan is recorded once", func(b *statusBench) {
		p := b.plan(1)
		n := len(b.contents().Entries)
		if got, err := b.PlanBulk(b.ctx, p, []int64{1}, NewStatusEntry(tlog.BulkPlanned, 2)); err != nil || !reflect.DeepEqual(got, b.bulk(p)) {
			b.Errorf("again it gave %+v, %v", got, err)
		}
		if got := len(b.contents().Entries); got != n {
			b.Errorf("again it wrote %d entries", got-n)
		}
		other := *p
		other.ListSHA256[0]++
		b.refusesChange(ca.ErrBulkDiffers, "PlanBulk", func() error { return first(b.PlanBulk(b.ctx, &other, []int64{1}, NewStatusEntry(tlog.BulkPlanned, 2))) })
		b.refusesChange(nil, "PlanBulk", func() error {
			return first(b.PlanBulk(b.ctx, NewBulk(2, 2), []int64{1}, NewStatusEntry(tlog.BulkPlanned, 2)))
		})
		b.refusesChange(nil, "PlanBulk", func() error {
			return first(b.PlanBulk(b.ctx, NewBulk(2, 2), []int64{1, 1}, NewStatusEntry(tlog.BulkPlanned, 2)))
		})
	}},
	{"an approval starts a bulk revocation once", func(b *statusBench) {
		p := b.plan(2)
		use := b.approve(p)
		begin := func() error { return b.StartBulk(b.ctx, p.ID, start, NewStatusEntry(tlog.BulkStarted, p.ID), use) }
		if err := begin(); err != nil {
			b.Fatalf("StartBulk = %v, want nil", err)
		}
		b.refusesChange(ca.ErrNotApproved, "StartBulk", begin)
		unused := b.approve(NewBulk(9, 1))
		b.refusesChange(ca.ErrBulkMoved, "StartBulk", func() error {
			return b.StartBulk(b.ctx, p.ID, start, NewStatusEntry(tlog.BulkStarted, p.ID), unused)
		})
		b.refusesChange(ca.ErrNotFound, "StartBulk", func() error {
			return b.StartBulk(b.ctx, NewBulk(3, 1).ID, start, NewStatusEntry(tlog.BulkStarted, p.ID), unused)
		})
		if got, err := b.Approval(b.ctx, unused.ID); err != nil || got.State != ca.Approved {
			b.Errorf("the other approval is %+v, %v, want it unused", got, err)
		}
	}},
	{"a step is taken from where the work is, and while it runs", func(b *statusBench) {
		p := b.plan(4)
		b.refusesChange(ca.ErrBulkMoved, "AdvanceBulk", func() error { return first(b.tryAdvance(p, 0, 1)) })
		b.startBulk(p)
		b.advance(p, 0, 2)
		for _, from := range []int{0, 1, 3} {
			b.refusesChange(ca.ErrBulkMoved, "AdvanceBulk", func() error { return first(b.tryAdvance(p, from, 1)) })
		}
		b.refusesChange(nil, "AdvanceBulk", func() error { return first(b.tryAdvance(p, 2, 3)) })
		b.refusesChange(nil, "AdvanceBulk", func() error { return first(b.tryAdvance(p, 2, 0)) })
		b.refusesChange(ca.ErrBulkMoved, "EndBulk", func() error { return b.tryEnd(p) })
		b.refusesChange(ca.ErrBulkMoved, "HoldBulk", func() error { return b.tryHold(p, false) })
		if err := b.tryHold(p, true); err != nil {
			b.Fatalf("HoldBulk = %v, want nil", err)
		}
		b.refusesChange(ca.ErrBulkMoved, "AdvanceBulk", func() error { return first(b.tryAdvance(p, 2, 1)) })
		if err := b.tryHold(p, false); err != nil {
			b.Fatalf("HoldBulk = %v, want nil", err)
		}
		b.advance(p, 2, 2)
		b.refusesChange(ca.ErrNotFound, "AdvanceBulk", func() error { return first(b.tryAdvance(NewBulk(3, 1), 0, 1)) })
	}},
	{"a card that is revoked already stays as it is", func(b *statusBench) {
		p := b.plan(3)
		before := b.revoke(2, firstDay)
		b.startBulk(p)
		got := b.advance(p, 0, 3)
		if got.Done != 3 || got.Revoked != 2 {
			b.Errorf("it is %+v, want 2 of 3 revoked", got)
		}
		if after := b.cardStatus(2); !reflect.DeepEqual(after.Revocation, before.Revocation) || after.EntryID != before.EntryID {
			b.Errorf("the card is %+v, before %+v", after, before)
		}
	}},
	{"each card is revoked once, whoever works", func(b *statusBench) {
		const cards = 20
		p := b.plan(cards)
		b.startBulk(p)
		run(&b.bench, func(i int) error {
			for {
				bulk, err := b.Bulk(b.ctx, p.ID)
				if err != nil || bulk.Done == cards {
					return err
				}
				if _, err := b.tryAdvance(p, bulk.Done, min(3, cards-bulk.Done)); err != nil && !errors.Is(err, ca.ErrBulkMoved) {
					return err
				}
				if i%4 == 0 {
					if _, err := b.tryRevoke(1+i, NewRevocation(4)); err != nil && !errors.Is(err, ca.ErrRevokedOtherwise) {
						return err
					}
				}
			}
		})
		if b.epoch() != cards {
			b.Errorf("StatusEpoch = %d, want %d", b.epoch(), cards)
		}
	}},
	{"the list is read with its certificates, from any place", func(b *statusBench) {
		p := b.plan(3)
		b.revoke(3, firstDay)
		got, err := b.BulkCards(b.ctx, p.ID, 0, 2)
		if err != nil || len(got) != 2 || got[0].ICCSN != NewIntent(3, 1).ICCSN || !got[0].Revoked || got[1].Revoked || got[1].Place != 1 {
			b.Fatalf("the list is %+v, %v", got, err)
		}
		want := []ca.CertificateStatus{{CertificateID: idOf(2, autRSA), Slot: "C.HCI.AUT.R2048"}, {CertificateID: idOf(2, autECC), Slot: "C.HCI.AUT.E256"}}
		if !reflect.DeepEqual(got[1].Certificates, want) {
			b.Errorf("the certificates are %+v, want %+v", got[1].Certificates, want)
		}
		if rest, err := b.BulkCards(b.ctx, p.ID, 2, 9); err != nil || len(rest) != 1 || rest[0].Place != 2 {
			b.Errorf("the rest is %+v, %v", rest, err)
		}
		if _, err := b.BulkCards(b.ctx, p.ID, 0, 0); err == nil {
			b.Errorf("BulkCards with limit 0 = nil, want an error")
		}
	}},
	{"cards are selected by what holds of them", func(b *statusBench) {
		for order := 1; order <= 4; order++ {
			in := NewIntent(order, 1)
			if order == 4 {
				in.Sector, in.CardType = "org", "smcb-org-g2.1"
				in.Drafts[autECC].Issuer = otherX509
			}
			b.issue(in)
		}
		b.issue(NewRenewal(1, 1, 1))
		b.revoke(2, firstDay)
		iccsn := func(order int) string { return NewIntent(order, 1).ICCSN }
		made := NewCompletion(NewIntent(1, 1)).At
		for _, c := range []struct {
			q    ca.CardSelection
			want []int
		}{
			{ca.CardSelection{}, []int{1, 2, 3, 4}},
			{ca.CardSelection{ICCSNFrom: iccsn(2)}, []int{2, 3, 4}},
			{ca.CardSelection{ICCSNUntil: iccsn(2)}, []int{1, 2}},
			{ca.CardSelection{ICCSNFrom: iccsn(2), ICCSNUntil: iccsn(3)}, []int{2, 3}},
			{ca.CardSelection{CardType: "smcb-org-g2.1"}, []int{4}},
			{ca.CardSelection{Sector: "hospital"}, []int{1, 2, 3}},
			{ca.CardSelection{Issuer: eccIssuer}, []int{1, 2, 3}},
			{ca.CardSelection{Issuer: cvcIssuer}, nil},
			{ca.CardSelection{IssuedFrom: made}, []int{1, 2, 3, 4}},
			{ca.CardSelection{IssuedFrom: made.Add(time.Millisecond)}, nil},
			{ca.CardSelection{IssuedUntil: made}, nil},
			{ca.CardSelection{IssuedUntil: made.Add(time.Millisecond)}, []int{1, 2, 3, 4}},
			{ca.CardSelection{ICCSNs: []string{iccsn(3), iccsn(1), iccsn(9)}}, []int{1, 3}},
			{ca.CardSelection{ICCSNs: []string{iccsn(3), iccsn(4)}, Sector: "hospital"}, []int{3}},
		} {
			var got []int
			for after := int64(0); ; {
				page, err := b.SelectCards(b.ctx, &c.q, after, 2)
				if err != nil {
					b.Fatalf("SelectCards = %v, want nil", err)
				}
				if len(page) == 0 {
					break
				}
				for _, card := range page {
					for order := 1; order <= 4; order++ {
						if card.ICCSN == iccsn(order) {
							got = append(got, order)
							if card.Revoked != (order == 2) {
								b.Errorf("card %d is %+v", order, card)
							}
						}
					}
					after = card.Number
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				b.Errorf("%+v selects %v, want %v", c.q, got, c.want)
			}
		}
	}},
	{"a store lets one work", func(b *statusBench) {
		if err := b.LeadBulks(b.ctx, func(context.Context) error { return errNothing }); !errors.Is(err, errNothing) {
			b.Errorf("LeadBulks = %v, want what its work gives", err)
		}
	}},
}

var errNothing = errors.New("nothing to do")
