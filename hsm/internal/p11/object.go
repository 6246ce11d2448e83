package p11

import (
	"errors"

	"github.com/miekg/pkcs11"
)

// Find gives the objects that match a template, at most max.
func (s *Session) Find(max int, template ...*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	c := s.pool.mod.c
	if err := c.FindObjectsInit(s.h, template); err != nil {
		return nil, s.pool.failed(wrap("C_FindObjectsInit", err))
	}
	var found []pkcs11.ObjectHandle
	for len(found) < max {
		some, _, err := c.FindObjects(s.h, max-len(found))
		if err != nil {
			return nil, s.pool.failed(wrap("C_FindObjects", err)) // the session is closed after it, and the search with it
		}
		if len(some) == 0 {
			break
		}
		found = append(found, some...)
	}
	return found, s.pool.failed(wrap("C_FindObjectsFinal", c.FindObjectsFinal(s.h)))
}

// One gives the object of a class whose CKA_ID is id: ErrKeyNotFound or ErrKeyAmbiguous where there is not exactly one.
func (s *Session) One(class uint, id []byte) (pkcs11.ObjectHandle, error) {
	found, err := s.Find(2, pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_CLASS, class),
		pkcs11.NewAttribute(pkcs11.CKA_ID, id))
	switch {
	case err != nil:
		return 0, err
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return 0, ErrKeyAmbiguous
	}
	return 0, s.missing()
}

// missing tells why an object was not found. To a session without login the token shows no private objects, and it says nothing.
func (s *Session) missing() error {
	in, err := s.pool.loggedIn(s.h)
	if err == nil && !in {
		err = &Error{Call: "C_FindObjects", Code: pkcs11.CKR_USER_NOT_LOGGED_IN}
	}
	if err != nil {
		return err
	}
	return ErrKeyNotFound
}

// Value reads one attribute. The second result is false where the object does not have it.
func (s *Session) Value(object pkcs11.ObjectHandle, attribute uint) ([]byte, bool, error) {
	got, err := s.pool.mod.c.GetAttributeValue(s.h, object, []*pkcs11.Attribute{pkcs11.NewAttribute(attribute, nil)})
	if err != nil {
		err = wrap("C_GetAttributeValue", err)
		if oneOf(err, []uint{pkcs11.CKR_ATTRIBUTE_TYPE_INVALID, pkcs11.CKR_ATTRIBUTE_SENSITIVE}) {
			return nil, false, nil
		}
		return nil, false, s.pool.failed(err)
	}
	if len(got) != 1 || got[0].Value == nil {
		return nil, false, nil
	}
	return got[0].Value, true, nil
}

// Destroy removes objects from the token.
func (s *Session) Destroy(objects ...pkcs11.ObjectHandle) error {
	var errs []error
	for _, o := range objects {
		errs = append(errs, s.pool.failed(wrap("C_DestroyObject", s.pool.mod.c.DestroyObject(s.h, o))))
	}
	return errors.Join(errs...)
}
