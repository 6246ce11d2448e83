package p11

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"unsafe"

	"github.com/miekg/pkcs11"
)

// fingerprint stands for a PIN of a token in the list of refused ones. It means nothing outside this process.
func (m *module) fingerprint(serial string, pin []byte) [32]byte {
	mac := hmac.New(sha256.New, m.marks[:])
	fmt.Fprintf(mac, "%d:%s", len(serial), serial)
	mac.Write(pin)
	return [32]byte(mac.Sum(nil))
}

// login makes sure that the user is logged in. Login belongs to the process and not to the session (PKCS #11 v3.1, Section
// 5.6.8): one session logs in for all, and when the last one is closed the token logs out. So each new session looks whether
// there is a login before it makes one.
//
// A PIN that the token has refused is not sent again. Tokens lock themselves after a few wrong PINs, and a server that starts,
// fails and is started again would lock every token it has.
func (p *Pool) login(ctx context.Context, h pkcs11.SessionHandle) error {
	p.mod.login.Lock()
	defer p.mod.login.Unlock()
	in, err := p.loggedIn(h)
	if err != nil || in {
		return err
	}
	pin, err := p.opt.PIN(ctx)
	defer clear(pin)
	if err != nil {
		return fmt.Errorf("read the PIN of token %q: %w", p.label, err)
	}
	if len(pin) == 0 {
		return fmt.Errorf("the PIN of token %q is empty", p.label)
	}
	mark := p.mod.fingerprint(p.serial, pin)
	if refused := p.mod.refused[mark]; refused != nil {
		return refused
	}
	p.count(func(s *Stats) { s.Logins++ })
	// A string that shares the octets of pin: the binding wants a string, and a copy could not be wiped.
	err = p.failed(wrap("C_Login", p.mod.c.Login(h, pkcs11.CKU_USER, unsafe.String(&pin[0], len(pin)))))
	if oneOf(err, []uint{pkcs11.CKR_USER_ALREADY_LOGGED_IN}) {
		return nil // an earlier call happened though its answer was lost
	}
	if oneOf(err, pinCodes) {
		refused := &PINError{token: p.label, cause: err}
		p.mod.refused[mark] = refused
		return refused
	}
	return err
}

// loggedIn tells whether the user is logged in.
func (p *Pool) loggedIn(h pkcs11.SessionHandle) (bool, error) {
	info, err := p.mod.c.GetSessionInfo(h)
	if err != nil {
		return false, p.failed(wrap("C_GetSessionInfo", err))
	}
	return info.State == pkcs11.CKS_RO_USER_FUNCTIONS || info.State == pkcs11.CKS_RW_USER_FUNCTIONS, nil
}
