package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/status"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// load is what a stream of orders saw.
type load struct {
	cards, signatures int
	elapsed           time.Duration
	latencies         []time.Duration // one for each card, sorted; from the sending of its order
	cpu               cpuUse
}

func (l *load) cardRate() float64      { return float64(l.cards) / l.elapsed.Seconds() }
func (l *load) signatureRate() float64 { return float64(l.signatures) / l.elapsed.Seconds() }

// perCertificate gives a time of the load for one of its certificates, in microseconds.
func (l *load) perCertificate(d time.Duration) float64 {
	if l.signatures == 0 {
		return 0
	}
	return d.Seconds() * 1e6 / float64(l.signatures)
}

// quantile gives the latency that the share q of the cards did not exceed.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))].Round(10 * time.Microsecond)
}

// stream issues orders of the queue over one IssueCards stream, so many at a time, until the time is over or the queue is empty.
func stream(ctx context.Context, client siegelv1.IssuanceServiceClient, queue <-chan *siegelv1.Order, atOnce int, d time.Duration) (*load, error) {
	calls, err := client.IssueCards(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	l := &load{}
	var mu sync.Mutex
	sent := map[string]time.Time{}
	places := make(chan struct{}, atOnce)
	before := useOfCPU()
	begin := time.Now()
	var group errgroup.Group
	group.Go(func() error {
		for order := range queue {
			places <- struct{}{}
			now := time.Now()
			if now.Sub(begin) > d {
				break
			}
			mu.Lock()
			sent[order.GetOrderId()] = now
			mu.Unlock()
			if err := calls.Send(&siegelv1.IssueCardsRequest{Order: order}); err != nil {
				return fmt.Errorf("send an order: %w", err)
			}
		}
		return calls.CloseSend()
	})
	group.Go(func() error {
		for {
			answer, err := calls.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("receive a card: %w", err)
			}
			if answer.GetCard() == nil {
				return fmt.Errorf("order %s: %w", answer.GetOrderId(), status.FromProto(answer.GetError()).Err())
			}
			<-places
			mu.Lock()
			begun := sent[answer.GetOrderId()]
			delete(sent, answer.GetOrderId())
			mu.Unlock()
			l.cards++
			l.signatures += len(answer.GetCard().GetCertificates())
			l.latencies = append(l.latencies, time.Since(begun))
		}
	})
	err = group.Wait()
	l.elapsed = time.Since(begin)
	l.cpu = useOfCPU().since(before)
	slices.Sort(l.latencies)
	return l, err
}
