package ca

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// This file is what a server does with key sessions to sign: it draws signatures from the open session of an issuer in blocks, and promises
// them to orders one by one. How sessions begin and end is in opensession.go.

// SessionBounds says how long and how often a key may sign in one key session.
type SessionBounds struct {
	Signatures int64         // at most this many; at least as many as one card needs of an issuer
	Lifetime   time.Duration // at most this long after it was opened
}

// keySession is this server's part of a key session: the signatures that it has drawn. Bounded by time and number of signatures
// (gemRL_TSL_SP_CP, GS-A_4291, GS-A_4313).
type keySession struct {
	id     SessionID
	ends   time.Time
	since  time.Time   // when this server first drew, by its own clock
	left   int64       // drawn and not spoken for; guarded by issuer.sessionMu
	closed atomic.Bool // nothing may be signed in it any more
}

// The reasons for which a session ends.
const (
	endedByTime     = "time"
	endedByCount    = "count"
	endedByOperator = "operator"
	endedByStop     = "server-stop"
)

var (
	errSessionEnded  = errors.New("the key session has ended by time")
	errSessionClosed = errors.New("the key session was closed meanwhile")
	errNotStarted    = errors.New("no key session is open: the server has not started")
)

// NoSessionError says that the key of an issuer may not sign, since no two people have opened a key session for it.
type NoSessionError struct{ Issuer string }

// Error says how to open one.
func (e *NoSessionError) Error() string {
	return fmt.Sprintf("no key session is open for issuer %q, so that its key may not sign; a CA operator asks for one with: "+
		`siegel session open --issuer %q --signatures N --for 8h --reason TEXT; another approves it with: siegel approve ID`, e.Issuer, e.Issuer)
}

// mayUse tells whether a signature may begin now.
func (s *keySession) mayUse(now time.Time) error {
	switch {
	case s == nil:
		return errors.New("no key session is open")
	case s.closed.Load():
		return errSessionClosed
	case now.After(s.ends):
		return errSessionEnded
	}
	return nil
}

// reservation holds, for each issuer of an order, the session that promised all the signatures which the order needs of it. What is
// promised is gone from the session whether it is used or not: a signature that was lost counts too.
type reservation map[string]*keySession

// reserve takes the signatures of all drafts off the sessions of their issuers, before anything is recorded: an order whose signatures
// cannot be made leaves no attempt.
func (a *Authority) reserve(ctx context.Context, drafts []Draft) (reservation, error) {
	need := map[string]int64{}
	for i := range drafts {
		need[drafts[i].Issuer]++
	}
	held := reservation{}
	for name, n := range need {
		s, err := a.promise(ctx, a.issuers[name], n)
		if err != nil {
			a.release(held, need)
			return nil, fmt.Errorf("issuer %q: %w", name, err)
		}
		held[name] = s
	}
	return held, nil
}

// release gives back what was reserved for an order of which nothing was recorded.
func (a *Authority) release(held reservation, need map[string]int64) {
	for name, s := range held {
		iss := a.issuers[name]
		iss.sessionMu.Lock()
		s.left += need[name]
		iss.sessionMu.Unlock()
	}
}

// maxMoves is how often a server looks again when others draw from a session at the same moment. Each loss needs another server that won.
const maxMoves = 10

// promise takes n signatures off this server's part of an issuer's session.
func (a *Authority) promise(ctx context.Context, iss *issuer, n int64) (*keySession, error) {
	if err := iss.Key.Ready(); err != nil {
		return nil, keyFailure("ask for its key", err)
	}
	if a.config.OpensAlone && n > a.config.KeySession.Signatures {
		return nil, fmt.Errorf("a card needs %d signatures, a key session has %d: raise key_session.signatures", n, a.config.KeySession.Signatures)
	}
	if !a.started.Load() {
		return nil, unavailable(errNotStarted)
	}
	iss.sessionMu.Lock()
	defer iss.sessionMu.Unlock()
	for range maxMoves {
		if s := iss.session; s.mayUse(a.now()) == nil && s.left >= n {
			s.left -= n
			return s, nil
		}
		if err := a.refill(ctx, iss, n); err != nil && !errors.Is(err, ErrSessionMoved) {
			return nil, err
		}
	}
	return nil, unavailable(fmt.Errorf("%d times in a row: %w", maxMoves, ErrSessionMoved))
}

