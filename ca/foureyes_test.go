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
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The story of this file: every act that needs two people is tried alone, by one person with two certificates, too late, twice, with other
// parameters and in other roles. Then the store fails at each call, in both ways, and the act is done once all the same.

// The people of the tests. The first two are one person.
var (
	anna    = ca.Actor{Person: ca.Person{Operator: "ca-operator-1", Person: "anna"}, Roles: []ca.Role{ca.RoleCAOperator}}
	annaToo = ca.Actor{Person: ca.Person{Operator: "ca-operator-3", Person: "anna"}, Roles: []ca.Role{ca.RoleCAOperator}}
	bert    = ca.Actor{Person: ca.Person{Operator: "ca-operator-2", Person: "bert"}, Roles: []ca.Role{ca.RoleCAOperator}}
	cora    = ca.Actor{Person: ca.Person{Operator: "security-1", Person: "cora"}, Roles: []ca.Role{ca.RoleSecurityOfficer}}
)

// annaAs is anna with a certificate of hers for another role.
func annaAs(r ca.Role) ca.Actor {
	return ca.Actor{Person: ca.Person{Operator: "anna-" + string(r), Person: "anna"}, Roles: []ca.Role{r}}
}

// approvalID gives ids of requests.
func approvalID(n int) ca.ApprovalID { return ca.ApprovalID(fmt.Sprintf("%032x", n)) }

// fourEyesAct is an act as a test asks for it.
type fourEyesAct struct {
	name     string
	request  func(w *world, who ca.Actor, id ca.ApprovalID) (*ca.Approval, error)
	approver ca.Actor
}

// fourEyesActs are all acts of the authority but those that have tests of their own beside their file.
var fourEyesActs = []fourEyesAct{
	{"open key sessions", func(w *world, who ca.Actor, id ca.ApprovalID) (*ca.Approval, error) {
		return w.RequestSessions(context.Background(), who, id, sessionsOfSmallOrders(100), "night batch")
	}, bert},
	{"import an issuer", func(w *world, who ca.Actor, id ca.ApprovalID) (*ca.Approval, error) {
		return w.RequestImport(context.Background(), who, id, ca.IssuerImport{Issuer: "NEW-CA", CertificateSHA256: strings.Repeat("0a", 32)}, "ceremony")
	}, bert},
	{"retire an issuer", func(w *world, who ca.Actor, id ca.ApprovalID) (*ca.Approval, error) {
		return w.RequestRetirement(context.Background(), who, id, ca.IssuerRetirement{Issuer: hierarchy()[smcbECC].Name}, "new generation")
	}, bert},
	{"grant an exception", func(w *world, who ca.Actor, id ca.ApprovalID) (*ca.Approval, error) {
		return w.RequestGrant(context.Background(), who, id, ca.LegacyGrant{Exception: "legacy-cvc-g1"}, "old card readers")
	}, cora},
}

// sessionsOfSmallOrders asks for sessions of the issuers that sign small orders.
func sessionsOfSmallOrders(signatures int64) ca.SessionRequest {
	return ca.SessionRequest{Issuers: []string{hierarchy()[smcbECC].Name, hierarchy()[cvcSub].Name}, Signatures: signatures, Seconds: 3600}
}

// twoPeople is a world in which two people open key sessions.
func twoPeople(t *testing.T, change ...func(*ca.Config)) *world {
	t.Helper()
	return newWorld(t, append([]func(*ca.Config){func(c *ca.Config) { c.OpensAlone = false }}, change...)...)
}

// ask makes a request that must succeed.
func (act fourEyesAct) ask(t *testing.T, w *world, id ca.ApprovalID) *ca.Approval {
	t.Helper()
	approval, err := act.request(w, anna, id)
	if err != nil {
		t.Fatal(err)
	}
	if approval.State != ca.Pending || approval.Summary == "" {
		t.Fatalf("request is %+v", approval)
	}
	return approval
}

// used counts the acts that were done.
func used(t *testing.T, w *world) (n int) {
	t.Helper()
	for _, e := range w.entries(t) {
		if e.Kind == tlog.ApprovalUsed {
			n++
		}
	}
	return n
}

