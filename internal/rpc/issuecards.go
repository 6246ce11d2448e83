package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// IssueCards works at the orders of a stream, at most Limits.Window of them at a time. While the window is full nothing is received, so that
// gRPC's flow control slows the client down; an answer makes room when it has been handed to gRPC, which waits for a client that does not read.
//
// The end of the server ends the reading and not the work: the orders under way are answered, and the client sends the others to
// another server.
func (s *issuance) IssueCards(stream grpc.BidiStreamingServer[siegelv1.IssueCardsRequest, siegelv1.IssueCardsResponse]) error {
	leave, err := s.queue.stream()
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithCancelCause(lasting(stream.Context()))
	l := &line{issuance: s, stream: stream, ctx: ctx, cancel: cancel, places: make(chan struct{}, s.queue.limits.Window)}
	err = l.receive(stream.Context())
	l.work.Wait()
	cancel(nil)
	return l.end(err)
}

// line is one stream of orders.
type line struct {
	*issuance
	stream grpc.BidiStreamingServer[siegelv1.IssueCardsRequest, siegelv1.IssueCardsResponse]
	ctx    context.Context         // of the work; ends with the client, or when an answer cannot be sent
	cancel context.CancelCauseFunc // of ctx
	places chan struct{}           // one element for each order under way, and for the next to be received
	work   sync.WaitGroup          // orders under way

	sending sync.Mutex // gRPC wants one sender at a time
}

// errEnding says that the server was asked to end while a stream had more orders.
var errEnding = &ca.UnavailableError{Err: errors.New("the server ends"), RetryAfter: time.Second}

// end gives the error of the stream: what ended the work says more than what ended the reading.
func (l *line) end(err error) error {
	if cause := context.Cause(l.ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// received is what a stream gave: an order, or an order of the wrong shape, or the end.
type received struct {
	order *siegelv1.Order
	err   error
}

// receive takes orders until the client has sent its last (nil), or until the server is asked to end, or the client leaves.
func (l *line) receive(asked context.Context) error {
	next := make(chan received) // unbuffered: one order at most is read ahead
	go l.read(next)
	for {
		select {
		case l.places <- struct{}{}:
		case <-asked.Done():
			return errEnding
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		}
		select {
		case got := <-next:
			if got.order == nil {
				return got.err
			}
			l.work.Go(func() { l.serve(got) })
		case <-asked.Done():
			return errEnding
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		}
	}
}

// read is the one reader of the stream. It ends with it: gRPC ends a stream's reading when the handler returns.
func (l *line) read(next chan<- received) {
	for {
		var got received
		request := new(siegelv1.IssueCardsRequest)
		got.err = l.stream.RecvMsg(request)
		var refusal *profiles.Refusal
		switch {
		case errors.Is(got.err, io.EOF):
			got.err = nil
		case got.err == nil, errors.As(got.err, &refusal):
			got.order = request.GetOrder() // nil where the message holds none: nobody to whom the refusal could be told apart
		}
		select {
		case next <- got:
		case <-l.ctx.Done():
			return
		}
		if got.order == nil {
			return
		}
	}
}

// serve works at one order and sends its answer. The order is observed like a call: it has a request id and a line in the log.
func (l *line) serve(got received) {
	defer func() { <-l.places }()
	answer := &siegelv1.IssueCardsResponse{OrderId: got.order.GetOrderId()}
	err := l.observe(l.ctx, siegelv1.IssuanceService_IssueCards_FullMethodName, func(ctx context.Context) error {
		if got.err != nil {
			return got.err
		}
		_, card, err := l.issue(ctx, batched, got.order)
		answer.Result = &siegelv1.IssueCardsResponse_Card{Card: card}
		return err
	})
	if err != nil {
		answer.Result = &siegelv1.IssueCardsResponse_Error{Error: status.Convert(err).Proto()}
	}
	l.sending.Lock()
	defer l.sending.Unlock()
	if err := l.stream.Send(answer); err != nil {
		l.cancel(fmt.Errorf("send the answer to an order: %w", err))
	}
}
