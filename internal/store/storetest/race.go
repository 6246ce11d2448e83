package storetest

import (
	"context"
	"errors"
	"sync"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// racers is how many callers run against each other.
const racers = 16

// What holds when callers run against each other.
var raceCases = []testCase{
	{"for one order exactly one attempt wins", func(b *bench) {
		oneWins(b, ca.ErrAttemptOpen, func(i int) error { return b.tryIntend(NewIntent(1, i)) })
	}},
	{"for one attempt exactly one caller wins", func(b *bench) {
		oneWins(b, ca.ErrAttemptOpen, func(i int) error { return b.tryIntend(NewIntent(1, 1)) })
	}},
	{"for one ICCSN exactly one order wins", func(b *bench) {
		oneWins(b, &ca.TakenError{What: ca.UniqueICCSN, Draft: -1}, wanting(b, iccsnOf(free)))
	}},
	{"for one key exactly one order wins", func(b *bench) {
		oneWins(b, &ca.TakenError{What: ca.UniqueKey, Draft: autECC}, wanting(b, keyOf(autECC, free, autECC)))
	}},
	{"for one serial number exactly one order wins", func(b *bench) {
		oneWins(b, &ca.TakenError{What: ca.UniqueSerial, Draft: autECC}, wanting(b, serialOf(autECC, free, 1)))
	}},
	{"for one CHR exactly one order wins", func(b *bench) {
		oneWins(b, &ca.TakenError{What: ca.UniqueCHR, Draft: autrCVC}, wanting(b, chrOf(free)))
	}},
	{"an issuer is added once, and all who add it win", func(b *bench) {
		issuer := NewIssuer("new", profiles.SMCBCA)
		run(b, func(int) error { return b.store.AddIssuer(b.ctx, issuer, NewIssuerEntry(issuer)) })
		if n := len(b.contents().Entries); n != 1 {
			b.Errorf("%d entries say that the issuer was added, want 1", n)
		}
	}},
	{"for one name exactly one issuer wins", func(b *bench) {
		oneWins(b, ca.ErrIssuerDiffers, func(i int) error {
			issuer := NewIssuer("new", profiles.SMCBCA)
			issuer.Certificate = append(issuer.Certificate, byte(i))
			return b.store.AddIssuer(b.ctx, issuer, NewIssuerEntry(issuer))
		})
	}},
	{"one attempt completes once", func(b *bench) {
		in := NewIntent(1, 1)
		b.intend(in)
		oneWins(b, ca.ErrNoAttempt, func(int) error { return second(b.tryComplete(in)) })
	}},
	{"one attempt completes or is abandoned", func(b *bench) {
		in := NewIntent(1, 1)
		b.intend(in)
		oneWins(b, ca.ErrNoAttempt, func(i int) error {
			if i%2 == 0 {
				return b.tryAbandon(in)
			}
			return second(b.tryComplete(in))
		})
	}},
	{"all of different orders win, and each sees itself at once", func(b *bench) {
		run(b, func(i int) error {
			for order := i * 100; order < i*100+5; order++ {
				in := NewIntent(order, 1)
				if err := b.tryIntend(in); err != nil {
					return err
				}
				if state, err := b.store.Order(b.ctx, in.OrderID); err != nil || state.Open == nil {
					return errors.Join(errors.New("order is not open after Intend"), err)
				}
				card, err := b.tryComplete(in)
				if err != nil {
					return err
				}
				if list, err := b.store.Cards(b.ctx, card.Number-1, 1); err != nil || len(list) != 1 || list[0] != card.CardSummary {
					return errors.Join(errors.New("card is not listed after Complete"), err)
				}
			}
			return nil
		})
		if all := b.contents(); len(all.Cards) != racers*5 || len(all.Entries) != racers*10 {
			b.Errorf("lists show %d cards and %d entries, want %d and %d", len(all.Cards), len(all.Entries), racers*5, racers*10)
		}
	}},
	{"a failing verb does not hurt its neighbours", func(b *bench) {
		b.issue(NewIntent(free, 1))
		run(b, func(i int) error {
			in := NewIntent(i, 1)
			if i%2 == 0 {
				keyOf(autrCVC, free, autrCVC)(in) // found last, when the rest of the intent is written
				if err := b.tryIntend(in); !sameError(err, &ca.TakenError{What: ca.UniqueKey, Draft: autrCVC}) {
					return errors.Join(errors.New("reused key was not refused as such"), err)
				}
				return nil
			}
			if err := b.tryIntend(in); err != nil {
				return err
			}
			return second(b.tryComplete(in))
		})
		if all := b.contents(); len(all.Cards) != 1+racers/2 || len(all.Entries) != 2+racers || len(all.Open) != 0 {
			b.Errorf("lists show %s, want %d entries, %d cards and no open attempt", all, 2+racers, 1+racers/2)
		}
	}},
	{"a caller who leaves gets the context's error and all or nothing", func(b *bench) {
		run(b, func(i int) error {
			ctx, cancel := context.WithCancel(b.ctx)
			go cancel()
			in := NewIntent(i, 1)
			err := b.store.Intend(ctx, in, NewEntry(tlog.OrderRecorded, in))
			if err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		})
		// What had begun when its caller left ends soon; a verb of our own comes after it.
		if _, err := b.store.Append(b.ctx, NewEntry(tlog.ServerStarted, NewIntent(free, 1))); err != nil {
			b.Fatalf("Append = %v, want nil", err)
		}
		for i := range racers {
			in := NewIntent(i, 1)
			if err := b.tryIntend(in); err != nil && !errors.Is(err, ca.ErrAttemptOpen) {
				b.Errorf("Intend of order %d again = %v, want nil or %v", i, err, ca.ErrAttemptOpen)
			}
			b.complete(in)
		}
	}},
}

// wanting intends orders of their own that all want the same thing.
func wanting(b *bench, the func(*ca.Intent)) func(int) error {
	return func(i int) error {
		in := NewIntent(i, 1)
		the(in)
		return b.tryIntend(in)
	}
}

// oneWins runs the racers. One must succeed, and the others must fail with the same error.
func oneWins(b *bench, want error, call func(i int) error) {
	b.Helper()
	var mu sync.Mutex
	won := 0
	run(b, func(i int) error {
		err := call(i)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			won++
			return nil
		}
		if !sameError(err, want) {
			return err
		}
		return nil
	})
	if won != 1 {
		b.Errorf("%d of %d callers succeeded, want 1", won, racers)
	}
}

// run starts all racers at once and waits for them. An error of one fails the case.
func run(b *bench, call func(i int) error) {
	b.Helper()
	var ready, done sync.WaitGroup
	ready.Add(racers)
	for i := range racers {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			if err := call(i); err != nil {
				b.Errorf("caller %d: %v", i, err)
			}
		})
	}
	done.Wait()
}
