package p11

import (
	"context"
	"errors"

	"github.com/miekg/pkcs11"
)

// Sign lets the key whose CKA_ID is id sign data, which the mechanism may expect to be a digest. data must not be empty.
//
// C_Sign is called at most once; begun tells whether it was. Once it runs it cannot be interrupted; the context covers the wait
// for a session.
func (p *Pool) Sign(ctx context.Context, id []byte, m *pkcs11.Mechanism, data []byte) (signature []byte, begun bool, err error) {
	err = p.Use(ctx,
		func(s *Session) error { return s.SignInit(id, m) },
		func(s *Session) (err error) {
			begun = true
			signature, err = s.Sign(data)
			return err
		})
	if err != nil {
		return nil, begun, err
	}
	return signature, true, nil
}

// SignInit finds the private key and begins a signature.
func (s *Session) SignInit(id []byte, m *pkcs11.Mechanism) error {
	key, err := s.privateKey(id)
	if err != nil {
		return err
	}
	return s.SignInitWith(key, m)
}

// SignInitWith begins a signature with a private key that was found or made before.
func (s *Session) SignInitWith(key pkcs11.ObjectHandle, m *pkcs11.Mechanism) error {
	return s.pool.failed(wrap("C_SignInit", s.pool.mod.c.SignInit(s.h, []*pkcs11.Mechanism{m}, key)))
}

// Sign ends a signature that SignInit began.
func (s *Session) Sign(data []byte) ([]byte, error) {
	signature, err := s.pool.mod.c.Sign(s.h, data)
	if err != nil {
		return nil, s.pool.failed(wrap("C_Sign", err))
	}
	s.pool.count(func(st *Stats) { st.Signatures++ })
	return signature, nil
}

// privateKey gives the handle of a private key. Handles are looked up once per session: they may change when the token was away,
// and a session that was open then is not used again.
func (s *Session) privateKey(id []byte) (pkcs11.ObjectHandle, error) {
	if h, ok := s.keys[string(id)]; ok {
		return h, nil
	}
	h, err := s.One(pkcs11.CKO_PRIVATE_KEY, id)
	if errors.Is(err, ErrKeyNotFound) {
		if gone := s.present(); gone != nil {
			err = gone
		}
	}
	if err != nil {
		return 0, err
	}
	s.pool.remember(id)
	s.keys[string(id)] = h
	return h, nil
}
