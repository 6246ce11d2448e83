package hsm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
)

// PIN is a user PIN. Its octets are overwritten with zeros after the login that it was read for. However it is printed or logged,
// it shows nothing.
type PIN []byte

// Format prints "[PIN]", whatever the verb.
func (PIN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[PIN]") }

// LogValue logs "[PIN]".
func (PIN) LogValue() slog.Value { return slog.StringValue("[PIN]") }

// MarshalText encodes "[PIN]", in JSON too.
func (PIN) MarshalText() ([]byte, error) { return []byte("[PIN]"), nil }

// PINSource gives the user PIN of a token. It is called once per login, so that a change of the PIN is picked up. It must give a
// slice of its own each time, since the caller wipes it.
type PINSource func(context.Context) (PIN, error)

// maxPIN is more than any PIN has; it keeps a wrong path from being read whole.
const maxPIN = 4096

// PINFromFile reads the PIN from a file. One line end at the end is not part of the PIN.
func PINFromFile(path string) PINSource {
	return func(context.Context) (PIN, error) { return readPIN(path) }
}

// PINFromEnv reads the PIN from an environment variable. Every process of the same user can read it there, so that a file or a
// credential is better.
func PINFromEnv(name string) PINSource {
	return func(context.Context) (PIN, error) {
		v := os.Getenv(name)
		if v == "" {
			return nil, fmt.Errorf("environment variable %s is empty or not set", name)
		}
		return PIN(v), nil
	}
}

// PINFromCredential reads the PIN from a credential that systemd passes to a service (systemd.exec(5), LoadCredential=).
func PINFromCredential(name string) PINSource {
	return func(context.Context) (PIN, error) {
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return nil, errors.New("systemd passed no credentials: CREDENTIALS_DIRECTORY is not set")
		}
		if name != filepath.Base(name) {
			return nil, fmt.Errorf("%q is not the name of a credential", name)
		}
		return readPIN(filepath.Join(dir, name))
	}
}

// readPIN reads a PIN file into a buffer of its own, which is wiped but for the PIN itself.
func readPIN(path string) (PIN, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buf := make([]byte, maxPIN)
	defer clear(buf)
	n, err := io.ReadFull(f, buf)
	if err == nil {
		return nil, fmt.Errorf("%s is too long for a PIN", path)
	}
	if err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	pin := bytes.TrimSuffix(bytes.TrimSuffix(buf[:n], []byte("\n")), []byte("\r"))
	if len(pin) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	return bytes.Clone(pin), nil
}
