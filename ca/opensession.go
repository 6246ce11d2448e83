package ca

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// This file is how key sessions begin and end. Two CA operators open them: one asks, another approves (promise 6). In environment test a
// server may open them alone. They end by time, by count, by an operator, and when the last server stops that has drawn from them.

// OpenKeySessions is the act that opens a key session for each of some issuers.
const OpenKeySessions ActKind = "open-key-sessions"

// SessionRequest are the parameters of OpenKeySessions.
type SessionRequest struct {
	Issuers    []string `json:"issuers"`    // in alphabetical order, each once
	Signatures int64    `json:"signatures"` // at most so many for each issuer
	Seconds    int64    `json:"seconds"`    // at most so long after the approval
}

func (a *Authority) openKeySessions() act {
	return newAct(OpenKeySessions, []Role{RoleCAOperator}, []Role{RoleCAOperator}, a.checkSessions, a.openApproved)
}

// RequestSessions asks for key sessions, which open as soon as another CA operator approves. Errors are those of Approve, or
// *profiles.Refusal where the request cannot be fulfilled.
func (a *Authority) RequestSessions(ctx context.Context, who Actor, id ApprovalID, r SessionRequest, reason string) (*Approval, error) {
	r.Issuers = slices.Compact(slices.Sorted(slices.Values(r.Issuers)))
	return a.request(ctx, who, id, OpenKeySessions, r, reason)
}

// checkSessions says what is asked for, and why it cannot be done.
func (a *Authority) checkSessions(ctx context.Context, r *SessionRequest) (string, error) {
	var faults []profiles.Violation
	fault := func(field, rule, format string, args ...any) {
		faults = append(faults, profiles.Violation{Field: field, Rule: rule, Citation: "gemRL_TSL_SP_CP, GS-A_4291", Message: fmt.Sprintf(format, args...)})
	}
	if len(r.Issuers) == 0 {
		fault("issuers", "REQUIRED", "name at least one issuer")
	}
	for _, name := range r.Issuers {
		if a.issuers[name] == nil {
			fault("issuers", "UNKNOWN_ISSUER", "this server has no key of an issuer %q that signs", name)
		}
		if a.rules.Load().retired[name] {
			fault("issuers", "RETIRED", "issuer %q is retired", name)
		}
	}
	most := a.config.KeySession
	if r.Signatures < 1 || r.Signatures > most.Signatures {
		fault("signatures", "SESSION_BOUNDS", "want 1 to %d (key_session.signatures)", most.Signatures)
	}
	if longest := int64(most.Lifetime / time.Second); r.Seconds < 1 || r.Seconds > longest {
		fault("seconds", "SESSION_BOUNDS", "want 1 to %d (key_session.lifetime)", longest)
	}
	open, err := a.store.OpenedSessions(ctx)
	if err != nil {
		return "", storeFailure("list key sessions", err)
	}
	for i := range open {
		if s := &open[i]; slices.Contains(r.Issuers, s.Issuer) && !a.now().After(s.Ends) {
			fault("issuers", "SESSION_OPEN", "a key session of issuer %q is open until %s; close it first: siegel session close %s",
				s.Issuer, s.Ends.Format(time.RFC3339), s.ID)
		}
	}
	if len(faults) > 0 {
		return "", &profiles.Refusal{Violations: faults}
	}
	return fmt.Sprintf("open a key session for %s: at most %d signatures each, for at most %s",
		strings.Join(r.Issuers, ", "), r.Signatures, time.Duration(r.Seconds)*time.Second), nil
}

