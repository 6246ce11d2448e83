package hsm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
)

// KeptPIN holds a PIN that people gave once, for the logins of this process: a token that was away wants it again. It lies in
// memory that is not swapped out and that the garbage collector does not copy. It is safe for concurrent use.
type KeptPIN struct {
	mu   sync.Mutex
	page []byte // nil after Wipe
	n    int
}

// KeepPIN moves a PIN into memory of its own and overwrites the one that it is given with zeros.
func KeepPIN(pin PIN) (*KeptPIN, error) {
	defer clear(pin)
	if len(pin) == 0 || len(pin) > maxPIN {
		return nil, fmt.Errorf("the PIN has %d octets, want 1 to %d", len(pin), maxPIN)
	}
	page, err := syscall.Mmap(-1, 0, maxPIN, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("get memory for the PIN: %w", err)
	}
	if err := syscall.Mlock(page); err != nil {
		return nil, errors.Join(fmt.Errorf("keep the memory of the PIN from being swapped out (RLIMIT_MEMLOCK): %w", err), syscall.Munmap(page))
	}
	return &KeptPIN{page: page, n: copy(page, pin)}, nil
}

// Source gives the PIN at each login.
func (k *KeptPIN) Source() PINSource {
	return func(context.Context) (PIN, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.page == nil {
			return nil, errors.New("the PIN was wiped")
		}
		pin := make(PIN, k.n)
		copy(pin, k.page)
		return pin, nil
	}
}

// Wipe overwrites the PIN with zeros and gives the memory back. It may be called more than once.
func (k *KeptPIN) Wipe() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.page == nil {
		return nil
	}
	clear(k.page)
	page := k.page
	k.page = nil
	return syscall.Munmap(page)
}
