package ca

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// SessionBounds says how long and how often a key may sign in one key session.
type SessionBounds struct {
	Signatures int64         // at most this many
	Lifetime   time.Duration // at most this long after it was opened
}

// KeySession is the window in which an issuer key may sign, bounded by time and number of signatures (gemRL_TSL_SP_CP,
// GS-A_4291, GS-A_4313). It is opened once and closes by itself. In environment test the server opens it alone; production
// wants two people, which is why New refuses production.
type KeySession struct {
	ID     string // 32 lower-case hex digits
	Issuer string
	Opened time.Time
	Ends   time.Time // no signature begins later

	mu   sync.Mutex
	left int64 // signatures that may still be made
}

// The reasons for which a session does not let a key sign. An operator can open another one, so the order may come again.
var (
	errNoSession    = errors.New("no key session is open")
	errSessionEnded = errors.New("the key session has ended by time")
	errSessionSpent = errors.New("the key session has no signatures left")
)

// spend takes one signature off the session. It must come before the key is used: a signature that was lost counts too.
func (s *KeySession) spend(now time.Time) error {
	if err := s.ready(now); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left == 0 {
		return errSessionSpent
	}
	s.left--
	return nil
}

// ready tells whether spend would succeed now, without taking anything.
func (s *KeySession) ready(now time.Time) error {
	if s == nil {
		return errNoSession
	}
	if now.After(s.Ends) {
		return errSessionEnded
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left == 0 {
		return errSessionSpent
	}
	return nil
}

// openSessions opens a session for each key, in the order of the configuration. The entry is in the log before the key may sign.
func (a *Authority) openSessions(ctx context.Context) error {
	for _, public := range a.public {
		iss := a.issuers[public.Name]
		if iss == nil {
			continue
		}
		now := a.now()
		bounds := a.config.KeySession
		s := &KeySession{ID: randomHex(), Issuer: iss.Name, Opened: now, Ends: now.Add(bounds.Lifetime), left: bounds.Signatures}
		if err := a.append(ctx, tlog.KeySessionOpened, sessionFacts{s.ID, s.Issuer, instant(s.Ends), bounds.Signatures}); err != nil {
			return err
		}
		iss.session.Store(s)
	}
	return nil
}

// sessionsReady tells whether every issuer of the drafts could sign now, so that an order which cannot be fulfilled is refused
// before an attempt is recorded. The door checks again.
func (a *Authority) sessionsReady(drafts []Draft) error {
	for i := range drafts {
		name := drafts[i].Issuer
		if err := a.issuers[name].session.Load().ready(a.now()); err != nil {
			return unavailable(fmt.Errorf("issuer %q: %w", name, err))
		}
	}
	return nil
}

// randomHex gives 32 hex digits from a CSPRNG.
func randomHex() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}
