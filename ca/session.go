package ca

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// SessionBounds says how long and how often a key may sign in one key session.
type SessionBounds struct {
	Signatures int64         // at most this many; at least as many as one card needs of an issuer
	Lifetime   time.Duration // at most this long after it was opened
}

// keySession is the window in which an issuer key may sign, bounded by time and number of signatures (gemRL_TSL_SP_CP,
// GS-A_4291, GS-A_4313). It is opened once and closes by itself; both are in the log. In environment test the server opens it alone,
// and the next one when it has ended; production wants two people, which is why New refuses production.
type keySession struct {
	id   string // 32 lower-case hex digits
	ends time.Time
	left int64 // signatures that are not spoken for; guarded by issuer.sessionMu
}

// The reasons for which a session ends.
const (
	endedByTime  = "time"
	endedByCount = "count"
	endedByStop  = "server-stop"
)

// errSessionEnded says that the session in which a draft was to be signed is over.
var errSessionEnded = errors.New("the key session has ended by time")

// mayUse tells whether a signature may begin now.
func (s *keySession) mayUse(now time.Time) error {
	if s == nil {
		return errors.New("no key session is open")
	}
	if now.After(s.ends) {
		return errSessionEnded
	}
	return nil
}

// reservation holds, for each issuer of an order, the session that promised all the signatures which the order needs of it. What is
// promised is gone from the session whether it is used or not: a signature that was lost counts too.
type reservation map[string]*keySession

// reserve takes the signatures of all drafts off the sessions of their issuers, before anything is recorded: an order whose signatures
// cannot be made leaves no attempt. Where a session is over, or has too few left for the order, it opens the next.
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

// promise takes n signatures off an issuer's session.
func (a *Authority) promise(ctx context.Context, iss *issuer, n int64) (*keySession, error) {
	if err := iss.Key.Ready(); err != nil {
		return nil, keyFailure("ask for its key", err)
	}
	if n > a.config.KeySession.Signatures {
		return nil, fmt.Errorf("a card needs %d signatures, a key session has %d: raise key_session.signatures", n, a.config.KeySession.Signatures)
	}
	iss.sessionMu.Lock()
	defer iss.sessionMu.Unlock()
	if iss.session == nil {
		return nil, unavailable(errors.New("no key session is open"))
	}
	if end := iss.session.over(a.now(), n); end != "" {
		if err := a.closeSession(ctx, iss, end); err != nil {
			return nil, err
		}
		if err := a.openSession(ctx, iss); err != nil {
			return nil, err
		}
	}
	iss.session.left -= n
	return iss.session, nil
}

// over tells why a session cannot promise n signatures, or "".
func (s *keySession) over(now time.Time, n int64) string {
	switch {
	case now.After(s.ends):
		return endedByTime
	case s.left < n:
		return endedByCount
	}
	return ""
}

// openSessions opens a session for each key, in the order of the configuration.
func (a *Authority) openSessions(ctx context.Context) error {
	return a.eachSession(func(iss *issuer) error { return a.openSession(ctx, iss) })
}

// closeSessions ends the sessions because the server stops.
func (a *Authority) closeSessions(ctx context.Context) error {
	return a.eachSession(func(iss *issuer) error {
		if iss.session == nil {
			return nil
		}
		return a.closeSession(ctx, iss, endedByStop)
	})
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

// openSession opens an issuer's next session. The entry is in the log before the key may sign. The caller holds sessionMu.
func (a *Authority) openSession(ctx context.Context, iss *issuer) error {
	bounds := a.config.KeySession
	s := &keySession{id: randomHex(), ends: a.now().Add(bounds.Lifetime), left: bounds.Signatures}
	facts := tlog.SessionFacts{Session: s.id, Issuer: iss.Name, Ends: tlog.Instant(s.ends), Signatures: bounds.Signatures}
	if err := a.append(ctx, tlog.KeySessionOpened, facts); err != nil {
		return err
	}
	iss.session = s
	return nil
}

// closeSession ends an issuer's session. The caller holds sessionMu.
func (a *Authority) closeSession(ctx context.Context, iss *issuer, why string) error {
	s := iss.session
	facts := tlog.SessionEndFacts{Session: s.id, Issuer: iss.Name, Reason: why, Signatures: a.config.KeySession.Signatures - s.left}
	if err := a.append(ctx, tlog.KeySessionClosed, facts); err != nil {
		return err
	}
	iss.session = nil
	return nil
}

// randomHex gives 32 hex digits from a CSPRNG.
func randomHex() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}
