package rpc

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/siegel-pki/siegel/ca"
)

// Limits bound what lines can ask for at a time. All fields are mandatory, but for Quota.
type Limits struct {
	// Window is how many orders of one stream are under way or wait at a time: enough that one of them always waits for its turn.
	Window int
	// AtOnce is how many orders of streams are worked at at a time: enough to keep the token busy while others of them are drafted and
	// recorded. Single cards have as many places again, so that they never wait for a stream.
	AtOnce int
	// Quota bounds AtOnce for an operator by name. An operator without a quota may have all of it while nobody else waits.
	Quota map[string]int
	// Waiting is how many single cards may wait; Streams how many streams may be open. What is beyond is refused at once.
	Waiting, Streams int
}

func (l *Limits) good() bool {
	return l.Window > 0 && l.AtOnce > 0 && l.Waiting > 0 && l.Streams > 0
}

// class is how an order came.
type class int

const (
	single  class = iota // by IssueCard: somebody waits for it
	batched              // on a stream
	classes
)

// queue stands before the road of an order: who may take it when. Single cards and orders of streams have places of their own. Among those
// that wait on streams the operators take turns, whatever their number of streams and orders; each is served in the order of arrival.
//
// It refuses what it could not keep: more waiting orders than there is room for, and an order whose deadline would pass on the road. Neither
// has left a trace then.
type queue struct {
	limits Limits

	mu      sync.Mutex // guards what follows
	busy    [classes]int
	by      map[string]int         // orders of streams that are worked at, by operator
	waiting [classes][]*waiter     // in the order of arrival
	took    [classes]time.Duration // what an order takes on the road, of late
	streams int
	last    string // operator whose order of a stream began last
}

// waiter is an order that waits for its turn.
type waiter struct {
	operator string
	turn     chan struct{} // closed when it comes
}

func newQueue(l Limits) *queue { return &queue{limits: l, by: map[string]int{}} }

// busyError says that there is no room. Nothing was recorded.
type busyError struct {
	what  string
	again time.Duration // when to try again
}

func (e *busyError) Error() string { return "too much to do: " + e.what }

// lateError says that a deadline is too near. Nothing was recorded.
type lateError struct{ left, needs time.Duration }

func (e *lateError) Error() string {
	return fmt.Sprintf("%s are left until the deadline, and an order takes %s now; nothing was recorded",
		e.left.Round(time.Millisecond), e.needs.Round(time.Millisecond))
}

func (e *lateError) Unwrap() error { return context.DeadlineExceeded }

// stream counts a stream in, and refuses it where there are too many.
func (q *queue) stream() (leave func(), err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.streams >= q.limits.Streams {
		return nil, &busyError{fmt.Sprintf("%d streams are open", q.streams), time.Second}
	}
	q.streams++
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.streams--
	}, nil
}

// through waits for an order's turn, has it worked at, and gives its place to the next.
func (q *queue) through(ctx context.Context, c class, operator string, work func(context.Context) error) error {
	if err := q.enter(ctx, c, operator); err != nil {
		return err
	}
	begun := time.Now()
	if c == single {
		ctx = ca.Urgent(ctx)
	}
	err := work(ctx)
	q.leave(c, operator, time.Since(begun), err == nil)
	return err
}

// enter waits for a turn.
func (q *queue) enter(ctx context.Context, c class, operator string) error {
	q.mu.Lock()
	if err := q.refuse(ctx, c); err != nil {
		q.mu.Unlock()
		return err
	}
	w := &waiter{operator, make(chan struct{})}
	q.waiting[c] = append(q.waiting[c], w)
	q.serve(c)
	q.mu.Unlock()
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting[c], w); i >= 0 {
		q.waiting[c] = slices.Delete(q.waiting[c], i, i+1)
		return ctx.Err()
	}
	q.free(c, operator) // its turn came at the same moment
	return ctx.Err()
}

// refuse tells why an order may not even wait. The caller holds mu.
func (q *queue) refuse(ctx context.Context, c class) error {
	if n := len(q.waiting[single]); c == single && n >= q.limits.Waiting {
		return &busyError{fmt.Sprintf("%d single cards wait", n), q.untilServed(n)}
	}
	deadline, has := ctx.Deadline()
	if left := time.Until(deadline); has && left < q.took[c] {
		late := &lateError{left, q.took[c]}
		q.took[c] -= q.took[c] / 8 // so that one slow moment does not refuse orders for ever
		return late
	}
	return nil
}

// untilServed says when n waiting orders will have been served. The caller holds mu.
func (q *queue) untilServed(n int) time.Duration {
	return max(100*time.Millisecond, q.took[single]*time.Duration(n)/time.Duration(q.limits.AtOnce))
}

// serve gives places to those who wait, as far as there are any. The caller holds mu.
func (q *queue) serve(c class) {
	for q.busy[c] < q.limits.AtOnce {
		i := q.next(c)
		if i < 0 {
			return
		}
		w := q.waiting[c][i]
		q.waiting[c] = slices.Delete(q.waiting[c], i, i+1)
		q.busy[c]++
		if c == batched {
			q.by[w.operator]++
			q.last = w.operator
		}
		close(w.turn)
	}
}

// next finds whose turn it is; -1: nobody's. Of streams it is the operator behind the last one, by name, whose quota is not used up. The caller
// holds mu.
func (q *queue) next(c class) int {
	if c == single {
		return min(len(q.waiting[c]), 1) - 1
	}
	best := -1
	for i, w := range q.waiting[c] {
		if quota, has := q.limits.Quota[w.operator]; has && q.by[w.operator] >= quota {
			continue
		}
		if best < 0 || q.sooner(w.operator, q.waiting[c][best].operator) {
			best = i
		}
	}
	return best
}

// sooner tells whether operator a's turn comes before b's: in a circle, beginning behind the last. The caller holds mu.
func (q *queue) sooner(a, b string) bool {
	if behindA, behindB := a > q.last, b > q.last; behindA != behindB {
		return behindA
	}
	return a < b
}

// leave gives a place back.
func (q *queue) leave(c class, operator string, took time.Duration, done bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if done {
		q.took[c] += (took - q.took[c]) / 8
	}
	q.free(c, operator)
}

// free makes a place free and gives it to the next. The caller holds mu.
func (q *queue) free(c class, operator string) {
	q.busy[c]--
	if c == batched {
		if q.by[operator]--; q.by[operator] == 0 {
			delete(q.by, operator)
		}
	}
	q.serve(c)
}
