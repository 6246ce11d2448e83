package hsm_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"fmt"
	"log/slog"
	"testing"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/keygen"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// openToken opens the test token and closes it with the test.
func openToken(t testing.TB, cfg hsm.Config) *hsm.Token {
	t.Helper()
	if cfg.URI == "" {
		cfg.URI = soft.URI()
	}
	token, err := hsm.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return token
}

// newKey creates a key pair with a random CKA_ID and gives its id and public half.
func newKey(t testing.TB, token *hsm.Token, kind sigalg.KeyType) ([]byte, crypto.PublicKey) {
	t.Helper()
	id := make([]byte, 8)
	rand.Read(id)
	public, err := keygen.GenerateKey(context.Background(), token, keygen.Spec{ID: id, Label: fmt.Sprintf("%s %x", t.Name(), id), Type: kind})
	if err != nil {
		t.Fatalf("create a %s key: %v", kind, err)
	}
	return id, public
}

// TestSign creates a key of each type in the real token and checks a signature of each scheme.
func TestSign(t *testing.T) {
	token := openToken(t, hsm.Config{ReadWrite: true})
	for _, c := range []struct {
		kind    sigalg.KeyType
		schemes []sigalg.Scheme
		size    int
	}{
		{sigalg.R2048, []sigalg.Scheme{sigalg.RSAPKCS1SHA256, sigalg.RSAPSSSHA256}, 256},
		{sigalg.R3072, []sigalg.Scheme{sigalg.RSAPKCS1SHA256, sigalg.RSAPSSSHA256}, 384},
		{sigalg.E256, []sigalg.Scheme{sigalg.ECDSASHA256, sigalg.ECDSASHA384, sigalg.ECDSASHA512}, 64},
		{sigalg.E384, []sigalg.Scheme{sigalg.ECDSASHA256, sigalg.ECDSASHA384, sigalg.ECDSASHA512}, 96},
		{sigalg.E512, []sigalg.Scheme{sigalg.ECDSASHA256, sigalg.ECDSASHA384, sigalg.ECDSASHA512}, 128},
		{sigalg.P256, []sigalg.Scheme{sigalg.ECDSASHA256}, 64},
		{sigalg.Ed25519, []sigalg.Scheme{sigalg.PureEd25519}, 64},
	} {
		t.Run(c.kind.String(), func(t *testing.T) {
			id, public := newKey(t, token, c.kind)
			key, err := token.Key(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := sigalg.TypeOf(key.Public()); err != nil || got != c.kind {
				t.Errorf("type of the public key: got %v, %v, want %v", got, err, c.kind)
			}
			if k := public.(interface{ Equal(crypto.PublicKey) bool }); !k.Equal(key.Public()) {
				t.Error("the key that was found is not the one that was created")
			}
			for _, scheme := range c.schemes {
				message := []byte("message for " + scheme.String())
				sig, err := key.Sign(t.Context(), scheme, message)
				if err != nil {
					t.Errorf("%s: %v", scheme, err)
					continue
				}
				if len(sig) != c.size {
					t.Errorf("%s: signature has %d octets, want %d", scheme, len(sig), c.size)
				}
				if err := sigalg.Verify(key.Public(), scheme, message, sig); err != nil {
					t.Errorf("%s: %v", scheme, err)
				}
			}
		})
	}
}
