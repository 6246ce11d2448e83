package storetest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// NewKeySession gives a sample session of an issuer.
func NewKeySession(n int, issuer string) ca.KeySession {
	return ca.KeySession{ID: ca.SessionID(hex.EncodeToString(digest("session", n, issuer)[:16])), Issuer: issuer, Signatures: 100, Drawn: 6,
		OpenedAt: start, Ends: start.Add(12 * time.Hour)}
}

func sessionEntry(kind tlog.Kind, id ca.SessionID) tlog.Entry {
	return tlog.Entry{Kind: kind, At: start, Actor: "ca-operator-2", Facts: fmt.Appendf(nil, `{"session":%q}`, id)}
}

func (b *bench) tryOpen(use *ca.ApprovalUse, sessions ...ca.KeySession) error {
	var entries []tlog.Entry
	for _, s := range sessions {
		entries = append(entries, sessionEntry(tlog.KeySessionOpened, s.ID))
	}
	return b.store.OpenSessions(b.ctx, sessions, use, entries)
}

// open opens sessions, which must succeed.
func (b *bench) open(sessions ...ca.KeySession) {
	b.Helper()
	if err := b.tryOpen(nil, sessions...); err != nil {
		b.Fatalf("OpenSessions = %v, want nil", err)
	}
}

func (b *bench) tryDraw(id ca.SessionID, before, n int64) error {
	return b.store.DrawSignatures(b.ctx, &ca.Draw{Session: id, Drawn: before, Signatures: n}, sessionEntry(tlog.KeySessionDrawn, id))
}

func (b *bench) tryClose(id ca.SessionID, before, used int64) error {
	return b.store.CloseSession(b.ctx, &ca.SessionEnd{Session: id, Drawn: before, Used: used, Reason: "count", At: start.Add(time.Hour)},
		sessionEntry(tlog.KeySessionClosed, id))
}

// session reads a session that must be there, without its number.
func (b *bench) session(id ca.SessionID) ca.KeySession {
	b.Helper()
	s, err := b.store.Session(b.ctx, id)
	if err != nil {
		b.Fatalf("Session = %v, want nil", err)
	}
	if s.Number < 1 {
		b.Errorf("Session has number %d", s.Number)
	}
	got := *s
	got.Number = 0
	return got
}

