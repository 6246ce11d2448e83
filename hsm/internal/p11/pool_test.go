package p11

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/pkcs11"
)

// openFake opens a pool over a module without faults.
func openFake(t *testing.T, f *fake, sessions int) *Pool {
	t.Helper()
	p, err := open(t.Context(), newModule("fake", f, newPins()), options(sessions))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func closePool(t *testing.T, p *Pool) {
	t.Helper()
	for range 2 { // Close is idempotent
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestQueueIsFirstComeFirstServed lets one session serve ten callers.
func TestQueueIsFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		p := openFake(t, f, 1)
		f.hang = make(chan struct{})
		var mu sync.Mutex
		var order []int
		var callers sync.WaitGroup
		for i := range 10 {
			callers.Go(func() {
				err := p.Use(t.Context(), nil, func(s *Session) error {
					mu.Lock()
					order = append(order, i)
					mu.Unlock()
					if i == 0 {
						<-f.hang
					}
					return nil
				})
				if err != nil {
					t.Errorf("caller %d: %v", i, err)
				}
			})
			synctest.Wait() // the caller is in the queue before the next one comes
		}
		if got := p.Stats(); got.Waiting != 9 || got.InUse != 1 {
			t.Errorf("waiting %d, in use %d, want 9 and 1", got.Waiting, got.InUse)
		}
		close(f.hang)
		callers.Wait()
		if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(order, want) {
			t.Errorf("order: got %v, want %v", order, want)
		}
		f.hang = nil
		if err := sign(t.Context(), p, "rsa", "x"); err != nil {
			t.Error(err)
		}
		checkIdle(t, p, f)
		closePool(t, p)
	})
}

// TestCancelledCallerLeavesTheQueue gives up while a call hangs in the token: the caller returns at once and no signature is
// made for it later.
func TestCancelledCallerLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		p := openFake(t, f, 1)
		f.hang = make(chan struct{})
		var callers sync.WaitGroup
		callers.Go(func() {
			if err := sign(t.Context(), p, "rsa", "slow"); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if err := sign(ctx, p, "rsa", "impatient"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		if waited := time.Since(begin); waited != time.Second {
			t.Errorf("waited %v, want 1s", waited)
		}
		close(f.hang)
		callers.Wait()
		if f.signed["impatient"] != 0 {
			t.Error("a signature was made for a caller who had left")
		}
		if s := p.Stats(); s.Waits != 1 || s.WaitTime != time.Second {
			t.Errorf("waits %d, wait time %v, want 1 and 1s", s.Waits, s.WaitTime)
		}
		checkIdle(t, p, f)
		closePool(t, p)
	})
}

// TestTokenHasFewerSessionsThanItSays: the pool keeps to what the token really has, nobody sees an error, and later it tries
// again.
func TestTokenHasFewerSessionsThanItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.room = 2
		p := openFake(t, f, 8)
		var callers sync.WaitGroup
		for i := range 50 {
			callers.Go(func() {
				if err := sign(t.Context(), p, "ec", fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if s := p.Stats(); s.Limit > 7 || s.Open > 2 || !s.Healthy {
			t.Errorf("limit %d, open %d, healthy %t, want a lower limit and 2 sessions at most", s.Limit, s.Open, s.Healthy)
		}
		f.room = 0
		for i := range 8 {
			time.Sleep(regrow + time.Second)
			if err := sign(t.Context(), p, "ec", fmt.Sprint("later ", i)); err != nil {
				t.Error(err)
			}
		}
		checkIdle(t, p, f)
		closePool(t, p)
	})
}

// TestNoSessionLeft: another program holds all sessions of the token. Callers get a hint and the token is not taken for broken.
func TestNoSessionLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		p := openFake(t, f, 2)
		f.lose()
		h, _ := f.OpenSession(7, 0) // the other program's
		f.room = 1
		err := sign(t.Context(), p, "ec", "x")
		e, ok := errors.AsType[*Unavailable](err)
		if !ok || e.RetryAfter() <= 0 || !e.Temporary() {
			t.Errorf("got %v, want *Unavailable with a hint", err)
		}
		if inits := f.inits; inits != 1 {
			t.Errorf("module was initialized %d times, want once: the token is not broken", inits)
		}
		if err := f.CloseSession(h); err != nil {
			t.Fatal(err)
		}
		if err := sign(t.Context(), p, "ec", "y"); err != nil {
			t.Errorf("after a session came free: %v", err)
		}
		closePool(t, p)
	})
}

