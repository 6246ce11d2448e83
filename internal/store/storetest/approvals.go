package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The people of the sample requests. The first two are one person.
var (
	anna    = ca.Person{Operator: "ca-operator-1", Person: "anna"}
	annaToo = ca.Person{Operator: "ca-operator-3", Person: "anna"}
	bert    = ca.Person{Operator: "ca-operator-2", Person: "bert"}
)

// NewRequest gives a sample request: anna asks for something.
func NewRequest(n int) *ca.ApprovalRequest {
	parameters := fmt.Appendf(nil, `{"issuers":["%s"],"signatures":%d}`, rsaIssuer, n)
	return &ca.ApprovalRequest{
		ID: ca.ApprovalID(hex.EncodeToString(digest("approval", n)[:16])), Act: "open-key-sessions", Summary: fmt.Sprintf("open session %d", n),
		Parameters: parameters, Hash: sha256.Sum256(parameters), Reason: "a <night> & more", RequestedBy: anna, RequestedAt: start,
		Expires: start.Add(time.Hour),
	}
}

// approvalEntry gives an entry about a request.
func approvalEntry(kind tlog.Kind, id ca.ApprovalID) tlog.Entry {
	return tlog.Entry{Kind: kind, At: start, Actor: "ca-operator-1", Facts: fmt.Appendf(nil, `{"approval":%q}`, id)}
}

func newDecision(r *ca.ApprovalRequest, by ca.Person) *ca.Decision {
	return &ca.Decision{ID: r.ID, Hash: r.Hash, Approved: true, By: by, At: start.Add(time.Minute)}
}

func newUse(r *ca.ApprovalRequest) *ca.ApprovalUse {
	return &ca.ApprovalUse{ID: r.ID, Act: r.Act, Hash: r.Hash, At: start.Add(2 * time.Minute), Entry: approvalEntry(tlog.ApprovalUsed, r.ID)}
}

// request makes a request that must succeed.
func (b *bench) request(r *ca.ApprovalRequest) *ca.Approval {
	b.Helper()
	made, err := b.store.RequestApproval(b.ctx, r, approvalEntry(tlog.ApprovalRequested, r.ID))
	if err != nil {
		b.Fatalf("RequestApproval = %v, want nil", err)
	}
	return made
}

func (b *bench) tryDecide(d *ca.Decision) error {
	return b.store.DecideApproval(b.ctx, d, approvalEntry(tlog.ApprovalGiven, d.ID))
}

// approve has bert approve, which must succeed.
func (b *bench) approve(r *ca.ApprovalRequest) {
	b.Helper()
	if err := b.tryDecide(newDecision(r, bert)); err != nil {
		b.Fatalf("DecideApproval = %v, want nil", err)
	}
}

func (b *bench) use(u *ca.ApprovalUse) {
	b.Helper()
	if err := b.store.UseApproval(b.ctx, u); err != nil {
		b.Fatalf("UseApproval = %v, want nil", err)
	}
}

func (b *bench) tryExpire(r *ca.ApprovalRequest, at time.Time) error {
	return b.store.ExpireApproval(b.ctx, r.ID, at, approvalEntry(tlog.ApprovalExpired, r.ID))
}

// wantApproval compares what the store knows of a request.
func (b *bench) wantApproval(want *ca.Approval) {
	b.Helper()
	got, err := b.store.Approval(b.ctx, want.ID)
	if err != nil || !reflect.DeepEqual(got, want) {
		b.Errorf("Approval = %+v, %v\nwant %+v", got, err, want)
	}
}

