package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

func intending(in *ca.Intent) postgres.Verb {
	return postgres.Intending(in, storetest.NewEntry(tlog.OrderRecorded, in))
}

func completing(in *ca.Intent) postgres.Verb {
	return postgres.Completing(storetest.NewCompletion(in), storetest.NewEntry(tlog.CardIssued, in))
}

// together runs verbs in one group whose callers stay.
func together(t *testing.T, s *postgres.Store, verbs ...postgres.Verb) (answers []error, alone int) {
	t.Helper()
	ctxs := make([]context.Context, len(verbs))
	for i := range ctxs {
		ctxs[i] = t.Context()
	}
	return postgres.Together(s, verbs, ctxs)
}

// number asks the database for a number.
func number(t *testing.T, conn *pgx.Conn, query string, args ...any) (n int) {
	t.Helper()
	must(t, conn.QueryRow(t.Context(), query, args...).Scan(&n))
	return n
}

// TestGroupIsOneTransaction runs orders and completions together: they share a transaction, and each has its own entries, drafts and
// certificates.
func TestGroupIsOneTransaction(t *testing.T) {
	dsn := newDatabase(t, cluster)
	s, db := ready(t, dsn), raw(t, dsn)
	var intends, ends []postgres.Verb
	for order := range 20 {
		in := storetest.NewIntent(order, 1)
		if order%3 == 0 {
			in.Warnings = in.Warnings[:order%2]
		}
		if order < 10 {
			intends, ends = append(intends, intending(in)), append(ends, completing(in))
		} else {
			ends = append(ends, intending(in))
		}
	}
	for _, verbs := range [][]postgres.Verb{intends, ends} {
		if answers, alone := together(t, s, verbs...); errors.Join(answers...) != nil || alone != 0 {
			t.Fatalf("the group answered %v, %d alone, want nil for all", answers, alone)
		}
	}
	for what, query := range map[string]string{
		"the first orders":       `SELECT count(DISTINCT xmin::text) FROM orders WHERE order_id IN (SELECT order_id FROM cards)`,
		"the cards":              `SELECT count(DISTINCT xmin::text) FROM cards`,
		"cards and later orders": `SELECT count(DISTINCT x) FROM (SELECT xmin::text AS x FROM certificates UNION SELECT xmin::text FROM orders WHERE order_id NOT IN (SELECT order_id FROM cards)) AS all_of_them`,
	} {
		if n := number(t, db, query); n != 1 {
			t.Errorf("%s are of %d transactions, want 1", what, n)
		}
	}
	for what, query := range map[string]string{
		"its entry":         `SELECT count(*) FROM attempts a JOIN entries e ON e.id = a.entry_id WHERE e.kind <> 'order-recorded' OR e.facts->>'attempt' <> a.attempt_id`,
		"its entry, ending": `SELECT count(*) FROM attempts a JOIN entries e ON e.id = a.end_entry_id WHERE e.facts->>'attempt' <> a.attempt_id`,
		"its drafts":        `SELECT count(*) FROM attempts a WHERE 3 <> (SELECT count(*) FROM drafts d WHERE d.attempt = a.number AND position('of order ' || substr(a.order_id, 7) IN convert_from(body, 'UTF8') || ' ') > 0)`,
	} {
		if n := number(t, db, query); n != 0 {
			t.Errorf("%d attempts lack %s", n, what)
		}
	}
	must(t, storetest.Check(t.Context(), s))
	for order := range 20 {
		state, err := s.Order(t.Context(), fmt.Sprintf("order-%d", order))
		must(t, err)
		if (state.Card != nil) != (order < 10) || (state.Open != nil) != (order >= 10) {
			t.Errorf("order %d is %+v", order, state)
		}
	}
}

