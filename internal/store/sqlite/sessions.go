package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

const (
	sessionColumns = `
SELECT number, session_id, issuer, coalesce(approval_id, ''), signatures, drawn, opened_at, ends, closed_at, coalesce(reason, '')
FROM key_sessions `

	selectSession        = sessionColumns + `WHERE session_id = ?`
	selectOpenSession    = sessionColumns + `WHERE issuer = ? AND closed_at IS NULL`
	selectOpenedSessions = sessionColumns + `WHERE closed_at IS NULL ORDER BY number`
	selectSessions       = sessionColumns + `WHERE ?1 = 0 OR number < ?1 ORDER BY number DESC LIMIT ?2`

	insertSession = `
INSERT INTO key_sessions (session_id, issuer, approval_id, signatures, drawn, opened_at, ends, entry_id)
SELECT ?1, ?2, nullif(?3, ''), ?4, ?5, ?6, ?7, ?8
WHERE NOT EXISTS (SELECT 1 FROM key_sessions WHERE issuer = ?2 AND closed_at IS NULL)`

	drawSignatures = `
UPDATE key_sessions SET drawn = drawn + ? WHERE session_id = ? AND drawn = ? AND closed_at IS NULL`

	closeSession = `
UPDATE key_sessions SET drawn = ?, closed_at = ?, reason = ?, end_entry_id = ? WHERE session_id = ? AND drawn = ? AND closed_at IS NULL`
)

// OpenSessions implements ca.SessionStore.
func (s *Store) OpenSessions(ctx context.Context, sessions []ca.KeySession, use *ca.ApprovalUse, entries []tlog.Entry) error {
	err := s.writer.do(ctx, func(w *session) error { return openSessions(w, sessions, use, entries) })
	if err != nil {
		return fmt.Errorf("open %d key sessions: %w", len(sessions), err)
	}
	return nil
}

func openSessions(s *session, sessions []ca.KeySession, use *ca.ApprovalUse, entries []tlog.Entry) error {
	if len(sessions) != len(entries) || len(sessions) == 0 {
		return fmt.Errorf("there are %d entries", len(entries))
	}
	if use != nil {
		if err := useApproval(s, use); err != nil {
			return err
		}
	}
	for i := range sessions {
		if err := openSession(s, &sessions[i], entries[i]); err != nil {
			return fmt.Errorf("issuer %q: %w", sessions[i].Issuer, err)
		}
	}
	return nil
}

func openSession(s *session, k *ca.KeySession, entry tlog.Entry) error {
	opened, err := millis(k.OpenedAt)
	if err != nil {
		return err
	}
	ends, err := millis(k.Ends)
	if err != nil {
		return err
	}
	entryID, err := record(s, entry)
	if err != nil {
		return err
	}
	isNew, err := s.changes(insertSession, string(k.ID), k.Issuer, string(k.Approval), k.Signatures, k.Drawn, opened, ends, entryID)
	if err == nil && !isNew {
		err = ca.ErrSessionOpen
	}
	return err
}

// DrawSignatures implements ca.SessionStore.
func (s *Store) DrawSignatures(ctx context.Context, d *ca.Draw, entry tlog.Entry) error {
	err := s.writer.do(ctx, func(w *session) error {
		if _, err := record(w, entry); err != nil {
			return err
		}
		drawn, err := w.changes(drawSignatures, d.Signatures, string(d.Session), d.Drawn)
		if err == nil && !drawn {
			err = ca.ErrSessionMoved
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("draw from key session %s: %w", d.Session, err)
	}
	return nil
}

// CloseSession implements ca.SessionStore.
func (s *Store) CloseSession(ctx context.Context, end *ca.SessionEnd, entry tlog.Entry) error {
	err := s.writer.do(ctx, func(w *session) error {
		at, err := millis(end.At)
		if err != nil {
			return err
		}
		entryID, err := record(w, entry)
		if err != nil {
			return err
		}
		closed, err := w.changes(closeSession, end.Used, at, end.Reason, entryID, string(end.Session), end.Drawn)
		if err == nil && !closed {
			err = ca.ErrSessionMoved
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("close key session %s: %w", end.Session, err)
	}
	return nil
}

// Session implements ca.SessionStore.
func (s *Store) Session(ctx context.Context, id ca.SessionID) (*ca.KeySession, error) {
	k, err := oneSession(s.reads.session.QueryRowContext(ctx, string(id)))
	if err != nil {
		return nil, fmt.Errorf("read key session %s: %w", id, err)
	}
	return k, nil
}

// OpenSession implements ca.SessionStore.
func (s *Store) OpenSession(ctx context.Context, issuer string) (*ca.KeySession, error) {
	k, err := oneSession(s.reads.openSession.QueryRowContext(ctx, issuer))
	if err != nil {
		return nil, fmt.Errorf("look for a key session of issuer %q: %w", issuer, err)
	}
	return k, nil
}

func oneSession(row scanner) (*ca.KeySession, error) {
	k, err := scanSession(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ca.ErrNotFound
	}
	return &k, err
}

// OpenedSessions implements ca.SessionStore.
func (s *Store) OpenedSessions(ctx context.Context) ([]ca.KeySession, error) {
	found, err := all(ctx, s.reads.openedSessions, scanSession)
	if err != nil {
		return nil, fmt.Errorf("list open key sessions: %w", err)
	}
	return found, nil
}

// Sessions implements ca.SessionStore.
func (s *Store) Sessions(ctx context.Context, before int64, limit int) ([]ca.KeySession, error) {
	return list(ctx, "list key sessions", limit, s.reads.sessions, scanSession, before, limit)
}

func scanSession(row scanner) (k ca.KeySession, err error) {
	var opened, ends int64
	var closed sql.Null[int64]
	err = row.Scan(&k.Number, &k.ID, &k.Issuer, &k.Approval, &k.Signatures, &k.Drawn, &opened, &ends, &closed, &k.Reason)
	k.OpenedAt, k.Ends, k.ClosedAt = fromMillis(opened), fromMillis(ends), fromNullMillis(closed)
	return k, err
}
