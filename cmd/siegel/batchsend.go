package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// sender takes the orders of a batch to the server and their cards back, over one IssueCards stream after the other, until every order has
// its answer. It sends again what is not answered when a stream ends, which never makes a second card.
//
// At most window orders are in memory. An order leaves when its card is on the disk, or when it is refused: so the disk, too, slows the
// server down.
type sender struct {
	client   siegelv1.IssuanceServiceClient
	next     func() (*orderLine, error)             // the next order to send; io.EOF after the last. Called by one goroutine at a time
	keep     func(*orderLine, *siegelv1.Card) error // brings a card to the disk; called by several goroutines
	refuse   func(*orderLine, *status.Status)       // called by one goroutine at a time
	waiting  func(why string)                       // told when the server is found away
	distrust func(context.Context) error            // see caller
	patience time.Duration                          // how long no card need come before the sender gives up
	window   int
	writers  int // cards that are brought to the disk at a time

	mu     sync.Mutex            // guards what follows
	open   map[string]*sentOrder // by order id: those that were taken from next and have not left
	ended  bool                  // next has no more
	moved  time.Time             // when an order left last, or the sender began
	failed error                 // why an order's card could not be kept: ends the sender
}

// sentOrder is an order that has no final answer.
type sentOrder struct {
	line  *orderLine
	tries int  // answers that asked to try again; the receiver's
	sent  bool // and not answered; guarded by sender.mu
}

// errMore says that a stream has ended with orders unanswered.
var errMore = errors.New("the server has ended the stream")

// run sends everything. nil says that every order has left; a status with code UNAVAILABLE, that patience has run out.
func (s *sender) run(ctx context.Context) error {
	s.open, s.moved = map[string]*sentOrder{}, time.Now()
	for pause := firstPause; ; {
		before := s.lastMove()
		err := s.stream(ctx)
		if err == nil || ctx.Err() != nil || s.failure() != nil {
			return errors.Join(s.failure(), ctx.Err())
		}
		st := status.Convert(err)
		if !mayResume(st) {
			return &callError{doing: "issue cards", status: st, order: true}
		}
		if err := s.distrust(ctx); err != nil {
			return &callError{doing: "issue cards", status: status.New(codes.Unauthenticated, err.Error())}
		}
		if s.lastMove() != before {
			pause = firstPause
		}
		if time.Since(s.lastMove()) > s.patience {
			return &callError{doing: fmt.Sprintf("issue cards; none has come for %s", s.patience), status: status.New(codes.Unavailable, st.Message())}
		}
		s.waiting(st.Message())
		sleep(ctx, max(jitter(pause), askedFor(st)))
		pause = min(2*pause, lastPause)
	}
}

// mayResume tells whether another stream may do better than one that ended so.
func mayResume(st *status.Status) bool {
	switch st.Code() {
	case codes.Unavailable, codes.ResourceExhausted, codes.Canceled, codes.DeadlineExceeded, codes.Aborted:
		return true
	}
	return st.Code() == codes.Unknown && st.Message() == errMore.Error()
}

func (s *sender) lastMove() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moved
}

func (s *sender) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// leave takes an order out.
func (s *sender) leave(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, id)
	s.moved = time.Now()
}

// batchStream is one stream of a sender.
type batchStream struct {
	*sender
	stream grpc.BidiStreamingClient[siegelv1.IssueCardsRequest, siegelv1.IssueCardsResponse]
	places chan struct{}   // one element for each order that is open
	again  chan *sentOrder // whose time to be sent again has come
	idle   chan struct{}   // closed when no order is open and none will come
	cards  chan keptCard   // to be brought to the disk
	once   sync.Once       // closes idle
}

type keptCard struct {
	order *sentOrder
	card  *siegelv1.Card
}

// stream runs one stream: first what the one before left open, then new orders. nil says that everything is answered.
func (s *sender) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// A server or a network that says nothing more is given up like one that is away.
	stale := time.AfterFunc(s.patience, func() { cancel(status.Error(codes.Unavailable, "the server gives no answer")) })
	defer stale.Stop()
	group, ctx := errgroup.WithContext(ctx)
	stream, err := s.client.IssueCards(ctx)
	if err != nil {
		return err
	}
	b := &batchStream{
		sender: s, stream: stream, places: make(chan struct{}, s.window), again: make(chan *sentOrder, s.window),
		idle: make(chan struct{}), cards: make(chan keptCard),
	}
	left := b.leftOpen()
	group.Go(func() error { return b.send(ctx, left) })
	group.Go(func() error {
		defer close(b.cards)
		return b.receive(ctx, func() { stale.Reset(s.patience) })
	})
	for range s.writers {
		group.Go(b.write)
	}
	err = group.Wait()
	if cause := context.Cause(ctx); err != nil && status.Code(cause) == codes.Unavailable {
		return cause
	}
	return err
}