// TestRefusedInGroup has one verb of a group refused, for each cause. It gets the error that it would get alone, and the others happen.
func TestRefusedInGroup(t *testing.T) {
	taken := func(what ca.Unique, draft int) error { return &ca.TakenError{What: what, Draft: draft} }
	s := ready(t, newDatabase(t, cluster))
	var known, open, ending, first, second int // orders: one has its card, one is open, and three succeed in the group
	for i, c := range []struct {
		name  string
		spoil func(in *ca.Intent)
		want  error
	}{
		{"other content", func(in *ca.Intent) { in.OrderID = storetest.NewIntent(open, 1).OrderID }, ca.ErrOrderDiffers},
		{"complete", func(in *ca.Intent) { *in = *storetest.NewIntent(known, 2) }, ca.ErrOrderComplete},
		{"open", func(in *ca.Intent) { *in = *storetest.NewIntent(open, 2) }, ca.ErrAttemptOpen},
		{"ICCSN", func(in *ca.Intent) { in.ICCSN = storetest.NewIntent(known, 1).ICCSN }, taken(ca.UniqueICCSN, -1)},
		{"key", func(in *ca.Intent) { in.Drafts[1].KeyIdentity = storetest.NewIntent(known, 1).Drafts[1].KeyIdentity }, taken(ca.UniqueKey, 1)},
		{"serial number", func(in *ca.Intent) { in.Drafts[1].Serial = storetest.NewIntent(known, 1).Drafts[1].Serial }, taken(ca.UniqueSerial, 1)},
		{"CHR", func(in *ca.Intent) { in.Drafts[2].CHR = storetest.NewIntent(known, 1).Drafts[2].CHR }, taken(ca.UniqueCHR, 2)},
		{"unknown issuer", func(in *ca.Intent) { in.Drafts[0].Issuer = "nobody" }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			known, open, ending, first, second = 10*i, 10*i+1, 10*i+2, 10*i+3, 10*i+4
			issue(t, s, storetest.NewIntent(known, 1))
			intend(t, s, storetest.NewIntent(open, 1))
			intend(t, s, storetest.NewIntent(ending, 1))
			bad := storetest.NewIntent(10*i+5, 1)
			c.spoil(bad)
			answers, alone := together(t, s, intending(storetest.NewIntent(first, 1)), completing(storetest.NewIntent(ending, 1)), intending(bad),
				intending(storetest.NewIntent(second, 1)))
			if alone != 4 {
				t.Errorf("%d verbs were run alone, want 4", alone)
			}
			refused := answers[2]
			answers[2] = nil
			if errors.Join(answers...) != nil {
				t.Errorf("its neighbours = %v, want nil", answers)
			}
			var want, got *ca.TakenError
			switch {
			case errors.As(c.want, &want):
				if !errors.As(refused, &got) || *got != *want {
					t.Errorf("the verb = %v, want %v", refused, want)
				}
			case c.want == nil && refused == nil, c.want != nil && !errors.Is(refused, c.want):
				t.Errorf("the verb = %v, want %v", refused, c.want)
			}
			for order, issued := range map[int]bool{first: false, second: false, ending: true} {
				state, err := s.Order(t.Context(), storetest.NewIntent(order, 1).OrderID)
				if err != nil || (state.Card != nil) != issued || (state.Open != nil) == issued {
					t.Errorf("a neighbour is %+v, %v, want it open, or issued: %t", state, err, issued)
				}
			}
		})
	}
	must(t, storetest.Check(t.Context(), s))
}