func TestFourEyes(t *testing.T) {
	for _, act := range fourEyesActs {
		t.Run(act.name, func(t *testing.T) {
			t.Parallel()
			now := dayOfIssue
			w := twoPeople(t, func(c *ca.Config) { c.Now = func() time.Time { return now } })
			refused := func(what string, want error, id ca.ApprovalID, who ca.Actor, hash [32]byte) {
				t.Helper()
				before := used(t, w)
				if _, err := w.Approve(t.Context(), who, id, hash); !sameKind(err, want) {
					t.Errorf("%s: %v, want %v", what, err, want)
				}
				if used(t, w) != before {
					t.Errorf("%s: the act was done", what)
				}
			}
			first := act.ask(t, w, approvalID(1))
			refused("alone", ca.ErrOwnRequest, first.ID, anna, first.Hash)
			refused("the same person with another certificate", ca.ErrOwnRequest, first.ID, annaToo, first.Hash)
			refused("the same person in the other role", ca.ErrOwnRequest, first.ID, annaAs(act.approver.Roles[0]), first.Hash)
			refused("other parameters", ca.ErrParametersDiffer, first.ID, act.approver, [32]byte{1})
			for _, r := range ca.Roles() {
				if r != act.approver.Roles[0] {
					refused("role "+string(r), &ca.RoleError{}, first.ID, ca.Actor{Person: ca.Person{Operator: "x", Person: "x"}, Roles: []ca.Role{r}}, first.Hash)
				}
			}
			refused("roles that exclude each other", &ca.RoleError{}, first.ID, ca.Actor{Person: bert.Person, Roles: []ca.Role{ca.RoleCAOperator, ca.RoleAuditor}}, first.Hash)
			refused("no such request", ca.ErrNotFound, approvalID(99), act.approver, first.Hash)

			now = first.Expires
			refused("expired", ca.ErrNotPending, first.ID, act.approver, first.Hash)
			if got, err := w.Approval(t.Context(), first.ID); err != nil || got.State != ca.Expired {
				t.Errorf("request is %+v, %v, want it expired", got, err)
			}

			second := act.ask(t, w, approvalID(2))
			if got, err := w.Reject(t.Context(), act.approver, second.ID, second.Hash, "not tonight"); err != nil || got.State != ca.Rejected {
				t.Errorf("Reject = %+v, %v", got, err)
			}
			refused("rejected", ca.ErrNotPending, second.ID, act.approver, second.Hash)

			third := act.ask(t, w, approvalID(3))
			for range 2 { // the second time is a replay: it gives what is known, and does nothing
				got, err := w.Approve(t.Context(), act.approver, third.ID, third.Hash)
				if err != nil || got.State != ca.Used || got.DecidedBy != act.approver.Person {
					t.Fatalf("Approve = %+v, %v", got, err)
				}
			}
			if n := used(t, w); n != 1 {
				t.Errorf("the act was done %d times", n)
			}
			refused("replay by another", ca.ErrNotPending, third.ID, ca.Actor{Person: ca.Person{Operator: "y", Person: "y"}, Roles: act.approver.Roles}, third.Hash)
			if again, err := act.request(w, anna, third.ID); err != nil || again.State != ca.Used {
				t.Errorf("replay of the request: %+v, %v, want what is known", again, err)
			}
			if _, err := act.request(w, bert, third.ID); !errors.Is(err, ca.ErrApprovalDiffers) {
				t.Errorf("the id of another's request: %v, want %v", err, ca.ErrApprovalDiffers)
			}
			checkApprovalEntries(t, w)
		})
	}
}

// sameKind compares errors; of *ca.RoleError the type alone.
func sameKind(err, want error) bool {
	var role *ca.RoleError
	if errors.As(want, &role) {
		return errors.As(err, &role)
	}
	return errors.Is(err, want)
}

// checkApprovalEntries reads every entry about requests by its schema.
func checkApprovalEntries(t *testing.T, w *world) {
	t.Helper()
	var kinds []tlog.Kind
	for _, e := range w.entries(t) {
		if strings.HasPrefix(string(e.Kind), "approval-") {
			kinds = append(kinds, e.Kind)
			if _, err := e.ReadFacts(); err != nil {
				t.Error(err)
			}
		}
	}
	want := []tlog.Kind{tlog.ApprovalRequested, tlog.ApprovalExpired, tlog.ApprovalRequested, tlog.ApprovalRejected,
		tlog.ApprovalRequested, tlog.ApprovalGiven, tlog.ApprovalUsed}
	if !slices.Equal(kinds, want) {
		t.Errorf("entries are %v, want %v", kinds, want)
	}
}

// TestRequestsNeedTheirRole: nobody asks for an act that is not one for his roles.
func TestRequestsNeedTheirRole(t *testing.T) {
	w := twoPeople(t)
	for _, act := range fourEyesActs {
		for _, r := range ca.Roles() {
			_, err := act.request(w, ca.Actor{Person: ca.Person{Operator: "x", Person: "x"}, Roles: []ca.Role{r}}, approvalID(1))
			var role *ca.RoleError
			if errors.As(err, &role) == (r == ca.RoleCAOperator) {
				t.Errorf("%s asks to %s: %v", r, act.name, err)
			}
			if r == ca.RoleCAOperator {
				break // the id is taken now
			}
		}
	}
}

