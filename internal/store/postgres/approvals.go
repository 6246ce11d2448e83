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

const (
	approvalColumns = `
SELECT number, approval_id, act, summary, parameters::text, hash, coalesce(reason, ''), requested_by, requested_person, requested_at, expires, state,
    coalesce(decided_by, ''), coalesce(decided_person, ''), decided_at, ended_at FROM approvals `

	selectApproval         = approvalColumns + `WHERE approval_id = $1`
	lockApproval           = selectApproval + ` FOR NO KEY UPDATE`
	selectApprovals        = approvalColumns + `WHERE number > $1 ORDER BY number LIMIT $2`
	selectUsedApprovals    = approvalColumns + `WHERE state = 'used' AND act = ANY ($1) ORDER BY number`
	selectWaitingApprovals = approvalColumns + `WHERE state IN ('pending', 'approved') ORDER BY number`

	insertApproval = `
INSERT INTO approvals (approval_id, act, summary, parameters, hash, reason, requested_by, requested_person, requested_at, expires, entry_id, state)
SELECT $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, id, 'pending' FROM entry`
)

// RequestApproval implements ca.ApprovalStore. Of two that make the same request at the same time, one loses the race, and finds it made the
// next time.
func (s *Store) RequestApproval(ctx context.Context, r *ca.ApprovalRequest, entry tlog.Entry) (*ca.Approval, error) {
	made, err := s.requestApproval(ctx, r, entry)
	if err != nil {
		return nil, fmt.Errorf("request approval %s: %w", r.ID, err)
	}
	return made, nil
}

func (s *Store) requestApproval(ctx context.Context, r *ca.ApprovalRequest, entry tlog.Entry) (made *ca.Approval, err error) {
	if err := errors.Join(exact(r.RequestedAt, time.Millisecond), exact(r.Expires, time.Millisecond), checkEntry(entry)); err != nil {
		return nil, err
	}
	err = s.inChange(ctx, func(c *change) error {
		known, err := c.lockApproval(r.ID)
		switch {
		case err == nil && !known.Same(r):
			return ca.ErrApprovalDiffers
		case err == nil:
			made = known
			return c.commit(func(*pgx.Batch) {})
		case !errors.Is(err, ca.ErrNotFound):
			return err
		}
		made = new(ca.Approval)
		return c.commit(func(b *pgx.Batch) {
			b.Queue(withEntry+insertApproval, append(entryArgs(entry), string(r.ID), string(r.Act), r.Summary, r.Parameters, r.Hash[:], r.Reason,
				r.RequestedBy.Operator, r.RequestedBy.Person, r.RequestedAt, r.Expires)...)
			b.Queue(selectApproval, string(r.ID)).QueryRow(intoApproval(made))
		})
	})
	return made, err
}

// lockApproval begins the transaction with the lock on a request, and gives it.
func (c *change) lockApproval(id ca.ApprovalID) (*ca.Approval, error) {
	known := new(ca.Approval)
	err := c.ask(func(b *pgx.Batch) { b.Queue(lockApproval, string(id)).QueryRow(intoApproval(known)) })
	if err != nil {
		return nil, err
	}
	return known, nil
}

// intoApproval reads the one row of a query.
func intoApproval(a *ca.Approval) func(pgx.Row) error {
	return func(row pgx.Row) error { return orNotFound(scanApprovalRow(row, a)) }
}

func scanApproval(row pgx.CollectableRow) (a ca.Approval, err error) {
	err = scanApprovalRow(row, &a)
	return a, err
}

func scanApprovalRow(row interface{ Scan(...any) error }, a *ca.Approval) error {
	var hash []byte
	var decided, ended *time.Time
	err := row.Scan(&a.Number, &a.ID, &a.Act, &a.Summary, &a.Parameters, &hash, &a.Reason, &a.RequestedBy.Operator, &a.RequestedBy.Person,
		&a.RequestedAt, &a.Expires, &a.State, &a.DecidedBy.Operator, &a.DecidedBy.Person, &decided, &ended)
	if err != nil {
		return err
	}
	a.Hash = [32]byte(hash) // the table keeps hashes of 32 octets only
	a.RequestedAt, a.Expires = a.RequestedAt.UTC(), a.Expires.UTC()
	a.DecidedAt, a.EndedAt = orZero(decided), orZero(ended)
	return nil
}

// orZero gives the zero time for NULL.
func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

const decideApproval = `
UPDATE approvals SET state = $8, decided_by = $9, decided_person = $10, decided_at = $11, decision_entry = entry.id FROM entry WHERE number = $12`

