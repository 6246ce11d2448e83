package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The story of this file: a stream of orders. Every order gets its answer, whatever becomes of the others; the server takes no more than it
// can work at; and whichever side ends, no order under way is forgotten.

type lineStream = grpc.BidiStreamingClient[siegelv1.IssueCardsRequest, siegelv1.IssueCardsResponse]

func (h *harness) stream(ctx context.Context) lineStream {
	h.t.Helper()
	stream, err := h.line().IssueCards(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	return stream
}

// numbered is a good order with an id of its own.
func numbered(n int) *siegelv1.IssueCardsRequest {
	o := goodOrder()
	o.OrderId = fmt.Sprintf("order-%d", n)
	return &siegelv1.IssueCardsRequest{Order: o}
}

// cardOf is an authority's answer to any order.
func cardOf(o *profiles.Order) *ca.Card {
	return &ca.Card{CardSummary: ca.CardSummary{OrderID: o.ID, ICCSN: o.ICCSN}}
}

// answers reads n answers of a stream, by order.
func answers(t *testing.T, stream lineStream, n int) map[string]*siegelv1.IssueCardsResponse {
	t.Helper()
	got := map[string]*siegelv1.IssueCardsResponse{}
	for range n {
		answer, err := stream.Recv()
		if err != nil {
			t.Fatalf("after %d answers: %v", len(got), err)
		}
		if got[answer.GetOrderId()] != nil {
			t.Fatalf("order %s was answered twice", answer.GetOrderId())
		}
		got[answer.GetOrderId()] = answer
	}
	return got
}

// TestIssueCards sends good orders, one that the planner refuses and one of the wrong shape: each gets its own answer, and a refusal is
// the one that IssueCard gives.
func TestIssueCards(t *testing.T) {
	refusal := &profiles.Refusal{Violations: []profiles.Violation{{Field: "sector", Rule: "SECTOR", Citation: "somewhere", Message: "no"}}}
	h := start(t, &fakeAuthority{issue: func(_ context.Context, actor string, o *profiles.Order) (*ca.Card, error) {
		switch {
		case actor != "line-1":
			return nil, fmt.Errorf("actor %q", actor)
		case o.ID == "order-3":
			return nil, refusal
		case o.ID == "order-5":
			panic("a fault")
		}
		return cardOf(o), nil
	}})
	stream := h.stream(testContext(t))
	const orders = 20
	go func() {
		for n := range orders {
			request := numbered(n)
			if n == 7 {
				request.Order.Keys = nil
			}
			if err := stream.Send(request); err != nil {
				t.Error(err)
			}
		}
		if err := stream.CloseSend(); err != nil {
			t.Error(err)
		}
	}()
	got := answers(t, stream, orders)
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ends with %v, want EOF", err)
	}
	for n := range orders {
		request := numbered(n)
		answer := got[request.GetOrder().GetOrderId()]
		want := map[int]codes.Code{3: codes.InvalidArgument, 5: codes.Internal, 7: codes.InvalidArgument}[n]
		if code := codes.Code(answer.GetError().GetCode()); code != want || (want == codes.OK) != (answer.GetCard().GetOrderId() == answer.GetOrderId()) {
			t.Errorf("order %d is answered with %v, want code %s", n, answer, want)
		}
	}
	_, err := h.line().IssueCard(testContext(t), &siegelv1.IssueCardRequest{Order: numbered(3).GetOrder()})
	one, other := status.FromProto(got["order-3"].GetError()), status.Convert(err)
	if one.Message() != other.Message() || !reflect.DeepEqual(detailText(one), detailText(other)) {
		t.Errorf("a refusal is %v, want that of IssueCard: %v", one, other)
	}
	h.waitForLog(`"code":"Internal"`)
}

// detailText gives the details of a status as text: their octets may differ, as maps have no order.
func detailText(s *status.Status) (all []string) {
	for _, d := range s.Details() {
		all = append(all, prototext.Format(d.(proto.Message)))
	}
	return all
}

// TestIssueCardsWithoutOrder: what has no order id cannot be answered apart, so that it ends the stream.
func TestIssueCardsWithoutOrder(t *testing.T) {
	h := start(t, &fakeAuthority{})
	stream := h.stream(testContext(t))
	if err := stream.Send(&siegelv1.IssueCardsRequest{}); err != nil {
		t.Fatal(err)
	}
	if answer, err := stream.Recv(); status.Code(err) != codes.InvalidArgument {
		t.Errorf("got %v, %v, want INVALID_ARGUMENT", answer, err)
	}
}

