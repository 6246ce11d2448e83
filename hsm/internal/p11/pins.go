package p11

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/miekg/pkcs11"
)

// pins is what this process learnt of PINs. Tokens lock themselves after a few wrong ones, and a wrong PIN in the configuration is
// wrong every time that it is sent. So:
//
//   - A PIN that a token refused is not sent to it again.
//   - A PIN that one token called wrong is not sent to another, unless that one has taken it before. Copies of a token share
//     their PIN, and a slip of the finger would otherwise cost each of them one try.
//   - A PIN whose login gave no answer is not sent again if the token counted a wrong one meanwhile: it was this one.
//
// It holds fingerprints under a key of the process, never a PIN.
type pins struct {
	key [32]byte

	// first is held while a PIN is under way to a token that never took it, so that a second copy of the token learns from the
	// first. Tokens that took theirs do not wait for each other.
	first sync.Mutex

	mu      sync.Mutex // guards what follows
	refused map[[32]byte]*PINError
	wrong   map[[32]byte]*PINError
	taken   map[[32]byte]bool
	unsure  map[[32]byte]bool // the last login gave no answer that says what became of the PIN
}

func newPins() *pins {
	p := &pins{refused: map[[32]byte]*PINError{}, wrong: map[[32]byte]*PINError{}, taken: map[[32]byte]bool{},
		unsure: map[[32]byte]bool{}}
	rand.Read(p.key[:]) // never fails (crypto/rand)
	return p
}

// fingerprint stands for a PIN, of one token or, with an empty name, of any.
func (p *pins) fingerprint(name string, pin []byte) [32]byte {
	mac := hmac.New(sha256.New, p.key[:])
	fmt.Fprintf(mac, "%d:%s", len(name), name)
	mac.Write(pin)
	return [32]byte(mac.Sum(nil))
}

// try sends a PIN to a token, unless it is known to be no good, and learns from the answer. counted tells that the token counts a
// wrong PIN since the last right one.
func (p *pins) try(label, serial string, pin []byte, counted bool, send func() error) error {
	here, anywhere := p.fingerprint(label+"/"+serial, pin), p.fingerprint("", pin)
	if !p.took(here) {
		p.first.Lock()
		defer p.first.Unlock()
	}
	if err := p.known(label, here, anywhere); err != nil {
		return err
	}
	p.mu.Lock()
	lost := counted && p.unsure[here]
	p.mu.Unlock()
	if lost {
		return &PINError{token: label, cause: errors.New("a login gave no answer, and the token counted a wrong PIN meanwhile")}
	}
	err := send()
	p.mu.Lock()
	defer p.mu.Unlock()
	refused, ok := err.(*PINError)
	p.unsure[here] = err != nil && !ok
	switch {
	case err == nil:
		p.taken[here] = true
	case ok && oneOf(refused.cause, wrongCodes):
		p.refused[here], p.wrong[anywhere] = refused, refused
	case ok:
		p.refused[here] = refused
	}
	return err
}

func (p *pins) took(here [32]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken[here]
}

// known tells what speaks against sending a PIN; nil where nothing does.
func (p *pins) known(label string, here, anywhere [32]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if refused := p.refused[here]; refused != nil {
		return refused
	}
	if wrong := p.wrong[anywhere]; wrong != nil && !p.taken[here] {
		return &PINError{token: label, cause: fmt.Errorf("it was not even sent: %w", wrong)}
	}
	return nil
}

// wrongCodes say that a PIN is wrong; the others of pinCodes, that the token takes none at the moment.
var wrongCodes = []uint{pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE}

// Latch remembers refused PINs longer than the process, which may be started again and again.
type Latch interface {
	// Barred tells why no PIN may be sent to a token; nil where it may.
	Barred(label, serial string) error
	// Refused notes that a token refused its PIN, and how. It returns when the note is on the disk.
	Refused(label, serial string, cause error) error
}
