package p11

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/pkcs11"
)

// Options say which token a pool serves and how.
type Options struct {
	Module       string                                // path of the library
	Match        Match                                 // which token
	PIN          func(context.Context) ([]byte, error) // asked at each login; the octets are wiped afterwards
	Sessions     int                                   // greatest number of sessions, 1 or more
	ReadWrite    bool                                  // sessions in which objects may be created
	SessionLimit []uint                                // other return values that mean CKR_SESSION_COUNT
	Adapt        func(Info, *Options) error            // changes the options to fit the token that was found; may be nil
	Reserved     string                                // for C_Initialize (CK_C_INITIALIZE_ARGS.pReserved); "" is none
	Latch        Latch                                 // remembers a refused PIN longer than the process; nil: nobody does
	Log          *slog.Logger
}

// Pool is a token with its login and its sessions.
type Pool struct {
	mod  *module
	opt  Options
	info Info // as read by Open
	log  *slog.Logger

	label, serial string        // of the token
	slot          atomic.Uint64 // may change when the module restarts
	seen          atomic.Uint64 // generation of the module in which this pool last opened a session

	// permits hands out the right to use a session, first come, first served. A permit is nil until it needs a session.
	permits chan *Session

	life context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup // callers with a permit, and the healer

	mu      sync.Mutex // guards what follows
	closed  bool
	down    *outage         // nil: the token serves
	tries   int             // attempts to heal since the last signature
	strikes int             // C_Sign calls that failed since the last signature
	shrunk  time.Time       // when a permit was last taken out of use
	known   map[string]bool // CKA_IDs of private keys that the token has shown
	stats   Stats
}

// Open loads the module, finds the token, logs in and opens a first session.
func Open(ctx context.Context, opt Options) (*Pool, error) {
	mod, err := load(opt.Module)
	if err != nil {
		return nil, err
	}
	return open(ctx, mod, opt)
}

func open(ctx context.Context, mod *module, opt Options) (*Pool, error) {
	p := &Pool{mod: mod, opt: opt, log: opt.Log, stats: Stats{Errors: map[string]uint64{}}}
	p.life, p.end = context.WithCancel(context.Background())
	if err := mod.acquire(ctx, opt.Reserved); err != nil {
		p.end()
		return nil, p.outside(err)
	}
	if err := p.first(ctx); err != nil {
		p.end()
		_ = mod.release() // the first error says what is wrong
		return nil, p.outside(err)
	}
	return p, nil
}

// first finds the token, learns its limits and opens the first session.
func (p *Pool) first(ctx context.Context) error {
	if !p.mod.gate.enter() {
		return errRestarting
	}
	defer p.mod.gate.leave()
	info, err := p.mod.findToken(p.opt.Match)
	if err != nil {
		return err
	}
	if p.info, err = p.mod.describe(info); err != nil {
		return err
	}
	if p.opt.Adapt != nil {
		if err := p.opt.Adapt(p.info, &p.opt); err != nil {
			return err
		}
	}
	p.label, p.serial = info.Token.Label, info.Token.SerialNumber
	p.slot.Store(uint64(info.Slot))
	n := p.opt.Sessions
	if limit := sessionLimit(info.Token, p.opt.ReadWrite); limit > 0 {
		n = min(n, limit)
	}
	s, err := p.open(ctx)
	if err != nil {
		return err
	}
	p.permits = make(chan *Session, n)
	p.permits <- s
	for range n - 1 {
		p.permits <- nil
	}
	p.info.Sessions, p.stats.Limit = n, n
	return nil
}

// Use runs prepare and then act in one session, which nobody else uses meanwhile. It waits for a session with the context.
//
// If prepare fails because of the session, the session is replaced and prepare runs again, once. act runs at most once. Either
// may be nil. After an error of the token's the session is closed.
func (p *Pool) Use(ctx context.Context, prepare, act func(*Session) error) error {
	s, fresh, err := p.acquire(ctx)
	if err != nil {
		return p.outside(err)
	}
	if prepare != nil {
		if s, err = p.prepare(s, fresh, prepare); err != nil {
			p.release(s, err)
			return p.outside(err)
		}
	}
	if act != nil {
		err = act(s)
		p.judge(err)
	}
	p.release(s, err)
	return p.outside(err)
}

