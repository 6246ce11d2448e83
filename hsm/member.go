package hsm

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"
)

// member is one of several tokens that hold the same keys. It may not be open yet.
type member struct {
	cfg Config
	log *slog.Logger

	mu     sync.Mutex // guards what follows
	token  *Token     // nil until it opens
	err    error      // why it is not open
	heals  uint64     // of the token, when the copies were looked at
	copies map[string]copied
}

// copied is what was found under a CKA_ID: the key, or what is wrong with it.
type copied struct {
	key *Key
	err error
}

func (m *member) open(ctx context.Context) error {
	t, err := Open(ctx, m.cfg, m.log)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.token, m.err = t, err
	return err
}

// await opens the token as soon as it is there. It gives up where waiting does not help: the PIN is wrong.
func (m *member) await(ctx context.Context) {
	for {
		timer := time.NewTimer(lookAgain)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		switch err := m.open(ctx); {
		case err == nil:
			m.log.Info("token is there", "token", m.name())
			return
		case !mayPass(err):
			m.log.Error("token is not used", "token", m.name(), "cause", err)
			return
		}
	}
}

// opened gives the token, or nil.
func (m *member) opened() *Token {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.token
}

// state tells why the token would not sign now.
func (m *member) state() error {
	m.mu.Lock()
	t, err := m.token, m.err
	m.mu.Unlock()
	if t == nil {
		return err
	}
	return t.Ready()
}

// room is the number of sessions that are free, less the callers who wait; as little as can be where the token does not serve.
func (m *member) room() int {
	t := m.opened()
	if t == nil || t.Ready() != nil {
		return math.MinInt
	}
	return t.pool.Free()
}

// name is the label, as the configuration has it.
func (m *member) name() string {
	where, _, err := parseURI(m.cfg.URI)
	if err != nil {
		return ""
	}
	return where.Match.Label
}

// copy gives the key with the CKA_ID if its public half is the one that is wanted; nil wants any. What was found is known until
// the token has been away.
func (m *member) copy(ctx context.Context, id []byte, want crypto.PublicKey) (*Key, error) {
	m.mu.Lock()
	t, err := m.token, m.err
	if t == nil {
		m.mu.Unlock()
		return nil, err
	}
	heals := t.pool.Heals()
	if heals != m.heals {
		clear(m.copies)
		m.heals = heals
	}
	found, known := m.copies[string(id)]
	m.mu.Unlock()
	if known {
		return found.key, found.err
	}
	key, err := t.Key(ctx, id)
	if err == nil && want != nil && !sameKey(key.Public(), want) {
		err = fmt.Errorf("key %x of token %q: %w", id, m.name(), ErrKeyDiffers)
	}
	if err != nil && !lasting(err) {
		return nil, err
	}
	if err != nil {
		key = nil
		m.log.Error("token is not used for a key", "token", m.name(), "key", fmt.Sprintf("%x", id), "cause", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.heals == heals {
		m.copies[string(id)] = copied{key, err}
	}
	return key, err
}

// lasting tells what is wrong with the key itself, and not with the moment.
func lasting(err error) bool {
	return errors.Is(err, ErrKeyDiffers) || errors.Is(err, ErrKeyNotFound) || errors.Is(err, ErrKeyAmbiguous) || errors.Is(err, ErrKeyUnsafe)
}
