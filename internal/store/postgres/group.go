package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Group commit: see the package comment.
const (
	// lanes is how many groups may be under way at a time. More of them make smaller groups, and so more work: with sixteen callers, a card
	// took 0.7 ms of the database's CPU in one lane, 1.0 ms in two and 1.3 ms in four.
	lanes = 1
	// maxGroup bounds the verbs of one transaction, and with it the time that the first of them waits for the last.
	maxGroup = 32
	// lockTimeout keeps a group from waiting long for another server's transaction: its verbs then wait alone, and nobody behind them.
	lockTimeout = `SET LOCAL lock_timeout = '200ms'`
)

var errClosed = errors.New("the store is closed")

// group is one transaction of several verbs, or of one. The lists may be empty, but not all of them.
type group struct {
	intents []*intention // in the order of their orders' ids
	ends    []*ending
	drafts  *drafts // of the intents

	inLane     bool // others wait behind it
	committing bool // the commit has been sent
}

// run asks for all verbs, and writes and commits where none of them is refused. The error of a group of one is that of its verb; that of a
// larger group says only that some verb was refused, or lost a race.
func (g *group) run(c *change) error {
	err := c.ask(func(b *pgx.Batch) {
		if g.inLane {
			b.Queue(lockTimeout)
		}
		if len(g.intents) > 0 {
			g.takeOrders(b)
			g.takeDrafts(b)
		}
		if len(g.ends) > 0 {
			g.lockAttempts(b)
		}
	})
	if err != nil {
		return err
	}
	g.committing = true
	return c.commit(func(b *pgx.Batch) {
		if len(g.intents) > 0 {
			g.writeAttempts(b)
		}
		if len(g.ends) > 0 {
			g.writeEnds(b)
		}
	})
}

// undone tells whether a group that ended with an error has certainly left nothing.
func (g *group) undone(err error) bool {
	var refused *pgconn.PgError
	return !g.committing || errors.As(err, &refused) && refused.SeverityUnlocalized == "ERROR"
}

// groups runs verbs in groups: each lane is a goroutine that runs one group after the other. startGroups makes it, stop ends it.
type groups struct {
	store   *Store
	queue   chan *member  // unbuffered: a verb in it is with its caller until a lane takes it
	closing chan struct{} // closed by stop
	lanes   sync.WaitGroup
}

// member is a verb that waits for its group.
type member struct {
	join  func(*group) // adds it
	state atomic.Int32
	leave func()        // for the caller of a verb that has begun; set by the lane before it begins
	done  chan struct{} // closed by the lane
	alone bool          // the answer: nothing has happened, run it alone; the caller's after done
	err   error         // the answer, likewise
}

// The states of a member. It leaves waiting once: begun by its lane, left by its caller.
const (
	waiting int32 = iota
	begun
	left
)

func newMember(join func(*group)) *member { return &member{join: join, done: make(chan struct{})} }

func startGroups(s *Store) *groups {
	g := &groups{store: s, queue: make(chan *member), closing: make(chan struct{})}
	for range lanes {
		g.lanes.Go(g.lane)
	}
	return g
}

// stop lets the groups under way end and waits for the lanes.
func (g *groups) stop() {
	close(g.closing)
	g.lanes.Wait()
}

// inGroup runs a verb in one transaction with others that wait at the same time, or alone, where the others could not end as one.
func (s *Store) inGroup(ctx context.Context, join func(*group)) error {
	m := newMember(join)
	if err := s.groups.do(ctx, m); err != nil || !m.alone {
		return err
	}
	return s.inGroupOfOne(ctx, join)
}

func (s *Store) inGroupOfOne(ctx context.Context, join func(*group)) error {
	return s.inChange(ctx, func(c *change) error {
		var one group
		join(&one)
		return one.run(c)
	})
}

// do hands a verb to a lane and waits for the answer.
func (g *groups) do(ctx context.Context, m *member) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g.queue <- m:
		return m.wait(ctx)
	case <-ctx.Done():
		return ctx.Err()
	case <-g.closing:
		return errClosed
	}
}

// wait waits for the answer, or leaves.
func (m *member) wait(ctx context.Context) error {
	select {
	case <-m.done:
		return m.err
	case <-ctx.Done():
		if m.state.CompareAndSwap(waiting, left) {
			return ctx.Err()
		}
		m.leave()
		return fmt.Errorf("the change had begun and may have happened: %w", ctx.Err())
	}
}

func (g *groups) lane() {
	for {
		select {
		case m := <-g.queue:
			g.commit(g.fill(m))
		case <-g.closing:
			return
		}
	}
}

// fill adds the verbs that wait at this moment. Those that come during a transaction make up the next group, so that groups grow with
// the load by themselves and a lone caller waits for nobody.
func (g *groups) fill(first *member) []*member {
	members := []*member{first}
	for len(members) < maxGroup {
		select {
		case m := <-g.queue:
			members = append(members, m)
		default:
			return members
		}
	}
	return members
}

// commit runs a group and answers. The transaction is given up when the last of its callers has left.
func (g *groups) commit(members []*member) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var here atomic.Int32
	leave := func() {
		if here.Add(-1) == 0 {
			cancel()
		}
	}
	here.Store(int32(len(members)))
	all := group{inLane: true}
	taken := members[:0]
	for _, m := range members {
		m.leave = leave
		if !m.state.CompareAndSwap(waiting, begun) {
			leave()
			continue
		}
		m.join(&all)
		taken = append(taken, m)
	}
	if len(taken) == 0 {
		return
	}
	err := g.store.changeOnce(ctx, all.run)
	for _, m := range taken {
		// What a single verb is refused for is its answer, unless another verb was in its way.
		if m.alone = err != nil && all.undone(err) && (len(taken) > 1 || lostRace(err)); !m.alone {
			m.err = err
		}
		close(m.done)
	}
}
