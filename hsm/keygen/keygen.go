// Package keygen creates key pairs in a token. Only the ceremony program imports it: the server cannot create keys.
//
// A key pair is made in the token and stays there: its private half is a sensitive, non-extractable token object that signs and
// does nothing else (GS-A_4287, GS-A_4300). Package p11 says with which attributes; keygen.go creates, reads back and checks; destroy.go
// destroys and reads back that nothing is left.
package keygen

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/internal/p11"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// ErrExists says that the token has an object with this CKA_ID or this CKA_LABEL already. Nothing was created. The label counts
// because people tell keys apart by it: two of one name in a token are a mistake that shows years later.
var ErrExists = errors.New("token has an object with this CKA_ID or CKA_LABEL already")

// Spec says what key pair to create.
type Spec struct {
	ID    []byte         // CKA_ID of both halves, 1 to 64 octets
	Label string         // CKA_LABEL of both halves, not empty; for people
	Type  sigalg.KeyType // any of sigalg
}

// GenerateKey creates a key pair, reads it back, checks its attributes and lets it sign once to see that the halves belong
// together, before it returns the public half. A pair that fails the check is destroyed. The token must have been opened with
// Config.ReadWrite.
//
// If the token creates the pair and its answer is lost, the pair stays and the next call says ErrExists. Existing finds it then.
//
// Errors: ErrExists, those of hsm.Key.Sign, or a plain error that says what the token made of the request.
func GenerateKey(ctx context.Context, token *hsm.Token, spec Spec) (crypto.PublicKey, error) {
	t, err := spec.templates()
	if err != nil {
		return nil, err
	}
	unused := func(s *p11.Session) error { return free(s, spec) }
	generate := func(s *p11.Session) error {
		_, _, err := s.Generate(t)
		return err
	}
	if err := token.Use(ctx, unused, generate); err != nil {
		return nil, fmt.Errorf("create %s key %x: %w", spec.Type, spec.ID, err)
	}
	public, err := check(ctx, token, spec)
	if err != nil {
		gone := token.Use(context.WithoutCancel(ctx), nil, func(s *p11.Session) error { return destroy(s, spec.ID) })
		return nil, errors.Join(fmt.Errorf("new %s key %x: %w", spec.Type, spec.ID, err), gone)
	}
	return public, nil
}

// Existing gives the key pair that GenerateKey made for the Spec, with the checks that it makes: for a ceremony that did not hear how
// GenerateKey ended. Nothing is created or destroyed.
//
// Errors: hsm.ErrKeyNotFound (nothing has the CKA_ID or the CKA_LABEL), ErrExists (something else has one of them), those of
// hsm.Key.Sign, or a plain error that says how the key departs from the Spec.
func Existing(ctx context.Context, token *hsm.Token, spec Spec) (*hsm.Key, error) {
	if _, err := spec.templates(); err != nil {
		return nil, err
	}
	err := token.Use(ctx, func(s *p11.Session) error { return free(s, spec) }, nil)
	if err == nil {
		return nil, fmt.Errorf("%s key %x: %w", spec.Type, spec.ID, hsm.ErrKeyNotFound)
	}
	if !errors.Is(err, ErrExists) {
		return nil, fmt.Errorf("look for %s key %x: %w", spec.Type, spec.ID, err)
	}
	key, err := token.Key(ctx, spec.ID)
	switch {
	case errors.Is(err, hsm.ErrKeyNotFound), errors.Is(err, hsm.ErrKeyAmbiguous):
		return nil, fmt.Errorf("%w, and it is not one key pair: %v", ErrExists, err) // not ErrKeyNotFound: something is there
	case err != nil:
		return nil, err
	case key.Attributes().Label != spec.Label:
		return nil, fmt.Errorf("%w: key %x is labelled %q, want %q", ErrExists, spec.ID, key.Attributes().Label, spec.Label)
	}
	if _, err := check(ctx, token, spec); err != nil {
		return nil, fmt.Errorf("%s key %x: %w", spec.Type, spec.ID, err)
	}
	return key, nil
}

// free checks that no object of any class has the CKA_ID or the CKA_LABEL.
func free(s *p11.Session, spec Spec) error {
	for _, name := range []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_ID, spec.ID), pkcs11.NewAttribute(pkcs11.CKA_LABEL, spec.Label)} {
		found, err := s.Find(1, name)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return ErrExists
		}
	}
	return nil
}

// check reads the pair back, with what the token itself says of it, and lets it sign.
func check(ctx context.Context, token *hsm.Token, spec Spec) (crypto.PublicKey, error) {
	key, err := token.Key(ctx, spec.ID)
	if err != nil {
		return nil, err
	}
	if key.Type() != spec.Type {
		return nil, fmt.Errorf("the token made a %s key", key.Type())
	}
	if wrong := key.Departures(); len(wrong) > 0 {
		return nil, fmt.Errorf("the token made a private key that departs from the template: %v", wrong)
	}
	scheme := sigalg.PureEd25519
	if spec.Type != sigalg.Ed25519 {
		if scheme, err = sigalg.X509Scheme(spec.Type); err != nil {
			return nil, err
		}
	}
	message := []byte("the halves of this key pair belong together")
	signature, err := key.Sign(ctx, scheme, message)
	if err != nil {
		return nil, err
	}
	return key.Public(), sigalg.Verify(key.Public(), scheme, message, signature)
}

// destroy removes the objects that have the CKA_ID.
func destroy(s *p11.Session, id []byte) error {
	found, err := s.Find(2, pkcs11.NewAttribute(pkcs11.CKA_ID, id))
	if err != nil {
		return err
	}
	return s.Destroy(found...)
}
