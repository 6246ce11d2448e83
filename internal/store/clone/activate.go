package clone

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// activation makes the clones active that have no status yet, as many desks would in years.
var activation = []string{
	`BEGIN`,
	`SELECT pg_advisory_xact_lock(hashtext('siegel status'), hashtext(current_schema()))`, // as every change does
	`
CREATE TEMP TABLE due ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY c.number) AS place, c.number AS card, o.iccsn FROM orders o JOIN cards c ON c.order_id = o.order_id
WHERE o.order_id >= 'copy-' AND o.order_id < 'copy.' AND NOT EXISTS (SELECT FROM status_changes s WHERE s.card = c.number)`,
	`ANALYZE due`,
	`
INSERT INTO entries (id, kind, at, actor, facts, personal_sha256) OVERRIDING SYSTEM VALUE
SELECT {entries} + place, 'card-activated', {at}, 'desk-1', concat('{"iccsn":"', iccsn, '","requested_at":"{instant}"}')::json, sha256(convert_to(iccsn, 'UTF8'))
FROM due ORDER BY place`,
	`
INSERT INTO status_changes (epoch, card, state, requested_at, at, actor, entry_id)
SELECT coalesce((SELECT max(epoch) FROM status_changes), 0) + place, card, 'active', {at}, {at}, 'desk-1', {entries} + place FROM due ORDER BY place`,
	`SELECT setval(pg_get_serial_sequence('entries', 'id'), {entries} + (SELECT count(*) FROM due))`,
	`COMMIT`,
}

// Activate makes all clones active that are issued and nothing more, in one transaction, and gives the id of the last entry. It is for
// PostgreSQL, where the load of OCSP is measured.
func (c *Cloner) Activate(ctx context.Context) (last int64, err error) {
	if last, err = c.activate(ctx); err != nil {
		return 0, fmt.Errorf("make clones active: %w", err)
	}
	return last, nil
}

func (c *Cloner) activate(ctx context.Context) (last int64, err error) {
	if c.dialect.driver != "pgx" {
		return 0, errors.New("this is done in PostgreSQL only")
	}
	var entries int64
	if err := c.conn.QueryRowContext(ctx, `SELECT nextval(pg_get_serial_sequence('entries', 'id'))`).Scan(&entries); err != nil {
		return 0, fmt.Errorf("find free ids: %w", err)
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	err = c.run(ctx, activation, map[string]string{"entries": strconv.FormatInt(entries, 10), "at": c.dialect.instant(at), "instant": at.Format("2006-01-02T15:04:05.000Z")})
	if err != nil {
		return 0, err
	}
	err = c.conn.QueryRowContext(ctx, `SELECT max(id) FROM entries`).Scan(&last)
	return last, err
}

// Settle has the database do now what it would do by itself at some time, amid a measurement.
func (c *Cloner) Settle(ctx context.Context) error { return c.run(ctx, c.dialect.settle, nil) }
