package hsm_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/hsmtest"
	"github.com/siegel-pki/siegel/hsm/keygen"
	"github.com/siegel-pki/siegel/hsm/softhsm"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// pair is two tokens with the same keys: the one of the tests, in this process, and a copy in a device that can be switched off.
type pair struct {
	here, there hsm.Config
	device      *hsmtest.Device
}

// newPair creates a key of each kind, copies the token and starts the device.
func newPair(t *testing.T) (p pair, ids map[sigalg.KeyType][]byte) {
	t.Helper()
	ids = map[sigalg.KeyType][]byte{}
	token, err := hsm.Open(t.Context(), hsm.Config{URI: soft.URI(), ReadWrite: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []sigalg.KeyType{sigalg.R2048, sigalg.E256, sigalg.Ed25519} {
		ids[kind], _ = newKey(t, token, kind)
	}
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	other, err := hsmtest.Copy(soft, filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	p = newDevice(t, other)
	p.here = hsm.Config{URI: soft.URI(), Sessions: 1}
	return p, ids
}

// newDevice puts a token into a device and starts it.
func newDevice(t *testing.T, token *softhsm.Token) pair {
	t.Helper()
	device, err := hsmtest.NewDevice(socket, token.Module, token.Env())
	if err == nil {
		err = device.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := device.Kill(); err != nil {
			t.Error(err)
		}
	})
	return pair{there: hsm.Config{URI: device.URI(token), Sessions: 4}, device: device}
}

// openTokens opens tokens and closes them with the test.
func openTokens(t *testing.T, configs ...hsm.Config) *hsm.Tokens {
	t.Helper()
	ts, err := hsm.OpenTokens(t.Context(), configs, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ts.Close(); err != nil {
			t.Error(err)
		}
	})
	return ts
}

// signWith signs with every key and checks the signatures.
func signWith(ctx context.Context, keys map[sigalg.Scheme]*hsm.SharedKey, message string) error {
	for scheme, key := range keys {
		sig, err := key.Sign(ctx, scheme, []byte(message))
		if err == nil {
			err = sigalg.Verify(key.Public(), scheme, []byte(message), sig)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", scheme, err)
		}
	}
	return nil
}

// signTogether lets eight callers sign at the same time, so that one token is not enough.
func signTogether(t *testing.T, keys map[sigalg.Scheme]*hsm.SharedKey, message string) {
	t.Helper()
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for j := range 5 {
				if err := signWith(t.Context(), keys, fmt.Sprint(message, i, " ", j)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
}

func sharedKeys(t *testing.T, ts *hsm.Tokens, ids map[sigalg.KeyType][]byte) map[sigalg.Scheme]*hsm.SharedKey {
	t.Helper()
	keys := map[sigalg.Scheme]*hsm.SharedKey{}
	for kind, scheme := range map[sigalg.KeyType]sigalg.Scheme{
		sigalg.R2048: sigalg.RSAPKCS1SHA256, sigalg.E256: sigalg.ECDSASHA256, sigalg.Ed25519: sigalg.PureEd25519,
	} {
		key, err := ts.Key(t.Context(), ids[kind])
		if err != nil {
			t.Fatal(err)
		}
		keys[scheme] = key
	}
	return keys
}

// TestTwoTokensShareTheWork spreads signatures over both, survives the loss of one and of one after the other, and notices the
// return.
func TestTwoTokensShareTheWork(t *testing.T) {
	p, ids := newPair(t)
	ts := openTokens(t, p.here, p.there)
	if n := ts.Sessions(); n != 2 { // p11-kit's client module gets one
		t.Errorf("%d sessions, want 2", n)
	}
	keys := sharedKeys(t, ts, ids)
	signTogether(t, keys, "first")
	for _, s := range ts.Stats() {
		if s.Signatures == 0 || s.Label == "" || s.Serial == "" {
			t.Errorf("token %q made %d signatures of 120", s.Label, s.Signatures)
		}
	}

	if err := p.device.Kill(); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for i := range 20 {
		err := signWith(t.Context(), keys, fmt.Sprint("one is away ", i))
		if again, ok := errors.AsType[interface {
			error
			Elsewhere() bool
		}](err); ok && again.Elsewhere() {
			lost++ // it was under way
		} else if err != nil {
			t.Error(err)
		}
	}
	if lost > 3 {
		t.Errorf("%d signatures were lost with the token, want 3 at most", lost)
	}
	if err := ts.Ready(); err != nil {
		t.Errorf("with one token of two: %v", err)
	}

	if err := p.device.Start(); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	for !ts.Stats()[1].Healthy && time.Since(back) < 5*time.Second {
		time.Sleep(5 * time.Millisecond)
	}
	if took := time.Since(back); took > time.Second {
		t.Errorf("the token was noticed %v after it was back, want less than a second", took)
	}
	before := ts.Stats()[1].Signatures
	signTogether(t, keys, "both")
	if ts.Stats()[1].Signatures == before {
		t.Error("the token that came back does not sign")
	}
}

// TestTokenIsAwayAtTheStart: the others serve, and it joins them when it is there.
func TestTokenIsAwayAtTheStart(t *testing.T) {
	p, ids := newPair(t)
	if err := p.device.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := hsm.OpenTokens(t.Context(), []hsm.Config{p.there}, nil); err == nil {
		t.Error("opened without any token")
	}
	ts := openTokens(t, p.there, p.here)
	keys := sharedKeys(t, ts, ids)
	if err := signWith(t.Context(), keys, "one"); err != nil {
		t.Error(err)
	}
	if err := p.device.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); len(ts.Infos()) < 2 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	signTogether(t, keys, "two")
	if ts.Stats()[0].Signatures == 0 {
		t.Error("the token that came late does not sign")
	}
}

// TestTokensThatDiffer: a token that has another key under the CKA_ID, or none, is no copy.
func TestTokensThatDiffer(t *testing.T) {
	p, ids := newPair(t)
	token, err := hsm.Open(t.Context(), hsm.Config{URI: soft.URI(), ReadWrite: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	late, _ := newKey(t, token, sigalg.E256) // after the copy was made
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	twin := hsm.Config{URI: p.there.URI, Sessions: 1, ReadWrite: true}
	token, err = hsm.Open(t.Context(), twin, nil)
	if err != nil {
		t.Fatal(err)
	}
	other := []byte("another key " + rand.Text())
	for _, tok := range []*hsm.Token{token, openToken(t, hsm.Config{ReadWrite: true})} {
		if _, err := keygen.GenerateKey(t.Context(), tok, keygen.Spec{ID: other, Label: string(other), Type: sigalg.E256}); err != nil {
			t.Fatal(err)
		}
	}
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	ts := openTokens(t, p.here, p.there)
	if _, err := ts.Key(t.Context(), late); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("a key that one token does not have: %v, want ErrKeyNotFound", err)
	}
	if _, err := ts.Key(t.Context(), other); !errors.Is(err, hsm.ErrKeyDiffers) {
		t.Errorf("keys that differ: %v, want ErrKeyDiffers", err)
	}
	if err := signWith(t.Context(), sharedKeys(t, ts, ids), "the others"); err != nil {
		t.Errorf("the keys that are the same: %v", err)
	}
}