// The windows in which keys may sign.
var sessionCases = []testCase{
	{"a session is read as it was opened", func(b *bench) {
		want := NewKeySession(1, rsaIssuer)
		b.open(want)
		for range 2 {
			if got := b.session(want.ID); !reflect.DeepEqual(got, want) {
				b.Errorf("Session = %+v\nwant %+v", got, want)
			}
			if got, err := b.store.OpenSession(b.ctx, rsaIssuer); err != nil || got.ID != want.ID {
				b.Errorf("OpenSession = %+v, %v", got, err)
			}
			b.store = b.reopen(b.T)
		}
		if kinds := b.kinds(); !reflect.DeepEqual(kinds, []tlog.Kind{tlog.KeySessionOpened}) {
			b.Errorf("entries are %v", kinds)
		}
	}},
	{"an issuer has one open session at a time", func(b *bench) {
		first := NewKeySession(1, rsaIssuer)
		b.open(first)
		b.refused(ca.ErrSessionOpen, "OpenSessions", func() error {
			return b.tryOpen(nil, NewKeySession(1, eccIssuer), NewKeySession(2, rsaIssuer))
		})
		if _, err := b.store.OpenSession(b.ctx, eccIssuer); !errors.Is(err, ca.ErrNotFound) {
			b.Errorf("OpenSession of the other = %v, want %v: all or none", err, ca.ErrNotFound)
		}
		if err := b.tryClose(first.ID, 6, 6); err != nil {
			b.Fatal(err)
		}
		b.open(NewKeySession(2, rsaIssuer))
	}},
	{"approved sessions use their approval up", func(b *bench) {
		r := NewRequest(1)
		one, two := NewKeySession(1, rsaIssuer), NewKeySession(1, eccIssuer)
		one.Approval, two.Approval = r.ID, r.ID
		b.request(r)
		b.refused(ca.ErrNotApproved, "OpenSessions before the approval", func() error { return b.tryOpen(newUse(r), one, two) })
		b.approve(r)
		if err := b.tryOpen(newUse(r), one, two); err != nil {
			b.Fatalf("OpenSessions = %v, want nil", err)
		}
		if got := b.session(one.ID); !reflect.DeepEqual(got, one) {
			b.Errorf("Session = %+v\nwant %+v", got, one)
		}
		for _, s := range []ca.KeySession{one, two} {
			if err := b.tryClose(s.ID, 6, 6); err != nil {
				b.Fatal(err)
			}
		}
		b.refused(ca.ErrNotApproved, "OpenSessions with a used approval", func() error { return b.tryOpen(newUse(r), NewKeySession(2, rsaIssuer)) })
	}},
	{"where a session is open, the approval is not used up", func(b *bench) {
		r := NewRequest(1)
		b.request(r)
		b.approve(r)
		b.open(NewKeySession(1, rsaIssuer))
		s := NewKeySession(2, rsaIssuer)
		s.Approval = r.ID
		b.refused(ca.ErrSessionOpen, "OpenSessions", func() error { return b.tryOpen(newUse(r), s) })
		if got, err := b.store.Approval(b.ctx, r.ID); err != nil || got.State != ca.Approved {
			b.Errorf("Approval = %+v, %v, want it approved", got, err)
		}
	}},
	{"signatures are drawn, given back, and never more than there are", func(b *bench) {
		s := NewKeySession(1, rsaIssuer)
		b.open(s)
		for _, c := range []struct{ before, n int64 }{{6, 90}, {96, 4}, {100, -50}, {50, 50}} {
			if err := b.tryDraw(s.ID, c.before, c.n); err != nil {
				b.Errorf("DrawSignatures of %d after %d = %v, want nil", c.n, c.before, err)
			}
			s.Drawn = c.before + c.n
			if got := b.session(s.ID); !reflect.DeepEqual(got, s) {
				b.Errorf("Session = %+v\nwant %+v", got, s)
			}
		}
		b.refused(nil, "DrawSignatures of one too many", func() error { return b.tryDraw(s.ID, 100, 1) })
		b.refused(nil, "DrawSignatures below nothing", func() error { return b.tryDraw(s.ID, 100, -101) })
		b.refused(ca.ErrSessionMoved, "DrawSignatures with an old number", func() error { return b.tryDraw(s.ID, 50, 1) })
		b.refused(ca.ErrSessionMoved, "DrawSignatures of no session", func() error { return b.tryDraw(NewKeySession(2, rsaIssuer).ID, 0, 1) })
	}},
	{"a closed session stays closed", func(b *bench) {
		s := NewKeySession(1, rsaIssuer)
		b.open(s)
		b.refused(ca.ErrSessionMoved, "CloseSession with an old number", func() error { return b.tryClose(s.ID, 5, 5) })
		if err := b.tryClose(s.ID, 6, 4); err != nil {
			b.Fatalf("CloseSession = %v, want nil", err)
		}
		s.Drawn, s.ClosedAt, s.Reason = 4, start.Add(time.Hour), "count"
		if got := b.session(s.ID); !reflect.DeepEqual(got, s) {
			b.Errorf("Session = %+v\nwant %+v", got, s)
		}
		b.refused(ca.ErrSessionMoved, "CloseSession again", func() error { return b.tryClose(s.ID, 4, 4) })
		b.refused(ca.ErrSessionMoved, "DrawSignatures", func() error { return b.tryDraw(s.ID, 4, 1) })
		if _, err := b.store.OpenSession(b.ctx, rsaIssuer); !errors.Is(err, ca.ErrNotFound) {
			b.Errorf("OpenSession = %v, want %v", err, ca.ErrNotFound)
		}
	}},
	{"sessions are whole", func(b *bench) {
		for what, spoil := range map[string]func(*ca.KeySession){
			"an issuer that is not known": func(s *ca.KeySession) { s.Issuer = "unknown" },
			"no signatures":               func(s *ca.KeySession) { s.Signatures, s.Drawn = 0, 0 },
			"more drawn than there are":   func(s *ca.KeySession) { s.Drawn = 101 },
			"no time":                     func(s *ca.KeySession) { s.Ends = s.OpenedAt },
			"a time that is too fine":     func(s *ca.KeySession) { s.Ends = s.Ends.Add(time.Microsecond) },
			"an unknown approval":         func(s *ca.KeySession) { s.Approval = NewRequest(9).ID },
		} {
			s := NewKeySession(1, rsaIssuer)
			spoil(&s)
			b.refused(nil, "OpenSessions with "+what, func() error { return b.tryOpen(nil, s) })
		}
		b.refused(nil, "OpenSessions of none", func() error { return b.tryOpen(nil) })
	}},
	{"are listed, the newest first", func(b *bench) {
		for n := range 3 {
			s := NewKeySession(n, rsaIssuer)
			b.open(s, NewKeySession(n, eccIssuer))
			if n == 2 {
				break
			}
			for _, issuer := range []string{rsaIssuer, eccIssuer} {
				if err := b.tryClose(NewKeySession(n, issuer).ID, 6, 6); err != nil {
					b.Fatal(err)
				}
			}
		}
		all, err := b.store.Sessions(b.ctx, 0, 100)
		if err != nil || len(all) != 6 || all[0].Issuer != eccIssuer || all[5].Issuer != rsaIssuer {
			b.Fatalf("Sessions = %+v, %v", all, err)
		}
		page, err := b.store.Sessions(b.ctx, all[1].Number, 2)
		if err != nil || !reflect.DeepEqual(page, all[2:4]) {
			b.Errorf("a page is %+v, %v\nwant %+v", page, err, all[2:4])
		}
		open, err := b.store.OpenedSessions(b.ctx)
		if err != nil || !reflect.DeepEqual(open, []ca.KeySession{all[1], all[0]}) {
			b.Errorf("OpenedSessions = %+v, %v", open, err)
		}
		if _, err := b.store.Sessions(b.ctx, 0, 0); err == nil {
			b.Error("a limit of 0 is taken")
		}
	}},
	{"of many who open at once, one does", func(b *bench) {
		var done atomic.Int32
		var wg sync.WaitGroup
		for n := range 8 {
			wg.Go(func() {
				switch err := b.tryOpen(nil, NewKeySession(n, rsaIssuer)); {
				case err == nil:
					done.Add(1)
				case !errors.Is(err, ca.ErrSessionOpen):
					b.Errorf("OpenSessions = %v, want nil or %v", err, ca.ErrSessionOpen)
				}
			})
		}
		wg.Wait()
		if n := done.Load(); n != 1 {
			b.Errorf("%d sessions were opened", n)
		}
	}},
	{"many who draw at once never draw more than there are", func(b *bench) {
		s := NewKeySession(1, rsaIssuer)
		b.open(s)
		var drawn atomic.Int64
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for {
					now, err := b.store.Session(b.ctx, s.ID)
					if err != nil {
						b.Error(err)
						return
					}
					if now.Drawn+7 > now.Signatures {
						return
					}
					switch err := b.tryDraw(s.ID, now.Drawn, 7); {
					case err == nil:
						drawn.Add(7)
					case !errors.Is(err, ca.ErrSessionMoved):
						b.Errorf("DrawSignatures = %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
		if got := b.session(s.ID); got.Drawn != 6+drawn.Load() || got.Drawn > got.Signatures {
			b.Errorf("%d were drawn after the first 6, the session says %d of %d", drawn.Load(), got.Drawn, got.Signatures)
		}
	}},
}