// kinds lists the kinds of the entries of the case.
func (b *bench) kinds() (kinds []tlog.Kind) {
	b.Helper()
	for _, e := range b.contents().Entries {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// What one person asks for and another approves.
var approvalCases = []testCase{
	{"a request is pending, and is read as it was made", func(b *bench) {
		r := NewRequest(1)
		made := b.request(r)
		want := &ca.Approval{ApprovalRequest: *r, Number: made.Number, State: ca.Pending}
		if !reflect.DeepEqual(made, want) {
			b.Errorf("RequestApproval = %+v\nwant %+v", made, want)
		}
		b.wantApproval(want)
		b.store = b.reopen(b.T)
		b.wantApproval(want)
	}},
	{"a request that is made again is the one that was made", func(b *bench) {
		r := NewRequest(1)
		first := b.request(r)
		again := *r
		again.RequestedAt, again.Expires, again.Reason = r.RequestedAt.Add(time.Second), r.Expires.Add(time.Second), "another word"
		if got := b.request(&again); !reflect.DeepEqual(got, first) {
			b.Errorf("made again: %+v, want %+v", got, first)
		}
		if kinds := b.kinds(); len(kinds) != 1 {
			b.Errorf("entries are %v, want one", kinds)
		}
	}},
	{"an id belongs to one request", func(b *bench) {
		b.request(NewRequest(1))
		for what, spoil := range map[string]func(*ca.ApprovalRequest){
			"other parameters": func(r *ca.ApprovalRequest) { r.Parameters, r.Hash = NewRequest(2).Parameters, NewRequest(2).Hash },
			"another act":      func(r *ca.ApprovalRequest) { r.Act = "retire-issuer" },
			"another person":   func(r *ca.ApprovalRequest) { r.RequestedBy = bert },
		} {
			r := NewRequest(1)
			spoil(r)
			b.refused(ca.ErrApprovalDiffers, "RequestApproval with "+what, func() error {
				_, err := b.store.RequestApproval(b.ctx, r, approvalEntry(tlog.ApprovalRequested, r.ID))
				return err
			})
		}
	}},
	{"another person approves, and the act is done once", func(b *bench) {
		r := NewRequest(1)
		made := b.request(r)
		b.approve(r)
		want := &ca.Approval{ApprovalRequest: *r, Number: made.Number, State: ca.Approved, DecidedBy: bert, DecidedAt: start.Add(time.Minute)}
		b.wantApproval(want)
		b.use(newUse(r))
		want.State, want.EndedAt = ca.Used, start.Add(2*time.Minute)
		b.wantApproval(want)
		b.refused(ca.ErrNotApproved, "UseApproval again", func() error { return b.store.UseApproval(b.ctx, newUse(r)) })
		b.refused(ca.ErrNotPending, "DecideApproval of what is used", func() error { return b.tryDecide(newDecision(r, bert)) })
		b.refused(ca.ErrNotPending, "ExpireApproval of what is used", func() error { return b.tryExpire(r, r.Expires) })
		wantKinds := []tlog.Kind{tlog.ApprovalRequested, tlog.ApprovalGiven, tlog.ApprovalUsed}
		if kinds := b.kinds(); !reflect.DeepEqual(kinds, wantKinds) {
			b.Errorf("entries are %v, want %v", kinds, wantKinds)
		}
	}},
	{"the person who asks does not approve, with whichever certificate", func(b *bench) {
		r := NewRequest(1)
		b.request(r)
		for _, who := range []ca.Person{anna, annaToo} {
			b.refused(ca.ErrOwnRequest, "DecideApproval by "+who.Operator, func() error { return b.tryDecide(newDecision(r, who)) })
		}
		d := newDecision(r, anna)
		d.Approved = false
		if err := b.tryDecide(d); err != nil {
			b.Errorf("to reject an own request = %v, want nil", err)
		}
	}},
	{"a decision is about the parameters that were seen", func(b *bench) {
		r := NewRequest(1)
		b.request(r)
		d := newDecision(r, bert)
		d.Hash = NewRequest(2).Hash
		b.refused(ca.ErrParametersDiffer, "DecideApproval of other parameters", func() error { return b.tryDecide(d) })
	}},
	{"a rejected request is not approved any more", func(b *bench) {
		r := NewRequest(1)
		b.request(r)
		d := newDecision(r, bert)
		d.Approved = false
		if err := b.tryDecide(d); err != nil {
			b.Fatal(err)
		}
		b.refused(ca.ErrNotPending, "DecideApproval", func() error { return b.tryDecide(newDecision(r, bert)) })
		b.refused(ca.ErrNotApproved, "UseApproval", func() error { return b.store.UseApproval(b.ctx, newUse(r)) })
	}},
	{"an approval is used for its own act and parameters alone", func(b *bench) {
		r := NewRequest(1)
		b.request(r)
		b.refused(ca.ErrNotApproved, "UseApproval before it is given", func() error { return b.store.UseApproval(b.ctx, newUse(r)) })
		b.approve(r)
		for what, spoil := range map[string]func(*ca.ApprovalUse){
			"another act":      func(u *ca.ApprovalUse) { u.Act = "retire-issuer" },
			"other parameters": func(u *ca.ApprovalUse) { u.Hash = NewRequest(2).Hash },
			"another id":       func(u *ca.ApprovalUse) { u.ID = NewRequest(2).ID },
			"the last moment":  func(u *ca.ApprovalUse) { u.At = r.Expires },
		} {
			u := newUse(r)
			spoil(u)
			b.refused(ca.ErrNotApproved, "UseApproval with "+what, func() error { return b.store.UseApproval(b.ctx, u) })
		}
		b.use(newUse(r))
	}},
	{"a request expires, pending or approved", func(b *bench) {
		pending, approved := NewRequest(1), NewRequest(2)
		b.request(pending)
		b.request(approved)
		b.approve(approved)
		for _, r := range []*ca.ApprovalRequest{pending, approved} {
			b.refused(ca.ErrNotPending, "ExpireApproval too early", func() error { return b.tryExpire(r, r.Expires.Add(-time.Millisecond)) })
			if err := b.tryExpire(r, r.Expires); err != nil {
				b.Errorf("ExpireApproval = %v, want nil", err)
			}
			b.refused(ca.ErrNotPending, "ExpireApproval again", func() error { return b.tryExpire(r, r.Expires) })
			b.refused(ca.ErrNotApproved, "UseApproval", func() error { return b.store.UseApproval(b.ctx, newUse(r)) })
		}
		d := newDecision(pending, bert)
		b.refused(ca.ErrNotPending, "DecideApproval", func() error { return b.tryDecide(d) })
	}},
	{"a decision comes before the request expires", func(b *bench) {
		r := NewRequest(1)
		b.request(r)
		d := newDecision(r, bert)
		d.At = r.Expires
		b.refused(ca.ErrNotPending, "DecideApproval at the end", func() error { return b.tryDecide(d) })
	}},
	{"nothing is decided on that is not there", func(b *bench) {
		r := NewRequest(1)
		b.refused(ca.ErrNotFound, "DecideApproval", func() error { return b.tryDecide(newDecision(r, bert)) })
		b.refused(ca.ErrNotApproved, "UseApproval", func() error { return b.store.UseApproval(b.ctx, newUse(r)) })
		b.refused(ca.ErrNotPending, "ExpireApproval", func() error { return b.tryExpire(r, r.Expires) })
		if _, err := b.store.Approval(b.ctx, r.ID); !errors.Is(err, ca.ErrNotFound) {
			b.Errorf("Approval = %v, want %v", err, ca.ErrNotFound)
		}
	}},
	{"are listed", listsApprovals},
	{"times are no finer than a millisecond", func(b *bench) {
		r := NewRequest(1)
		r.RequestedAt = r.RequestedAt.Add(time.Microsecond)
		b.refused(nil, "RequestApproval", func() error {
			_, err := b.store.RequestApproval(b.ctx, r, approvalEntry(tlog.ApprovalRequested, r.ID))
			return err
		})
		r = NewRequest(1)
		b.request(r)
		d := newDecision(r, bert)
		d.At = d.At.Add(time.Microsecond)
		b.refused(nil, "DecideApproval", func() error { return b.tryDecide(d) })
		b.approve(r)
		u := newUse(r)
		u.At = u.At.Add(time.Microsecond)
		b.refused(nil, "UseApproval", func() error { return b.store.UseApproval(b.ctx, u) })
	}},
	{"of many who use an approval at once, one does", func(b *bench) {
		r := NewRequest(1)
		b.request(r)
		b.approve(r)
		var done atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch err := b.store.UseApproval(b.ctx, newUse(r)); {
				case err == nil:
					done.Add(1)
				case !errors.Is(err, ca.ErrNotApproved):
					b.Errorf("UseApproval = %v, want nil or %v", err, ca.ErrNotApproved)
				}
			})
		}
		wg.Wait()
		if n := done.Load(); n != 1 {
			b.Errorf("the approval was used %d times", n)
		}
	}},
}

