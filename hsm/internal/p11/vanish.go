package p11

import (
	"errors"

	"github.com/miekg/pkcs11"
)

// errVanished says that a token shows none of the keys that it had: its login and sessions work, but what they open is empty. A
// module that lost its disk or its network does so. Unlike one missing key among others it is an outage.
var errVanished = errors.New("the token shows none of the keys that it had")

// remember notes that the token has a private key.
func (p *Pool) remember(id []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = map[string]bool{}
	}
	p.known[string(id)] = true
}

// remembered lists the keys that the token had.
func (p *Pool) remembered() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := make([]string, 0, len(p.known))
	for id := range p.known {
		ids = append(ids, id)
	}
	return ids
}

// present checks that the token still shows one of the keys that it had, if it had any.
func (s *Session) present() error {
	ids := s.pool.remembered()
	for _, id := range ids {
		_, err := s.One(pkcs11.CKO_PRIVATE_KEY, []byte(id))
		if !errors.Is(err, ErrKeyNotFound) {
			return err
		}
	}
	if len(ids) > 0 {
		return errVanished
	}
	return nil
}

// Forget says that a key is gone because it was destroyed: that the token does not show it any more is as it should be.
func (s *Session) Forget(id []byte) {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	delete(s.pool.known, string(id))
	delete(s.keys, string(id))
}
