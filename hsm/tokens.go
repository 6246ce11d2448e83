package hsm

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrKeyDiffers says that a token has another key under the CKA_ID than its copies have. An operator must act: one of them was
// cloned at another time, or is another token.
var ErrKeyDiffers = errors.New("tokens that should hold the same keys have different ones")

// lookAgain is the pause between two looks for a token that was away when the others were opened.
const lookAgain = 400 * time.Millisecond

// Tokens are one token, or several that hold copies of the same keys. Signatures go to the one with the most room; what one
// cannot do because it is away, another does. The methods are safe for concurrent use.
type Tokens struct {
	members []*member
	log     *slog.Logger
	turn    atomic.Uint64 // whose turn it is where several have the same room

	end  context.CancelFunc // of the looking for absent tokens
	work sync.WaitGroup
}

// OpenTokens opens tokens that hold the same keys. One at least must open. Those that are away are looked for in the background,
// and serve as soon as they are there. A wrong PIN or configuration of any of them is an error: a person is there to mend it.
//
// Errors are those of Open.
func OpenTokens(ctx context.Context, configs []Config, log *slog.Logger) (_ *Tokens, err error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	ts := &Tokens{log: log}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	ts.end = end
	defer func() {
		if err != nil {
			err = errors.Join(err, ts.Close())
		}
	}()
	var absent []*member
	var away error
	for _, cfg := range configs {
		m := &member{cfg: cfg, log: log, copies: map[string]copied{}}
		ts.members = append(ts.members, m)
		if err := m.open(ctx); err != nil && !mayPass(err) {
			return nil, err
		} else if err != nil {
			away = cmp.Or(away, err)
			absent = append(absent, m)
		}
	}
	if len(absent) == len(ts.members) {
		return nil, cmp.Or(away, errors.New("no token is configured"))
	}
	for _, m := range absent {
		log.Error("token is away at the start", "token", m.name(), "cause", m.state())
		ts.work.Go(func() { m.await(life) })
	}
	return ts, nil
}

// mayPass tells the errors of Open after which the token may be there later.
func mayPass(err error) bool {
	_, away := errors.AsType[*Unavailable](err)
	return away || errors.Is(err, ErrNoToken)
}

// Close ends the looking for absent tokens and closes the others. It may be called more than once.
func (ts *Tokens) Close() error {
	ts.end()
	ts.work.Wait()
	var errs []error
	for _, m := range ts.members {
		if t := m.opened(); t != nil {
			errs = append(errs, t.Close())
		}
	}
	return errors.Join(errs...)
}

// Ready tells why no token would sign now, from what is known without asking them: nil as long as one serves.
func (ts *Tokens) Ready() error {
	var first error
	for _, m := range ts.members {
		err := m.state()
		if err == nil {
			return nil
		}
		first = cmp.Or(first, err)
	}
	return first
}

// TokenStats are the counters of one of the tokens.
type TokenStats struct {
	Label  string // of the token; where it was never there, as the configuration has it
	Serial string // "" where it was never there
	Stats         // all zero where it was never there
}

// Stats gives the counters of each token, in the order of the configuration.
func (ts *Tokens) Stats() []TokenStats {
	list := make([]TokenStats, len(ts.members))
	for i, m := range ts.members {
		list[i].Label = m.name()
		if t := m.opened(); t != nil {
			info := t.Info()
			list[i] = TokenStats{Label: info.Label, Serial: info.Serial, Stats: t.Stats()}
		}
	}
	return list
}

// Infos are what the tokens that are open said about themselves.
func (ts *Tokens) Infos() []Info {
	var list []Info
	for _, m := range ts.members {
		if t := m.opened(); t != nil {
			list = append(list, t.Info())
		}
	}
	return list
}

// Sessions is the greatest number of signatures that the tokens make at the same time, as far as they are open.
func (ts *Tokens) Sessions() int {
	n := 0
	for _, info := range ts.Infos() {
		n += info.Sessions
	}
	return n
}

// Key finds a key by its CKA_ID in every token that is open and checks that it is the same. Tokens that come later are checked
// before they first sign with it, and so are those that were away and came back.
//
// Errors: those of Token.Key, and ErrKeyDiffers. A token that is there and does not have the key is an error too.
func (ts *Tokens) Key(ctx context.Context, id []byte) (*SharedKey, error) {
	k := &SharedKey{tokens: ts, id: slices.Clone(id)}
	var away error
	for _, m := range ts.members {
		key, err := m.copy(ctx, id, k.public)
		switch {
		case err == nil:
			k.public = key.Public()
		case m.state() != nil || mayPass(err):
			away = cmp.Or(away, err)
		default:
			return nil, err
		}
	}
	if k.public == nil {
		return nil, away
	}
	return k, nil
}

// byRoom lists the tokens, the one with the most free sessions first.
func (ts *Tokens) byRoom() []*member {
	if len(ts.members) == 1 {
		return ts.members
	}
	type place struct {
		m    *member
		room int
	}
	first := int(ts.turn.Add(1) % uint64(len(ts.members)))
	places := make([]place, 0, len(ts.members))
	for i := range ts.members {
		m := ts.members[(first+i)%len(ts.members)]
		places = append(places, place{m, m.room()})
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(b.room, a.room) })
	list := make([]*member, len(places))
	for i, p := range places {
		list[i] = p.m
	}
	return list
}

// sameKey compares public keys; each kind that a token gives has Equal.
func sameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}
