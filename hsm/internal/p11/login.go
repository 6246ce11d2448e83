package p11

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/miekg/pkcs11"
)

// login makes sure that the user is logged in. Login belongs to the process and not to the session (PKCS #11 v3.1, Section
// 5.6.8): one session logs in for all, and when the last one is closed the token logs out. So each new session looks whether
// there is a login before it makes one.
//
// A PIN that was refused is not sent again: see pins, and Latch for what outlives the process.
func (p *Pool) login(ctx context.Context, h pkcs11.SessionHandle) error {
	p.mod.login.Lock()
	defer p.mod.login.Unlock()
	in, err := p.loggedIn(h)
	if err != nil || in {
		return err
	}
	if p.opt.Latch != nil {
		if err := p.opt.Latch.Barred(p.label, p.serial); err != nil {
			return &PINError{token: p.label, cause: err}
		}
	}
	counted, err := p.spare()
	if err != nil {
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
	return p.mod.pins.try(p.label, p.serial, pin, counted, func() error { return p.send(h, pin) })
}

// spare looks at what the token says of its PIN before one is sent: the last try before it locks itself is left to a person.
// counted tells that a wrong PIN was sent since the last right one (PKCS #11 v3.1, Section 3.2, CKF_USER_PIN_COUNT_LOW,
// CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED).
func (p *Pool) spare() (counted bool, err error) {
	info, err := p.mod.c.GetTokenInfo(uint(p.slot.Load()))
	switch {
	case err != nil:
		return false, p.failed(wrap("C_GetTokenInfo", err))
	case info.Flags&pkcs11.CKF_USER_PIN_LOCKED != 0:
		return true, &PINError{token: p.label, cause: errors.New("the token says that its PIN is locked")}
	case info.Flags&pkcs11.CKF_USER_PIN_FINAL_TRY != 0:
		return true, &PINError{token: p.label, cause: errors.New("the token says that the next wrong PIN locks it; a person must log in once")}
	}
	return info.Flags&pkcs11.CKF_USER_PIN_COUNT_LOW != 0, nil
}

// send is the one place where a PIN goes to a token.
func (p *Pool) send(h pkcs11.SessionHandle, pin []byte) error {
	p.count(func(s *Stats) { s.Logins++ })
	// A string that shares the octets of pin: the binding wants a string, and a copy could not be wiped.
	err := p.failed(wrap("C_Login", p.mod.c.Login(h, pkcs11.CKU_USER, unsafe.String(&pin[0], len(pin)))))
	switch {
	case oneOf(err, []uint{pkcs11.CKR_USER_ALREADY_LOGGED_IN}):
		return nil // an earlier call happened though its answer was lost
	case !oneOf(err, pinCodes):
		return err
	}
	refused := &PINError{token: p.label, cause: err}
	if p.opt.Latch != nil {
		if err := p.opt.Latch.Refused(p.label, p.serial, err); err != nil {
			p.log.Error("the refusal of the PIN could not be noted for the next start", "token", p.label, "cause", err)
		}
	}
	return refused
}

// loggedIn tells whether the user is logged in.
func (p *Pool) loggedIn(h pkcs11.SessionHandle) (bool, error) {
	info, err := p.mod.c.GetSessionInfo(h)
	if err != nil {
		return false, p.failed(wrap("C_GetSessionInfo", err))
	}
	return info.State == pkcs11.CKS_RO_USER_FUNCTIONS || info.State == pkcs11.CKS_RW_USER_FUNCTIONS, nil
}
