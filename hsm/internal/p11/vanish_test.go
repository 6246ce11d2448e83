package p11

import (
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"
)

// TestKeysVanish: the token serves sessions, but shows none of its keys. That is an outage: callers are told to come back, and when the
// keys are back signing works without anybody's help.
func TestKeysVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		p := openFake(t, f, 2)
		for _, key := range []string{"rsa", "ec"} {
			if err := sign(t.Context(), p, key, "before "+key); err != nil {
				t.Fatal(err)
			}
		}
		keys := maps.Clone(f.keys)
		f.replaceKeys(nil)
		for _, key := range []string{"rsa", "ec"} {
			if _, ok := errors.AsType[*Unavailable](sign(t.Context(), p, key, "away "+key)); !ok {
				t.Errorf("%s: signing without keys is not *Unavailable", key)
			}
		}
		time.Sleep(time.Minute)
		if _, ok := errors.AsType[*Unavailable](sign(t.Context(), p, "rsa", "still away")); !ok {
			t.Error("after a minute: signing without keys is not *Unavailable")
		}
		f.replaceKeys(keys)
		time.Sleep(lastWait * 5 / 4)
		if err := sign(t.Context(), p, "rsa", "after"); err != nil {
			t.Errorf("after the keys are back: %v", err)
		}
		checkIdle(t, p, f)
		closePool(t, p)
	})
}

// TestOneKeyIsGone: a key that was removed while others are there is no outage. It will not come back by waiting, and the others sign.
func TestOneKeyIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		p := openFake(t, f, 2)
		for _, key := range []string{"rsa", "ec"} {
			if err := sign(t.Context(), p, key, "before "+key); err != nil {
				t.Fatal(err)
			}
		}
		f.replaceKeys(map[string]string{"rsa": f.keys["rsa"]})
		if err := sign(t.Context(), p, "ec", "gone"); !errors.Is(err, ErrKeyNotFound) {
			t.Errorf("signing with the removed key: got %v, want ErrKeyNotFound", err)
		}
		if err := sign(t.Context(), p, "rsa", "still there"); err != nil {
			t.Errorf("signing with the other key: %v", err)
		}
		checkIdle(t, p, f)
		closePool(t, p)
	})
}

// replaceKeys changes the objects of the token under its open sessions.
func (f *fake) replaceKeys(keys map[string]string) {
	defer f.lock()()
	f.keys = keys
	f.handles += 100 // handles of before are not valid any more
}

// TestCloseWhileTheModuleDoesNotComeBack: a token that is away takes its module with it. To end meanwhile is no error.
func TestCloseWhileTheModuleDoesNotComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		p := openFake(t, f, 1)
		if err := sign(t.Context(), p, "rsa", "before"); err != nil {
			t.Fatal(err)
		}
		if err := f.Finalize(); err != nil { // as a restart that went only half way leaves it
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Errorf("close: got %v, want no error", err)
		}
	})
}
