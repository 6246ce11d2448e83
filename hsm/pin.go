package hsm

import (
	"context"
)

// PIN is a user PIN. Its octets are overwritten with zeros after the login that it was read for. However it is printed or logged,
// it shows nothing.
type PIN []byte

// PINSource gives the user PIN of a token. It is called once per login, so that a change of the PIN is picked up.
type PINSource func(context.Context) (PIN, error)

// PINFromFile reads the PIN from a file. Line ends at the end are not part of the PIN.
func PINFromFile(path string) PINSource { panic("not filled") }

// PINFromEnv reads the PIN from an environment variable.
func PINFromEnv(name string) PINSource { panic("not filled") }

// PINFromCredential reads the PIN from a credential that systemd passes to a service (systemd.exec(5), LoadCredential=).
func PINFromCredential(name string) PINSource { panic("not filled") }
