// Package softhsm makes a throwaway SoftHSM token for tests, the demo and the quick start. Its keys are files on a disk: it is no
// place for a key that matters.
package softhsm

// Token is a SoftHSM token in a directory of its own.
type Token struct {
	Dir    string // holds everything; private to the user
	Conf   string // SoftHSM's configuration file
	Module string // path of libsofthsm2.so
	Label  string // label of the token
	PIN    string // user PIN
	SOPIN  string // security officer's PIN
}

// New makes a token in dir, which is created where it does not exist. A directory that has a token already is an error: see Load.
// An error names the package to install where SoftHSM is missing.
func New(dir, label string) (*Token, error) { panic("not filled") }

// Load finds the token that New made in dir.
func Load(dir string) (*Token, error) { panic("not filled") }

// URI names the token, its module and the file of its PIN (RFC 7512).
func (t *Token) URI() string { panic("not filled") }

// PINFile is the path of the file that holds the user PIN.
func (t *Token) PINFile() string { panic("not filled") }

// Env is the line that a process which uses the token needs in its environment: SOFTHSM2_CONF=...
func (t *Token) Env() string { panic("not filled") }

// Use sets Env for this process and its future children. SoftHSM reads it when a module is initialized, so that a process uses one
// directory at a time: call Use before hsm.Open, and close what another directory serves first.
func (t *Token) Use() error { panic("not filled") }