// TestRequestIsRefused where it cannot be fulfilled, and leaves nothing.
func TestRequestIsRefused(t *testing.T) {
	w := twoPeople(t)
	before := len(w.entries(t))
	good := sessionsOfSmallOrders(10)
	for what, spoil := range map[string]func(*ca.SessionRequest){
		"issuers":    func(r *ca.SessionRequest) { r.Issuers = []string{"nobody"} },
		"signatures": func(r *ca.SessionRequest) { r.Signatures = 1<<20 + 1 },
		"seconds":    func(r *ca.SessionRequest) { r.Seconds = 24*3600 + 1 },
	} {
		r := good
		spoil(&r)
		_, err := w.RequestSessions(t.Context(), anna, approvalID(1), r, "x")
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v, want a refusal that names it", what, err)
		}
	}
	if after := len(w.entries(t)); after != before {
		t.Errorf("%d entries before, %d after", before, after)
	}
}

// TestApproveSurvivesFaults: every call of the store on the way of an approval fails, once as if nothing had happened and once with its answer
// lost. Whoever approved calls again, to the same server or to one that has started since, and the act is done once.
func TestApproveSurvivesFaults(t *testing.T) {
	for _, act := range fourEyesActs {
		for call := 1; ; call++ {
			reached := false
			for _, lost := range []bool{false, true} {
				for _, restart := range []bool{false, true} {
					w := twoPeople(t)
					asked := act.ask(t, w, approvalID(1))
					store := storetest.Faulty(w.db)
					failing := twoPeopleOn(t, w, store)
					n := len(store.Calls())
					store.Fail(storetest.Fault{Call: n + call, Lost: lost})
					_, err := failing.Approve(t.Context(), act.approver, asked.ID, asked.Hash)
					if reached = len(store.Calls()) >= n+call; !reached {
						continue
					}
					if err == nil {
						t.Errorf("%s: call %d failed, and Approve said nothing", act.name, call)
					}
					if restart {
						failing = twoPeopleOn(t, w, w.db)
					}
					got, err := failing.Approve(t.Context(), act.approver, asked.ID, asked.Hash)
					if err != nil || got.State != ca.Used {
						t.Errorf("%s: call %d, lost %t, restart %t: then Approve = %+v, %v", act.name, call, lost, restart, got, err)
					}
					if n := used(t, w); n != 1 {
						t.Errorf("%s: call %d, lost %t, restart %t: the act was done %d times", act.name, call, lost, restart, n)
					}
				}
			}
			if !reached {
				t.Logf("%s: %d calls", act.name, call-1)
				break
			}
		}
	}
}

// twoPeopleOn starts another authority of a world on a store.
func twoPeopleOn(t *testing.T, w *world, store ca.Store) *ca.Authority {
	t.Helper()
	cfg := w.config()
	cfg.Store, cfg.OpensAlone = store, false
	a := must(ca.New(cfg))
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestDiedBetweenApprovalAndAct: the server dies after the approval is recorded. The next one does the act at its start, once.
func TestDiedBetweenApprovalAndAct(t *testing.T) {
	for _, act := range fourEyesActs {
		w := twoPeople(t)
		asked := act.ask(t, w, approvalID(1))
		decision := &ca.Decision{ID: asked.ID, Hash: asked.Hash, Approved: true, By: act.approver.Person, At: dayOfIssue.Add(time.Minute)}
		entry := must(tlog.NewEntry(tlog.ApprovalGiven, decision.At, act.approver.Operator, tlog.ApprovalDecisionFacts{
			Approval: string(asked.ID), Act: string(asked.Act), ParametersSHA256: fmt.Sprintf("%x", asked.Hash), Person: act.approver.Person.Person}, nil))
		if err := w.db.DecideApproval(t.Context(), decision, entry); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			next := twoPeopleOn(t, w, w.db)
			got, err := next.Approval(t.Context(), asked.ID)
			if err != nil || got.State != ca.Used {
				t.Errorf("%s: after a start the request is %+v, %v", act.name, got, err)
			}
		}
		if n := used(t, w); n != 1 {
			t.Errorf("%s: the act was done %d times", act.name, n)
		}
	}
}

// TestApprovalsAreListed shows what waits, and what has ended.
func TestApprovalsAreListed(t *testing.T) {
	w := twoPeople(t)
	for i, act := range fourEyesActs {
		act.ask(t, w, approvalID(i+1))
	}
	all, err := w.Approvals(t.Context(), 0, 100)
	waiting, errWaiting := w.WaitingApprovals(t.Context())
	if err != nil || errWaiting != nil || len(all) != len(fourEyesActs) || !reflect.DeepEqual(all, waiting) {
		t.Errorf("%d requests, %d wait, %v, %v", len(all), len(waiting), err, errWaiting)
	}
}
