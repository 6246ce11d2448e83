package ca

import (
	"context"
	"errors"
	"sync"
)

// errClosed says that the authority takes no more orders.
var errClosed = unavailable(errors.New("the authority is closing"))

// flights lets calls with the same order share one run, and keeps runs of one order id apart from each other.
//
// A run has its own goroutine and its own context, so that it outlives a caller that leaves while others wait for it. When the
// last caller leaves, the run is cancelled; a later call with the same id waits for it to end and starts another. For one order
// id there is never more than one run at a time in this process, which is what makes an open attempt found in the store a dead one,
// unless another server runs it.
type flights struct {
	mu      sync.Mutex
	running map[string]*flight // by order id
	closed  bool
	wg      sync.WaitGroup
}

// flight is one run. The fields below done are written before done is closed and read after.
type flight struct {
	hash    [32]byte
	cancel  context.CancelFunc
	callers int // guarded by flights.mu; at 0 the run is cancelled and nobody may join any more
	done    chan struct{}

	card *Card
	err  error
}

// do gives the result of run for an order. Calls with the same id and hash at the same time share it; a call with the same id and
// another hash waits until the other run has ended and then makes its own. The context's values, but not its end, reach run.
func (f *flights) do(ctx context.Context, id string, hash [32]byte, run func(context.Context) (*Card, error)) (*Card, error) {
	for {
		fl, joined, err := f.join(ctx, id, hash, run)
		if err != nil {
			return nil, err
		}
		select {
		case <-fl.done:
			if joined {
				return fl.result(ctx)
			}
		case <-ctx.Done():
			if joined {
				f.leave(fl)
			}
			return nil, ctx.Err()
		}
	}
}

// result gives what the run gave to one of its callers. A run that was cancelled while this caller was still waiting (Close does
// that) says nothing about the order.
func (fl *flight) result(ctx context.Context) (*Card, error) {
	if isContext(fl.err) && ctx.Err() == nil {
		return nil, unavailable(fl.err)
	}
	return fl.card, fl.err
}

// join starts a run or joins the one under way. Where the one under way is not this call's, it gives it for waiting.
func (f *flights) join(ctx context.Context, id string, hash [32]byte, run func(context.Context) (*Card, error)) (*flight, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.running[id]; fl != nil {
		if fl.hash != hash || fl.callers == 0 {
			return fl, false, nil
		}
		fl.callers++
		return fl, true, nil
	}
	if f.closed {
		return nil, false, errClosed
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	fl := &flight{hash: hash, cancel: cancel, callers: 1, done: make(chan struct{})}
	f.running[id] = fl
	f.wg.Go(func() {
		fl.card, fl.err = run(ctx)
		f.land(id, fl)
	})
	return fl, true, nil
}

// land ends a run. It leaves the map before its callers wake, so that none of them finds it there again.
func (f *flights) land(id string, fl *flight) {
	f.mu.Lock()
	delete(f.running, id)
	f.mu.Unlock()
	fl.cancel()
	close(fl.done)
}

// leave takes one caller off a run and cancels it after the last.
func (f *flights) leave(fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl.callers--; fl.callers == 0 {
		fl.cancel()
	}
}

// close refuses new runs and waits for those under way; when ctx ends, it cancels them and waits on. A cancelled run ends in
// bounded time.
func (f *flights) close(ctx context.Context) error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	idle := make(chan struct{})
	go func() {
		f.wg.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	f.mu.Lock()
	for _, fl := range f.running {
		fl.cancel()
	}
	f.mu.Unlock()
	<-idle
	return ctx.Err()
}