// openApproved opens approved sessions.
func (a *Authority) openApproved(ctx context.Context, approval *Approval, r *SessionRequest, use *ApprovalUse) error {
	bounds := SessionBounds{r.Signatures, time.Duration(r.Seconds) * time.Second}
	var sessions []KeySession
	var entries []tlog.Entry
	for _, name := range r.Issuers {
		s := newSession(name, approval.ID, bounds, use.At, 1)
		entry, err := openedEntry(use.Entry.Actor, &s)
		if err != nil {
			return err
		}
		sessions, entries = append(sessions, s), append(entries, entry)
	}
	err := a.store.OpenSessions(ctx, sessions, use, entries)
	switch {
	case errors.Is(err, ErrNotApproved):
		return err
	case errors.Is(err, ErrSessionOpen):
		return &profiles.Refusal{Violations: []profiles.Violation{{Field: "issuers", Rule: "SESSION_OPEN", Citation: "gemRL_TSL_SP_CP, GS-A_4291",
			Message: "a key session of one of the issuers is open; close it, then approve again"}}}
	case err != nil:
		return storeFailure("open key sessions", err)
	}
	for i := range sessions {
		a.adopt(&sessions[i])
	}
	return nil
}

// adopt takes what was drawn at the opening of a session into this server's part.
func (a *Authority) adopt(s *KeySession) {
	iss := a.issuers[s.Issuer]
	if iss == nil {
		return
	}
	iss.sessionMu.Lock()
	defer iss.sessionMu.Unlock()
	iss.add(s, s.Drawn)
}

// newSession makes a session whose first block is drawn by the server that opens it.
func newSession(issuer string, approval ApprovalID, bounds SessionBounds, at time.Time, need int64) KeySession {
	return KeySession{ID: SessionID(randomHex()), Issuer: issuer, Approval: approval, Signatures: bounds.Signatures,
		Drawn: blockOf(bounds.Signatures, need), OpenedAt: at, Ends: at.Add(bounds.Lifetime)}
}

func openedEntry(actor string, s *KeySession) (tlog.Entry, error) {
	facts := tlog.SessionFacts{Session: string(s.ID), Issuer: s.Issuer, Ends: tlog.Instant(s.Ends), Signatures: s.Signatures,
		Approval: string(s.Approval), Drawn: s.Drawn}
	return tlog.NewEntry(tlog.KeySessionOpened, s.OpenedAt, actor, facts, nil)
}

// openAlone opens an issuer's next session without asking anybody, in environment test. The caller holds sessionMu.
func (a *Authority) openAlone(ctx context.Context, iss *issuer, need int64) error {
	if !a.config.OpensAlone {
		return &NoSessionError{iss.Name}
	}
	s := newSession(iss.Name, "", a.config.KeySession, a.now(), need)
	entry, err := openedEntry(systemActor, &s)
	if err != nil {
		return err
	}
	err = a.store.OpenSessions(ctx, []KeySession{s}, nil, []tlog.Entry{entry})
	if errors.Is(err, ErrSessionOpen) {
		return ErrSessionMoved
	}
	if err != nil {
		return storeFailure("open a key session", err)
	}
	iss.add(&s, s.Drawn)
	return nil
}

// endSession closes an open session for an issuer whose key is here. What this server has drawn and not promised does not count as used. Where
// it is not known whether the session is closed, this server signs no more in it. The caller holds sessionMu.
func (a *Authority) endSession(ctx context.Context, actor string, iss *issuer, open *KeySession, why string) error {
	unused := int64(0)
	if iss.session != nil && iss.session.id == open.ID {
		unused = iss.session.left
	}
	err := a.recordEnd(ctx, actor, open, unused, why)
	if !errors.Is(err, ErrSessionMoved) {
		iss.forget(why)
	}
	return err
}

// recordEnd closes an open session in the database.
func (a *Authority) recordEnd(ctx context.Context, actor string, open *KeySession, unused int64, why string) error {
	end := &SessionEnd{Session: open.ID, Drawn: open.Drawn, Used: open.Drawn - unused, Reason: why, At: a.now()}
	facts := tlog.SessionEndFacts{Session: string(open.ID), Issuer: open.Issuer, Reason: why, Signatures: end.Used}
	entry, err := tlog.NewEntry(tlog.KeySessionClosed, end.At, actor, facts, nil)
	if err != nil {
		return err
	}
	err = a.store.CloseSession(ctx, end, entry)
	if err == nil || errors.Is(err, ErrSessionMoved) {
		return err
	}
	return storeFailure("close the key session", err)
}

