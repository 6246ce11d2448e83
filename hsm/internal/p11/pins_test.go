package p11

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/pkcs11"
)

// Stories in which a PIN is wrong. Each opens, loses and heals as often as it likes; the token must see the wrong PIN once. A story
// may take two tokens that share their PIN.
var wrongPINs = map[string]func(t *testing.T, w *wrongPIN){
	"opened again and again": func(t *testing.T, w *wrongPIN) {
		for range 50 {
			w.open(t, w.mods[0])
		}
	},
	"opened by many at once": func(t *testing.T, w *wrongPIN) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { w.open(t, w.mods[0]) })
		}
		all.Wait()
	},
	"the server starts again and again": func(t *testing.T, w *wrongPIN) {
		for range 10 {
			w.open(t, newModule("fake", w.tokens[0], newPins()))
		}
	},
	"sent to a copy of the token": func(t *testing.T, w *wrongPIN) {
		w.open(t, w.mods[0])
		w.open(t, w.mods[1])
		w.open(t, w.mods[0])
	},
	"sent to two copies at once": func(t *testing.T, w *wrongPIN) {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() { w.open(t, w.mods[i%2]) })
		}
		all.Wait()
	},
	"changed, and the sessions are lost": func(t *testing.T, w *wrongPIN) {
		w.serving(t, func(f *fake) { f.lose() })
	},
	"changed, and the module restarts": func(t *testing.T, w *wrongPIN) {
		w.serving(t, func(f *fake) { _ = f.Finalize() })
	},
	"changed, and the token is away for a while": func(t *testing.T, w *wrongPIN) {
		w.serving(t, func(f *fake) {
			f.set(func() { f.present = false })
			go func() { time.Sleep(5 * time.Second); f.set(func() { f.present = true }) }()
			f.lose()
		})
	},
	"changed, and the answer to the login is lost": func(t *testing.T, w *wrongPIN) {
		w.serving(t, func(f *fake) {
			w.faults[0].swallow("C_Login", pkcs11.Error(pkcs11.CKR_DEVICE_ERROR))
			f.lose()
		})
	},
	"changed, and two pools are served": func(t *testing.T, w *wrongPIN) {
		w.tokens[0].set(func() { w.tokens[0].pin = "1234" })
		other, err := open(t.Context(), w.mods[0], w.options("1234"))
		if err != nil {
			t.Fatal(err)
		}
		w.serving(t, func(f *fake) {
			f.lose()
			_ = sign(t.Context(), other, "ec", "by the other")
		})
		closePool(t, other)
	},
}

// wrongPIN is a story's world: two tokens, which know "5678" but where a story begins by serving, and a latch that outlives modules.
type wrongPIN struct {
	tokens []*fake
	faults []*faulty
	mods   []*module
	latch  *memoryLatch
}

func (w *wrongPIN) options(pin string) Options {
	opt := options(2)
	opt.Latch = w.latch
	opt.PIN = func(context.Context) ([]byte, error) { return []byte(pin), nil }
	return opt
}

// open tries the wrong PIN.
func (w *wrongPIN) open(t *testing.T, mod *module) {
	_, err := open(t.Context(), mod, w.options("1234"))
	if e, ok := errors.AsType[*PINError](err); !ok || e.Temporary() {
		t.Errorf("got %v, want *PINError", err)
	}
}

// serving opens with the right PIN; then it becomes the wrong one, something happens, and callers come and go for an hour.
func (w *wrongPIN) serving(t *testing.T, happen func(*fake)) {
	f := w.tokens[0]
	f.set(func() { f.pin = "1234" })
	p, err := open(t.Context(), w.mods[0], w.options("1234"))
	if err != nil {
		t.Fatal(err)
	}
	if err := sign(t.Context(), p, "rsa", "before"); err != nil {
		t.Fatal(err)
	}
	f.set(func() { f.pin = "5678" })
	happen(f)
	for i := range 60 {
		if err := sign(t.Context(), p, "rsa", fmt.Sprint("after ", i)); err == nil {
			t.Error("signed without a login")
		}
		time.Sleep(time.Minute)
	}
	if _, ok := errors.AsType[*PINError](p.Ready()); !ok {
		t.Errorf("in the end the pool says %v, want *PINError", p.Ready())
	}
	if !p.Stats().Refused {
		t.Error("the counters do not say that the PIN was refused")
	}
	closePool(t, p)
}

// memoryLatch is a Latch that a test can look at.
type memoryLatch struct {
	mu    sync.Mutex
	notes map[string]error
}

func (l *memoryLatch) Barred(label, serial string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.notes[label+serial]
}

func (l *memoryLatch) Refused(label, serial string, cause error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notes[label+serial] = cause
	return nil
}

// TestWrongPINSituations runs each story with each way in which a token refuses a PIN: 50 situations, and never more than one attempt
// per token. A PIN that is called wrong is not even tried at the copy.
func TestWrongPINSituations(t *testing.T) {
	situations := 0
	for name, story := range wrongPINs {
		for _, code := range pinCodes {
			situations++
			t.Run(fmt.Sprintf("%s/%s", name, (&Error{Code: code}).Name()), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := &wrongPIN{latch: &memoryLatch{notes: map[string]error{}}}
					shared := newPins()
					for i := range 2 {
						f := newFake()
						f.pin, f.serial, f.refusal = "5678", fmt.Sprint(i+1), pkcs11.Error(code)
						c := &faulty{calls: f, fault: noFault}
						w.tokens, w.faults = append(w.tokens, f), append(w.faults, c)
						w.mods = append(w.mods, newModule("fake", c, shared))
					}
					story(t, w)
					synctest.Wait()
					sum := 0
					for i, f := range w.tokens {
						if f.bad > 1 {
							t.Errorf("token %d saw the wrong PIN %d times", i+1, f.bad)
						}
						sum += f.bad
					}
					if wrong := oneOf(&Error{Code: code}, wrongCodes); sum == 0 || wrong && sum > 1 {
						t.Errorf("the wrong PIN was sent %d times in all", sum)
					}
				})
			})
		}
	}
	if situations != 50 {
		t.Errorf("%d situations, want 50", situations)
	}
}

// TestLastTryIsLeftToAPerson: the token says that the next wrong PIN locks it. Even the right one is not sent.
func TestLastTryIsLeftToAPerson(t *testing.T) {
	for _, wrong := range []int{maxWrong - 1, maxWrong} {
		f := newFake()
		f.wrong = wrong
		_, err := open(t.Context(), newModule("fake", f, newPins()), options(2))
		if _, ok := errors.AsType[*PINError](err); !ok || f.logins != 0 {
			t.Errorf("after %d wrong PINs: %v, C_Login %d times; want *PINError and none", wrong, err, f.logins)
		}
	}
}