func listsApprovals(b *bench) {
	var all []ca.Approval
	for n := 1; n <= 4; n++ {
		all = append(all, *b.request(NewRequest(n)))
	}
	b.approve(NewRequest(2))
	b.approve(NewRequest(3))
	b.use(newUse(NewRequest(3)))
	for i := range all {
		got, err := b.store.Approval(b.ctx, all[i].ID)
		if err != nil {
			b.Fatal(err)
		}
		all[i] = *got
	}
	for _, c := range []struct {
		name string
		list func() ([]ca.Approval, error)
		want []ca.Approval
	}{
		{"Approvals", func() ([]ca.Approval, error) { return b.store.Approvals(b.ctx, 0, 100) }, all},
		{"a page of them", func() ([]ca.Approval, error) { return b.store.Approvals(b.ctx, all[0].Number, 2) }, all[1:3]},
		{"WaitingApprovals", func() ([]ca.Approval, error) { return b.store.WaitingApprovals(b.ctx) }, []ca.Approval{all[0], all[1], all[3]}},
		{"UsedApprovals", func() ([]ca.Approval, error) {
			return b.store.UsedApprovals(b.ctx, []ca.ActKind{"other", all[2].Act})
		}, all[2:3]},
		{"UsedApprovals of another act", func() ([]ca.Approval, error) { return b.store.UsedApprovals(b.ctx, []ca.ActKind{"other"}) }, nil},
	} {
		if got, err := c.list(); err != nil || !reflect.DeepEqual(got, c.want) {
			b.Errorf("%s: %+v, %v\nwant %+v", c.name, got, err, c.want)
		}
	}
	if _, err := b.store.Approvals(b.ctx, 0, 0); err == nil {
		b.Error("a limit of 0 is taken")
	}
}
