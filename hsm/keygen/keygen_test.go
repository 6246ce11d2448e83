package keygen_test

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/keygen"
	"github.com/siegel-pki/siegel/hsm/softhsm"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openToken makes a token of its own for a test, and closes it with the test.
func openToken(t *testing.T) *hsm.Token {
	t.Helper()
	soft, err := softhsm.New(t.TempDir(), "keygen test")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", "") // back to what it was, after the test
	if err := soft.Use(); err != nil {
		t.Fatal(err)
	}
	token, err := hsm.Open(t.Context(), hsm.Config{URI: soft.URI(), ReadWrite: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Error(err)
		}
	})
	return token
}

// TestKeyStaysInTheToken creates a key of each type and asks the token what it may do (promise 8).
func TestKeyStaysInTheToken(t *testing.T) {
	token := openToken(t)
	for _, kind := range []sigalg.KeyType{sigalg.R2048, sigalg.R3072, sigalg.E256, sigalg.E384, sigalg.E512, sigalg.P256, sigalg.Ed25519} {
		t.Run(kind.String(), func(t *testing.T) {
			id := []byte("key " + kind.String())
			public, err := keygen.GenerateKey(t.Context(), token, keygen.Spec{ID: id, Label: "Test " + kind.String(), Type: kind})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := sigalg.TypeOf(public); err != nil || got != kind {
				t.Errorf("type: got %v, %v, want %v", got, err, kind)
			}
			if k, ok := public.(*rsa.PublicKey); ok && k.E != 65537 {
				t.Errorf("public exponent: got %d, want 65537", k.E)
			}
			key, err := token.Key(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			want := hsm.Attributes{Label: "Test " + kind.String(), Token: true, Private: true, Sensitive: true, AlwaysSensitive: true,
				NeverExtractable: true, Local: true, Sign: true}
			if got := key.Attributes(); got != want {
				t.Errorf("attributes: got %+v, want %+v", got, want)
			}
			if !bytes.Equal(key.ID(), id) || key.Type() != kind {
				t.Errorf("got id %q and type %v, want %q and %v", key.ID(), key.Type(), id, kind)
			}
		})
	}
}

// TestNothingIsOverwritten: a CKA_ID that is in use is refused, and the key that has it stays.
func TestNothingIsOverwritten(t *testing.T) {
	token := openToken(t)
	spec := keygen.Spec{ID: []byte("once"), Label: "x", Type: sigalg.E256}
	if _, err := keygen.GenerateKey(t.Context(), token, spec); err != nil {
		t.Fatal(err)
	}
	before, err := token.Key(t.Context(), spec.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []sigalg.KeyType{sigalg.E256, sigalg.R2048} {
		spec.Type = kind
		if _, err := keygen.GenerateKey(t.Context(), token, spec); !errors.Is(err, keygen.ErrExists) {
			t.Errorf("%s: got %v, want ErrExists", kind, err)
		}
	}
	spec.ID = []byte("twice")
	if _, err := keygen.GenerateKey(t.Context(), token, spec); !errors.Is(err, keygen.ErrExists) {
		t.Errorf("the same label: got %v, want ErrExists", err)
	}
	sig, err := before.Sign(t.Context(), sigalg.ECDSASHA256, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := sigalg.Verify(before.Public(), sigalg.ECDSASHA256, []byte("x"), sig); err != nil {
		t.Errorf("the first key: %v", err)
	}
}

// TestSpec refuses what makes no key.
func TestSpec(t *testing.T) {
	token := openToken(t)
	for _, c := range []struct {
		name string
		spec keygen.Spec
		want string
	}{
		{"no id", keygen.Spec{Label: "x", Type: sigalg.E256}, "CKA_ID has 0 octets"},
		{"long id", keygen.Spec{ID: make([]byte, 65), Label: "x", Type: sigalg.E256}, "CKA_ID has 65 octets"},
		{"no label", keygen.Spec{ID: []byte{1}, Type: sigalg.E256}, "no label"},
		{"no type", keygen.Spec{ID: []byte{1}, Label: "x"}, "KeyType(0)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := keygen.GenerateKey(t.Context(), token, c.spec); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
