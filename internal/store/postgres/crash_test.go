package postgres_test

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/postgres/pgtest"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// TestAcknowledgedSurvives breaks a database under the load of two stores, in each way twice: it is stopped as by a power cut, its
// processes are killed, its connections are cut. Whatever the stores had acknowledged before must be there afterwards, card by card;
// the database must be sound; and the stores must work on as if nothing had been, without being opened again.
func TestAcknowledgedSurvives(t *testing.T) {
	c, err := pgtest.Start()
	must(t, err)
	defer func() { must(t, c.Stop()) }()
	dsn := newDatabase(t, c)
	stores := []*postgres.Store{ready(t, dsn), open(t, dsn)}
	faults := []struct {
		name string
		make func(context.Context) error
	}{
		{"the database stops and starts again", func(context.Context) error { return c.Crash() }},
		{"the database's processes are killed", c.KillBackends},
		{"the connections are cut", func(ctx context.Context) error { return cutConnections(ctx, t, dsn) }},
	}
	var orders atomic.Int64
	for round := range 2 * len(faults) {
		fault := faults[round%len(faults)]
		t.Run(fmt.Sprintf("%d %s", round+1, fault.name), func(t *testing.T) {
			l := startLoad(t.Context(), stores, &orders)
			l.waitFor(t, 60+20*round)
			if err := fault.make(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.waitFor(t, l.count()+50)
			acknowledged, failed := l.stop()
			if failed == 0 {
				t.Error("no verb failed: the fault met no load")
			}
			for _, a := range acknowledged {
				checkAcknowledged(t, stores[round%2], a)
			}
			if err := storetest.Check(t.Context(), stores[0]); err != nil {
				t.Error(err)
			}
			t.Logf("%d verbs acknowledged, %d failed", len(acknowledged), failed)
		})
	}
}

// cutConnections ends every connection but its own, as an operator or a failing network would.
func cutConnections(ctx context.Context, t *testing.T, dsn string) error {
	_, err := raw(t, dsn).Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`)
	return err
}

// acknowledged is a verb that a store said it had done.
type acknowledged struct {
	verb string
	in   *ca.Intent
	card *ca.Card // of complete
}

// load makes orders on several stores until it is stopped. When a verb fails it lets the order be and takes another.
type load struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu   sync.Mutex
	done []acknowledged
	bad  int
}

func startLoad(ctx context.Context, stores []*postgres.Store, orders *atomic.Int64) *load {
	l := &load{}
	ctx, l.cancel = context.WithCancel(ctx)
	for worker := range 8 {
		l.wg.Go(func() {
			for ctx.Err() == nil {
				order := int(orders.Add(1))
				// A verb that has begun ends: a cancelled one would say nothing about the fault.
				if err := l.writeOne(context.WithoutCancel(ctx), stores[worker%len(stores)], order); err != nil {
					l.failed()
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	return l
}

// writeOne makes one order; every fourth is abandoned.
func (l *load) writeOne(ctx context.Context, s *postgres.Store, order int) error {
	in := storetest.NewIntent(order, 1)
	if err := s.Intend(ctx, in, storetest.NewEntry(tlog.OrderRecorded, in)); err != nil {
		return err
	}
	l.acknowledge("intend", in, nil)
	if order%4 == 3 {
		if err := s.Abandon(ctx, in.Attempt, in.At, storetest.NewEntry(tlog.AttemptAbandoned, in)); err != nil {
			return err
		}
		l.acknowledge("abandon", in, nil)
		return nil
	}
	done := storetest.NewCompletion(in)
	numbers, err := s.Complete(ctx, done, storetest.NewEntry(tlog.CardIssued, in))
	if err != nil {
		return err
	}
	l.acknowledge("complete", in, done.Card(numbers))
	return nil
}

func (l *load) acknowledge(verb string, in *ca.Intent, card *ca.Card) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = append(l.done, acknowledged{verb, in, card})
}

func (l *load) failed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bad++
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.done)
}

// waitFor waits until so many verbs are acknowledged.
func (l *load) waitFor(t *testing.T, n int) {
	t.Helper()
	for begun := time.Now(); l.count() < n; time.Sleep(time.Millisecond) {
		if time.Since(begun) > time.Minute {
			l.stop()
			t.Fatalf("only %d verbs are acknowledged after a minute, want %d", l.count(), n)
		}
	}
}

// stop ends the load and gives what was acknowledged and how many verbs failed.
func (l *load) stop() ([]acknowledged, int) {
	l.cancel()
	l.wg.Wait()
	return l.done, l.bad
}

func checkAcknowledged(t *testing.T, s *postgres.Store, a acknowledged) {
	t.Helper()
	state, err := s.Order(t.Context(), a.in.OrderID)
	if err != nil {
		t.Errorf("%s of %s was acknowledged, but: %v", a.verb, a.in.OrderID, err)
		return
	}
	switch a.verb {
	case "abandon":
		if state.Open != nil || state.Card != nil {
			t.Errorf("%s was abandoned, but is %+v", a.in.OrderID, state)
		}
	case "complete":
		if !reflect.DeepEqual(state.Card, a.card) {
			t.Errorf("%s was completed, but its card is %+v, want %+v", a.in.OrderID, state.Card, a.card)
		}
	}
}
