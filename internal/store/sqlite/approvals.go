package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

const (
	approvalColumns = `
SELECT number, approval_id, act, summary, parameters, hash, coalesce(reason, ''), requested_by, requested_person, requested_at, expires, state,
    coalesce(decided_by, ''), coalesce(decided_person, ''), decided_at, ended_at FROM approvals `

	selectApproval         = approvalColumns + `WHERE approval_id = ?`
	selectApprovals        = approvalColumns + `WHERE number > ? ORDER BY number LIMIT ?`
	selectUsedApprovals    = approvalColumns + `WHERE state = 'used' AND act IN (SELECT value FROM json_each(?)) ORDER BY number`
	selectWaitingApprovals = approvalColumns + `WHERE state IN ('pending', 'approved') ORDER BY number`

	insertApproval = `
INSERT INTO approvals (approval_id, act, summary, parameters, hash, reason, requested_by, requested_person, requested_at, expires, entry_id, state)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')`
)

// RequestApproval implements ca.ApprovalStore.
func (s *Store) RequestApproval(ctx context.Context, r *ca.ApprovalRequest, entry tlog.Entry) (*ca.Approval, error) {
	var made *ca.Approval
	err := s.writer.do(ctx, func(w *session) (err error) {
		made, err = requestApproval(w, r, entry)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("request approval %s: %w", r.ID, err)
	}
	return made, nil
}

func requestApproval(s *session, r *ca.ApprovalRequest, entry tlog.Entry) (*ca.Approval, error) {
	known, err := readApproval(s, r.ID)
	if err == nil {
		if !known.Same(r) {
			return nil, ca.ErrApprovalDiffers
		}
		return known, nil
	}
	if !errors.Is(err, ca.ErrNotFound) {
		return nil, err
	}
	at, err := millis(r.RequestedAt)
	if err != nil {
		return nil, err
	}
	expires, err := millis(r.Expires)
	if err != nil {
		return nil, err
	}
	entryID, err := record(s, entry)
	if err != nil {
		return nil, err
	}
	_, err = s.exec(insertApproval, string(r.ID), string(r.Act), r.Summary, text(r.Parameters), r.Hash[:], r.Reason, r.RequestedBy.Operator,
		r.RequestedBy.Person, at, expires, entryID)
	if err != nil {
		return nil, fmt.Errorf("record the request: %w", err)
	}
	return readApproval(s, r.ID)
}

// readApproval reads a request on the writing connection.
func readApproval(s *session, id ca.ApprovalID) (*ca.Approval, error) {
	st, err := s.prepare(selectApproval)
	if err != nil {
		return nil, err
	}
	return oneApproval(st.QueryRowContext(context.Background(), string(id)))
}

func oneApproval(row scanner) (*ca.Approval, error) {
	a, err := scanApproval(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ca.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &a, nil
}

func scanApproval(row scanner) (a ca.Approval, err error) {
	var hash []byte
	var requested, expires int64
	var decided, ended sql.Null[int64]
	err = row.Scan(&a.Number, &a.ID, &a.Act, &a.Summary, &a.Parameters, &hash, &a.Reason, &a.RequestedBy.Operator, &a.RequestedBy.Person,
		&requested, &expires, &a.State, &a.DecidedBy.Operator, &a.DecidedBy.Person, &decided, &ended)
	if err != nil {
		return a, err
	}
	a.Hash = [32]byte(hash) // the table keeps hashes of 32 octets only
	a.RequestedAt, a.Expires = fromMillis(requested), fromMillis(expires)
	a.DecidedAt, a.EndedAt = fromNullMillis(decided), fromNullMillis(ended)
	return a, nil
}

// fromNullMillis gives the zero time for NULL.
func fromNullMillis(ms sql.Null[int64]) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return fromMillis(ms.V)
}

const decideApproval = `
UPDATE approvals SET state = ?, decided_by = ?, decided_person = ?, decided_at = ?, decision_entry = ? WHERE number = ?`

// DecideApproval implements ca.ApprovalStore.
func (s *Store) DecideApproval(ctx context.Context, d *ca.Decision, entry tlog.Entry) error {
	err := s.writer.do(ctx, func(w *session) error {
		at, err := millis(d.At)
		if err != nil {
			return err
		}
		known, err := readApproval(w, d.ID)
		if err != nil {
			return err
		}
		if err := known.MayDecide(d); err != nil {
			return err
		}
		entryID, err := record(w, entry)
		if err != nil {
			return err
		}
		_, err = w.exec(decideApproval, string(d.State()), d.By.Operator, d.By.Person, at, entryID, known.Number)
		return err
	})
	if err != nil {
		return fmt.Errorf("decide on approval %s: %w", d.ID, err)
	}
	return nil
}

// UseApproval implements ca.ApprovalStore.
func (s *Store) UseApproval(ctx context.Context, use *ca.ApprovalUse) error {
	return s.writer.do(ctx, func(w *session) error { return useApproval(w, use) })
}

const endApproval = `UPDATE approvals SET state = ?, ended_at = ?, end_entry = ? WHERE number = ?`

// useApproval uses an approval up, in the transaction of the verb that does the act.
func useApproval(s *session, use *ca.ApprovalUse) error {
	at, err := millis(use.At)
	if err != nil {
		return err
	}
	known, err := readApproval(s, use.ID)
	if err != nil && !errors.Is(err, ca.ErrNotFound) {
		return fmt.Errorf("use approval %s: %w", use.ID, err)
	}
	if err != nil || !known.MayUse(use) {
		return fmt.Errorf("use approval %s: %w", use.ID, ca.ErrNotApproved)
	}
	entryID, err := record(s, use.Entry)
	if err != nil {
		return err
	}
	if _, err := s.exec(endApproval, "used", at, entryID, known.Number); err != nil {
		return fmt.Errorf("use approval %s: %w", use.ID, err)
	}
	return nil
}

// ExpireApproval implements ca.ApprovalStore.
func (s *Store) ExpireApproval(ctx context.Context, id ca.ApprovalID, at time.Time, entry tlog.Entry) error {
	err := s.writer.do(ctx, func(w *session) error {
		ended, err := millis(at)
		if err != nil {
			return err
		}
		known, err := readApproval(w, id)
		if err != nil && !errors.Is(err, ca.ErrNotFound) {
			return err
		}
		if err != nil || !known.MayExpire(at) {
			return ca.ErrNotPending
		}
		entryID, err := record(w, entry)
		if err != nil {
			return err
		}
		_, err = w.exec(endApproval, "expired", ended, entryID, known.Number)
		return err
	})
	if err != nil {
		return fmt.Errorf("expire approval %s: %w", id, err)
	}
	return nil
}

// Approval implements ca.ApprovalStore.
func (s *Store) Approval(ctx context.Context, id ca.ApprovalID) (*ca.Approval, error) {
	a, err := oneApproval(s.reads.approval.QueryRowContext(ctx, string(id)))
	if err != nil {
		return nil, fmt.Errorf("read approval %s: %w", id, err)
	}
	return a, nil
}

// Approvals implements ca.ApprovalStore.
func (s *Store) Approvals(ctx context.Context, after int64, limit int) ([]ca.Approval, error) {
	return list(ctx, "list approvals", limit, s.reads.approvals, scanApproval, after, limit)
}

// UsedApprovals implements ca.ApprovalStore.
func (s *Store) UsedApprovals(ctx context.Context, acts []ca.ActKind) ([]ca.Approval, error) {
	names, err := json.Marshal(acts)
	if err != nil {
		return nil, fmt.Errorf("list used approvals: %w", err)
	}
	found, err := all(ctx, s.reads.usedApprovals, scanApproval, string(names))
	if err != nil {
		return nil, fmt.Errorf("list used approvals: %w", err)
	}
	return found, nil
}

// WaitingApprovals implements ca.ApprovalStore.
func (s *Store) WaitingApprovals(ctx context.Context) ([]ca.Approval, error) {
	found, err := all(ctx, s.reads.waitingApprovals, scanApproval)
	if err != nil {
		return nil, fmt.Errorf("list waiting approvals: %w", err)
	}
	return found, nil
}