// DecideApproval implements ca.ApprovalStore.
func (s *Store) DecideApproval(ctx context.Context, d *ca.Decision, entry tlog.Entry) error {
	err := errors.Join(exact(d.At, time.Millisecond), checkEntry(entry))
	if err == nil {
		err = s.inChange(ctx, func(c *change) error {
			known, err := c.lockApproval(d.ID)
			if err != nil {
				return err
			}
			if err := known.MayDecide(d); err != nil {
				return err
			}
			return c.commit(func(b *pgx.Batch) {
				b.Queue(withEntry+decideApproval, append(entryArgs(entry), string(d.State()), d.By.Operator, d.By.Person, d.At, known.Number)...)
			})
		})
	}
	if err != nil {
		return fmt.Errorf("decide on approval %s: %w", d.ID, err)
	}
	return nil
}

// UseApproval implements ca.ApprovalStore.
func (s *Store) UseApproval(ctx context.Context, use *ca.ApprovalUse) error {
	if err := checkUse(use); err != nil {
		return err
	}
	return s.inChange(ctx, func(c *change) error {
		known, err := c.lockUse(use)
		if err != nil {
			return err
		}
		return c.commit(func(b *pgx.Batch) { writeUse(b, known, use) })
	})
}

const endApproval = `
UPDATE approvals SET state = $8, ended_at = $9, end_entry = entry.id FROM entry WHERE number = $10`

// checkUse looks at what the database would round.
func checkUse(use *ca.ApprovalUse) error {
	if err := errors.Join(exact(use.At, time.Millisecond), checkEntry(use.Entry)); err != nil {
		return fmt.Errorf("use approval %s: %w", use.ID, err)
	}
	return nil
}

// lockUse begins the transaction of a verb that does an approved act, with the lock on the approval. The verb's own questions come
// afterwards, in the batch that commits or before it with c.conn.
func (c *change) lockUse(use *ca.ApprovalUse) (*ca.Approval, error) {
	known, err := c.lockApproval(use.ID)
	if err != nil && !errors.Is(err, ca.ErrNotFound) {
		return nil, fmt.Errorf("use approval %s: %w", use.ID, err)
	}
	if err != nil || !known.MayUse(use) {
		return nil, fmt.Errorf("use approval %s: %w", use.ID, ca.ErrNotApproved)
	}
	return known, nil
}

// writeUse uses a locked approval up.
func writeUse(b *pgx.Batch, locked *ca.Approval, use *ca.ApprovalUse) {
	b.Queue(withEntry+endApproval, append(entryArgs(use.Entry), "used", use.At, locked.Number)...)
}

// ExpireApproval implements ca.ApprovalStore.
func (s *Store) ExpireApproval(ctx context.Context, id ca.ApprovalID, at time.Time, entry tlog.Entry) error {
	err := errors.Join(exact(at, time.Millisecond), checkEntry(entry))
	if err == nil {
		err = s.inChange(ctx, func(c *change) error {
			known, err := c.lockApproval(id)
			if err != nil && !errors.Is(err, ca.ErrNotFound) {
				return err
			}
			if err != nil || !known.MayExpire(at) {
				return ca.ErrNotPending
			}
			return c.commit(func(b *pgx.Batch) {
				b.Queue(withEntry+endApproval, append(entryArgs(entry), "expired", at, known.Number)...)
			})
		})
	}
	if err != nil {
		return fmt.Errorf("expire approval %s: %w", id, err)
	}
	return nil
}

// Approval implements ca.ApprovalStore.
func (s *Store) Approval(ctx context.Context, id ca.ApprovalID) (*ca.Approval, error) {
	a := new(ca.Approval)
	if err := orNotFound(scanApprovalRow(s.pool.QueryRow(ctx, selectApproval, string(id)), a)); err != nil {
		return nil, fmt.Errorf("read approval %s: %w", id, err)
	}
	return a, nil
}

// Approvals implements ca.ApprovalStore.
func (s *Store) Approvals(ctx context.Context, after int64, limit int) ([]ca.Approval, error) {
	return list(ctx, s, "list approvals", limit, selectApprovals, scanApproval, after, limit)
}

// UsedApprovals implements ca.ApprovalStore.
func (s *Store) UsedApprovals(ctx context.Context, acts []ca.ActKind) ([]ca.Approval, error) {
	return all(ctx, s, "list used approvals", selectUsedApprovals, scanApproval, acts)
}

// WaitingApprovals implements ca.ApprovalStore.
func (s *Store) WaitingApprovals(ctx context.Context) ([]ca.Approval, error) {
	return all(ctx, s, "list waiting approvals", selectWaitingApprovals, scanApproval)
}
