package keygen_test

import (
	"crypto"
	"errors"
	"testing"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/keygen"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// TestDestroy destroys one of two keys: it is gone, the other signs, and the name may be used again.
func TestDestroy(t *testing.T) {
	token := openToken(t)
	doomed := keygen.Spec{ID: []byte("doomed"), Label: "Doomed", Type: sigalg.E256}
	stays := keygen.Spec{ID: []byte("stays"), Label: "Stays", Type: sigalg.E256}
	for _, spec := range []keygen.Spec{doomed, stays} {
		if _, err := keygen.GenerateKey(t.Context(), token, spec); err != nil {
			t.Fatal(err)
		}
	}
	if err := keygen.Destroy(t.Context(), token, doomed.ID, "Stays"); !errors.Is(err, keygen.ErrOtherLabel) {
		t.Errorf("by the label of another key: %v, want ErrOtherLabel", err)
	}
	if _, err := keygen.Existing(t.Context(), token, doomed); err != nil {
		t.Errorf("the refused call destroyed something: %v", err)
	}
	if err := keygen.Destroy(t.Context(), token, doomed.ID, doomed.Label); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Key(t.Context(), doomed.ID); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("the destroyed key: %v, want ErrKeyNotFound", err)
	}
	if err := keygen.Destroy(t.Context(), token, doomed.ID, doomed.Label); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("a second time: %v, want ErrKeyNotFound", err)
	}
	key, err := keygen.Existing(t.Context(), token, stays)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := key.Sign(t.Context(), sigalg.ECDSASHA256, []byte("x")); err != nil {
		t.Errorf("the other key: %v", err)
	}
	if _, err := keygen.GenerateKey(t.Context(), token, doomed); err != nil {
		t.Errorf("the name again: %v", err)
	}
}

// TestExisting finds the key of a Spec and takes no other for it.
func TestExisting(t *testing.T) {
	token := openToken(t)
	spec := keygen.Spec{ID: []byte("key"), Label: "Key", Type: sigalg.E256}
	if _, err := keygen.Existing(t.Context(), token, spec); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("before it is made: %v, want ErrKeyNotFound", err)
	}
	public, err := keygen.GenerateKey(t.Context(), token, spec)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keygen.Existing(t.Context(), token, spec)
	if err != nil {
		t.Fatal(err)
	}
	if k, ok := public.(interface{ Equal(crypto.PublicKey) bool }); !ok || !k.Equal(key.Public()) {
		t.Error("another public key")
	}
	for _, c := range []struct {
		name string
		spec keygen.Spec
		want error // nil: any
	}{
		{"other id", keygen.Spec{ID: []byte("other"), Label: "Key", Type: sigalg.E256}, keygen.ErrExists},
		{"other label", keygen.Spec{ID: []byte("key"), Label: "Other", Type: sigalg.E256}, keygen.ErrExists},
		{"other type", keygen.Spec{ID: []byte("key"), Label: "Key", Type: sigalg.E384}, nil},
		{"neither", keygen.Spec{ID: []byte("new"), Label: "New", Type: sigalg.E256}, hsm.ErrKeyNotFound},
	} {
		_, err := keygen.Existing(t.Context(), token, c.spec)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || errors.Is(err, hsm.ErrKeyNotFound) != (c.name == "neither") {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}
