package p11

import (
	"errors"
	"time"
)

// Stats counts what the sessions of a pool did since Open. Package hsm shows it.
type Stats struct {
	Healthy    bool              // false while the token is away or its PIN is refused
	Refused    bool              // the PIN was refused: it does not heal without a person
	Since      time.Time         // when the token went away; zero while it serves
	Limit      int               // sessions that may be open now
	Open       int               // sessions open
	InUse      int               // sessions in use
	Waiting    int               // callers waiting for a session
	Orphans    int               // sessions that may be open in the token without being known here, until the module restarts
	Opened     uint64            // sessions opened
	Closed     uint64            // sessions closed, or lost
	Logins     uint64            // calls of C_Login
	Outages    uint64            // times that the token went away
	Heals      uint64            // times that it came back
	Signatures uint64            // signatures made
	Waits      uint64            // callers who had to wait for a session
	WaitTime   time.Duration     // sum of their waits
	Errors     map[string]uint64 // refused calls by name of the return value, "CKR_…"
}

// Free is the number of sessions without work, less the callers who wait for one. It is negative where callers wait.
func (p *Pool) Free() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats.Limit - p.stats.InUse - p.stats.Waiting
}

// Heals is the number of times that the token came back: what was known of it before may be out of date.
func (p *Pool) Heals() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats.Heals
}

// count changes the counters.
func (p *Pool) count(change func(*Stats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.stats)
}

// failed counts a refused call by the name of its return value, and gives the error back.
func (p *Pool) failed(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		p.count(func(s *Stats) { s.Errors[e.Name()]++ })
	}
	return err
}
