package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// Complete implements ca.Store.
func (s *Store) Complete(ctx context.Context, done *ca.Completion, entry tlog.Entry) (ca.CardNumbers, error) {
	numbers, err := s.complete(ctx, done, entry)
	if err != nil {
		return ca.CardNumbers{}, fmt.Errorf("complete attempt %s: %w", done.Intent.Attempt, err)
	}
	return numbers, nil
}

func (s *Store) complete(ctx context.Context, done *ca.Completion, entry tlog.Entry) (numbers ca.CardNumbers, err error) {
	if err := errors.Join(exact(done.At, time.Millisecond), checkEntry(entry)); err != nil {
		return numbers, err
	}
	e := &ending{attempt: done.Intent.Attempt, at: done.At, entry: entry, certificates: done.Certificates, completes: true}
	if err := s.inGroup(ctx, e.join); err != nil {
		return numbers, err
	}
	return e.numbers, nil
}

// Abandon implements ca.Store.
func (s *Store) Abandon(ctx context.Context, attempt ca.AttemptID, at time.Time, entry tlog.Entry) error {
	if err := s.abandon(ctx, attempt, at, entry); err != nil {
		return fmt.Errorf("abandon attempt %s: %w", attempt, err)
	}
	return nil
}

func (s *Store) abandon(ctx context.Context, id ca.AttemptID, at time.Time, entry tlog.Entry) error {
	if err := errors.Join(exact(at, time.Millisecond), checkEntry(entry)); err != nil {
		return err
	}
	e := &ending{attempt: id, at: at, entry: entry}
	return s.inGroup(ctx, e.join)
}

// ending is the end of an attempt, with a card or without.
type ending struct {
	attempt      ca.AttemptID
	at           time.Time
	entry        tlog.Entry
	completes    bool
	certificates [][]byte // where it completes

	number  int64          // of the attempt
	orderID string         // its order
	numbers ca.CardNumbers // the answer
}

func (e *ending) join(g *group) { g.ends = append(g.ends, e) }

// A row that changes while the statement waits for its lock is looked at again: it comes only if it has still not ended. The state would say
// the same, but lead the database through all attempts that are open.
const lockAttempts = `
SELECT attempt_id, number, order_id, (SELECT renewal FROM orders o WHERE o.order_id = a.order_id), (SELECT count(*) FROM drafts d WHERE d.attempt = a.number)
FROM attempts a WHERE attempt_id = ANY ($1) AND ended_at IS NULL ORDER BY attempt_id FOR NO KEY UPDATE`

// lockAttempts locks the attempts that the group ends. They must be open, and each must end once.
func (g *group) lockAttempts(b *pgx.Batch) {
	var ids []string
	waiting := map[string]*ending{}
	for _, e := range g.ends {
		ids = append(ids, string(e.attempt))
		waiting[string(e.attempt)] = e
	}
	b.Queue(lockAttempts, ids).Query(func(rows pgx.Rows) error {
		var id, orderID string
		var number int64
		var renewal, drafts int
		var refused error
		found := 0
		_, err := pgx.ForEachRow(rows, []any{&id, &number, &orderID, &renewal, &drafts}, func() error {
			e := waiting[id]
			e.number, e.orderID, e.numbers.Renewal = number, orderID, renewal
			if e.completes && drafts != len(e.certificates) {
				refused = fmt.Errorf("it has %d drafts, but %d certificates were given", drafts, len(e.certificates))
			}
			found++
			return nil
		})
		switch {
		case err != nil:
			return fmt.Errorf("lock the attempts: %w", err)
		case found != len(g.ends):
			return ca.ErrNoAttempt
		}
		return refused
	})
}

const (
	endAttempts = `
UPDATE attempts SET state = w.state, ended_at = w.at, end_entry_id = e.id
FROM entry e JOIN unnest($8::bigint[], $9::text[], $10::timestamptz[]) WITH ORDINALITY AS w (number, state, at, n) ON w.n = e.n
WHERE attempts.number = w.number RETURNING attempts.number, e.id`

	insertCards = `
INSERT INTO cards (attempt, order_id)
SELECT w.attempt, w.order_id FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS w (attempt, order_id, n) ORDER BY w.n
RETURNING attempt, number`

	insertCertificates = `
INSERT INTO certificates (card, position, issuer, serial, chr, renewal, data)
SELECT c.number, w.position, d.issuer, d.serial, d.chr, w.renewal, w.data
FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::bytea[]) WITH ORDINALITY AS w (attempt, position, renewal, data, n)
JOIN cards c ON c.attempt = w.attempt JOIN drafts d ON d.attempt = w.attempt AND d.position = w.position ORDER BY w.n`
)

// writeEnds moves the locked attempts to their states, with their entries, and makes the cards.
func (g *group) writeEnds(b *pgx.Batch) {
	known := map[int64]*ending{}
	var numbers []int64
	var states []string
	var ats []time.Time
	cards := &cardColumns{}
	for _, e := range g.ends {
		known[e.number] = e
		state := "abandoned"
		if e.completes {
			state = "complete"
			cards.add(e)
		}
		numbers, states, ats = append(numbers, e.number), append(states, state), append(ats, e.at)
	}
	entries := entryColumns(g.ends, func(e *ending) tlog.Entry { return e.entry })
	queueNumbers(b, len(numbers), func(attempt, id int64) { known[attempt].numbers.EntryID = id },
		withEntries+endAttempts, append(entries, numbers, states, ats)...)
	if len(cards.ended) > 0 {
		queueNumbers(b, len(cards.ended), func(attempt, card int64) { known[attempt].numbers.Number = card }, insertCards, cards.ended, cards.orders)
		b.Queue(insertCertificates, cards.attempts, cards.positions, cards.renewals, cards.data)
	}
}

// queueNumbers queues a statement that gives a number for each of n attempts.
func queueNumbers(b *pgx.Batch, n int, take func(attempt, number int64), statement string, args ...any) {
	b.Queue(statement, args...).Query(func(rows pgx.Rows) error {
		var attempt, number int64
		done, err := pgx.ForEachRow(rows, []any{&attempt, &number}, func() error {
			take(attempt, number)
			return nil
		})
		if err == nil && done.RowsAffected() != int64(n) {
			err = fmt.Errorf("wrote %d rows for %d attempts", done.RowsAffected(), n)
		}
		return err
	})
}

// cardColumns are cards and their certificates as columns, so that one statement writes them all.
type cardColumns struct {
	ended  []int64 // attempts
	orders []string

	attempts            []int64 // for each certificate
	positions, renewals []int
	data                [][]byte
}

func (c *cardColumns) add(e *ending) {
	c.ended, c.orders = append(c.ended, e.number), append(c.orders, e.orderID)
	for i, data := range e.certificates {
		c.attempts, c.positions = append(c.attempts, e.number), append(c.positions, i)
		c.renewals, c.data = append(c.renewals, e.numbers.Renewal), append(c.data, data)
	}
}
