package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

const (
	bulkColumns = `
SELECT bulk_id, selection::text, requester, reason, ground, requested_at, planned_at, planned_by, cards, list_sha256, state, done, revoked,
    coalesce(started_by, ''), started_at, ended_at FROM bulk_revocations `

	selectBulk   = bulkColumns + `WHERE bulk_id = $1`
	lockBulk     = selectBulk + ` FOR NO KEY UPDATE`
	selectActive = bulkColumns + `WHERE state = 'running' ORDER BY number`

	insertBulk = `
INSERT INTO bulk_revocations (bulk_id, selection, requester, reason, ground, requested_at, planned_at, planned_by, cards, list_sha256, entry_id, state, done, revoked)
SELECT $8, $9::text::json, $10, $11, $12, $13::timestamptz, $14::timestamptz, $15, $16::integer, $17::bytea, id, 'planned', 0, 0 FROM entry`

	insertBulkCards = `
INSERT INTO bulk_cards (bulk, place, card)
SELECT b.number, w.n - 1, w.card FROM bulk_revocations b, unnest($2::bigint[]) WITH ORDINALITY AS w (card, n) WHERE b.bulk_id = $1`
)

// PlanBulk implements ca.BulkStore.
func (s *Store) PlanBulk(ctx context.Context, p *ca.BulkPlan, cards []int64, entry tlog.Entry) (bulk *ca.Bulk, err error) {
	if err = checkChange(entry, p.RequestedAt, p.PlannedAt); err == nil && len(cards) != p.Cards {
		err = fmt.Errorf("%d cards were given for a plan of %d", len(cards), p.Cards)
	}
	if err == nil {
		bulk, err = s.planBulk(ctx, p, cards, entry)
	}
	if err != nil {
		return nil, fmt.Errorf("plan bulk revocation %s: %w", p.ID, err)
	}
	return bulk, nil
}

func (s *Store) planBulk(ctx context.Context, p *ca.BulkPlan, cards []int64, entry tlog.Entry) (bulk *ca.Bulk, err error) {
	err = s.inChange(ctx, func(c *change) error {
		known, err := c.lockBulk(p.ID)
		switch {
		case err == nil && !known.Same(p):
			return ca.ErrBulkDiffers
		case err == nil:
			bulk = known
			return c.commit(func(*pgx.Batch) {})
		case !errors.Is(err, ca.ErrNotFound):
			return err
		}
		bulk = new(ca.Bulk)
		return c.commit(func(b *pgx.Batch) {
			b.Queue(withEntry+insertBulk, append(entryArgs(entry), string(p.ID), string(p.Selection), p.Requester, p.Reason, p.Ground, p.RequestedAt, p.PlannedAt,
				p.PlannedBy, p.Cards, p.ListSHA256[:])...)
			b.Queue(insertBulkCards, string(p.ID), cards)
			b.Queue(selectBulk, string(p.ID)).QueryRow(intoBulk(bulk))
		})
	})
	return bulk, err
}

// lockBulk begins the transaction with the lock on a bulk revocation, and gives it.
func (c *change) lockBulk(id ca.BulkID) (*ca.Bulk, error) {
	bulk := new(ca.Bulk)
	err := c.ask(func(b *pgx.Batch) { b.Queue(lockBulk, string(id)).QueryRow(intoBulk(bulk)) })
	return bulk, err
}

func intoBulk(bulk *ca.Bulk) func(pgx.Row) error {
	return func(row pgx.Row) error { return orNotFound(scanBulkRow(row, bulk)) }
}

func scanBulk(row pgx.CollectableRow) (bulk ca.Bulk, err error) {
	err = scanBulkRow(row, &bulk)
	return bulk, err
}

