package keygen

import (
	"context"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/internal/p11"
)

// ErrOtherLabel says that the key of a CKA_ID bears another label than the one to be destroyed. Nothing was destroyed.
var ErrOtherLabel = errors.New("the key has another label")

// Destroy destroys the key pair that has the CKA_ID, and reads back that nothing has the CKA_ID or the CKA_LABEL any more (GS-A_4289). The
// label must be the key's: it is what the people of the ceremony know the key by. The token must have been opened with Config.ReadWrite.
// Copies of the key in other tokens and backups stay: they are for people to find.
//
// If the token destroys the pair and its answer is lost, the next call says hsm.ErrKeyNotFound.
//
// Errors: hsm.ErrKeyNotFound (nothing has the CKA_ID), ErrOtherLabel, or a plain error; after it objects of the pair may be left, and
// Destroy may be called again.
func Destroy(ctx context.Context, token *hsm.Token, id []byte, label string) error {
	var doomed []pkcs11.ObjectHandle
	find := func(s *p11.Session) (err error) {
		if doomed, err = s.Find(maxObjects, pkcs11.NewAttribute(pkcs11.CKA_ID, id)); err != nil {
			return err
		}
		if len(doomed) == 0 {
			return hsm.ErrKeyNotFound
		}
		for _, object := range doomed {
			v, _, err := s.Value(object, pkcs11.CKA_LABEL)
			if err != nil {
				return err
			}
			if string(v) != label {
				return fmt.Errorf("%w: %q, not %q", ErrOtherLabel, v, label)
			}
		}
		return nil
	}
	act := func(s *p11.Session) error {
		s.Forget(id)
		return s.Destroy(doomed...)
	}
	if err := token.Use(ctx, find, act); err != nil {
		return fmt.Errorf("destroy key %x: %w", id, err)
	}
	gone := func(s *p11.Session) error { return free(s, Spec{ID: id, Label: label}) }
	if err := token.Use(ctx, gone, nil); err != nil {
		return fmt.Errorf("read back that key %x is gone: %w", id, err)
	}
	return nil
}

// maxObjects is more than the two objects of a key pair, so that a third would be seen and destroyed too.
const maxObjects = 8
