package ca

import (
	"context"
	"errors"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// ApprovalStore keeps the acts that one person asks for and another approves. Each verb is one transaction with the promises of a
// Store's verbs, and takes its entry. All methods are safe for concurrent use.
//
// The states of a request, and the verbs that lead from one to the next:
//
//	           DecideApproval           a verb that does the act, or UseApproval
//	pending ──┬──────────────→ approved ──────────────→ used
//	          └──────────────→ rejected
//	pending, approved ─ ExpireApproval → expired
//
// None of the states on the right is ever left. So an approved act is done once: the verb that does it takes an ApprovalUse and uses the
// approval up in the transaction in which it does the act.
type ApprovalStore interface {
	// RequestApproval records a request, as pending. It gives what is known of it, which is an earlier state of the same request where it
	// was made before: the entry is not written then.
	//
	// Errors that say that nothing happened: ErrApprovalDiffers.
	RequestApproval(ctx context.Context, r *ApprovalRequest, entry tlog.Entry) (*Approval, error)

	// DecideApproval approves or rejects a request.
	//
	// Errors that say that nothing happened: ErrNotFound; ErrNotPending (it is decided or has expired, or expires no later than Decision.At);
	// ErrParametersDiffer; ErrOwnRequest (the person who approves is the one who asked; to reject is allowed).
	DecideApproval(ctx context.Context, d *Decision, entry tlog.Entry) error

	// UseApproval uses an approval up for an act that the store does not know, which the caller does afterwards, once or never.
	//
	// Errors that say that nothing happened: ErrNotApproved.
	UseApproval(ctx context.Context, use *ApprovalUse) error

	// ExpireApproval ends a request that expires no later than at.
	//
	// Errors that say that nothing happened: ErrNotPending (it has ended before, or does not expire yet).
	ExpireApproval(ctx context.Context, id ApprovalID, at time.Time, entry tlog.Entry) error

	// Approval gives a request, or ErrNotFound.
	Approval(ctx context.Context, id ApprovalID) (*Approval, error)

	// Approvals lists requests by ascending Approval.Number, those after the given number, at most limit. A limit below 1 is an error.
	Approvals(ctx context.Context, after int64, limit int) ([]Approval, error)

	// UsedApprovals lists the requests of some kinds whose acts are done, by ascending Approval.Number.
	UsedApprovals(ctx context.Context, acts []ActKind) ([]Approval, error)

	// WaitingApprovals lists the requests that are pending or approved, by ascending Approval.Number.
	WaitingApprovals(ctx context.Context) ([]Approval, error)
}

// The sentinel errors of an ApprovalStore.
var (
	ErrApprovalDiffers  = errors.New("the id belongs to another request")
	ErrNotPending       = errors.New("the request does not wait for a decision any more")
	ErrOwnRequest       = errors.New("the person who asked cannot approve")
	ErrParametersDiffer = errors.New("the parameters are not those of the request")
	ErrNotApproved      = errors.New("there is no approval that could be used: it was not given, is used or has expired")
)

// ApprovalID identifies a request: 32 lower-case hex digits, chosen by the client at random.
type ApprovalID string

// ActKind names a kind of act that needs two people: lower-case words joined by "-".
type ActKind string

// ApprovalRequest is what one person asks for.
type ApprovalRequest struct {
	ID          ApprovalID
	Act         ActKind
	Summary     string   // what it means, in words; follows from the parameters
	Parameters  []byte   // JSON object in its one form
	Hash        [32]byte // SHA-256 of Parameters
	Reason      string   // in the words of the one who asks
	RequestedBy Person
	RequestedAt time.Time // millisecond precision, UTC
	Expires     time.Time // millisecond precision, UTC
}

// Person is an operator and the human being behind him.
type Person struct {
	Operator string // name in the operator file, for the log
	Person   string // the same for all operators who are one human being
}

// ApprovalState says how far a request is.
type ApprovalState string

// The states.
const (
	Pending  ApprovalState = "pending"
	Approved ApprovalState = "approved" // and not done yet
	Rejected ApprovalState = "rejected"
	Used     ApprovalState = "used" // the act is done
	Expired  ApprovalState = "expired"
)

// Approval is a request with what became of it.
type Approval struct {
	ApprovalRequest
	Number    int64 // position in the list of requests
	State     ApprovalState
	DecidedBy Person    // who approved or rejected; zero where nobody did
	DecidedAt time.Time // zero where nobody did; millisecond precision, UTC
	EndedAt   time.Time // when it was used or expired, else zero; millisecond precision, UTC
}

// Same tells whether a request is the one that was made before. Time and reason do not count.
func (a *Approval) Same(r *ApprovalRequest) bool {
	return a.ID == r.ID && a.Act == r.Act && a.Hash == r.Hash && a.RequestedBy == r.RequestedBy
}

// MayDecide says why a decision is not possible, as DecideApproval does; nil where it is.
func (a *Approval) MayDecide(d *Decision) error {
	switch {
	case a.State != Pending || !d.At.Before(a.Expires):
		return ErrNotPending
	case a.Hash != d.Hash:
		return ErrParametersDiffer
	case d.Approved && a.RequestedBy.Person == d.By.Person:
		return ErrOwnRequest
	}
	return nil
}

// MayUse tells whether the approval is one that use may use up.
func (a *Approval) MayUse(use *ApprovalUse) bool {
	return a.State == Approved && a.Act == use.Act && a.Hash == use.Hash && use.At.Before(a.Expires)
}

// MayExpire tells whether the request has not ended and expires no later than at.
func (a *Approval) MayExpire(at time.Time) bool {
	return (a.State == Pending || a.State == Approved) && !at.Before(a.Expires)
}

// Decision approves or rejects a request.
type Decision struct {
	ID       ApprovalID
	Hash     [32]byte // of the parameters that the person has seen
	Approved bool     // false: rejected
	By       Person
	At       time.Time // millisecond precision, UTC
}

// State is the one to which the decision leads.
func (d *Decision) State() ApprovalState {
	if d.Approved {
		return Approved
	}
	return Rejected
}

// ApprovalUse uses an approval up. A verb that does an approved act takes one, and gives ErrNotApproved, having done nothing, where
// there is no approval of this act with these parameters that is given, not used, and expires later than At.
type ApprovalUse struct {
	ID    ApprovalID
	Act   ActKind
	Hash  [32]byte   // of the parameters of what is done
	At    time.Time  // millisecond precision, UTC
	Entry tlog.Entry // approval-used
}