// CloseKeySession closes a session before its time and gives it. One person is enough: nobody can do harm by it. On the server that is asked
// no signature begins afterwards, on the others none a moment later. The error is ErrNotFound where there is no such session.
func (a *Authority) CloseKeySession(ctx context.Context, who Actor, id SessionID) (*KeySession, error) {
	for range maxMoves {
		s, err := a.store.Session(ctx, id)
		if err != nil {
			return nil, readFailure("read the key session", err)
		}
		if !s.ClosedAt.IsZero() {
			return s, nil
		}
		if err := a.endAny(ctx, who.Operator, s, endedByOperator); err != nil && !errors.Is(err, ErrSessionMoved) {
			return nil, err
		}
	}
	return nil, unavailable(fmt.Errorf("%d times in a row: %w", maxMoves, ErrSessionMoved))
}

// endAny closes a session, whether or not its issuer has a key here.
func (a *Authority) endAny(ctx context.Context, actor string, s *KeySession, why string) error {
	iss := a.issuers[s.Issuer]
	if iss == nil {
		return a.recordEnd(ctx, actor, s, 0, why)
	}
	iss.sessionMu.Lock()
	defer iss.sessionMu.Unlock()
	return a.endSession(ctx, actor, iss, s, why)
}

// KeySessions lists sessions, the newest first, those before the given number, at most limit. A number of 0 stands for the newest.
func (a *Authority) KeySessions(ctx context.Context, before int64, limit int) ([]KeySession, error) {
	list, err := a.store.Sessions(ctx, before, limit)
	if err != nil {
		return nil, storeFailure("list key sessions", err)
	}
	return list, nil
}

// closeLeftSessions ends the sessions that dead servers left open: a session ends with the last server that has drawn from it.
func (a *Authority) closeLeftSessions(ctx context.Context) error {
	open, err := a.store.OpenedSessions(ctx)
	if err != nil {
		return storeFailure("list key sessions", err)
	}
	for i := range open {
		if open[i].Elsewhere {
			continue
		}
		if err := a.endAny(ctx, systemActor, &open[i], endedByStop); err != nil && !errors.Is(err, ErrSessionMoved) {
			return err
		}
	}
	return nil
}

// openSessionsAlone opens a session for each key that has none, in the order of the configuration.
func (a *Authority) openSessionsAlone(ctx context.Context) error {
	if !a.config.OpensAlone {
		return nil
	}
	return a.eachSession(func(iss *issuer) error {
		for range maxMoves {
			err := a.refill(ctx, iss, 1)
			if !errors.Is(err, ErrSessionMoved) {
				return err
			}
		}
		return unavailable(ErrSessionMoved)
	})
}

// leaveSessions gives up this server's part of the sessions because it stops.
func (a *Authority) leaveSessions(ctx context.Context) error {
	return a.eachSession(func(iss *issuer) error { return a.leaveSession(ctx, iss) })
}

// leaveSession ends the session if no other server has drawn from it, and gives back what is not promised otherwise. Where it is not known
// whether that happened, it is lost: to give it back twice would be worse. The caller holds sessionMu.
func (a *Authority) leaveSession(ctx context.Context, iss *issuer) error {
	mine := iss.session
	if mine == nil {
		return nil
	}
	iss.forget(endedByStop)
	for range maxMoves {
		open, err := a.store.Session(ctx, mine.id)
		switch {
		case err != nil:
			return readFailure("read the key session", err)
		case !open.ClosedAt.IsZero():
			return nil
		case !open.Elsewhere:
			err = a.recordEnd(ctx, systemActor, open, mine.left, endedByStop)
		case mine.left > 0:
			err = a.recordDraw(ctx, open, -mine.left)
		}
		if !errors.Is(err, ErrSessionMoved) {
			return err
		}
	}
	return unavailable(fmt.Errorf("%d times in a row: %w", maxMoves, ErrSessionMoved))
}

// eachSession calls f for every issuer that has a key here, with its session locked.
func (a *Authority) eachSession(f func(*issuer) error) error {
	for _, public := range a.public {
		iss := a.issuers[public.Name]
		if iss == nil {
			continue
		}
		iss.sessionMu.Lock()
		err := f(iss)
		iss.sessionMu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}
