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
	// The lock of a server that is dead can be had; it is given back when the statement ends.
	sessionColumns = `
SELECT number, session_id, issuer, coalesce(approval_id, ''), signatures, drawn, opened_at, ends, closed_at, coalesce(reason, ''),
    closed_at IS NULL AND EXISTS (SELECT FROM unnest(servers) AS other WHERE other <> $1 AND NOT pg_try_advisory_xact_lock_shared(other))
FROM key_sessions `

	selectSession        = sessionColumns + `WHERE session_id = $2`
	selectOpenSession    = sessionColumns + `WHERE issuer = $2 AND closed_at IS NULL`
	selectOpenedSessions = sessionColumns + `WHERE closed_at IS NULL ORDER BY number`
	selectSessions       = sessionColumns + `WHERE $2 = 0 OR number < $2 ORDER BY number DESC LIMIT $3`

	insertSession = `
INSERT INTO key_sessions (session_id, issuer, approval_id, signatures, drawn, servers, opened_at, ends, entry_id)
SELECT $8, $9, nullif($10, ''), $11, $12, ARRAY[$13::bigint], $14, $15, id FROM entry
ON CONFLICT (issuer) WHERE closed_at IS NULL DO NOTHING`

	drawSignatures = `
UPDATE key_sessions SET drawn = drawn + $8, servers = CASE WHEN $9 = ANY (servers) THEN servers ELSE servers || $9::bigint END
FROM entry WHERE session_id = $10 AND drawn = $11 AND closed_at IS NULL`

	closeSession = `
UPDATE key_sessions SET drawn = $8, closed_at = $9, reason = $10, end_entry_id = entry.id
FROM entry WHERE session_id = $11 AND drawn = $12 AND closed_at IS NULL`
)

// OpenSessions implements ca.SessionStore.
func (s *Store) OpenSessions(ctx context.Context, sessions []ca.KeySession, use *ca.ApprovalUse, entries []tlog.Entry) error {
	if err := s.openSessions(ctx, sessions, use, entries); err != nil {
		return fmt.Errorf("open %d key sessions: %w", len(sessions), err)
	}
	return nil
}

func (s *Store) openSessions(ctx context.Context, sessions []ca.KeySession, use *ca.ApprovalUse, entries []tlog.Entry) error {
	if len(sessions) != len(entries) || len(sessions) == 0 {
		return fmt.Errorf("there are %d entries", len(entries))
	}
	for i := range sessions {
		if err := errors.Join(exact(sessions[i].OpenedAt, time.Millisecond), exact(sessions[i].Ends, time.Millisecond), checkEntry(entries[i])); err != nil {
			return err
		}
	}
	if use != nil {
		if err := checkUse(use); err != nil {
			return err
		}
	}
	return s.inChange(ctx, func(c *change) error {
		var approval *ca.Approval
		var err error
		if use == nil {
			err = c.ask(func(*pgx.Batch) {})
		} else {
			approval, err = c.lockUse(use)
		}
		if err != nil {
			return err
		}
		err = c.write(func(b *pgx.Batch) {
			for i := range sessions {
				s.writeSession(b, &sessions[i], entries[i])
			}
		})
		if err != nil {
			return err
		}
		return c.commit(func(b *pgx.Batch) {
			if use != nil {
				writeUse(b, approval, use)
			}
		})
	})
}

// writeSession opens a session, if none of its issuer is open.
func (s *Store) writeSession(b *pgx.Batch, k *ca.KeySession, entry tlog.Entry) {
	b.Queue(withEntry+insertSession, append(entryArgs(entry), string(k.ID), k.Issuer, string(k.Approval), k.Signatures, k.Drawn,
		s.presence.key, k.OpenedAt, k.Ends)...).Exec(changedOne(fmt.Errorf("issuer %q: %w", k.Issuer, ca.ErrSessionOpen)))
}

// changedOne gives err where a statement has changed no row.
func changedOne(err error) func(pgconn.CommandTag) error {
	return func(done pgconn.CommandTag) error {
		if done.RowsAffected() != 1 {
			return err
		}
		return nil
	}
}

// changeSession runs a statement that changes an open session, with its entry.
func (s *Store) changeSession(ctx context.Context, entry tlog.Entry, statement string, args ...any) error {
	return s.inChange(ctx, func(c *change) error {
		err := c.ask(func(b *pgx.Batch) {
			b.Queue(withEntry+statement, append(entryArgs(entry), args...)...).Exec(changedOne(ca.ErrSessionMoved))
		})
		if err != nil {
			return err
		}
		return c.commit(func(*pgx.Batch) {})
	})
}

// DrawSignatures implements ca.SessionStore.
func (s *Store) DrawSignatures(ctx context.Context, d *ca.Draw, entry tlog.Entry) error {
	err := checkEntry(entry)
	if err == nil {
		err = s.changeSession(ctx, entry, drawSignatures, d.Signatures, s.presence.key, string(d.Session), d.Drawn)
	}
	if err != nil {
		return fmt.Errorf("draw from key session %s: %w", d.Session, err)
	}
	return nil
}

// CloseSession implements ca.SessionStore.
func (s *Store) CloseSession(ctx context.Context, end *ca.SessionEnd, entry tlog.Entry) error {
	err := errors.Join(exact(end.At, time.Millisecond), checkEntry(entry))
	if err == nil {
		err = s.changeSession(ctx, entry, closeSession, end.Used, end.At, end.Reason, string(end.Session), end.Drawn)
	}
	if err != nil {
		return fmt.Errorf("close key session %s: %w", end.Session, err)
	}
	return nil
}

// Session implements ca.SessionStore.
func (s *Store) Session(ctx context.Context, id ca.SessionID) (*ca.KeySession, error) {
	k, err := scanSession(s.pool.QueryRow(ctx, selectSession, s.presence.key, string(id)))
	if err != nil {
		return nil, fmt.Errorf("read key session %s: %w", id, orNotFound(err))
	}
	return &k, nil
}

// OpenSession implements ca.SessionStore.
func (s *Store) OpenSession(ctx context.Context, issuer string) (*ca.KeySession, error) {
	k, err := scanSession(s.pool.QueryRow(ctx, selectOpenSession, s.presence.key, issuer))
	if err != nil {
		return nil, fmt.Errorf("look for a key session of issuer %q: %w", issuer, orNotFound(err))
	}
	return &k, nil
}

// OpenedSessions implements ca.SessionStore.
func (s *Store) OpenedSessions(ctx context.Context) ([]ca.KeySession, error) {
	return all(ctx, s, "list open key sessions", selectOpenedSessions, scanSessionRow, s.presence.key)
}

// Sessions implements ca.SessionStore.
func (s *Store) Sessions(ctx context.Context, before int64, limit int) ([]ca.KeySession, error) {
	return list(ctx, s, "list key sessions", limit, selectSessions, scanSessionRow, s.presence.key, before, limit)
}

func scanSessionRow(row pgx.CollectableRow) (ca.KeySession, error) { return scanSession(row) }

func scanSession(row interface{ Scan(...any) error }) (k ca.KeySession, err error) {
	var closed *time.Time
	err = row.Scan(&k.Number, &k.ID, &k.Issuer, &k.Approval, &k.Signatures, &k.Drawn, &k.OpenedAt, &k.Ends, &closed, &k.Reason, &k.Elsewhere)
	k.OpenedAt, k.Ends, k.ClosedAt = k.OpenedAt.UTC(), k.Ends.UTC(), orZero(closed)
	return k, err
}
