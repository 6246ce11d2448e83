package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The story of this file: whose order is worked at when, and whose is refused. The clock is that of the bubble.

// began sends orders through a queue, in this order, each for one second, and gives the names in the order in which their work began.
func began(t *testing.T, q *queue, orders ...string) (order []string) {
	t.Helper()
	var mu sync.Mutex
	for i, name := range orders {
		c, operator := batched, name[:1]
		if name[0] == '!' {
			c = single
		}
		go func() {
			err := q.through(t.Context(), c, operator, func(context.Context) error {
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				time.Sleep(time.Second)
				return nil
			})
			if err != nil {
				t.Errorf("order %d: %v", i, err)
			}
		}()
		synctest.Wait()
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	return order
}

func TestQueueOrder(t *testing.T) {
	tests := []struct {
		name   string
		limits Limits
		orders []string
		want   []string
	}{
		{"first come, first served", Limits{AtOnce: 1, Waiting: 9}, []string{"a1", "a2", "a3"}, []string{"a1", "a2", "a3"}},
		{"operators take turns", Limits{AtOnce: 1, Waiting: 9}, []string{"a1", "a2", "a3", "b1", "b2", "c1"}, []string{"a1", "b1", "c1", "a2", "b2", "a3"}},
		{"a single card does not wait for a stream", Limits{AtOnce: 1, Waiting: 9}, []string{"a1", "a2", "!1"}, []string{"a1", "!1", "a2"}},
		{"single cards wait for each other", Limits{AtOnce: 1, Waiting: 9}, []string{"!1", "!2", "a1"}, []string{"!1", "a1", "!2"}},
		{"a quota leaves room", Limits{AtOnce: 2, Waiting: 9, Quota: map[string]int{"a": 1}}, []string{"a1", "a2", "b1"}, []string{"a1", "b1", "a2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(tt.limits)
				if got := began(t, q, tt.orders...); !slices.Equal(got, tt.want) {
					t.Errorf("they began as %q, want %q", got, tt.want)
				}
				if q.busy != [classes]int{} || len(q.by) != 0 {
					t.Errorf("in the end %v places are taken, by %v", q.busy, q.by)
				}
			})
		})
	}
}

// TestQueueLeaving: who leaves while it waits takes no place, and one who leaves at the moment of its turn gives it on.
func TestQueueLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(Limits{AtOnce: 1, Waiting: 9})
		release := make(chan struct{})
		go q.through(t.Context(), batched, "a", func(context.Context) error { <-release; return nil })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- q.through(ctx, batched, "b", func(context.Context) error { return nil }) }()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		close(release)
		synctest.Wait()
		if got := began(t, q, "c1"); !slices.Equal(got, []string{"c1"}) || q.busy[batched] != 0 {
			t.Errorf("then began %q, %d places are taken", got, q.busy[batched])
		}
	})
}

// TestQueueDeadline: once it is known how long an order takes, one that has less time is refused before its work begins; and one slow
// moment does not refuse orders for ever.
func TestQueueDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(Limits{AtOnce: 1, Waiting: 9})
		for range 40 {
			began(t, q, "!x")
		}
		try := func() (worked bool, err error) {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			err = q.through(ctx, single, "x", func(context.Context) error { worked = true; return nil })
			return worked, err
		}
		worked, err := try()
		var late *lateError
		if worked || !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("an order of 1 s with 500 ms left: worked at %t, %v; want it refused", worked, err)
		}
		for range 20 {
			if worked, _ = try(); worked {
				return
			}
		}
		t.Error("after 20 refusals no order was tried again")
	})
}

// TestTooManySingleCards: what could not be kept is refused at once, with a hint, and those that wait are served.
func TestTooManySingleCards(t *testing.T) {
	finish, began := make(chan struct{}), make(chan struct{}, 100)
	h := start(t, &fakeAuthority{issue: func(ctx context.Context, _ string, o *profiles.Order) (*ca.Card, error) {
		began <- struct{}{}
		<-finish
		return cardOf(o), nil
	}})
	line := h.line()
	const room = 4 + 4 // worked at, and waiting
	answered := make(chan error, room)
	for n := range room {
		go func() {
			err := status.Error(codes.ResourceExhausted, "") // as when the probe below had the last place for a moment
			for status.Code(err) == codes.ResourceExhausted && t.Context().Err() == nil {
				_, err = line.IssueCard(testContext(t), &siegelv1.IssueCardRequest{Order: numbered(n).GetOrder()})
			}
			answered <- err
		}()
	}
	for range testLimits.AtOnce {
		<-began
	}
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) { // until the last of them waits
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err = line.IssueCard(ctx, &siegelv1.IssueCardRequest{Order: numbered(99).GetOrder()})
		cancel()
		if status.Code(err) == codes.ResourceExhausted {
			break
		}
	}
	if status.Code(err) != codes.ResourceExhausted || retryHint(err) <= 0 {
		t.Errorf("one card too many is answered with %v, want RESOURCE_EXHAUSTED with a hint", err)
	}
	close(finish)
	for range room {
		if err := <-answered; err != nil {
			t.Errorf("a card that was waited for: %v", err)
		}
	}
}

// retryHint is when a status says to try again.
func retryHint(err error) time.Duration {
	for _, d := range status.Convert(err).Details() {
		if hint, is := d.(*errdetails.RetryInfo); is {
			return hint.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// TestTooManyStreams: one stream too many is refused, and there is room again when one ends.
func TestTooManyStreams(t *testing.T) {
	h := start(t, &fakeAuthority{issue: func(_ context.Context, _ string, o *profiles.Order) (*ca.Card, error) { return cardOf(o), nil }})
	open := func() (lineStream, context.CancelFunc, error) {
		ctx, cancel := context.WithCancel(testContext(t))
		stream := h.stream(ctx)
		if err := stream.Send(numbered(1)); err != nil && !errors.Is(err, io.EOF) { // io.EOF: it is refused already, and Recv says why
			return stream, cancel, err
		}
		_, err := stream.Recv()
		return stream, cancel, err
	}
	var last context.CancelFunc
	for n := range testLimits.Streams {
		_, cancel, err := open()
		if err != nil {
			t.Fatal(fmt.Errorf("stream %d: %w", n, err))
		}
		defer cancel()
		last = cancel
	}
	_, cancel, err := open()
	defer cancel()
	if status.Code(err) != codes.ResourceExhausted || retryHint(err) <= 0 {
		t.Errorf("one stream too many is answered with %v, want RESOURCE_EXHAUSTED with a hint", err)
	}
	last()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		_, cancel, err := open()
		defer cancel()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after a stream has ended another is refused: %v", err)
		}
	}
}
