package p11

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/pkcs11"
)

// TestTokenIsAwayForTenMinutes: callers are told so at once, with a hint; the token is looked for twice a second; when it is
// back, signing works within a second and without anybody's help.
func TestTokenIsAwayForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		p := openFake(t, f, 4)
		if err := sign(t.Context(), p, "rsa", "before"); err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		f.present = false
		f.mu.Unlock()
		for i := range 600 {
			begin := time.Now()
			err := sign(t.Context(), p, "rsa", fmt.Sprint("away ", i))
			e, ok := errors.AsType[*Unavailable](err)
			if !ok || !e.Temporary() || e.RetryAfter() <= 0 || e.RetryAfter() > time.Second {
				t.Fatalf("after %d s: got %v, want *Unavailable with a hint", i, err)
			}
			if waited := time.Since(begin); waited != 0 {
				t.Fatalf("after %d s: the caller waited %v", i, waited)
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if f.inits > 1700 {
			t.Errorf("module was initialized %d times in ten minutes, want 1700 at most", f.inits)
		}
		f.mu.Lock()
		f.present = true
		f.mu.Unlock()
		time.Sleep(time.Second)
		if err := sign(t.Context(), p, "rsa", "after"); err != nil {
			t.Errorf("after it came back: %v", err)
		}
		if s := p.Stats(); s.Heals != 1 {
			t.Errorf("heals: got %d, want 1", s.Heals)
		}
		checkIdle(t, p, f)
		closePool(t, p)
	})
}

// TestLossNobodySees: sessions or the login are lost between two signatures. The next one works at the first try.
func TestLossNobodySees(t *testing.T) {
	for name, loss := range map[string]func(*fake){
		"sessions":     (*fake).lose,
		"login":        func(f *fake) { defer f.lock()(); f.logout() },
		"one session":  func(f *fake) { defer f.lock()(); delete(f.sessions, 1) },
		"key handles":  func(f *fake) { defer f.lock()(); f.handles += 100 },
		"one and more": func(f *fake) { f.lose(); _, _ = f.OpenSession(7, 0) },
	} {
		for first := range 2 {
			t.Run(fmt.Sprint(name, " ", first), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFake()
					p := openFake(t, f, 2)
					for i := range 4 {
						if err := sign(t.Context(), p, "rsa", fmt.Sprint("before ", i)); err != nil {
							t.Fatal(err)
						}
					}
					loss(f)
					for i := range 4 { // two with the key that the sessions know, two with one that they must look up
						if err := sign(t.Context(), p, []string{"rsa", "ec"}[(i+first)%2], fmt.Sprint("after ", i)); err != nil {
							t.Errorf("signature %d after the loss: %v", i, err)
						}
					}
					closePool(t, p)
				})
			})
		}
	}
}

// TestModuleIsFinalizedUnderUs: somebody else in the process calls C_Finalize. One caller sees it; then the pool has healed.
func TestModuleIsFinalizedUnderUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		p := openFake(t, f, 2)
		if err := f.Finalize(); err != nil {
			t.Fatal(err)
		}
		if _, away := errors.AsType[*Unavailable](sign(t.Context(), p, "rsa", "x")); !away {
			t.Error("the caller who saw it did not get *Unavailable")
		}
		synctest.Wait()
		if err := sign(t.Context(), p, "rsa", "y"); err != nil {
			t.Error(err)
		}
		checkIdle(t, p, f)
		closePool(t, p)
	})
}

// TestTokenThatOnlySeemsWell opens sessions but does not sign. It is not initialized again and again at full speed.
func TestTokenThatOnlySeemsWell(t *testing.T) {
	for _, call := range []string{"C_SignInit", "C_Sign"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				c := &faulty{calls: f, fault: noFault}
				p, err := open(t.Context(), newModule("fake", c, newPins()), options(2))
				if err != nil {
					t.Fatal(err)
				}
				c.set(once(call, -1, pkcs11.Error(pkcs11.CKR_DEVICE_ERROR), nil))
				for i := range 6000 {
					if err := sign(t.Context(), p, "rsa", fmt.Sprint(i)); err == nil {
						t.Fatal("signed")
					}
					time.Sleep(100 * time.Millisecond)
				}
				synctest.Wait()
				if f.inits > 40 {
					t.Errorf("module was initialized %d times in ten minutes, want 40 at most", f.inits)
				}
				c.set(noFault)
				time.Sleep(lastWait * 5 / 4)
				if err := sign(t.Context(), p, "rsa", "after"); err != nil {
					t.Error(err)
				}
				checkIdle(t, p, f)
				closePool(t, p)
			})
		})
	}
}

// TestTokenThatNeedsARestart opens sessions and begins signatures, but ends none until the module is initialized again. Three
// failures in a row are enough.
func TestTokenThatNeedsARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		p := openFake(t, f, 2)
		f.mu.Lock()
		f.sick = true
		f.mu.Unlock()
		for i := range strikesOut {
			if _, away := errors.AsType[*Unavailable](sign(t.Context(), p, "rsa", fmt.Sprint(i))); !away {
				t.Errorf("signature %d: did not get *Unavailable", i)
			}
		}
		time.Sleep(time.Second)
		for i := range strikesOut { // the first attempt was without a restart, and changed nothing
			_ = sign(t.Context(), p, "rsa", fmt.Sprint("again ", i))
		}
		time.Sleep(time.Second)
		if err := sign(t.Context(), p, "rsa", "after"); err != nil {
			t.Error(err)
		}
		checkIdle(t, p, f)
		closePool(t, p)
	})
}

