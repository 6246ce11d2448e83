package sqlite

import (
	"context"
	"fmt"
	"sync"
)

// watchers are those who want to know of changes of the status. There is one process, so that they need nothing of the database.
type watchers struct {
	mu  sync.Mutex
	all map[chan struct{}]bool // of one place each: what is told before the last telling was taken is told with it
}

func (w *watchers) add() chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[chan struct{}]bool{}
	}
	told := make(chan struct{}, 1)
	w.all[told] = true
	return told
}

func (w *watchers) remove(told chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, told)
}

func (w *watchers) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for told := range w.all {
		select {
		case told <- struct{}{}:
		default:
		}
	}
}

// WatchStatus implements ca.StatusStore.
func (s *Store) WatchStatus(ctx context.Context, changed func()) error {
	told := s.watchers.add()
	defer s.watchers.remove(told)
	for {
		changed()
		select {
		case <-told:
		case <-s.writer.closing:
			return fmt.Errorf("watch the status: %w", ErrClosed)
		case <-ctx.Done():
			return fmt.Errorf("watch the status: %w", ctx.Err())
		}
	}
}
