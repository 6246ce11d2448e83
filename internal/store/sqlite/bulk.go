package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/tlog"
)

const (
	bulkColumns = `
SELECT bulk_id, selection, requester, reason, ground, requested_at, planned_at, planned_by, cards, list_sha256, state, done, revoked,
    coalesce(started_by, ''), started_at, ended_at FROM bulk_revocations `

	selectBulk        = bulkColumns + `WHERE bulk_id = ?`
	selectActiveBulks = bulkColumns + `WHERE state = 'running' ORDER BY number`

	insertBulk = `
INSERT INTO bulk_revocations (bulk_id, selection, requester, reason, ground, requested_at, planned_at, planned_by, cards, list_sha256, entry_id, state, done, revoked)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned', 0, 0)`

	insertBulkCard = `INSERT INTO bulk_cards (bulk, place, card) VALUES (?, ?, ?)`

	startBulk   = `UPDATE bulk_revocations SET state = 'running', started_by = ?, started_at = ? WHERE bulk_id = ? AND state = 'planned'`
	holdBulk    = `UPDATE bulk_revocations SET state = ? WHERE bulk_id = ? AND state = ?`
	endBulk     = `UPDATE bulk_revocations SET state = 'ended', ended_at = ? WHERE bulk_id = ? AND state = 'running' AND done = cards`
	advanceBulk = `UPDATE bulk_revocations SET done = done + ?, revoked = revoked + ? WHERE bulk_id = ?`

	selectBulkStep = `
SELECT l.card, EXISTS (SELECT 1 FROM status_changes s WHERE s.card = l.card AND s.state = 'revoked' AND s.place IS NULL)
FROM bulk_revocations b JOIN bulk_cards l ON l.bulk = b.number
WHERE b.bulk_id = ?1 AND l.place >= ?2 AND l.place < ?2 + ?3 ORDER BY l.place`
)