// prepare runs a step that may be repeated, if the session was not opened just now. It gives the session that is now in use, or
// nil where there is none.
func (p *Pool) prepare(s *Session, fresh bool, step func(*Session) error) (*Session, error) {
	err := step(s)
	if !fresh && (oneOf(err, awayCodes) || oneOf(err, staleCodes) || errors.Is(err, errVanished)) {
		p.log.Warn("session is replaced", "token", p.label, "cause", err)
		p.close(s)
		if s, err = p.fetch(); err != nil {
			return nil, err
		}
		fresh, err = true, step(s)
	}
	if fresh && (oneOf(err, awayCodes) || errors.Is(err, errVanished)) {
		err = p.breakdown(err)
	}
	return s, err
}

// acquire waits for a permit and gives its session; fresh tells that it was opened just now. The caller is then inside the gate
// and must release the session.
func (p *Pool) acquire(ctx context.Context) (s *Session, fresh bool, err error) {
	for {
		if s, err = p.permit(ctx); err != nil {
			return nil, false, err
		}
		if !p.mod.gate.enter() {
			p.hand(s)
			return nil, false, errRestarting
		}
		if s != nil && s.generation == p.mod.generation.Load() {
			return s, false, nil
		}
		if s != nil {
			p.close(s)
		}
		if s, err = p.fetch(); err == nil {
			return s, true, nil
		}
		p.mod.gate.leave()
		if p.full(err) && p.shrink() {
			continue // another session will come free
		}
		p.hand(nil)
		return nil, false, err
	}
}

// permit waits for a permit. On return without an error the caller counts as a user of the pool until it hands the permit back.
func (p *Pool) permit(ctx context.Context) (*Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := p.enlist(); err != nil {
		return nil, err
	}
	var s *Session
	select {
	case s = <-p.permits:
	default:
		var err error
		if s, err = p.wait(ctx); err != nil {
			p.work.Done()
			return nil, err
		}
	}
	p.count(func(st *Stats) { st.InUse++ })
	if err := p.Ready(); err != nil { // it may have broken down since
		p.hand(s)
		return nil, err
	}
	return s, nil
}

// wait waits in the queue.
func (p *Pool) wait(ctx context.Context) (*Session, error) {
	begin := time.Now()
	p.count(func(st *Stats) { st.Waits++; st.Waiting++ })
	defer func() { p.count(func(st *Stats) { st.Waiting--; st.WaitTime += time.Since(begin) }) }()
	select {
	case s := <-p.permits:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.life.Done():
		return nil, ErrClosed
	}
}

// release gives a session back; nil where it was lost. After an error of the token's the session is closed.
func (p *Pool) release(s *Session, err error) {
	if _, refused := code(err); s != nil && refused {
		p.close(s)
		s = nil
	}
	p.mod.gate.leave()
	p.hand(s)
	p.grow()
}

// hand puts a permit back.
func (p *Pool) hand(s *Session) {
	p.count(func(st *Stats) { st.InUse-- })
	p.permits <- s
	p.work.Done()
}

// full tells whether an error of C_OpenSession means that the token has no session left.
func (p *Pool) full(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Call == "C_OpenSession" && oneOf(err, append([]uint{pkcs11.CKR_SESSION_COUNT}, p.opt.SessionLimit...))
}

// regrow is how long the pool keeps to a limit that it ran into. Other programs may have held the sessions.
const regrow = 30 * time.Second

// shrink takes the caller's permit out of use, if others are left and at least one of them has a session.
func (p *Pool) shrink() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stats.Limit == 1 || p.stats.Open == 0 {
		return false
	}
	p.stats.Limit--
	p.stats.InUse--
	p.shrunk = time.Now()
	p.work.Done()
	p.log.Warn("token has no more sessions", "token", p.label, "limit", p.stats.Limit)
	return true
}

// grow brings a permit back that shrink took, some time later.
func (p *Pool) grow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stats.Limit < cap(p.permits) && time.Since(p.shrunk) > regrow {
		p.stats.Limit++
		p.shrunk = time.Now()
		p.permits <- nil
	}
}

// Info gives what the token said about itself when the pool was opened. Slot is that of now.
func (p *Pool) Info() Info {
	info := p.info
	info.Slot = uint(p.slot.Load())
	return info
}

// Stats gives a copy of the counters.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Healthy = p.down == nil && !p.closed
	s.Refused = p.down != nil && p.down.final
	s.Errors = maps.Clone(s.Errors)
	return s
}

// Close ends the healing, waits for the callers that have a session, closes the sessions and gives up the module.
func (p *Pool) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	p.mu.Unlock()
	p.end()
	p.work.Wait()
	for range p.stats.Limit {
		if s := <-p.permits; s != nil {
			p.close(s)
		}
	}
	return p.mod.release()
}
