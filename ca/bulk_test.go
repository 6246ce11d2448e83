package ca_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: a list of cards is planned, approved by another person, and worked off by servers that die.

const bulkID = ca.BulkID("9f8e7d6c5b4a39281706f5e4d3c2b1a0")

var (
	planner  = ca.Actor{Person: ca.Person{Operator: revoker, Person: revoker}, Roles: []ca.Role{ca.RoleRevocation}}
	approver = ca.Actor{Person: ca.Person{Operator: "revocation-2", Person: "revocation-2"}, Roles: []ca.Role{ca.RoleRevocation}}
)

func weak() ca.RevocationRequest {
	return ca.RevocationRequest{DeskRequest: ca.DeskRequest{Reference: "T-1"}, Requester: "provider", Reason: "weak-device"}
}

// stocked is a world with so many cards, made through the store: what they say does not matter here.
func stocked(t *testing.T, cards int) *world {
	t.Helper()
	w := newWorld(t)
	if err := storetest.AddIssuers(t.Context(), w.db); err != nil {
		t.Fatal(err)
	}
	for order := 1; order <= cards; order++ {
		in := storetest.NewIntent(order, 1)
		in.Sector = "dkg"
		err := w.db.Intend(t.Context(), in, storetest.NewEntry(tlog.OrderRecorded, in))
		if err == nil {
			_, err = w.db.Complete(t.Context(), storetest.NewCompletion(in), storetest.NewEntry(tlog.CardIssued, in))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// approvedBulk plans to revoke all cards and has it approved.
func approvedBulk(t *testing.T, w *world) *ca.Bulk {
	t.Helper()
	plan, err := w.PlanBulk(t.Context(), revoker, bulkID, ca.CardSelection{Sector: "dkg"}, weak())
	if err != nil {
		t.Fatal(err)
	}
	request, err := w.RequestBulk(t.Context(), planner, ca.ApprovalID(bulkID), bulkID, plan.ListSHA256, "weak chips")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Approve(t.Context(), planner, request.ID, request.Hash); !errors.Is(err, ca.ErrOwnRequest) {
		t.Errorf("who asked approves: %v, want %v", err, ca.ErrOwnRequest)
	}
	if b, err := w.Bulk(t.Context(), bulkID); err != nil || b.State != ca.BulkPlanned {
		t.Errorf("before the approval it is %+v, %v", b, err)
	}
	if _, err := w.Approve(t.Context(), approver, request.ID, request.Hash); err != nil {
		t.Fatal(err)
	}
	b, err := w.Bulk(t.Context(), bulkID)
	if err != nil || b.State != ca.BulkRunning || b.StartedBy != "revocation-2" {
		t.Fatalf("after the approval it is %+v, %v", b, err)
	}
	return b
}

// another is an authority on the same database that signs nothing: the work needs no start.
func (w *world) another(t *testing.T, store ca.Store) *ca.Authority {
	t.Helper()
	cfg := w.config()
	cfg.Store = store
	a, err := ca.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// untilEnded runs the work of the authority until the bulk revocation has ended.
func (w *world) untilEnded(t *testing.T) *ca.Bulk {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	var work sync.WaitGroup
	work.Go(func() { w.RunBulks(ctx) })
	defer work.Wait()
	defer stop()
	for {
		b, err := w.db.Bulk(ctx, bulkID)
		if err != nil {
			t.Fatal(err)
		}
		if b.State == ca.BulkEnded {
			return b
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// checkOnce sees to it that every card is revoked by one entry.
func (w *world) checkOnce(t *testing.T, cards int) {
	t.Helper()
	seen := map[string]int{}
	for _, e := range w.entries(t) {
		if e.Kind != tlog.CardRevoked {
			continue
		}
		facts, err := e.ReadFacts()
		if err != nil {
			t.Fatal(err)
		}
		f := facts.(*tlog.CardRevocationFacts)
		if seen[f.ICCSN]++; f.Bulk != string(bulkID) || e.Actor != revoker {
			t.Errorf("the entry is %+v", e)
		}
	}
	for order := 1; order <= cards; order++ {
		if n := seen[storetest.NewIntent(order, 1).ICCSN]; n != 1 {
			t.Errorf("card %d is revoked by %d entries, want 1", order, n)
		}
	}
	if err := storetest.CheckStatus(t.Context(), w.db); err != nil {
		t.Error(err)
	}
}

func TestBulkRevocation(t *testing.T) {
	const cards = 120
	w := stocked(t, cards)
	approvedBulk(t, w)
	if b := w.untilEnded(t); b.Done != cards || b.Revoked != cards {
		t.Errorf("it ended as %+v, want %d", b, cards)
	}
	w.checkOnce(t, cards)
	if e, facts := w.last(t); e.Kind != tlog.BulkEnded || facts.(*tlog.BulkEndFacts).Revoked != cards {
		t.Errorf("the last entry is %+v", e)
	}
}

// TestBulkSurvivesFaults makes every call of the work fail, each in two ways, as often as there are calls: the work goes on, and each card is
// revoked once.
func TestBulkSurvivesFaults(t *testing.T) {
	const cards = 120 // three steps
	for _, verb := range []storetest.Verb{storetest.RunningBulks, storetest.BulkCards, storetest.AdvanceBulk, storetest.EndBulk, storetest.LeadBulks} {
		for _, lost := range []bool{false, true} {
			if verb == storetest.LeadBulks && lost {
				continue // it does not answer before its work ends
			}
			t.Run(fmt.Sprintf("%s, lost %t", verb, lost), func(t *testing.T) {
				t.Parallel()
				w := stocked(t, cards)
				approvedBulk(t, w)
				w.Authority = w.another(t, storetest.Faulty(w.db, storetest.Fault{Verb: verb, Call: 1, Lost: lost}, storetest.Fault{Verb: verb, Call: 3, Lost: lost}))
				w.untilEnded(t)
				w.checkOnce(t, cards)
			})
		}
	}
}

// TestBulkByTwoAuthorities has two work on one list at the same time.
func TestBulkByTwoAuthorities(t *testing.T) {
	const cards = 120
	w := stocked(t, cards)
	approvedBulk(t, w)
	first := w.Authority
	w.Authority = w.another(t, w.db)
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { first.RunBulks(ctx) })
	w.untilEnded(t)
	stop()
	work.Wait()
	w.checkOnce(t, cards)
}

func TestBulkPauses(t *testing.T) {
	const cards = 60
	w := stocked(t, cards)
	approvedBulk(t, w)
	for range 2 { // again: the same answer
		if b, err := w.HoldBulk(t.Context(), revoker, bulkID, true); err != nil || b.State != ca.BulkPaused {
			t.Fatalf("HoldBulk = %+v, %v", b, err)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	if err := w.RunBulks(ctx); err != nil {
		t.Fatal(err)
	}
	if b, err := w.Bulk(t.Context(), bulkID); err != nil || b.Done != 0 {
		t.Errorf("paused it is %+v, %v", b, err)
	}
	if _, err := w.HoldBulk(t.Context(), revoker, bulkID, false); err != nil {
		t.Fatal(err)
	}
	w.untilEnded(t)
	w.checkOnce(t, cards)
	if _, err := w.HoldBulk(t.Context(), revoker, bulkID, true); !errors.Is(err, ca.ErrBulkMoved) {
		t.Errorf("to pause what has ended gives %v, want %v", err, ca.ErrBulkMoved)
	}
}

func TestBulkPlans(t *testing.T) {
	w := stocked(t, 3)
	iccsn := func(order int) string { return storetest.NewIntent(order, 1).ICCSN }
	if _, err := w.RevokeCard(t.Context(), revoker, iccsn(2), lost()); err != nil {
		t.Fatal(err)
	}
	plan, err := w.PlanBulk(t.Context(), revoker, bulkID, ca.CardSelection{Sector: "dkg"}, weak())
	if err != nil || plan.Cards != 2 || plan.Ground != "provider" {
		t.Fatalf("the plan is %+v, %v, want the two cards that are not revoked", plan, err)
	}
	if hash := fmt.Sprintf("%x", plan.ListSHA256); hash != fmt.Sprintf("%x", sha256.Sum256([]byte(iccsn(1)+"\n"+iccsn(3)+"\n"))) {
		t.Errorf("the hash of the list is %s, want that of the list as a file", hash)
	}
	if again, err := w.PlanBulk(t.Context(), revoker, bulkID, ca.CardSelection{Sector: "dkg"}, weak()); err != nil || again.ListSHA256 != plan.ListSHA256 {
		t.Errorf("again it is %+v, %v", again, err)
	}
	other := weak()
	other.Reason = "wrong-content"
	if _, err := w.PlanBulk(t.Context(), revoker, bulkID, ca.CardSelection{Sector: "dkg"}, other); !errors.Is(err, ca.ErrBulkDiffers) {
		t.Errorf("for another reason it is %v, want %v", err, ca.ErrBulkDiffers)
	}
	entitled := weak()
	entitled.Requester = "gematik"
	for _, c := range []struct {
		rule      string
		selection ca.CardSelection
		req       ca.RevocationRequest
	}{
		{"NOTHING_TO_REVOKE", ca.CardSelection{Sector: "org"}, weak()},
		{"NOTHING_TO_REVOKE", ca.CardSelection{ICCSNs: []string{iccsn(2)}}, weak()},
		{"NO_SUCH_CARD", ca.CardSelection{ICCSNs: []string{iccsn(1), iccsn(9)}}, weak()},
		{"NOT_ENTITLED", ca.CardSelection{Sector: "dkg"}, entitled},
	} {
		var refusal *profiles.Refusal
		if _, err := w.PlanBulk(t.Context(), revoker, "00000000000000000000000000000001", c.selection, c.req); !errors.As(err, &refusal) || refusal.Violations[0].Rule != c.rule {
			t.Errorf("%+v gives %v, want it refused by %s", c.selection, err, c.rule)
		}
	}
	var refusal *profiles.Refusal
	if _, err := w.RequestBulk(t.Context(), planner, ca.ApprovalID(bulkID), bulkID, [32]byte{1}, "r"); !errors.As(err, &refusal) || refusal.Violations[0].Rule != "ANOTHER_LIST" {
		t.Errorf("to start another list gives %v, want it refused", err)
	}
}