// PlanBulk implements ca.BulkStore.
func (s *Store) PlanBulk(ctx context.Context, p *ca.BulkPlan, cards []int64, entry tlog.Entry) (bulk *ca.Bulk, err error) {
	err = s.writer.do(ctx, func(w *session) (err error) {
		bulk, err = planBulk(w, p, cards, entry)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("plan bulk revocation %s: %w", p.ID, err)
	}
	return bulk, nil
}

func planBulk(s *session, p *ca.BulkPlan, cards []int64, entry tlog.Entry) (*ca.Bulk, error) {
	requested, err := millis(p.RequestedAt)
	if err != nil {
		return nil, err
	}
	planned, err := millis(p.PlannedAt)
	if err != nil {
		return nil, err
	}
	if len(cards) != p.Cards {
		return nil, fmt.Errorf("%d cards were given for a plan of %d", len(cards), p.Cards)
	}
	known, err := bulkOf(s, p.ID)
	switch {
	case err == nil && !known.Same(p):
		return nil, ca.ErrBulkDiffers
	case err == nil || !errors.Is(err, ca.ErrNotFound):
		return known, err
	}
	entryID, err := record(s, entry)
	if err != nil {
		return nil, err
	}
	number, err := s.insert(insertBulk, string(p.ID), string(p.Selection), p.Requester, p.Reason, p.Ground, requested, planned, p.PlannedBy, p.Cards, p.ListSHA256[:], entryID)
	if err != nil {
		return nil, fmt.Errorf("record it: %w", err)
	}
	for place, card := range cards {
		if _, err := s.exec(insertBulkCard, number, place, card); err != nil {
			return nil, fmt.Errorf("record card %d: %w", place, err)
		}
	}
	return bulkOf(s, p.ID)
}

// bulkOf reads as the writer sees it.
func bulkOf(s *session, id ca.BulkID) (*ca.Bulk, error) {
	st, err := s.prepare(selectBulk)
	if err != nil {
		return nil, err
	}
	return oneBulk(st.QueryRowContext(context.Background(), string(id)))
}

func oneBulk(row scanner) (*ca.Bulk, error) {
	bulk, err := scanBulk(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ca.ErrNotFound
	}
	return &bulk, err
}

func scanBulk(row scanner) (b ca.Bulk, err error) {
	var hash []byte
	var requested, planned int64
	var started, ended sql.Null[int64]
	err = row.Scan(&b.ID, (*[]byte)(&b.Selection), &b.Requester, &b.Reason, &b.Ground, &requested, &planned, &b.PlannedBy, &b.Cards, &hash, &b.State, &b.Done,
		&b.Revoked, &b.StartedBy, &started, &ended)
	if err != nil {
		return b, err
	}
	b.ListSHA256 = [32]byte(hash) // the table keeps hashes of 32 octets only
	b.RequestedAt, b.PlannedAt = fromMillis(requested), fromMillis(planned)
	if started.Valid {
		b.StartedAt = fromMillis(started.V)
	}
	if ended.Valid {
		b.EndedAt = fromMillis(ended.V)
	}
	return b, nil
}

// StartBulk implements ca.BulkStore.
func (s *Store) StartBulk(ctx context.Context, id ca.BulkID, at time.Time, entry tlog.Entry, use *ca.ApprovalUse) error {
	ms, err := millis(at)
	if err != nil {
		return fmt.Errorf("start bulk revocation %s: %w", id, err)
	}
	return s.writer.do(ctx, func(w *session) error {
		if err := useApproval(w, use); err != nil {
			return fmt.Errorf("start bulk revocation %s: %w", id, err)
		}
		return moveBulk(w, "start", id, entry, startBulk, entry.Actor, ms, string(id))
	})
}

// HoldBulk implements ca.BulkStore.
func (s *Store) HoldBulk(ctx context.Context, id ca.BulkID, hold bool, _ time.Time, entry tlog.Entry) error {
	from, to := ca.BulkPaused, ca.BulkRunning
	if hold {
		from, to = to, from
	}
	return s.writer.do(ctx, func(w *session) error {
		return moveBulk(w, "hold", id, entry, holdBulk, string(to), string(id), string(from))
	})
}

// EndBulk implements ca.BulkStore.
func (s *Store) EndBulk(ctx context.Context, id ca.BulkID, at time.Time, entry tlog.Entry) error {
	ms, err := millis(at)
	if err != nil {
		return fmt.Errorf("end bulk revocation %s: %w", id, err)
	}
	return s.writer.do(ctx, func(w *session) error { return moveBulk(w, "end", id, entry, endBulk, ms, string(id)) })
}

// moveBulk runs a statement that changes one row, with its entry, or says why it does not.
func moveBulk(s *session, doing string, id ca.BulkID, entry tlog.Entry, statement string, args ...any) error {
	_, err := bulkOf(s, id)
	if err == nil {
		_, err = record(s, entry)
	}
	if err == nil {
		var moved bool
		if moved, err = s.changes(statement, args...); err == nil && !moved {
			err = ca.ErrBulkMoved
		}
	}
	if err != nil {
		return fmt.Errorf("%s bulk revocation %s: %w", doing, id, err)
	}
	return nil
}

// AdvanceBulk implements ca.BulkStore.
func (s *Store) AdvanceBulk(ctx context.Context, step *ca.BulkStep, entries []tlog.Entry) (bulk *ca.Bulk, err error) {
	err = s.changeStatus(ctx, func(w *session) (changed bool, err error) {
		bulk, err = advance(w, step, entries)
		return true, err
	})
	if err != nil {
		return nil, fmt.Errorf("advance bulk revocation %s: %w", step.ID, err)
	}
	return bulk, nil
}

func advance(s *session, step *ca.BulkStep, entries []tlog.Entry) (*ca.Bulk, error) {
	before, err := bulkOf(s, step.ID)
	if err != nil {
		return nil, err
	}
	if before.State != ca.BulkRunning || before.Done != step.From {
		return nil, ca.ErrBulkMoved
	}
	st, err := s.prepare(selectBulkStep)
	if err != nil {
		return nil, err
	}
	type listed struct {
		card    int64
		revoked bool
	}
	cards, err := all(context.Background(), st, func(row scanner) (c listed, err error) {
		err = row.Scan(&c.card, &c.revoked)
		return c, err
	}, string(step.ID), step.From, len(entries))
	if err != nil {
		return nil, fmt.Errorf("read the list: %w", err)
	}
	if len(cards) != len(entries) || len(cards) == 0 {
		return nil, fmt.Errorf("%d entries for %d cards of the list", len(entries), len(cards))
	}
	revoked := 0
	for i, c := range cards {
		if c.revoked {
			continue
		}
		if err := writeRevocation(s, entries[i], c.card, nil, &step.Revocation); err != nil {
			return nil, fmt.Errorf("card %d of the list: %w", step.From+i, err)
		}
		revoked++
	}
	if _, err := s.exec(advanceBulk, len(cards), revoked, string(step.ID)); err != nil {
		return nil, fmt.Errorf("record how far it is: %w", err)
	}
	return bulkOf(s, step.ID)
}

// Bulk implements ca.BulkStore.
func (s *Store) Bulk(ctx context.Context, id ca.BulkID) (*ca.Bulk, error) {
	bulk, err := oneBulk(s.reads.bulk.QueryRowContext(ctx, string(id)))
	if err != nil {
		return nil, fmt.Errorf("read bulk revocation %s: %w", id, err)
	}
	return bulk, nil
}

// RunningBulks implements ca.BulkStore.
func (s *Store) RunningBulks(ctx context.Context) ([]ca.Bulk, error) {
	found, err := all(ctx, s.reads.activeBulks, scanBulk)
	if err != nil {
		return nil, fmt.Errorf("list running bulk revocations: %w", err)
	}
	return found, nil
}

// LeadBulks implements ca.BulkStore. There is no other server.
func (s *Store) LeadBulks(ctx context.Context, work func(context.Context) error) error {
	return work(ctx)
}

// The last condition but one looks for the issuer among the certificates of the card.
const selectSelected = `
SELECT c.number, o.iccsn, o.card_type, o.sector, EXISTS (SELECT 1 FROM status_changes s WHERE s.card = c.number AND s.state = 'revoked' AND s.place IS NULL)
FROM cards c JOIN orders o ON o.order_id = c.order_id JOIN attempts a ON a.number = c.attempt
WHERE c.number > ?1 AND o.renews IS NULL
    AND (?3 = '' OR o.iccsn >= ?3) AND (?4 = '' OR o.iccsn <= ?4) AND (?5 = '' OR o.card_type = ?5) AND (?6 = '' OR o.sector = ?6)
    AND (?7 IS NULL OR a.ended_at >= ?7) AND (?8 IS NULL OR a.ended_at < ?8)
    AND (?9 = '' OR EXISTS (SELECT 1 FROM certificates t WHERE t.card = c.number AND t.serial IS NOT NULL AND t.issuer = ?9))
    AND (?10 IS NULL OR o.iccsn IN (SELECT value FROM json_each(?10)))
ORDER BY c.number LIMIT ?2`

// SelectCards implements ca.BulkStore.
func (s *Store) SelectCards(ctx context.Context, q *ca.CardSelection, after int64, limit int) ([]ca.SelectedCard, error) {
	var listed any
	if len(q.ICCSNs) > 0 {
		octets, err := json.Marshal(q.ICCSNs)
		if err != nil {
			return nil, fmt.Errorf("select cards: %w", err)
		}
		listed = string(octets)
	}
	return list(ctx, "select cards", limit, s.reads.selected, func(row scanner) (c ca.SelectedCard, err error) {
		err = row.Scan(&c.Number, &c.ICCSN, &c.CardType, &c.Sector, &c.Revoked)
		return c, err
	}, after, limit, q.ICCSNFrom, q.ICCSNUntil, q.CardType, q.Sector, orNull(q.IssuedFrom), orNull(q.IssuedUntil), q.Issuer, listed)
}

// orNull gives NULL for the zero time.
func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// A card has a row for each X.509 certificate.
const selectBulkCards = `
SELECT l.place, o.iccsn, EXISTS (SELECT 1 FROM status_changes s WHERE s.card = l.card AND s.state = 'revoked' AND s.place IS NULL), t.issuer, t.serial, d.slot
FROM bulk_revocations b JOIN bulk_cards l ON l.bulk = b.number JOIN cards c ON c.number = l.card JOIN orders o ON o.order_id = c.order_id
JOIN certificates t ON t.card = c.number AND t.serial IS NOT NULL JOIN drafts d ON d.attempt = c.attempt AND d.position = t.position
WHERE b.bulk_id = ?1 AND l.place >= ?2 AND l.place < ?2 + ?3 ORDER BY l.place, t.position`

// BulkCards implements ca.BulkStore.
func (s *Store) BulkCards(ctx context.Context, id ca.BulkID, from, limit int) ([]ca.BulkCard, error) {
	rows, err := list(ctx, "list the cards of a bulk revocation", limit, s.reads.bulkCards, scanBulkCard, string(id), from, limit)
	if err != nil {
		return nil, err
	}
	return ca.JoinBulkCards(rows), nil
}

func scanBulkCard(row scanner) (c ca.BulkCard, err error) {
	var serial []byte
	var certificate ca.CertificateStatus
	if err := row.Scan(&c.Place, &c.ICCSN, &c.Revoked, &certificate.Issuer, &serial, &certificate.Slot); err != nil {
		return c, err
	}
	certificate.Serial, err = pkix.NewSerial(serial)
	c.Certificates = []ca.CertificateStatus{certificate}
	return c, err
}