// TestTwoPoolsRestartTheModuleOnce: both see the same loss.
func TestTwoPoolsRestartTheModuleOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		mod := newModule("fake", f, newPins())
		var pools []*Pool
		for range 2 {
			p, err := open(t.Context(), mod, options(2))
			if err != nil {
				t.Fatal(err)
			}
			pools = append(pools, p)
		}
		if err := f.Finalize(); err != nil {
			t.Fatal(err)
		}
		for i, p := range pools {
			_ = sign(t.Context(), p, "rsa", fmt.Sprint("lost ", i)) // sees the loss, and starts to heal it
		}
		time.Sleep(time.Minute)
		for i, p := range pools {
			if err := sign(t.Context(), p, "rsa", fmt.Sprint("after ", i)); err != nil {
				t.Error(err)
			}
		}
		if f.inits != 2 || f.logins != 2 {
			t.Errorf("C_Initialize %d times, C_Login %d times, want twice each", f.inits, f.logins)
		}
		// The handles of the old sessions belong to new ones now.
		if err := f.Finalize(); err != nil {
			t.Fatal(err)
		}
		_ = sign(t.Context(), pools[0], "rsa", "lost again")
		synctest.Wait()
		err := pools[0].Use(t.Context(), func(s *Session) error { return s.SignInit([]byte("rsa"), mechanism) }, func(s *Session) error {
			if err := sign(t.Context(), pools[1], "ec", "in between"); err != nil {
				t.Error(err)
			}
			_, err := s.Sign([]byte("still mine"))
			return err
		})
		if err != nil {
			t.Errorf("a session was closed by the other pool: %v", err)
		}
		for _, p := range pools {
			closePool(t, p)
		}
	})
}

// TestCloseWhileAway ends the healing. (synctest fails if its goroutine stays.)
func TestCloseWhileAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		p := openFake(t, f, 2)
		f.mu.Lock()
		f.present = false
		f.mu.Unlock()
		if err := sign(t.Context(), p, "rsa", "x"); err == nil {
			t.Fatal("signed")
		}
		time.Sleep(time.Second)
		closePool(t, p)
		if err := sign(t.Context(), p, "rsa", "x"); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	})
}

// TestWrongPINIsSentOnce: however often pools are opened and signatures asked for, the token sees a wrong PIN once.
func TestWrongPINIsSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		mod := newModule("fake", f, newPins())
		wrong := options(2)
		wrong.PIN = func(context.Context) ([]byte, error) { return []byte("9999"), nil }
		for range 50 {
			_, err := open(t.Context(), mod, wrong)
			if e, ok := errors.AsType[*PINError](err); !ok || e.Temporary() {
				t.Fatalf("got %v, want *PINError", err)
			}
		}
		synctest.Wait()
		if f.logins != 1 {
			t.Errorf("wrong PIN: C_Login %d times, want once", f.logins)
		}
		p, err := open(t.Context(), mod, options(2)) // another PIN is another matter
		if err != nil {
			t.Fatal(err)
		}
		checkIdle(t, p, f)
		closePool(t, p)
	})
}

// TestPINChangedWhileServing: the PIN in the token changes, and then the login is lost. The old PIN is sent once, and every
// caller is told that an operator must act.
func TestPINChangedWhileServing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		p := openFake(t, f, 2)
		f.pin = "5678"
		f.lose()
		before := f.logins
		for i := range 50 {
			err := sign(t.Context(), p, "rsa", fmt.Sprint(i))
			if _, ok := errors.AsType[*PINError](err); !ok {
				t.Fatalf("signature %d: got %v, want *PINError", i, err)
			}
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if n := f.logins - before; n != 1 {
			t.Errorf("C_Login %d times, want once", n)
		}
		closePool(t, p)
	})
}

// TestPINSourceFails: the PIN cannot be read for a while. Nothing is sent to the token, and the pool heals when it can.
func TestPINSourceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		opt := options(2)
		var broken atomic.Bool
		var given []byte
		opt.PIN = func(context.Context) ([]byte, error) {
			if broken.Load() {
				return nil, errors.New("no such file")
			}
			given = []byte("1234")
			return given, nil
		}
		p, err := open(t.Context(), newModule("fake", f, newPins()), opt)
		if err != nil {
			t.Fatal(err)
		}
		if string(given) != "\x00\x00\x00\x00" {
			t.Errorf("PIN after the login: got %q, want zeros", given)
		}
		broken.Store(true)
		f.lose()
		if _, away := errors.AsType[*Unavailable](sign(t.Context(), p, "rsa", "x")); !away {
			t.Error("did not get *Unavailable")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if f.logins != 1 {
			t.Errorf("C_Login %d times, want once", f.logins)
		}
		broken.Store(false)
		time.Sleep(lastWait * 5 / 4)
		if err := sign(t.Context(), p, "rsa", "y"); err != nil {
			t.Error(err)
		}
		checkIdle(t, p, f)
		closePool(t, p)
	})
}
