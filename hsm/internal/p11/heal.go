package p11

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/miekg/pkcs11"
)

const (
	// strikesOut is the number of C_Sign failures in a row after which the pool takes the token for broken, although it opens
	// sessions.
	strikesOut = 3

	// Waits between attempts to bring the token back: they double from the first to the last. A token that answers and still does
	// not serve is spared. One that does not answer at all loses nothing by being looked for, and is missed as soon as it is
	// back: with the random part, half a second passes at most.
	firstWait = 100 * time.Millisecond
	lastWait  = 30 * time.Second
	lookWait  = 400 * time.Millisecond
)

var (
	errRestarting = &Unavailable{cause: errors.New("the module is being initialized again"), after: firstWait}
	errOrphan     = errors.New("a session could not be closed")
)

// outage is why the token does not serve.
type outage struct {
	cause error
	final bool      // the PIN was refused: no more attempts
	mute  bool      // the last attempt found no token that answers
	next  time.Time // when the next attempt is due
}

// enlist counts the caller as a user of the pool, if the pool serves.
func (p *Pool) enlist() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.state(); err != nil {
		return err
	}
	p.work.Add(1)
	return nil
}

// Ready tells why the pool does not serve, without asking the token: ErrClosed, *Unavailable or *PINError.
func (p *Pool) Ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state()
}

func (p *Pool) state() error {
	switch {
	case p.closed:
		return ErrClosed
	case p.down == nil:
		return nil
	case p.down.final:
		return p.down.cause
	}
	return &Unavailable{cause: p.down.cause, after: p.hint()}
}

// hint is how long a caller should wait before it tries again. The caller of hint holds mu.
func (p *Pool) hint() time.Duration {
	if p.down == nil {
		return firstWait
	}
	return max(firstWait, time.Until(p.down.next))
}

// outside gives an error the form in which it leaves the package: what may pass becomes *Unavailable.
func (p *Pool) outside(err error) error {
	if _, done := errors.AsType[*Unavailable](err); done || !(oneOf(err, awayCodes) || p.full(err)) {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return &Unavailable{cause: err, after: p.hint()}
}

// judge counts failures of C_Sign in a row. A token may open sessions and still be broken.
func (p *Pool) judge(err error) {
	p.mu.Lock()
	out := false
	if err == nil {
		p.strikes, p.tries = 0, 0
	} else if oneOf(err, awayCodes) {
		p.strikes++
		out = p.strikes >= strikesOut
	}
	p.mu.Unlock()
	if out {
		_ = p.breakdown(err) // the caller has its own error
	}
}

// breakdown notes that the token does not serve, starts to heal it, and gives the error for the caller. A refused PIN cannot be
// healed.
func (p *Pool) breakdown(cause error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, refused := errors.AsType[*PINError](cause)
	if !p.closed && p.down == nil {
		p.down = &outage{cause: cause, final: refused, next: time.Now().Add(p.pause())}
		p.stats.Outages++
		p.stats.Since = time.Now()
		p.log.Error("token is away", "token", p.label, "cause", cause, "final", refused)
		if !refused {
			p.work.Add(1)
			// If there was no signature since the last attempt, that attempt did not go deep enough.
			go p.heal(oneOf(cause, []uint{pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED}) || errors.Is(cause, errVanished) || p.tries > 0)
		}
	}
	if refused {
		return cause
	}
	return &Unavailable{cause: cause, after: p.hint()}
}

// pause is the wait before the next attempt. The first one after a signature is made at once; then the waits grow until a
// signature succeeds, even if the token seemed well in between. Up to a quarter is random, so that servers that lost the same
// token do not come back together. The caller holds mu.
func (p *Pool) pause() time.Duration {
	if p.tries == 0 {
		return 0
	}
	last := lastWait
	if p.down != nil && p.down.mute {
		last = lookWait
	}
	d := min(firstWait<<min(p.tries-1, 10), last)
	return d + rand.N(d/4)
}

// heal tries to bring the token back until it serves, the PIN is refused or the pool is closed. It holds one permit meanwhile.
func (p *Pool) heal(deep bool) {
	defer p.work.Done()
	var s *Session
	select {
	case s = <-p.permits:
	case <-p.life.Done():
		return
	}
	for p.sleep() {
		var err error
		var found bool
		s, found, err = p.restore(s, deep)
		if p.settle(found, err) {
			break
		}
		deep = true
	}
	p.permits <- s
}

// sleep waits for the next attempt to be due, and tells whether there is to be one.
func (p *Pool) sleep() bool {
	p.mu.Lock()
	wait := time.Until(p.down.next)
	p.tries++
	p.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.life.Done():
		return false
	}
}

// settle takes the outcome of an attempt, and tells whether it was the last. found says that the token answered.
func (p *Pool) settle(found bool, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.down = nil
		p.strikes = 0
		p.stats.Heals++
		p.stats.Since = time.Time{}
		for ; p.stats.Limit < cap(p.permits); p.stats.Limit++ {
			p.permits <- nil
		}
		p.log.Info("token is back", "token", p.label, "attempts", p.tries)
		return true
	}
	p.down.cause, p.down.mute = err, !found
	if _, refused := errors.AsType[*PINError](err); refused {
		p.down.final = true
		p.log.Error("token is away", "token", p.label, "cause", err, "final", true)
		return true
	}
	p.down.next = time.Now().Add(p.pause())
	p.log.Warn("token is still away", "token", p.label, "cause", err, "next", p.down.next)
	return false
}

// restore makes one attempt: by a new session and login, or, if deep, from the ground up. It takes the permit's session and
// gives the new one; found tells whether the token answered.
func (p *Pool) restore(old *Session, deep bool) (s *Session, found bool, err error) {
	if deep || p.orphaned() {
		if err := p.mod.restart(p.life, p.seen.Load()); err != nil {
			return old, false, p.failed(err)
		}
		p.seen.Store(p.mod.generation.Load())
		p.count(func(s *Stats) { s.Orphans = 0 })
		p.sweep()
	}
	if !p.mod.gate.enter() {
		return old, false, errRestarting
	}
	defer p.mod.gate.leave()
	if old != nil {
		p.close(old)
	}
	if p.orphaned() {
		return nil, true, errOrphan
	}
	info, err := p.mod.findToken(p.opt.Match)
	if err != nil {
		return nil, false, p.failed(err)
	}
	p.slot.Store(uint64(info.Slot))
	if s, err = p.open(p.life); err != nil {
		return nil, true, err
	}
	return s, true, s.present()
}

// sweep forgets idle sessions that ended with an earlier generation of the module.
func (p *Pool) sweep() {
	for range len(p.permits) {
		select {
		case s := <-p.permits:
			if s != nil && s.generation != p.mod.generation.Load() {
				p.close(s)
				s = nil
			}
			p.permits <- s
		default:
			return
		}
	}
}

// orphaned tells whether the token may have sessions open that are not known here.
func (p *Pool) orphaned() bool { return p.Stats().Orphans > 0 }