// refill makes one step towards n signatures: draws a block, closes the session that is over, or opens the next one where the server may.
// ErrSessionMoved says that another server was faster. The caller holds sessionMu.
func (a *Authority) refill(ctx context.Context, iss *issuer, n int64) error {
	open, err := a.store.OpenSession(ctx, iss.Name)
	isOpen := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return storeFailure("look for the key session", err)
	}
	if iss.session != nil && (!isOpen || iss.session.id != open.ID) {
		if err := a.lose(ctx, iss); err != nil {
			return err
		}
	}
	if !isOpen {
		return a.openAlone(ctx, iss, n)
	}
	need := n - iss.left()
	remaining := open.Signatures - open.Drawn
	switch {
	case a.now().After(open.Ends):
		return a.endSession(ctx, systemActor, iss, open, endedByTime)
	case remaining < need:
		return a.endSession(ctx, systemActor, iss, open, endedByCount)
	}
	return a.draw(ctx, iss, open, blockOf(remaining, need))
}

// maxBlock bounds a block: what is lost with a server that dies.
const maxBlock = 4096

// blockOf is how many signatures a server draws at a time. Towards the end blocks become small, so that little is left with servers that do
// not need it; a session of a million signatures is drawn in some hundred blocks all the same.
func blockOf(remaining, need int64) int64 { return max(need, min(remaining/16, maxBlock)) }

// draw takes a block off an open session. Where it is not known whether that happened, the block is lost. The caller holds sessionMu.
func (a *Authority) draw(ctx context.Context, iss *issuer, open *KeySession, block int64) error {
	if err := a.recordDraw(ctx, open, block); err != nil {
		return err
	}
	iss.add(open, block)
	return nil
}

// recordDraw takes signatures off an open session in the database, or gives them back.
func (a *Authority) recordDraw(ctx context.Context, open *KeySession, signatures int64) error {
	facts := tlog.DrawFacts{Session: string(open.ID), Issuer: open.Issuer, Signatures: signatures, Drawn: open.Drawn + signatures}
	entry, err := tlog.NewEntry(tlog.KeySessionDrawn, a.now(), systemActor, facts, nil)
	if err != nil {
		return err
	}
	err = a.store.DrawSignatures(ctx, &Draw{Session: open.ID, Drawn: open.Drawn, Signatures: signatures}, entry)
	if err == nil || errors.Is(err, ErrSessionMoved) {
		return err
	}
	return storeFailure("draw signatures from the key session", err)
}

// left is what this server has of the session and has not promised. The caller holds sessionMu.
func (iss *issuer) left() int64 {
	if iss.session == nil {
		return 0
	}
	return iss.session.left
}

// add takes drawn signatures into this server's part of a session. The caller holds sessionMu.
func (iss *issuer) add(open *KeySession, drawn int64) {
	if iss.session == nil || iss.session.id != open.ID {
		iss.forget(endedByOperator) // the stricter, where it is not known why the other ended
		iss.session = &keySession{id: open.ID, ends: open.Ends, since: time.Now()}
	}
	iss.session.left += drawn
}

// lose drops a session that another server has closed. The caller holds sessionMu.
func (a *Authority) lose(ctx context.Context, iss *issuer) error {
	was, err := a.store.Session(ctx, iss.session.id)
	if err != nil {
		return readFailure("read the key session", err)
	}
	iss.forget(was.Reason)
	return nil
}

// forget drops a session that is not open any more. One that ended by count has kept its promises: the signatures of orders under way are
// among those that it counts as used. What is under way in any other meets a closed door. The caller holds sessionMu.
func (iss *issuer) forget(why string) {
	if iss.session == nil {
		return
	}
	iss.session.closed.Store(why != endedByCount)
	iss.session = nil
}

// randomHex gives 32 hex digits from a CSPRNG.
func randomHex() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}
