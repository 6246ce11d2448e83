package hsm_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/keygen"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// stranger is other code in this process that uses the same module: it shares sessions, login and C_Finalize with us.
func stranger(t *testing.T) *pkcs11.Ctx {
	t.Helper()
	ctx := pkcs11.New(soft.Module)
	if ctx == nil {
		t.Fatalf("load %s", soft.Module)
	}
	return ctx
}

// TestRealTokenIsLost does to the real token what a failover or careless code does, and signs again.
func TestRealTokenIsLost(t *testing.T) {
	token := openToken(t, hsm.Config{ReadWrite: true, Sessions: 3})
	id, _ := newKey(t, token, sigalg.E256)
	key, err := token.Key(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	other := stranger(t)
	for _, c := range []struct {
		name string
		lose func() error
	}{
		{"all sessions closed", func() error { return other.CloseAllSessions(token.Info().SlotID) }},
		{"logged out", func() error {
			s, err := other.OpenSession(token.Info().SlotID, pkcs11.CKF_SERIAL_SESSION)
			return errors.Join(err, other.Logout(s), other.CloseSession(s))
		}},
		{"finalized", other.Finalize},
		{"finalized and initialized", func() error { return errors.Join(other.Finalize(), other.Initialize()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.lose(); err != nil {
				t.Fatal(err)
			}
			message := []byte(c.name)
			var sig []byte
			for try := 1; ; try++ {
				sig, err = key.Sign(t.Context(), sigalg.ECDSASHA256, message)
				away, ok := errors.AsType[*hsm.Unavailable](err)
				if !ok || try == 20 {
					break
				}
				t.Logf("try %d: %v", try, err)
				time.Sleep(away.RetryAfter())
			}
			if err != nil {
				t.Fatalf("after the loss: %v", err)
			}
			if err := sigalg.Verify(key.Public(), sigalg.ECDSASHA256, message, sig); err != nil {
				t.Error(err)
			}
		})
	}
	if s := token.Stats(); !s.Healthy || s.InUse != 0 || s.Orphans != 0 || int(s.Opened-s.Closed) != s.Open {
		t.Errorf("the token is not at rest: %+v", s)
	}
}

// TestManySigners lets more callers sign with three keys than the token has sessions.
func TestManySigners(t *testing.T) {
	token := openToken(t, hsm.Config{ReadWrite: true, Sessions: 4})
	type signer struct {
		key    *hsm.Key
		scheme sigalg.Scheme
	}
	var signers []signer
	for kind, scheme := range map[sigalg.KeyType]sigalg.Scheme{
		sigalg.R2048: sigalg.RSAPKCS1SHA256, sigalg.E256: sigalg.ECDSASHA256, sigalg.Ed25519: sigalg.PureEd25519,
	} {
		id, _ := newKey(t, token, kind)
		key, err := token.Key(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, signer{key, scheme})
	}
	before := token.Stats().Signatures
	var callers sync.WaitGroup
	for w := range 16 {
		callers.Go(func() {
			for i := range 10 {
				s, message := signers[(w+i)%len(signers)], fmt.Appendf(nil, "message %d of %d", i, w)
				sig, err := s.key.Sign(t.Context(), s.scheme, message)
				if err == nil {
					err = sigalg.Verify(s.key.Public(), s.scheme, message, sig)
				}
				if err != nil {
					t.Errorf("%s: %v", s.scheme, err)
				}
			}
		})
	}
	callers.Wait()
	if s := token.Stats(); s.Signatures-before != 160 || s.Open > 4 || s.InUse != 0 || s.Waits == 0 {
		t.Errorf("got %+v, want 160 signatures, 4 sessions at most, none in use, and callers who waited", s)
	}
}

// TestCancelledBeforeItBegins: a context that has ended makes no signature.
func TestCancelledBeforeItBegins(t *testing.T) {
	token := openToken(t, hsm.Config{ReadWrite: true})
	id, _ := newKey(t, token, sigalg.E256)
	key, err := token.Key(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	before := token.Stats().Signatures
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := key.Sign(ctx, sigalg.ECDSASHA256, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if n := token.Stats().Signatures - before; n != 0 {
		t.Errorf("%d signatures were made", n)
	}
}

// TestMessageRecovery signs a padded block (ISO/IEC 9796-2) and opens it with the public key.
func TestMessageRecovery(t *testing.T) {
	token := openToken(t, hsm.Config{ReadWrite: true})
	id, _ := newKey(t, token, sigalg.R2048)
	key, err := token.Key(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	block := append([]byte{0x6A}, make([]byte, 254)...)
	rand.Read(block[1:])
	block = append(block, 0xBC)
	sig, err := key.Sign(t.Context(), sigalg.ISO9796SHA256, block)
	if err != nil {
		t.Fatal(err)
	}
	public := key.Public().(*rsa.PublicKey)
	opened := new(big.Int).Exp(new(big.Int).SetBytes(sig), big.NewInt(int64(public.E)), public.N)
	if got := opened.FillBytes(make([]byte, 256)); !bytes.Equal(got, block) {
		t.Errorf("opened: got %x, want %x", got, block)
	}
}

// TestWrongPIN: the error says what is wrong and not what was tried, and the right PIN still works.
func TestWrongPIN(t *testing.T) {
	for range 20 {
		wrong := func(context.Context) (hsm.PIN, error) { return hsm.PIN("31415926"), nil }
		_, err := hsm.Open(t.Context(), hsm.Config{URI: soft.URI(), PIN: wrong}, slog.New(slog.DiscardHandler))
		if e, ok := errors.AsType[*hsm.PINError](err); !ok || e.Temporary() {
			t.Fatalf("got %v, want *PINError", err)
		}
		if !strings.Contains(err.Error(), "CKR_PIN_INCORRECT") || strings.Contains(err.Error(), "31415926") {
			t.Errorf("got %q, want the return value and not the PIN", err)
		}
	}
	openToken(t, hsm.Config{})
}

// TestNoSuchToken: the label fits no token.
func TestNoSuchToken(t *testing.T) {
	uri := strings.Replace(soft.URI(), "token=", "serial=0;token=", 1)
	if _, err := hsm.Open(t.Context(), hsm.Config{URI: uri}, slog.New(slog.DiscardHandler)); !errors.Is(err, hsm.ErrNoToken) {
		t.Errorf("got %v, want ErrNoToken", err)
	}
}

// TestInfo shows what a person wants to know of the token.
func TestInfo(t *testing.T) {
	info := openToken(t, hsm.Config{Sessions: 3}).Info()
	if info.Label != "hsm test" || info.Manufacturer != "SoftHSM project" || info.Model != "SoftHSM v2" || info.Serial == "" ||
		info.Sessions != 3 || info.Module != soft.Module || info.Firmware == "" || info.Library == "" {
		t.Errorf("got %+v", info)
	}
	for _, m := range []string{"CKM_ECDSA", "CKM_RSA_PKCS", "CKM_RSA_X_509", "CKM_RSA_PKCS_PSS", "CKM_EDDSA", "CKM_EC_KEY_PAIR_GEN"} {
		if !slices.Contains(info.Mechanisms, m) {
			t.Errorf("mechanism %s is missing in %v", m, info.Mechanisms)
		}
	}
}

// TestServerCreatesNoKeys: the sessions of a token that was opened as a server opens it are read-only (promise 8).
func TestServerCreatesNoKeys(t *testing.T) {
	token := openToken(t, hsm.Config{})
	_, err := keygen.GenerateKey(t.Context(), token, keygen.Spec{ID: []byte("server"), Label: "x", Type: sigalg.E256})
	if e, ok := errors.AsType[*hsm.Error](err); !ok || e.Code != pkcs11.CKR_SESSION_READ_ONLY {
		t.Errorf("got %v, want CKR_SESSION_READ_ONLY", err)
	}
	if _, err := token.Key(t.Context(), []byte("server")); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("got %v, want ErrKeyNotFound", err)
	}
}

// TestKeysThatAreRefused: keys that other programs made, and that are not fit for an issuer.
func TestKeysThatAreRefused(t *testing.T) {
	token := openToken(t, hsm.Config{ReadWrite: true})
	other := stranger(t)
	session, err := other.OpenSession(token.Info().SlotID, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		t.Fatal(err)
	}
	defer other.CloseSession(session)
	for _, c := range []struct {
		name                         string
		copies                       int
		sensitive, extractable, sign bool
		want                         error
	}{
		{"fit", 1, true, false, true, nil},
		{"extractable", 1, true, true, true, hsm.ErrKeyUnsafe},
		{"not sensitive", 1, false, false, true, hsm.ErrKeyUnsafe},
		{"does not sign", 1, true, false, false, hsm.ErrKeyUnsafe},
		{"twice", 2, true, false, true, hsm.ErrKeyAmbiguous},
		{"not there", 0, true, false, true, hsm.ErrKeyNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := fmt.Appendf(nil, "%s %s", c.name, rand.Text())
			both := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_ID, id)}
			p256 := []byte{0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07}
			for range c.copies {
				_, _, err := other.GenerateKeyPair(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_EC_KEY_PAIR_GEN, nil)},
					append(slices.Clone(both), pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, p256)),
					append(slices.Clone(both), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true), pkcs11.NewAttribute(pkcs11.CKA_SIGN, c.sign),
						pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, c.sensitive), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, c.extractable)))
				if err != nil {
					t.Fatal(err)
				}
			}
			if _, err := token.Key(t.Context(), id); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestMeasure counts whole mixes, and refuses what it cannot measure.
func TestMeasure(t *testing.T) {
	token := openToken(t, hsm.Config{ReadWrite: true, Sessions: 2})
	id, _ := newKey(t, token, sigalg.E256)
	key, err := token.Key(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	mix := []hsm.Share{{Key: key, Scheme: sigalg.ECDSASHA256, Count: 3}}
	before := token.Stats().Signatures
	rate, err := token.Measure(t.Context(), mix, 2, 50*time.Millisecond)
	if err != nil || rate.Units == 0 || rate.Signatures != 3*rate.Units || rate.PerSecond() <= rate.UnitsPerSecond() {
		t.Errorf("got %+v, %v", rate, err)
	}
	if n := token.Stats().Signatures - before; int(n) != rate.Signatures {
		t.Errorf("the token made %d signatures, want the %d that were counted", n, rate.Signatures)
	}
	if _, err := token.Measure(t.Context(), mix, 3, time.Millisecond); err == nil {
		t.Error("three workers with two sessions: got no error")
	}
	if _, err := token.Measure(t.Context(), nil, 1, time.Millisecond); err == nil {
		t.Error("empty mix: got no error")
	}
}