func scanBulkRow(row pgx.Row, b *ca.Bulk) error {
	var hash []byte
	var started, ended *time.Time
	err := row.Scan(&b.ID, &b.Selection, &b.Requester, &b.Reason, &b.Ground, &b.RequestedAt, &b.PlannedAt, &b.PlannedBy, &b.Cards, &hash, &b.State, &b.Done,
		&b.Revoked, &b.StartedBy, &started, &ended)
	if err != nil {
		return err
	}
	b.ListSHA256 = [32]byte(hash) // the table keeps hashes of 32 octets only
	b.RequestedAt, b.PlannedAt, b.StartedAt, b.EndedAt = b.RequestedAt.UTC(), b.PlannedAt.UTC(), orZero(started), orZero(ended)
	return nil
}

// moveBulk changes the state of a bulk revocation that is in one of some states, and has its entry.
const (
	startBulk = `UPDATE bulk_revocations SET state = 'running', started_by = $8, started_at = $9 FROM entry WHERE bulk_id = $10 AND state = 'planned'`
	holdBulk  = `UPDATE bulk_revocations SET state = $8 FROM entry WHERE bulk_id = $9 AND state = $10`
	endBulk   = `UPDATE bulk_revocations SET state = 'ended', ended_at = $8 FROM entry WHERE bulk_id = $9 AND state = 'running' AND done = cards`
)

// StartBulk implements ca.BulkStore.
func (s *Store) StartBulk(ctx context.Context, id ca.BulkID, at time.Time, entry tlog.Entry, use *ca.ApprovalUse) error {
	err := errors.Join(checkChange(entry, at), checkUse(use))
	if err == nil {
		err = s.inChange(ctx, func(c *change) error {
			approval, err := c.lockUse(use)
			if err != nil {
				return err
			}
			if err := c.moveBulk(id, startBulk, entry, entry.Actor, at, string(id)); err != nil {
				return err
			}
			return c.commit(func(b *pgx.Batch) { writeUse(b, approval, use) })
		})
	}
	if err != nil {
		return fmt.Errorf("start bulk revocation %s: %w", id, err)
	}
	return nil
}

// HoldBulk implements ca.BulkStore.
func (s *Store) HoldBulk(ctx context.Context, id ca.BulkID, hold bool, at time.Time, entry tlog.Entry) error {
	from, to := ca.BulkPaused, ca.BulkRunning
	if hold {
		from, to = to, from
	}
	return s.moveBulk(ctx, "hold", id, holdBulk, at, entry, string(to), string(id), string(from))
}

// EndBulk implements ca.BulkStore.
func (s *Store) EndBulk(ctx context.Context, id ca.BulkID, at time.Time, entry tlog.Entry) error {
	return s.moveBulk(ctx, "end", id, endBulk, at, entry, at, string(id))
}

func (s *Store) moveBulk(ctx context.Context, doing string, id ca.BulkID, statement string, at time.Time, entry tlog.Entry, args ...any) error {
	err := checkChange(entry, at)
	if err == nil {
		err = s.inChange(ctx, func(c *change) error {
			if err := c.ask(func(*pgx.Batch) {}); err != nil {
				return err
			}
			if err := c.moveBulk(id, statement, entry, args...); err != nil {
				return err
			}
			return c.commit(func(*pgx.Batch) {})
		})
	}
	if err != nil {
		return fmt.Errorf("%s bulk revocation %s: %w", doing, id, err)
	}
	return nil
}

// moveBulk runs a statement that changes one row, or says why it does not. Its entry goes with the transaction where it does not.
func (c *change) moveBulk(id ca.BulkID, statement string, entry tlog.Entry, args ...any) error {
	done, err := c.conn.Exec(c.ctx, withEntry+statement, append(entryArgs(entry), args...)...)
	switch {
	case err != nil:
		return err
	case done.RowsAffected() == 1:
		return nil
	}
	var there bool
	if err := c.conn.QueryRow(c.ctx, `SELECT EXISTS (SELECT FROM bulk_revocations WHERE bulk_id = $1)`, string(id)).Scan(&there); err != nil {
		return err
	}
	if !there {
		return ca.ErrNotFound
	}
	return ca.ErrBulkMoved
}

