package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// What holds when changes of the status run against each other, and against those who read.
var statusRaceCases = []statusCase{
	{"a card is revoked once", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		run(&b.bench, func(i int) error { return first(b.tryRevoke(1, NewRevocation(i))) })
		if b.epoch() != 1 {
			b.Errorf("StatusEpoch = %d, want 1", b.epoch())
		}
	}},
	{"a card is activated once, or revoked before", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		run(&b.bench, func(i int) error {
			if i%2 == 0 {
				return first(b.tryRevoke(1, NewRevocation(i)))
			}
			err := first(b.tryActivate(1, i))
			if errors.Is(err, ca.ErrCardRevoked) {
				return nil
			}
			return err
		})
		if got := b.cardStatus(1); got.State != ca.Revoked {
			b.Errorf("the card is %s, want revoked", got.State)
		}
	}},
	{"a certificate is revoked once, alone or with its card", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		run(&b.bench, func(i int) error {
			if i%4 == 0 {
				return first(b.tryRevoke(1, NewRevocation(i)))
			}
			return first(b.tryRevokeCertificate(idOf(1, autECC), NewRevocation(i)))
		})
	}},
	{"changes of different cards all happen, and have epochs without gaps", func(b *statusBench) {
		for order := range racers * 3 {
			b.issue(NewIntent(order, 1))
		}
		run(&b.bench, func(i int) error {
			for order := i * 3; order < i*3+3; order++ {
				if err := errors.Join(first(b.tryActivate(order, firstDay)), first(b.tryRevoke(order, NewRevocation(secondDay)))); err != nil {
					return err
				}
			}
			return nil
		})
		if got := b.epoch(); got != racers*3*2 {
			b.Errorf("StatusEpoch = %d, want %d", got, racers*3*2)
		}
	}},
	{"who reads after the answer sees the change, and no epoch without all before it", func(b *statusBench) {
		for order := range racers {
			b.issue(NewIntent(order, 1))
		}
		run(&b.bench, func(i int) error {
			before, err := b.StatusEpoch(b.ctx)
			if err != nil {
				return err
			}
			if _, err := b.tryRevoke(i, NewRevocation(firstDay)); err != nil {
				return err
			}
			status, err := b.CertificateStatus(b.ctx, idOf(i, autECC))
			if err != nil {
				return err
			}
			changes, err := b.StatusChanges(b.ctx, before, racers)
			if err != nil {
				return err
			}
			seen := false
			for n, c := range changes {
				seen = seen || c.ICCSN == NewIntent(i, 1).ICCSN
				if c.Epoch != before+int64(n)+1 {
					return fmt.Errorf("change %d comes at place %d after %d", c.Epoch, n, before)
				}
			}
			if status.State != ca.Revoked || !seen || status.Epoch <= before {
				return fmt.Errorf("after its revocation the certificate is %s at epoch %d, and among the changes: %t", status.State, status.Epoch, seen)
			}
			return nil
		})
	}},
	{"who watches is told, and finds the change then", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		ctx, cancel := context.WithCancel(b.ctx)
		told, ended := make(chan struct{}, 100), make(chan error, 1)
		go func() { ended <- b.WatchStatus(ctx, func() { told <- struct{}{} }) }()
		b.await(told, "the beginning of the watch")
		for i, change := range []func(){
			func() { b.activate(1, firstDay) },
			func() { b.revokeCertificate(1, autECC, firstDay) },
			func() { b.revoke(1, firstDay) },
		} {
			change()
			b.await(told, fmt.Sprintf("change %d", i+1))
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			b.Errorf("WatchStatus = %v, want %v", err, context.Canceled)
		}
	}},
	{"a change that is refused leaves nothing for the next", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		spoilt := NewStatusEntry(tlog.CardRevoked, 1)
		spoilt.At = spoilt.At.Add(time.Nanosecond)
		b.refusesChange(nil, "RevokeCard", func() error {
			return first(b.RevokeCard(b.ctx, NewIntent(1, 1).ICCSN, NewRevocation(firstDay), spoilt))
		})
		b.same(1, b.revoke(1, firstDay))
	}},
}

// await waits for a message that must come.
func (b *statusBench) await(told <-chan struct{}, what string) {
	b.Helper()
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		b.Fatalf("nobody told of %s", what)
	}
}
