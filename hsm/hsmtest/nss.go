package hsmtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"github.com/miekg/pkcs11"
)

// nssModules are the places where systems put NSS softokn.
var nssModules = []string{
	"/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
	"/usr/lib/aarch64-linux-gnu/libsoftokn3.so",
	"/usr/lib64/libsoftokn3.so",
	"/opt/homebrew/lib/libsoftokn3.dylib",
}

// NSS is a token of NSS softokn, an implementation of PKCS#11 that shares nothing with SoftHSM. It knows RSA and the curves of NIST.
type NSS struct {
	Module   string
	Reserved string // for hsm.Config: NSS reads its parameters from C_Initialize
	URI      string
}

// NewNSS makes a token in dir. No other user of the module may be open in the process.
func NewNSS(dir string) (*NSS, error) {
	n := &NSS{Reserved: fmt.Sprintf("configdir='sql:%s' certPrefix='' keyPrefix='' secmod='' flags=''", dir)}
	for _, m := range nssModules {
		if _, err := os.Stat(m); err == nil {
			n.Module = m
		}
	}
	if n.Module == "" {
		return nil, errors.New("NSS softokn is missing: install the package libnss3")
	}
	const pin = "a PIN for NSS"
	pinFile := filepath.Join(dir, "pin")
	if err := os.WriteFile(pinFile, []byte(pin), 0o600); err != nil {
		return nil, err
	}
	n.URI = "pkcs11:token=NSS%20Certificate%20DB?module-path=" + n.Module + "&pin-source=" + pinFile
	return n, n.initialize(pin)
}

// initialize sets the user PIN. A new token has an empty PIN of the security officer.
func (n *NSS) initialize(pin string) (err error) {
	c := pkcs11.New(n.Module)
	if c == nil {
		return fmt.Errorf("%s is not a PKCS#11 module for this machine", n.Module)
	}
	words := n.Reserved + "\x00"
	if err := c.Initialize(pkcs11.InitializeWithReserved(unsafe.Pointer(unsafe.StringData(words)))); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Finalize()) }()
	const database = 2 // the slot of NSS that keeps keys
	s, err := c.OpenSession(database, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return err
	}
	return errors.Join(c.Login(s, pkcs11.CKU_SO, ""), c.InitPIN(s, pin), c.Logout(s), c.CloseSession(s))
}
