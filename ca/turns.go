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
// waits here and not in the token's driver can still be overtaken, and costs no thread.
type turns struct {
	mu     sync.Mutex
	free   int       // signatures that may begin; not looked at where unbounded
	urgent list.List // of chan struct{}, closed when the turn comes
	others list.List

	unbounded bool
}

// newTurns lets n signatures be made at a time; 0 means any number.
func newTurns(n int) *turns { return &turns{free: n, unbounded: n == 0} }

// take waits for a turn. Who has one must give it back.
func (t *turns) take(ctx context.Context) error {
	if t.unbounded {
		return nil
	}
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	queue := &t.others
	if isUrgent(ctx) {
		queue = &t.urgent
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
	for _, queue := range []*list.List{&t.urgent, &t.others} {
		if first := queue.Front(); first != nil {
			close(queue.Remove(first).(chan struct{}))
			return
		}
	}
	t.free++
}