// TestSameInGroup has verbs of one group want the same thing: one of them gets it.
func TestSameInGroup(t *testing.T) {
	s := ready(t, newDatabase(t, cluster))
	for i, c := range []struct {
		what  string
		spoil func(in, first *ca.Intent)
	}{
		{"order", func(in, first *ca.Intent) { in.OrderID, in.OrderHash = first.OrderID, first.OrderHash }},
		{"ICCSN", func(in, first *ca.Intent) { in.ICCSN = first.ICCSN }},
		{"key", func(in, first *ca.Intent) { in.Drafts[1].KeyIdentity = first.Drafts[1].KeyIdentity }},
		{"serial number", func(in, first *ca.Intent) { in.Drafts[1].Serial = first.Drafts[1].Serial }},
		{"CHR", func(in, first *ca.Intent) { in.Drafts[2].CHR = first.Drafts[2].CHR }},
	} {
		first, second, third := storetest.NewIntent(10*i, 1), storetest.NewIntent(10*i+1, 1), storetest.NewIntent(10*i+2, 1)
		c.spoil(second, first)
		answers, _ := together(t, s, intending(first), intending(second), intending(third))
		if answers[0] != nil || answers[1] == nil || answers[2] != nil {
			t.Errorf("the group of two who want one %s = %v, want that the second is refused", c.what, answers)
		}
	}
	in := storetest.NewIntent(100, 1)
	intend(t, s, in)
	if answers, _ := together(t, s, completing(in), completing(in)); answers[0] != nil || !errors.Is(answers[1], ca.ErrNoAttempt) {
		t.Errorf("two completions of one attempt = %v, want nil and %v", answers, ca.ErrNoAttempt)
	}
	must(t, storetest.Check(t.Context(), s))
}

// cutter is a connection that is lost at the commit of a group: before the database gets it, or before its answer comes back.
type cutter struct {
	net.Conn
	armed  *atomic.Int32
	silent atomic.Bool
}

const (
	cutBefore int32 = 1 + iota
	cutAfter
)

func (c *cutter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("body of C.HCI")) { // a draft: it comes with the commit
		switch c.armed.Swap(0) {
		case cutBefore:
			c.Close()
			return 0, io.ErrClosedPipe
		case cutAfter:
			c.silent.Store(true)
		}
	}
	return c.Conn.Write(p)
}

func (c *cutter) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.silent.Load() {
		c.Close()
		return 0, io.ErrUnexpectedEOF // what the database says when it has committed
	}
	return n, err
}

// TestCommitLost loses the connection of a group at its commit. Whether it happened or not, every verb must say that it may have.
func TestCommitLost(t *testing.T) {
	for name, c := range map[string]struct {
		cut  int32
		want int
	}{"before": {cutBefore, 0}, "after": {cutAfter, 3}} {
		t.Run(name, func(t *testing.T) {
			dsn := newDatabase(t, cluster)
			var armed atomic.Int32
			s, err := postgres.OpenWith(t.Context(), dsn, func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				return &cutter{Conn: conn, armed: &armed}, err
			})
			must(t, err)
			t.Cleanup(func() { closeStore(t, s) })
			must(t, storetest.AddIssuers(t.Context(), s))
			intend(t, s, storetest.NewIntent(10, 1)) // so that all is prepared
			armed.Store(c.cut)
			answers, alone := together(t, s, intending(storetest.NewIntent(1, 1)), intending(storetest.NewIntent(2, 1)), completing(storetest.NewIntent(10, 1)))
			for _, err := range answers {
				if err == nil {
					t.Errorf("the group = %v, want an error for each", answers)
					break
				}
			}
			if alone != 0 || armed.Load() != 0 {
				t.Errorf("%d verbs were run again, want none; the cut is at %d", alone, armed.Load())
			}
			happened := 0
			for _, order := range []int{1, 2, 10} {
				state, err := s.Order(t.Context(), storetest.NewIntent(order, 1).OrderID)
				if err == nil && (order != 10 || state.Card != nil) {
					happened++
				}
			}
			if happened != c.want {
				t.Errorf("%d verbs happened, want %d", happened, c.want)
			}
			must(t, storetest.Check(t.Context(), s))
		})
	}
}

// hinder has a transaction of another insert an order, so that who wants it too waits. It gives what lets them go on.
func hinder(t *testing.T, dsn string, in *ca.Intent) (letGo func()) {
	t.Helper()
	tx, err := raw(t, dsn).Begin(t.Context())
	must(t, err)
	_, err = tx.Exec(t.Context(), `INSERT INTO orders (order_id, order_hash, iccsn, card_type, sector, recorded_at) VALUES ($1, $2, $3, 'x', 'x', now())`,
		in.OrderID, in.OrderHash[:], in.ICCSN)
	must(t, err)
	return func() { must(t, tx.Rollback(context.Background())) }
}