// TestTwoPoolsOfOneToken share the module and the login, and closing one leaves the other alone.
func TestTwoPoolsOfOneToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		mod := newModule("fake", f, newPins())
		a, err := open(t.Context(), mod, options(2))
		if err != nil {
			t.Fatal(err)
		}
		b, err := open(t.Context(), mod, options(2))
		if err != nil {
			t.Fatal(err)
		}
		if f.inits != 1 || f.logins != 1 {
			t.Errorf("C_Initialize %d times, C_Login %d times, want once each", f.inits, f.logins)
		}
		closePool(t, a)
		if err := sign(t.Context(), a, "rsa", "x"); !errors.Is(err, ErrClosed) {
			t.Errorf("closed pool: got %v, want ErrClosed", err)
		}
		if err := sign(t.Context(), b, "rsa", "x"); err != nil {
			t.Errorf("the other pool: %v", err)
		}
		checkIdle(t, b, f)
		closePool(t, b)
		if f.initialized {
			t.Error("module is initialized after the last pool was closed")
		}
	})
}

// TestManyCallersAndFaults lets callers sign with two keys while any call may fail: each signature belongs to its key and
// draft, none is made twice, the module is not finalized under a running call, and in the end everything is as it was.
func TestManyCallersAndFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.takes = time.Millisecond
		var mu sync.Mutex
		dice := rand.New(rand.NewPCG(1, 2))
		trouble := true
		c := &faulty{calls: f, fault: noFault}
		mod := newModule("fake", c, newPins())
		p, err := open(t.Context(), mod, options(4))
		if err != nil {
			t.Fatal(err)
		}
		q, err := open(t.Context(), mod, options(2)) // a second pool, so that restarts of the module meet users
		if err != nil {
			t.Fatal(err)
		}
		c.set(func(string) (error, error) {
			mu.Lock()
			defer mu.Unlock()
			if n := dice.IntN(60); !trouble || n > 1 {
				return nil, nil
			} else if code := pkcs11.Error(faultCodes[dice.IntN(4)]); n == 0 {
				return code, nil
			} else {
				return nil, code
			}
		})
		var callers sync.WaitGroup
		var done, refused int
		for w := range 16 {
			callers.Go(func() {
				for i := range 200 {
					pool := []*Pool{p, p, q}[w%3]
					err := sign(t.Context(), pool, []string{"rsa", "ec"}[i%2], fmt.Sprintf("draft %d of %d", i, w))
					mu.Lock()
					if err == nil {
						done++
					} else {
						refused++
					}
					mu.Unlock()
					if e, away := errors.AsType[*Unavailable](err); away {
						time.Sleep(e.RetryAfter())
					} else if err != nil && !oneOf(err, faultCodes) {
						t.Error(err)
					}
				}
			})
		}
		callers.Wait()
		mu.Lock()
		trouble = false
		mu.Unlock()
		synctest.Wait()
		t.Logf("%d signatures, %d refusals, module initialized %d times", done, refused, f.inits)
		for _, pool := range []*Pool{p, q} {
			time.Sleep(5 * time.Minute)
			for i := range 4 {
				if err := sign(t.Context(), pool, "rsa", fmt.Sprintf("after %p %d", pool, i)); err != nil {
					t.Errorf("after the trouble: %v", err)
				}
			}
			if s := pool.Stats(); !s.Healthy || s.InUse != 0 || s.Orphans != 0 {
				t.Errorf("the pool is not at rest: %+v", s)
			}
		}
		for _, v := range f.violations {
			t.Error(v)
		}
		closePool(t, p)
		closePool(t, q)
		if f.live() != 0 || f.initialized {
			t.Errorf("after Close: %d sessions, initialized %t", f.live(), f.initialized)
		}
	})
}
