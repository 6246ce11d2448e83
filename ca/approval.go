package ca

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// This file is the mechanism of four eyes: what one person asks for, another approves, and is then done once (gemRL_TSL_SP_CP, GS-A_4254,
// GS-A_4291). A kind of act is one more argument of newActs, in New, and
// a method that makes it with newAct.

// Actor is who calls: the operator, the human being behind him and what he may do.
type Actor struct {
	Person
	Roles []Role
}

// act is a kind of act that needs two people.
type act struct {
	kind     ActKind
	requests []Role // who may ask
	approves []Role // who may approve
	// check says what the act means and why it could not be done now. It is asked before a request is recorded and again before it is
	// approved, and changes nothing.
	check func(ctx context.Context, parameters []byte) (summary string, err error)
	// execute does the act with a verb of the store that takes the use and uses the approval up in the same transaction. It may be called
	// again after a failure, by another server too; the verb sees to it that the act is done once.
	execute func(ctx context.Context, approval *Approval, use *ApprovalUse) error
}

// newAct makes an act whose parameters are a P. They must be the same JSON when they are read and written again.
func newAct[P any](kind ActKind, requests, approves []Role, check func(context.Context, *P) (summary string, err error),
	execute func(context.Context, *Approval, *P, *ApprovalUse) error) act {
	return act{
		kind: kind, requests: requests, approves: approves,
		check: func(ctx context.Context, parameters []byte) (string, error) {
			p, err := readParameters[P](parameters)
			if err != nil {
				return "", err
			}
			return check(ctx, p)
		},
		execute: func(ctx context.Context, approval *Approval, use *ApprovalUse) error {
			p, err := readParameters[P](approval.Parameters)
			if err != nil {
				return err
			}
			return execute(ctx, approval, p, use)
		},
	}
}

// readParameters reads parameters in their one form.
func readParameters[P any](octets []byte) (*P, error) {
	p := new(P)
	dec := json.NewDecoder(bytes.NewReader(octets))
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		return nil, fmt.Errorf("read the parameters of an act: %w", err)
	}
	again, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode the parameters of an act: %w", err)
	}
	if !bytes.Equal(again, octets) {
		return nil, errors.New("read the parameters of an act: they are not in their one form")
	}
	return p, nil
}

// newActs is the table of the acts that need two people.
func newActs(acts ...act) map[ActKind]act {
	table := map[ActKind]act{}
	for _, t := range acts {
		table[t.kind] = t
	}
	return table
}

// RoleError says that an act is not one for the caller's roles.
type RoleError struct {
	Act     ActKind
	Doing   string // "ask for" or "approve"
	Allowed []Role
}

// Error names the act and the roles.
func (e *RoleError) Error() string {
	return fmt.Sprintf("no role of the operator may %s %s; roles that may: %s", e.Doing, e.Act, joinRoles(e.Allowed))
}

// request records that somebody asks for an act. Asking again with the same id is safe. Whoever may ask for it, and nothing else about the
// act, is checked here; the caller of each kind is a method of its own with typed parameters.
func (a *Authority) request(ctx context.Context, who Actor, id ApprovalID, kind ActKind, parameters any, reason string) (*Approval, error) {
	act, ok := a.acts[kind]
	if !ok {
		return nil, fmt.Errorf("there is no act %q", kind)
	}
	if err := mayAct(who, kind, "ask for", act.requests); err != nil {
		return nil, err
	}
	octets, err := json.Marshal(parameters)
	if err != nil {
		return nil, fmt.Errorf("encode the parameters of %s: %w", kind, err)
	}
	known, err := a.store.Approval(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, storeFailure("look for the request", err)
	}
	if err == nil {
		return sameRequest(known, who, kind, octets)
	}
	summary, err := act.check(ctx, octets)
	if err != nil {
		return nil, err
	}
	at := a.now()
	r := &ApprovalRequest{ID: id, Act: kind, Summary: summary, Parameters: octets, Hash: sha256.Sum256(octets), Reason: reason,
		RequestedBy: who.Person, RequestedAt: at, Expires: at.Add(a.config.ApprovalTime)}
	entry, err := requestEntry(r)
	if err != nil {
		return nil, err
	}
	made, err := a.store.RequestApproval(ctx, r, entry)
	switch {
	case errors.Is(err, ErrApprovalDiffers):
		return nil, err
	case err != nil:
		return nil, storeFailure("record the request", err)
	}
	return made, nil
}

// sameRequest gives a request that was made before to whoever makes it again.
func sameRequest(known *Approval, who Actor, kind ActKind, parameters []byte) (*Approval, error) {
	if !known.Same(&ApprovalRequest{ID: known.ID, Act: kind, Hash: sha256.Sum256(parameters), RequestedBy: who.Person}) {
		return nil, ErrApprovalDiffers
	}
	return known, nil
}

