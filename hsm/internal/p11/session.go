package p11

import (
	"context"

	"github.com/miekg/pkcs11"
)

// Session is an open session. One caller uses it at a time.
type Session struct {
	pool       *Pool
	h          pkcs11.SessionHandle
	generation uint64
	keys       map[string]pkcs11.ObjectHandle // private keys by CKA_ID, as this session found them
}

// open opens a session and makes sure of the login. The caller is inside the gate.
func (p *Pool) open(ctx context.Context) (*Session, error) {
	flags := uint(pkcs11.CKF_SERIAL_SESSION)
	if p.opt.ReadWrite {
		flags |= pkcs11.CKF_RW_SESSION
	}
	generation := p.mod.generation.Load()
	h, err := p.mod.c.OpenSession(uint(p.slot.Load()), flags)
	if err != nil {
		err = p.failed(wrap("C_OpenSession", err))
		if !oneOf(err, unopenedCodes) {
			p.count(func(s *Stats) { s.Orphans++ })
		}
		return nil, err
	}
	p.count(func(s *Stats) { s.Opened++; s.Open++ })
	s := &Session{pool: p, h: h, generation: generation, keys: map[string]pkcs11.ObjectHandle{}}
	if err := p.login(ctx, h); err != nil {
		p.close(s)
		return nil, err
	}
	p.seen.Store(generation)
	return s, nil
}

// fetch opens a session for a caller. If the token gives none, for another reason than that it has no more, it is away.
func (p *Pool) fetch() (*Session, error) {
	s, err := p.open(p.life)
	if err == nil || p.full(err) {
		return s, err
	}
	return nil, p.breakdown(err)
}

// close ends a session, once: if the answer is lost, the handle may belong to another session by the time of a second try. If the
// session may be open still, the token is taken for away, since healing ends what is open.
func (p *Pool) close(s *Session) {
	var err error
	if s.generation == p.mod.generation.Load() {
		err = p.failed(wrap("C_CloseSession", p.mod.c.CloseSession(s.h)))
	}
	orphan := err != nil && !oneOf(err, goneCodes)
	p.count(func(st *Stats) {
		st.Open--
		st.Closed++
		if orphan {
			st.Orphans++
		}
	})
	if orphan {
		_ = p.breakdown(err) // the caller has its own result; this is for the next one
	}
}
