package ca

import (
	"context"
	"errors"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// SessionStore keeps the key sessions. A session belongs to the database and not to a server: every server that needs signatures draws a
// block of them, so that all together never have more than the session allows, and none asks the database for each card. Each verb
// that changes is one transaction with the promises of a Store's verbs. All methods are safe for concurrent use.
type SessionStore interface {
	// OpenSessions opens sessions, all or none, each with its entry. Where use is not nil, they are an approved act, and the approval is
	// used up. What is in KeySession.Drawn is drawn by the server that opens.
	//
	// Errors that say that nothing happened: ErrNotApproved, ErrSessionOpen (of an issuer).
	OpenSessions(ctx context.Context, sessions []KeySession, use *ApprovalUse, entries []tlog.Entry) error

	// DrawSignatures takes signatures off an open session for this server, or gives back what it has not used.
	//
	// Errors that say that nothing happened: ErrSessionMoved. It is an error to draw more than there are.
	DrawSignatures(ctx context.Context, d *Draw, entry tlog.Entry) error

	// CloseSession ends an open session, for ever.
	//
	// Errors that say that nothing happened: ErrSessionMoved.
	CloseSession(ctx context.Context, end *SessionEnd, entry tlog.Entry) error

	// Session gives a session, open or not, or ErrNotFound.
	Session(ctx context.Context, id SessionID) (*KeySession, error)

	// OpenSession gives the open session of an issuer, or ErrNotFound.
	OpenSession(ctx context.Context, issuer string) (*KeySession, error)

	// OpenedSessions lists the sessions that are open, by ascending KeySession.Number.
	OpenedSessions(ctx context.Context) ([]KeySession, error)

	// Sessions lists sessions, open ones and others, by descending KeySession.Number, those before the given number, at most limit. A
	// number of 0 stands for the end of the list. A limit below 1 is an error.
	Sessions(ctx context.Context, before int64, limit int) ([]KeySession, error)
}

// The sentinel errors of a SessionStore.
var (
	ErrSessionOpen  = errors.New("a key session of the issuer is open")
	ErrSessionMoved = errors.New("the key session is closed, or another server has drawn from it meanwhile")
)

// SessionID identifies a key session: 32 lower-case hex digits from a CSPRNG.
type SessionID string

// KeySession is the window in which an issuer's key may sign.
type KeySession struct {
	Number     int64 // position in the list of sessions; a Store gives it
	ID         SessionID
	Issuer     string
	Approval   ApprovalID // by which it was opened; "" where a server opened it alone, in environment test
	Signatures int64      // at most so many
	Drawn      int64      // by servers so far; what they gave back does not count
	OpenedAt   time.Time  // millisecond precision, UTC
	Ends       time.Time  // at the latest; millisecond precision, UTC
	ClosedAt   time.Time  // zero while it is open; millisecond precision, UTC
	Reason     string     // why it was closed; "" while it is open
	// Elsewhere says that another server that lives has drawn from the session. It is set where the session is open, and is the judgement of
	// the moment that OpenAttempt.Elsewhere is. A store that lets one server in at a time never says it.
	Elsewhere bool
}

// Draw takes signatures off a session.
type Draw struct {
	Session    SessionID
	Drawn      int64 // what was drawn before, as the caller knows it
	Signatures int64 // to draw now; below zero: given back
}

// SessionEnd closes a session.
type SessionEnd struct {
	Session SessionID
	Drawn   int64     // what was drawn before, as the caller knows it
	Used    int64     // of it, as the caller knows; what other servers drew counts as used
	Reason  string    // lower-case words joined by "-"
	At      time.Time // millisecond precision, UTC
}