// mayAct checks the roles of an actor, and that one person may hold them all.
func mayAct(who Actor, kind ActKind, doing string, allowed []Role) error {
	if err := CheckRoles(who.Roles); err != nil {
		return &RoleError{Act: kind, Doing: doing, Allowed: allowed}
	}
	if !slices.ContainsFunc(who.Roles, func(r Role) bool { return slices.Contains(allowed, r) }) {
		return &RoleError{Act: kind, Doing: doing, Allowed: allowed}
	}
	return nil
}

// Approve approves a request and does the act. The hash is that of the parameters that the person has seen. Whoever approved may call again
// when the answer was lost, or when the act could not be done at once: it is done once. Errors beside those of errors.go: ErrNotPending,
// ErrOwnRequest, ErrParametersDiffer, *RoleError, and what the act itself finds wrong.
func (a *Authority) Approve(ctx context.Context, who Actor, id ApprovalID, hash [32]byte) (*Approval, error) {
	approval, act, err := a.decidable(ctx, who, id, hash)
	if err != nil {
		return nil, err
	}
	mine := approval.DecidedBy == who.Person && (approval.State == Approved || approval.State == Used)
	switch {
	case approval.RequestedBy.Person == who.Person.Person:
		return nil, ErrOwnRequest
	case mine && approval.State == Used:
		return approval, nil
	case !mine && approval.State != Pending:
		return nil, ErrNotPending
	case !mine:
		if _, err := act.check(ctx, approval.Parameters); err != nil {
			return nil, err
		}
		if err := a.decide(ctx, who, approval, true, ""); err != nil {
			return nil, err
		}
	}
	if err := a.execute(ctx, act, approval, who.Operator); err != nil {
		return nil, err
	}
	return a.approval(ctx, id)
}

// Reject ends a request without the act. The one who asked may do it too.
func (a *Authority) Reject(ctx context.Context, who Actor, id ApprovalID, hash [32]byte, reason string) (*Approval, error) {
	approval, _, err := a.decidable(ctx, who, id, hash)
	if err != nil {
		return nil, err
	}
	if approval.State == Rejected && approval.DecidedBy == who.Person {
		return approval, nil
	}
	if approval.State != Pending {
		return nil, ErrNotPending
	}
	if err := a.decide(ctx, who, approval, false, reason); err != nil {
		return nil, err
	}
	return a.approval(ctx, id)
}

// decidable reads a request that somebody decides on, and checks all that does not depend on the decision.
func (a *Authority) decidable(ctx context.Context, who Actor, id ApprovalID, hash [32]byte) (*Approval, act, error) {
	approval, err := a.approval(ctx, id)
	if err != nil {
		return nil, act{}, err
	}
	kind, ok := a.acts[approval.Act]
	if !ok {
		return nil, act{}, fmt.Errorf("this server does not know the act %q", approval.Act)
	}
	allowed := kind.approves
	if approval.RequestedBy.Person == who.Person.Person {
		allowed = append(slices.Clone(allowed), kind.requests...) // he may take it back
	}
	if err := mayAct(who, kind.kind, "decide on", allowed); err != nil {
		return nil, act{}, err
	}
	if approval.Hash != hash {
		return nil, act{}, ErrParametersDiffer
	}
	return approval, kind, nil
}

// approval reads a request. One whose time has passed is made to expire first.
func (a *Authority) approval(ctx context.Context, id ApprovalID) (*Approval, error) {
	approval, err := a.store.Approval(ctx, id)
	if err != nil {
		return nil, readFailure("read the request", err)
	}
	if !approval.MayExpire(a.now()) {
		return approval, nil
	}
	if err := a.expire(ctx, approval); err != nil {
		return nil, err
	}
	if approval, err = a.store.Approval(ctx, id); err != nil {
		return nil, readFailure("read the request", err)
	}
	return approval, nil
}

// Approval gives a request. The error is ErrNotFound where there is none.
func (a *Authority) Approval(ctx context.Context, id ApprovalID) (*Approval, error) {
	return a.approval(ctx, id)
}

// Approvals lists requests by ascending number, those after the given number, at most limit.
func (a *Authority) Approvals(ctx context.Context, after int64, limit int) ([]Approval, error) {
	list, err := a.store.Approvals(ctx, after, limit)
	if err != nil {
		return nil, storeFailure("list requests", err)
	}
	return list, nil
}