// waitForWaiter waits until a number of backends wait for a lock, and gives their processes.
func waitForWaiter(t *testing.T, dsn string, n int) (pids []int) {
	t.Helper()
	db := raw(t, dsn)
	for begun := time.Now(); len(pids) != n; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("%d backends wait for a lock, want %d", len(pids), n)
		}
		rows, err := db.Query(t.Context(), `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid <> pg_backend_pid()`)
		must(t, err)
		pids, err = pgx.CollectRows(rows, pgx.RowTo[int])
		must(t, err)
	}
	return pids
}

// TestGroupLosesItsConnection ends the connection of a group before its commit: nothing has happened, and its verbs are run alone.
func TestGroupLosesItsConnection(t *testing.T) {
	dsn := newDatabase(t, cluster)
	s := ready(t, dsn)
	letGo := hinder(t, dsn, storetest.NewIntent(2, 1))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if answers, alone := together(t, s, intending(storetest.NewIntent(1, 1)), intending(storetest.NewIntent(2, 1))); errors.Join(answers...) != nil || alone != 2 {
			t.Errorf("the group = %v, %d alone, want nil and all alone", answers, alone)
		}
	}()
	pids := waitForWaiter(t, dsn, 1)
	_, err := raw(t, dsn).Exec(t.Context(), `SELECT pg_terminate_backend($1)`, pids[0])
	must(t, err)
	letGo()
	<-done
	must(t, storetest.Check(t.Context(), s))
}

// TestGroupDoesNotWaitLong has a transaction of another hold what one verb of a group wants. The others happen at once, and that one when
// it is free.
func TestGroupDoesNotWaitLong(t *testing.T) {
	dsn := newDatabase(t, cluster)
	s := ready(t, dsn)
	letGo := hinder(t, dsn, storetest.NewIntent(1, 1))
	var wg sync.WaitGroup
	for order := range 3 { // more than there are lanes
		wg.Go(func() {
			in := storetest.NewIntent(1, order)
			if err := s.Intend(t.Context(), in, storetest.NewEntry(tlog.OrderRecorded, in)); err != nil && !errors.Is(err, ca.ErrAttemptOpen) {
				t.Errorf("Intend = %v, want nil or %v", err, ca.ErrAttemptOpen)
			}
		})
	}
	waitForWaiter(t, dsn, 3) // each alone: a group is one backend
	intend(t, s, storetest.NewIntent(2, 1))
	letGo()
	wg.Wait()
	if open, err := s.OpenAttempts(t.Context()); err != nil || len(open) != 2 {
		t.Errorf("OpenAttempts = %v, %v, want 2", open, err)
	}
}

// TestLeaveGroup has a caller leave a group that has begun: he is told that his change may have happened, and it happens with the others.
// When all have left, the group is given up.
func TestLeaveGroup(t *testing.T) {
	for _, c := range []struct {
		name string
		stay bool
	}{{"one leaves", true}, {"all leave", false}} {
		t.Run(c.name, func(t *testing.T) {
			dsn := newDatabase(t, cluster)
			s := ready(t, dsn)
			letGo := hinder(t, dsn, storetest.NewIntent(9, 1))
			gone, leave := context.WithCancel(t.Context())
			ctxs := []context.Context{gone, gone, gone}
			if c.stay {
				ctxs[2] = t.Context()
			}
			go func() {
				waitForWaiter(t, dsn, 1)
				leave()
				if c.stay {
					letGo()
				}
			}()
			verbs := []postgres.Verb{intending(storetest.NewIntent(9, 1)), intending(storetest.NewIntent(8, 1)), intending(storetest.NewIntent(7, 1))}
			answers, _ := postgres.Together(s, verbs, ctxs)
			for i, err := range answers {
				if ctxs[i] == gone && (!errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "may have happened")) {
					t.Errorf("a caller who left got %v, want %v and that it may have happened", err, context.Canceled)
				}
			}
			if c.stay {
				if answers[2] != nil {
					t.Errorf("the caller who stayed got %v, want nil", answers[2])
				}
			} else {
				letGo()
			}
			must(t, storetest.Check(t.Context(), s))
		})
	}
}

