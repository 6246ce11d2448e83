package p11

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/pkcs11"
)

// faulty puts a fault between the pool and the module: the call that fault chooses fails, before it happens or after.
type faulty struct {
	calls
	mu    sync.Mutex
	fault func(call string) (before, after error)
	lost  map[string]error
}

// set chooses the faults from now on.
func (f *faulty) set(fault func(call string) (before, after error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// swallow makes a call give an error in the place of its next one: it happened, and what the token said of it is lost.
func (f *faulty) swallow(call string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = map[string]error{call: err}
}

// instead gives what comes in the place of an error.
func (f *faulty) instead(call string, err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.lost[call]; err != nil && other != nil {
		delete(f.lost, call)
		return other
	}
	return err
}

func (f *faulty) choose(call string) (before, after error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fault(call)
}

func through[T any](f *faulty, call string, do func() (T, error)) (T, error) {
	before, after := f.choose(call)
	if before != nil {
		var none T
		return none, before
	}
	v, err := do()
	err = f.instead(call, err)
	if err == nil && after != nil {
		var none T
		return none, after
	}
	return v, err
}

func plainly(f *faulty, call string, do func() error) error {
	_, err := through(f, call, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

func (f *faulty) Initialize(o ...pkcs11.InitializeOption) error {
	return plainly(f, "C_Initialize", func() error { return f.calls.Initialize(o...) })
}
func (f *faulty) Finalize() error { return plainly(f, "C_Finalize", f.calls.Finalize) }
func (f *faulty) GetInfo() (pkcs11.Info, error) {
	return through(f, "C_GetInfo", f.calls.GetInfo)
}
func (f *faulty) GetSlotList(present bool) ([]uint, error) {
	return through(f, "C_GetSlotList", func() ([]uint, error) { return f.calls.GetSlotList(present) })
}
func (f *faulty) GetTokenInfo(slot uint) (pkcs11.TokenInfo, error) {
	return through(f, "C_GetTokenInfo", func() (pkcs11.TokenInfo, error) { return f.calls.GetTokenInfo(slot) })
}
func (f *faulty) GetMechanismList(slot uint) ([]*pkcs11.Mechanism, error) {
	return through(f, "C_GetMechanismList", func() ([]*pkcs11.Mechanism, error) { return f.calls.GetMechanismList(slot) })
}
func (f *faulty) OpenSession(slot, flags uint) (pkcs11.SessionHandle, error) {
	return through(f, "C_OpenSession", func() (pkcs11.SessionHandle, error) { return f.calls.OpenSession(slot, flags) })
}
func (f *faulty) CloseSession(h pkcs11.SessionHandle) error {
	return plainly(f, "C_CloseSession", func() error { return f.calls.CloseSession(h) })
}
func (f *faulty) GetSessionInfo(h pkcs11.SessionHandle) (pkcs11.SessionInfo, error) {
	return through(f, "C_GetSessionInfo", func() (pkcs11.SessionInfo, error) { return f.calls.GetSessionInfo(h) })
}
func (f *faulty) Login(h pkcs11.SessionHandle, user uint, pin string) error {
	return plainly(f, "C_Login", func() error { return f.calls.Login(h, user, pin) })
}
func (f *faulty) FindObjectsInit(h pkcs11.SessionHandle, template []*pkcs11.Attribute) error {
	return plainly(f, "C_FindObjectsInit", func() error { return f.calls.FindObjectsInit(h, template) })
}
func (f *faulty) FindObjects(h pkcs11.SessionHandle, max int) ([]pkcs11.ObjectHandle, bool, error) {
	found, err := through(f, "C_FindObjects", func() ([]pkcs11.ObjectHandle, error) {
		found, _, err := f.calls.FindObjects(h, max)
		return found, err
	})
	return found, false, err
}
func (f *faulty) FindObjectsFinal(h pkcs11.SessionHandle) error {
	return plainly(f, "C_FindObjectsFinal", func() error { return f.calls.FindObjectsFinal(h) })
}
func (f *faulty) SignInit(h pkcs11.SessionHandle, m []*pkcs11.Mechanism, key pkcs11.ObjectHandle) error {
	return plainly(f, "C_SignInit", func() error { return f.calls.SignInit(h, m, key) })
}
func (f *faulty) Sign(h pkcs11.SessionHandle, data []byte) ([]byte, error) {
	return through(f, "C_Sign", func() ([]byte, error) { return f.calls.Sign(h, data) })
}

// once makes the given call fail the next n times that it is made.
func once(call string, n int, before, after error) func(string) (error, error) {
	return func(c string) (error, error) {
		if c != call || n == 0 {
			return nil, nil
		}
		n--
		return before, after
	}
}

// options are those of the tests' pools.
func options(sessions int) Options {
	return Options{
		Match: Match{Label: "fake"}, Sessions: sessions, Log: slog.New(slog.DiscardHandler),
		PIN: func(context.Context) ([]byte, error) { return []byte("1234"), nil },
	}
}

func noFault(string) (error, error) { return nil, nil }

var mechanism = pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil)

// sign signs with one of the fake's keys and checks that it was this key.
func sign(ctx context.Context, p *Pool, id, data string) error {
	got, _, err := p.Sign(ctx, []byte(id), mechanism, []byte(data))
	key := map[string]string{"rsa": "key 1", "ec": "key 2"}[id]
	if err == nil && string(got) != string(answer(key, []byte(data))) {
		return fmt.Errorf("%q was not signed with %s", data, key)
	}
	return err
}

// checkIdle compares what a pool without work believes with what the token knows.
func checkIdle(t *testing.T, p *Pool, f *fake) {
	t.Helper()
	s := p.Stats()
	if !s.Healthy || s.InUse != 0 || s.Waiting != 0 || s.Orphans != 0 || s.Limit != cap(p.permits) {
		t.Errorf("the pool is not at rest: %+v", s)
	}
	if live := f.live(); s.Open != live {
		t.Errorf("sessions: the pool believes %d, the token has %d", s.Open, live)
	}
	if int(s.Opened-s.Closed) != s.Open {
		t.Errorf("sessions: %d opened, %d closed, %d open", s.Opened, s.Closed, s.Open)
	}
	for _, v := range f.violations {
		t.Error(v)
	}
}

var everyCall = []string{"C_Initialize", "C_Finalize", "C_GetInfo", "C_GetSlotList", "C_GetTokenInfo", "C_GetMechanismList",
	"C_OpenSession", "C_CloseSession", "C_GetSessionInfo", "C_Login", "C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal",
	"C_SignInit", "C_Sign"}

var faultCodes = []uint{pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_GENERAL_ERROR,
	pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED, pkcs11.CKR_SESSION_COUNT, pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_USER_NOT_LOGGED_IN}

// eachFault runs a story for each call, each way to fail, and one or three failures in a row.
func eachFault(t *testing.T, story func(t *testing.T, f *fake, c *faulty, arm func())) {
	for _, call := range everyCall {
		for _, code := range faultCodes {
			for _, n := range []int{1, 3} {
				for _, happened := range []bool{false, true} {
					if contradicts(call, code, happened) {
						continue
					}
					err := pkcs11.Error(code)
					name := fmt.Sprintf("%s/%s/%d times/happened %t", call, (&Error{Code: code}).Name(), n, happened)
					t.Run(name, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							f := newFake()
							c := &faulty{calls: f, fault: noFault}
							story(t, f, c, func() {
								if happened {
									c.set(once(call, n, nil, err))
								} else {
									c.set(once(call, n, err, nil))
								}
							})
						})
					})
				}
			}
		}
	}
}

