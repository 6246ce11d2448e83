package hsm_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
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

// keyAndSchemes is a key type with the schemes that it signs with, and the length of a signature.
type keyAndSchemes struct {
	kind    sigalg.KeyType
	schemes []sigalg.Scheme
	size    int
}

var schemes = []keyAndSchemes{
	{sigalg.R2048, []sigalg.Scheme{sigalg.RSAPKCS1SHA256, sigalg.RSAPSSSHA256}, 256},
	{sigalg.R3072, []sigalg.Scheme{sigalg.RSAPKCS1SHA256, sigalg.RSAPSSSHA256}, 384},
	{sigalg.E256, []sigalg.Scheme{sigalg.ECDSASHA256, sigalg.ECDSASHA384, sigalg.ECDSASHA512}, 64},
	{sigalg.E384, []sigalg.Scheme{sigalg.ECDSASHA256, sigalg.ECDSASHA384, sigalg.ECDSASHA512}, 96},
	{sigalg.E512, []sigalg.Scheme{sigalg.ECDSASHA256, sigalg.ECDSASHA384, sigalg.ECDSASHA512}, 128},
	{sigalg.P256, []sigalg.Scheme{sigalg.ECDSASHA256}, 64},
	{sigalg.Ed25519, []sigalg.Scheme{sigalg.PureEd25519}, 64},
}

// signEach creates a key in the real token and checks a signature of each scheme, and many at the same time.
func signEach(t *testing.T, token *hsm.Token, c keyAndSchemes) {
	t.Helper()
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
	if wrong := key.Departures(); len(wrong) > 0 {
		t.Errorf("the token says of the private half: %v", wrong)
	}
	check := func(scheme sigalg.Scheme, message string) {
		sig, err := key.Sign(t.Context(), scheme, []byte(message))
		if err == nil && len(sig) != c.size {
			err = fmt.Errorf("signature has %d octets, want %d", len(sig), c.size)
		}
		if err == nil {
			err = sigalg.Verify(key.Public(), scheme, []byte(message), sig)
		}
		if err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	for _, scheme := range c.schemes {
		check(scheme, "message for "+scheme.String())
	}
	var callers sync.WaitGroup
	for i := range 6 {
		callers.Go(func() { check(c.schemes[0], fmt.Sprint("message ", i)) })
	}
	callers.Wait()
}