// TestIssueCardsAnswersAsTheyCome: an order that takes long does not keep back the answers to those behind it.
func TestIssueCardsAnswersAsTheyCome(t *testing.T) {
	slow := make(chan struct{})
	h := start(t, &fakeAuthority{issue: func(_ context.Context, _ string, o *profiles.Order) (*ca.Card, error) {
		if o.ID == "order-0" {
			<-slow
		}
		return cardOf(o), nil
	}})
	stream := h.stream(testContext(t))
	for n := range 3 {
		if err := stream.Send(numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
	if got := answers(t, stream, 2); got["order-0"] != nil {
		t.Errorf("the slow order was answered first: %v", got)
	}
	close(slow)
	if got := answers(t, stream, 1); got["order-0"] == nil {
		t.Errorf("got %v, want the answer to the slow order", got)
	}
}

// TestIssueCardsBackPressure sends as much as it can while no order ends: the server works at as many as the window holds, and the client
// is stopped by flow control long before it has sent all.
func TestIssueCardsBackPressure(t *testing.T) {
	var atOnce, most atomic.Int32
	finish := make(chan struct{})
	h := start(t, &fakeAuthority{issue: func(_ context.Context, _ string, o *profiles.Order) (*ca.Card, error) {
		now := atOnce.Add(1)
		defer atOnce.Add(-1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		<-finish
		return cardOf(o), nil
	}})
	stream := h.stream(testContext(t))
	const orders = 2000
	var sent atomic.Int32
	var sender sync.WaitGroup
	sender.Go(func() {
		for n := range orders {
			request := numbered(n)
			request.Order.Keys[0].Key = &siegelv1.SlotKey_Spki{Spki: make([]byte, 2000)}
			if err := stream.Send(request); err != nil {
				t.Error(err)
				return
			}
			sent.Add(1)
		}
	})
	last := int32(-1)
	for last != sent.Load() || last == 0 { // until it stands still
		last = sent.Load()
		time.Sleep(200 * time.Millisecond)
	}
	if last > orders/2 {
		t.Errorf("the client could send %d of %d orders of 2 kB while none was answered", last, orders)
	}
	if n := atOnce.Load(); n != testWindow {
		t.Errorf("%d orders are under way, want %d", n, testWindow)
	}
	close(finish)
	answers(t, stream, orders)
	sender.Wait()
	if n := most.Load(); n > testWindow {
		t.Errorf("%d orders were under way at a time, want %d at most", n, testWindow)
	}
}

// TestIssueCardsAtTheEnd asks the server to end while orders are under way: they are answered, and the stream ends with a hint to try again.
func TestIssueCardsAtTheEnd(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	h := start(t, &fakeAuthority{issue: func(ctx context.Context, _ string, o *profiles.Order) (*ca.Card, error) {
		began <- struct{}{}
		select {
		case <-finish:
			return cardOf(o), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}})
	h.server.grace = time.Minute
	stream := h.stream(testContext(t))
	for n := range 2 {
		if err := stream.Send(numbered(n)); err != nil {
			t.Fatal(err)
		}
		<-began
	}
	h.stop()
	waitForRefusal(t, h)
	close(finish)
	answers(t, stream, 2)
	_, err := stream.Recv()
	if status.Code(err) != codes.Unavailable {
		t.Fatalf("the stream ends with %v, want UNAVAILABLE", err)
	}
	var hint bool
	for _, d := range status.Convert(err).Details() {
		_, is := d.(*errdetails.RetryInfo)
		hint = hint || is
	}
	if !hint {
		t.Error("the end of the stream says not when to try again")
	}
	if err := <-h.ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// TestIssueCardsClientLeaves: who leaves is not worked for any more, and the handler ends.
func TestIssueCardsClientLeaves(t *testing.T) {
	began, left := make(chan struct{}), make(chan struct{})
	h := start(t, &fakeAuthority{issue: func(ctx context.Context, _ string, _ *profiles.Order) (*ca.Card, error) {
		close(began)
		<-ctx.Done()
		close(left)
		return nil, ctx.Err()
	}})
	ctx, cancel := context.WithCancel(testContext(t))
	stream := h.stream(ctx)
	if err := stream.Send(numbered(0)); err != nil {
		t.Fatal(err)
	}
	<-began
	cancel()
	select {
	case <-left:
	case <-time.After(5 * time.Second):
		t.Fatal("the order of a client that has left is still under way")
	}
}