const (
	// Cards are locked in one order, as single changes lock one.
	lockBulkCards = `
SELECT c.number FROM bulk_revocations b JOIN bulk_cards l ON l.bulk = b.number JOIN cards c ON c.number = l.card
WHERE b.bulk_id = $1 AND l.place >= $2 AND l.place < $2 + $3 ORDER BY c.number FOR NO KEY UPDATE OF c`

	selectBulkStep = `
SELECT l.card, EXISTS (SELECT FROM status_changes s WHERE s.card = l.card AND s.state = 'revoked' AND s.place IS NULL)
FROM bulk_revocations b JOIN bulk_cards l ON l.bulk = b.number
WHERE b.bulk_id = $1 AND l.place >= $2 AND l.place < $2 + $3 ORDER BY l.place`

	advanceBulk = `UPDATE bulk_revocations SET done = done + $2, revoked = revoked + $3 WHERE bulk_id = $1`
)

// AdvanceBulk implements ca.BulkStore.
func (s *Store) AdvanceBulk(ctx context.Context, step *ca.BulkStep, entries []tlog.Entry) (bulk *ca.Bulk, err error) {
	for _, e := range entries {
		err = errors.Join(err, checkChange(e, step.RequestedAt, step.At))
	}
	if err == nil {
		bulk, err = s.advanceBulk(ctx, step, entries)
	}
	if err != nil {
		return nil, fmt.Errorf("advance bulk revocation %s: %w", step.ID, err)
	}
	return bulk, nil
}

func (s *Store) advanceBulk(ctx context.Context, step *ca.BulkStep, entries []tlog.Entry) (bulk *ca.Bulk, err error) {
	type listed struct {
		Card    int64
		Revoked bool
	}
	err = s.inChange(ctx, func(c *change) error {
		before, cards := new(ca.Bulk), []listed(nil)
		args := []any{string(step.ID), step.From, len(entries)}
		err := c.ask(func(b *pgx.Batch) {
			b.Queue(lockBulk, string(step.ID)).QueryRow(intoBulk(before))
			b.Queue(lockBulkCards, args...).Exec(func(pgconn.CommandTag) error { return nil })
			b.Queue(selectBulkStep, args...).Query(func(rows pgx.Rows) (err error) {
				cards, err = pgx.CollectRows(rows, pgx.RowToStructByPos[listed])
				return err
			})
		})
		switch {
		case err != nil:
			return err
		case before.State != ca.BulkRunning || before.Done != step.From:
			return ca.ErrBulkMoved
		case len(cards) != len(entries) || len(cards) == 0:
			return fmt.Errorf("%d entries for %d cards of the list", len(entries), len(cards))
		}
		bulk = new(ca.Bulk)
		return c.commit(func(b *pgx.Batch) {
			revoked := 0
			for i, card := range cards {
				if !card.Revoked {
					writeRevocation(b, entries[i], card.Card, nil, &step.Revocation)
					revoked++
				}
			}
			b.Queue(advanceBulk, string(step.ID), len(cards), revoked)
			b.Queue(selectBulk, string(step.ID)).QueryRow(intoBulk(bulk))
		})
	})
	return bulk, err
}

// Bulk implements ca.BulkStore.
func (s *Store) Bulk(ctx context.Context, id ca.BulkID) (*ca.Bulk, error) {
	bulk := new(ca.Bulk)
	if err := intoBulk(bulk)(s.pool.QueryRow(ctx, selectBulk, string(id))); err != nil {
		return nil, fmt.Errorf("read bulk revocation %s: %w", id, err)
	}
	return bulk, nil
}

// RunningBulks implements ca.BulkStore.
func (s *Store) RunningBulks(ctx context.Context) ([]ca.Bulk, error) {
	return all(ctx, s, "list running bulk revocations", selectActive, scanBulk)
}