// contradicts tells whether a token would say the opposite of what it did: "no session left" after opening one, or "no such
// session" instead of closing it. A pool has to believe that much.
func contradicts(call string, code uint, happened bool) bool {
	none := code == pkcs11.CKR_SESSION_COUNT || code == pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED
	gone := code == pkcs11.CKR_SESSION_HANDLE_INVALID || code == pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED
	return call == "C_OpenSession" && happened && none || call == "C_CloseSession" && !happened && gone
}

// TestFaultWhileServing makes each call fail while a pool serves and the token loses its sessions or the login: no draft is
// signed twice, no session is lost, and signing works again.
func TestFaultWhileServing(t *testing.T) {
	for name, event := range map[string]func(*fake){
		"all is well":   func(*fake) {},
		"sessions lost": (*fake).lose,
		"logged out":    func(f *fake) { defer f.lock()(); f.logout() },
	} {
		t.Run(name, func(t *testing.T) {
			eachFault(t, func(t *testing.T, f *fake, c *faulty, arm func()) { serve(t, f, c, func() { arm(); event(f) }) })
		})
	}
}

func serve(t *testing.T, f *fake, c *faulty, trouble func()) {
	p, err := open(t.Context(), newModule("fake", c, newPins()), options(2))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		if i == 1 {
			trouble()
		}
		err := sign(t.Context(), p, []string{"rsa", "ec"}[i/2%2], fmt.Sprint("draft ", i))
		if e, away := errors.AsType[*Unavailable](err); away {
			time.Sleep(e.RetryAfter())
		} else if err != nil && !oneOf(err, faultCodes) {
			t.Errorf("draft %d: %v", i, err)
		}
	}
	c.set(noFault)
	time.Sleep(time.Minute)
	if err := sign(t.Context(), p, "ec", "after"); err != nil {
		t.Errorf("after the fault: %v", err)
	}
	checkIdle(t, p, f)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if n := f.live(); n != 0 || f.initialized {
		t.Errorf("after Close: %d sessions, initialized %t", n, f.initialized)
	}
}

// TestFaultWhileOpening makes each call fail while a pool opens: it opens, or it fails and leaves nothing behind.
func TestFaultWhileOpening(t *testing.T) {
	eachFault(t, func(t *testing.T, f *fake, c *faulty, arm func()) {
		mod := newModule("fake", c, newPins())
		arm()
		p, err := open(t.Context(), mod, options(2))
		c.set(noFault)
		if err != nil {
			if n := f.live(); n != 0 {
				t.Errorf("%d sessions are left after %v", n, err)
			}
			if p, err = open(t.Context(), mod, options(2)); err != nil {
				t.Fatalf("after the fault: %v", err)
			}
		}
		if err := sign(t.Context(), p, "rsa", "after"); err != nil {
			t.Errorf("after the fault: %v", err)
		}
		checkIdle(t, p, f)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if n := f.live(); n != 0 || f.initialized && mod.ours {
			t.Errorf("after Close: %d sessions, initialized %t", n, f.initialized)
		}
	})
}