// TestGroupsRace runs groups of two stores against each other that want the same orders, in different sequences. Each order is recorded once.
func TestGroupsRace(t *testing.T) {
	dsn := newDatabase(t, cluster)
	stores := []*postgres.Store{ready(t, dsn), open(t, dsn)}
	const orders, racers = 24, 6
	var won [orders]atomic.Int32
	var wg sync.WaitGroup
	for racer := range racers {
		wg.Go(func() {
			for begin := 0; begin < orders; begin += 6 {
				var verbs []postgres.Verb
				var wanted []int
				for i := range 8 {
					order := (begin + i*(1+racer)) % orders
					if racer%2 == 1 {
						order = orders - 1 - order
					}
					in := storetest.NewIntent(order, 1+racer)
					if racer%3 == 1 {
						in.Drafts[0].Serial = storetest.NewIntent(order, 1).Drafts[0].Serial
					}
					verbs, wanted = append(verbs, intending(in)), append(wanted, order)
				}
				answers, _ := together(t, stores[racer%2], verbs...)
				for i, err := range answers {
					var taken *ca.TakenError
					switch {
					case err == nil:
						won[wanted[i]].Add(1)
					case !errors.Is(err, ca.ErrAttemptOpen) && !errors.As(err, &taken):
						t.Errorf("Intend of order %d = %v, want nil, %v or that something is taken", wanted[i], err, ca.ErrAttemptOpen)
					}
				}
			}
		})
	}
	wg.Wait()
	for order := range won {
		if n := won[order].Load(); n != 1 {
			t.Errorf("order %d was recorded %d times, want once", order, n)
		}
	}
	must(t, storetest.Check(t.Context(), stores[1]))
}

// TestGroupsGrowWithTheLoad shows that many callers share transactions, and that a verb that comes alone waits for none.
func TestGroupsGrowWithTheLoad(t *testing.T) {
	dsn := newDatabase(t, cluster)
	s := ready(t, dsn)
	if n := postgres.Filled(s); n != 1 {
		t.Errorf("a lane that nobody waits for makes a group of %d, want 1", n)
	}
	const callers, cards = 16, 10
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for card := range cards {
				if err := tryIssue(t.Context(), s, storetest.NewIntent(caller*cards+card, 1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	transactions := number(t, raw(t, dsn), `SELECT count(DISTINCT xmin::text) FROM orders`)
	if transactions > callers*cards/2 {
		t.Errorf("%d orders of %d callers took %d transactions, want half as many or less", callers*cards, callers, transactions)
	}
	t.Logf("%d orders in %d transactions", callers*cards, transactions)
	must(t, storetest.Check(t.Context(), s))
}

// TestCloseEndsGroups closes a store under load: each verb happens or fails, and what was acknowledged is there.
func TestCloseEndsGroups(t *testing.T) {
	dsn := newDatabase(t, cluster)
	s := ready(t, dsn)
	var mu sync.Mutex
	var acknowledged []*ca.Intent
	var wg sync.WaitGroup
	enough := make(chan struct{})
	for caller := range 8 {
		wg.Go(func() {
			for order := caller; ; order += 8 {
				in := storetest.NewIntent(order, 1)
				if s.Intend(t.Context(), in, storetest.NewEntry(tlog.OrderRecorded, in)) != nil {
					return
				}
				mu.Lock()
				if acknowledged = append(acknowledged, in); len(acknowledged) == 40 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	closeStore(t, s)
	wg.Wait()
	s = open(t, dsn)
	for _, in := range acknowledged {
		if state, err := s.Order(t.Context(), in.OrderID); err != nil || state.Open == nil || state.Open.ID != in.Attempt {
			t.Errorf("order %s was acknowledged, but is %+v, %v", in.OrderID, state, err)
		}
	}
}
