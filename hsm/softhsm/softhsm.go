// Package softhsm makes a throwaway SoftHSM token for tests, the demo and the quick start. Its keys are files on a disk: it is no
// place for a key that matters.
package softhsm

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Token is a SoftHSM token in a directory of its own.
type Token struct {
	Dir    string // absolute path; holds everything; private to the user
	Conf   string // SoftHSM's configuration file
	Module string // path of libsofthsm2.so
	Label  string // label of the token
	PIN    string // user PIN
	SOPIN  string // security officer's PIN; only New knows it
}

// modules are the places where systems put the library.
var modules = []string{
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so",
	"/usr/lib64/libsofthsm2.so",
	"/usr/local/lib/softhsm/libsofthsm2.so",
	"/opt/homebrew/lib/softhsm/libsofthsm2.so",
}

// maxLabel is the length of a token's label (PKCS #11 v3.1, Section 3.2, CK_TOKEN_INFO).
const maxLabel = 32

// Names of the files in the directory.
const (
	confFile  = "softhsm2.conf"
	pinFile   = "pin"
	labelFile = "label"
	tokenDir  = "tokens"
)

// New makes a token in dir, which is created where it does not exist. A directory that has a token already is an error: see Load.
// An error names the package to install where SoftHSM is missing.
func New(dir, label string) (*Token, error) {
	if label == "" || len(label) > maxLabel {
		return nil, fmt.Errorf("label has %d octets, want 1 to %d", len(label), maxLabel)
	}
	t, err := at(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(t.PINFile()); err == nil {
		return nil, fmt.Errorf("%s has a token already", t.Dir)
	}
	t.Label, t.PIN, t.SOPIN = label, rand.Text(), rand.Text()
	conf := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
		filepath.Join(t.Dir, tokenDir))
	if err := errors.Join(os.MkdirAll(filepath.Join(t.Dir, tokenDir), 0o700), os.WriteFile(t.Conf, []byte(conf), 0o600)); err != nil {
		return nil, err
	}
	if err := t.initialize(); err != nil {
		return nil, err
	}
	return t, errors.Join(
		os.WriteFile(filepath.Join(t.Dir, labelFile), []byte(label+"\n"), 0o600),
		os.WriteFile(t.PINFile(), []byte(t.PIN+"\n"), 0o600)) // last: it says that the token is complete
}

// Load finds the token that New made in dir.
func Load(dir string) (*Token, error) {
	t, err := at(dir)
	if err != nil {
		return nil, err
	}
	label, err1 := os.ReadFile(filepath.Join(t.Dir, labelFile))
	pin, err2 := os.ReadFile(t.PINFile())
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("no token in %s: %w", t.Dir, err)
	}
	t.Label, t.PIN = strings.TrimSpace(string(label)), strings.TrimSpace(string(pin))
	return t, nil
}

// at gives the token's paths.
func at(dir string) (*Token, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for _, m := range modules {
		if _, err := os.Stat(m); err == nil {
			return &Token{Dir: dir, Conf: filepath.Join(dir, confFile), Module: m}, nil
		}
	}
	return nil, errors.New("SoftHSM is missing: install the package softhsm2 (apt-get install softhsm2, brew install softhsm)")
}

// initialize lets SoftHSM's own program make the token: in this process the module may be in use already. Other users of the machine
// can see the PINs while it runs.
func (t *Token) initialize() error {
	util, err := exec.LookPath("softhsm2-util")
	if err != nil {
		return fmt.Errorf("softhsm2-util is missing: install the package softhsm2: %w", err)
	}
	cmd := exec.Command(util, "--module", t.Module, "--init-token", "--free", "--label", t.Label, "--so-pin", t.SOPIN, "--pin", t.PIN)
	cmd.Env = append(os.Environ(), t.Env())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("softhsm2-util --init-token: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// URI names the token, its module and the file of its PIN (RFC 7512).
func (t *Token) URI() string {
	return "pkcs11:token=" + escape(t.Label) + "?module-path=" + escape(t.Module) + "&pin-source=" + escape(t.PINFile())
}

// escape writes a value of a URI attribute (RFC 7512, Section 2.3): a space is %20, and a slash needs no escape.
func escape(v string) string {
	return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(v))
}

// PINFile is the path of the file that holds the user PIN.
func (t *Token) PINFile() string { return filepath.Join(t.Dir, pinFile) }

// Env is the line that a process which uses the token needs in its environment: SOFTHSM2_CONF=...
func (t *Token) Env() string { return "SOFTHSM2_CONF=" + t.Conf }

// Use sets Env for this process and its future children. SoftHSM reads it when a module is initialized, so that a process uses
// one directory at a time: call Use before hsm.Open, and close what another directory serves first.
func (t *Token) Use() error { return os.Setenv("SOFTHSM2_CONF", t.Conf) }