// leftOpen gives the orders that the stream before left open, each with its place.
func (b *batchStream) leftOpen() (list []*sentOrder) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.open {
		b.places <- struct{}{} // there are as many places as orders that may be open
		list = append(list, o)
	}
	b.checkIdle()
	return list
}

// checkIdle closes idle where its time has come. The caller holds mu.
func (b *batchStream) checkIdle() {
	if b.ended && len(b.open) == 0 {
		b.once.Do(func() { close(b.idle) })
	}
}

// send sends the orders left open, then new ones and those whose time has come again.
func (b *batchStream) send(ctx context.Context, left []*sentOrder) error {
	for _, o := range left {
		if err := b.sendOne(o); err != nil {
			return err
		}
	}
	places := b.places // nil when there are no more orders
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.idle:
			return b.stream.CloseSend()
		case o := <-b.again:
			if err := b.sendOne(o); err != nil {
				return err
			}
		case places <- struct{}{}:
			o, err := b.take()
			if err != nil {
				return err
			}
			if o == nil {
				places = nil
				continue
			}
			if err := b.sendOne(o); err != nil {
				return err
			}
		}
	}
}

// take takes the next order from the file, nil after the last.
func (b *batchStream) take() (*sentOrder, error) {
	line, err := b.next()
	b.mu.Lock()
	defer b.mu.Unlock()
	if errors.Is(err, io.EOF) {
		b.ended = true
		b.checkIdle()
		return nil, nil
	}
	if err != nil {
		b.failed = err
		return nil, err
	}
	o := &sentOrder{line: line}
	b.open[line.order.GetOrderId()] = o
	return o, nil
}

// sendOne sends an order. That the stream has ended is for the receiver to say, which is told why.
func (b *batchStream) sendOne(o *sentOrder) error {
	b.mu.Lock()
	o.sent = true
	b.mu.Unlock()
	if err := b.stream.Send(&siegelv1.IssueCardsRequest{Order: o.line.order}); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// receive takes the answers. alive is called at each.
func (b *batchStream) receive(ctx context.Context, alive func()) error {
	for {
		answer, err := b.stream.Recv()
		if errors.Is(err, io.EOF) {
			select {
			case <-b.idle:
				return nil
			default:
				return status.Error(codes.Unknown, errMore.Error())
			}
		}
		if err != nil {
			return err
		}
		o := b.answered(answer.GetOrderId())
		if o == nil {
			continue
		}
		if answer.GetCard() != nil {
			alive()
			select {
			case b.cards <- keptCard{o, answer.GetCard()}:
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		b.notMade(o, status.FromProto(answer.GetError()), alive)
	}
}

// answered finds the order of an answer; nil where none is waited for.
func (b *batchStream) answered(id string) *sentOrder {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.open[id]
	if o == nil || !o.sent {
		return nil
	}
	o.sent = false
	return o
}

// notMade deals with an order that has no card: it is refused, or tried again after a while.
func (b *batchStream) notMade(o *sentOrder, st *status.Status, alive func()) {
	if !mayResume(st) {
		alive()
		b.refuse(o.line, st)
		b.done(o)
		return
	}
	if o.tries == 0 {
		b.waiting(st.Message())
	}
	pause := min(firstPause<<min(o.tries, 8), lastPause)
	o.tries++
	time.AfterFunc(max(jitter(pause), askedFor(st)), func() { b.again <- o }) // it has room for all that are open
}

// done takes an order out and makes room.
func (b *batchStream) done(o *sentOrder) {
	b.leave(o.line.order.GetOrderId())
	<-b.places
	b.mu.Lock()
	defer b.mu.Unlock()
	b.checkIdle()
}

// write brings cards to the disk.
func (b *batchStream) write() error {
	for k := range b.cards {
		if err := b.keep(k.order.line, k.card); err != nil {
			b.mu.Lock()
			b.failed = err
			b.mu.Unlock()
			return err
		}
		b.done(k.order)
	}
	return nil
}