// WaitingApprovals lists the requests that wait for somebody, by ascending number.
func (a *Authority) WaitingApprovals(ctx context.Context) ([]Approval, error) {
	list, err := a.store.WaitingApprovals(ctx)
	if err != nil {
		return nil, storeFailure("list requests", err)
	}
	now := a.now()
	return slices.DeleteFunc(list, func(ap Approval) bool { return ap.MayExpire(now) }), nil
}

func (a *Authority) decide(ctx context.Context, who Actor, approval *Approval, approved bool, reason string) error {
	d := &Decision{ID: approval.ID, Hash: approval.Hash, Approved: approved, By: who.Person, At: a.now()}
	entry, err := decisionEntry(approval, d, reason)
	if err != nil {
		return err
	}
	err = a.store.DecideApproval(ctx, d, entry)
	for _, named := range []error{ErrNotFound, ErrNotPending, ErrParametersDiffer, ErrOwnRequest} {
		if errors.Is(err, named) {
			return err
		}
	}
	if err != nil {
		return storeFailure("record the decision", err)
	}
	return nil
}

// execute does an approved act. An approval that is used already was used by a call whose answer was lost, or by another server.
func (a *Authority) execute(ctx context.Context, act act, approval *Approval, actor string) error {
	at := a.now()
	entry, err := approvalEndEntry(tlog.ApprovalUsed, at, actor, approval)
	if err != nil {
		return err
	}
	use := &ApprovalUse{ID: approval.ID, Act: approval.Act, Hash: approval.Hash, At: at, Entry: entry}
	if err := act.execute(ctx, approval, use); !errors.Is(err, ErrNotApproved) {
		return err
	}
	now, err := a.store.Approval(ctx, approval.ID)
	switch {
	case err != nil:
		return readFailure("read the request", err)
	case now.State != Used:
		return ErrNotPending
	}
	return nil
}

// attendApprovals does the acts that were approved and, because a server died, not done, and ends the requests whose time has passed.
func (a *Authority) attendApprovals(ctx context.Context) error {
	list, err := a.store.WaitingApprovals(ctx)
	if err != nil {
		return storeFailure("list requests", err)
	}
	var errs []error
	for i := range list {
		approval := &list[i]
		act, known := a.acts[approval.Act]
		switch {
		case approval.MayExpire(a.now()):
			errs = append(errs, a.expire(ctx, approval))
		case approval.State == Approved && known:
			if err := a.execute(ctx, act, approval, systemActor); err != nil && !a.stuck[approval.ID] {
				a.stuck[approval.ID] = true
				a.config.Log.Warn("an approved act cannot be done; it is tried again until it expires", "approval", approval.ID,
					"act", approval.Act, "error", err)
			}
		}
	}
	return errors.Join(errs...)
}

func (a *Authority) expire(ctx context.Context, approval *Approval) error {
	at := a.now()
	entry, err := approvalEndEntry(tlog.ApprovalExpired, at, systemActor, approval)
	if err != nil {
		return err
	}
	if err := a.store.ExpireApproval(ctx, approval.ID, at, entry); err != nil && !errors.Is(err, ErrNotPending) {
		return storeFailure("end a request whose time has passed", err)
	}
	return nil
}

// reasonText is the personal part of entries in which a person gives a reason.
type reasonText struct {
	Reason string `json:"reason"`
}

func requestEntry(r *ApprovalRequest) (tlog.Entry, error) {
	facts := tlog.ApprovalRequestFacts{
		Approval: string(r.ID), Act: string(r.Act), Summary: r.Summary, Parameters: r.Parameters,
		ParametersSHA256: hex.EncodeToString(r.Hash[:]), Person: r.RequestedBy.Person, Expires: tlog.Instant(r.Expires),
	}
	return tlog.NewEntry(tlog.ApprovalRequested, r.RequestedAt, r.RequestedBy.Operator, facts, reasonText{r.Reason})
}

func decisionEntry(approval *Approval, d *Decision, reason string) (tlog.Entry, error) {
	facts := tlog.ApprovalDecisionFacts{
		Approval: string(d.ID), Act: string(approval.Act), ParametersSHA256: hex.EncodeToString(d.Hash[:]), Person: d.By.Person,
	}
	if d.Approved {
		return tlog.NewEntry(tlog.ApprovalGiven, d.At, d.By.Operator, facts, nil)
	}
	return tlog.NewEntry(tlog.ApprovalRejected, d.At, d.By.Operator, facts, reasonText{reason})
}

func approvalEndEntry(kind tlog.Kind, at time.Time, actor string, approval *Approval) (tlog.Entry, error) {
	facts := tlog.ApprovalEndFacts{
		Approval: string(approval.ID), Act: string(approval.Act), ParametersSHA256: hex.EncodeToString(approval.Hash[:]),
	}
	return tlog.NewEntry(kind, at, actor, facts, nil)
}
