package ca

import (
	"container/list"
	"context"
	"sync"
)

// urgentKey marks contexts of orders that somebody waits for.
type urgentKey struct{}

// Urgent gives a context in which an order is somebody's who waits for it: its drafts go through the door before those of other orders. An
// order that joins a run under way does not hasten it.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

func isUrgent(ctx context.Context) bool { return ctx.Value(urgentKey{}) != nil }

// turns orders those who want to sign: as many at a time as the token has sessions, urgent ones first, then first come, first served. Who
// waits here and not in the token's driver can still be overtaken, and costs no thread. Where turns are few, one is kept for the urgent: they
// would wait for a whole signature else, each time, while of many turns one comes back at any moment.
type turns struct {
	mu     sync.Mutex
	free   int       // signatures that may begin; not looked at where unbounded
	kept   int       // of them, for urgent ones alone
	urgent list.List // of chan struct{}, closed when the turn comes
	others list.List

	unbounded bool
}

// manyTurns is how many are enough that none is kept.
const manyTurns = 8

// newTurns lets n signatures be made at a time; 0 means any number.
func newTurns(n int) *turns {
	t := &turns{free: n, unbounded: n == 0}
	if n > 1 && n < manyTurns {
		t.kept = 1
	}
	return t
}

// take waits for a turn. Who has one must give it back.
func (t *turns) take(ctx context.Context) error {
	if t.unbounded {
		return nil
	}
	queue, kept := &t.others, t.kept
	if isUrgent(ctx) {
		queue, kept = &t.urgent, 0
	}
	t.mu.Lock()
	if t.free > kept {
		t.free--
		t.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	place := queue.PushBack(turn)
	t.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	select {
	case <-turn: // it came at the same moment
		t.mu.Unlock()
		t.give()
	default:
		queue.Remove(place)
		t.mu.Unlock()
	}
	return ctx.Err()
}

// give gives a turn to the next.
func (t *turns) give() {
	if t.unbounded {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	queue := &t.urgent
	if queue.Len() == 0 && t.free > t.kept {
		queue = &t.others
	}
	if first := queue.Front(); first != nil {
		t.free--
		close(queue.Remove(first).(chan struct{}))
	}
}
