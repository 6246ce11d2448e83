package main

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The pauses between two tries where the server does not ask for a longer one. Each is twice the one before, less up to half of
// itself by chance, so that many lines do not come back at the same moment.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// caller tries calls. It is safe for concurrent use.
type caller struct {
	timeout time.Duration
	// distrust tells why client and server do not trust each other, nil if they do or if it cannot be told. gRPC reports distrust
	// like a server that is away, but waiting does not mend it.
	distrust func(context.Context) error
	waiting  func(why string) // told before the first pause of a call
}

// call makes a call and, while the server is away, makes it again until the timeout. Every call of this client may be repeated:
// the server answers a repeated order with the card that it made before. An error is a *callError.
func call[T any](ctx context.Context, c *caller, doing string, try func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		answer, err := try(ctx)
		if err == nil {
			return answer, nil
		}
		st := status.Convert(err)
		if pause == firstPause {
			st = c.firstFailure(ctx, st)
		}
		if !isAway(st) || !sleep(ctx, max(jitter(pause), askedFor(st))) {
			var none T
			return none, &callError{doing: doing, status: st}
		}
	}
}

// firstFailure looks closer at the first failure of a call.
func (c *caller) firstFailure(ctx context.Context, st *status.Status) *status.Status {
	if !isAway(st) {
		return st
	}
	if err := c.distrust(ctx); err != nil {
		return status.New(codes.Unauthenticated, err.Error())
	}
	c.waiting(st.Message())
	return st
}

// isAway tells whether the same call may succeed later.
func isAway(st *status.Status) bool { return st.Code() == codes.Unavailable }

// askedFor is the pause that the server asks for.
func askedFor(st *status.Status) time.Duration {
	return detail[*errdetails.RetryInfo](st).GetRetryDelay().AsDuration()
}

func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2) }

// sleep waits, and tells whether there is still time for another try.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
