package clone

import (
	"fmt"
	"strings"
	"time"
)

// postgresDialect writes to PostgreSQL. A crash may cost the last transactions, but nothing of those before.
func postgresDialect() *dialect {
	return &dialect{
		driver:  "pgx",
		prepare: []string{"SET synchronous_commit = off", "SET timezone = 'UTC'", "SET work_mem = '256MB'", "SET jit = off"},
		tables: []string{`
CREATE TEMP TABLE p AS SELECT d.position, d.slot, d.profile, d.format, d.issuer, d.scheme, d.serial IS NOT NULL AS x509, left(d.chr, 4) AS chr, d.not_before,
    d.not_after, 'the signed part of the certificate'::bytea AS body, t.data, o.card_type, o.sector, a.server
FROM drafts d JOIN certificates t ON t.card = {card} AND t.position = d.position JOIN attempts a ON a.number = d.attempt JOIN orders o ON o.order_id = a.order_id
WHERE d.attempt = {attempt} ORDER BY d.position`,
			`CREATE TEMP TABLE m (place bigint, digits text, prefix text, drawn bytea)`},
		bases: `SELECT nextval(pg_get_serial_sequence('entries', 'id')), nextval(pg_get_serial_sequence('attempts', 'number')), nextval(pg_get_serial_sequence('cards', 'number'))`,
		statements: []string{
			`BEGIN`,
			`TRUNCATE m`,
			`
INSERT INTO m SELECT n - {first} + 1, lpad(n::text, 10, '0'), lpad(to_hex({serialfrom} + {step} * n), 8, '0'), {drawn} FROM generate_series({first}::bigint, {last}) n`,
			`ANALYZE m`,
			`
INSERT INTO entries (id, kind, at, actor, facts, personal_sha256) OVERRIDING SYSTEM VALUE
SELECT {entries} + 2 * m.place - 1 + w.issued, CASE w.issued WHEN 1 THEN 'card-issued' ELSE 'order-recorded' END, {at}, 'line-1',
    CASE w.issued WHEN 1 THEN {issued} ELSE {recorded} END::json, CASE w.issued WHEN 0 THEN {personal} END
FROM m CROSS JOIN generate_series(0, 1) AS w (issued)`,
			`
INSERT INTO orders (order_id, order_hash, order_json, iccsn, card_type, sector, recorded_at, renewal)
SELECT {orderid}, {orderhash}, NULL, {iccsn}, p.card_type, p.sector, {at}, 0 FROM m CROSS JOIN p WHERE p.position = 0`,
			`
INSERT INTO attempts (number, attempt_id, order_id, server, state, warnings, at, entry_id) OVERRIDING SYSTEM VALUE
SELECT {attempts} + m.place, {attemptid}, {orderid}, p.server, 'open', '{}', {at}, {entries} + 2 * m.place - 1 FROM m CROSS JOIN p WHERE p.position = 0`,
			`
INSERT INTO subject_keys (key_identity, order_id, slot)
SELECT {keyid}, {orderid}, p.slot FROM m CROSS JOIN p ORDER BY 1`,
			`
INSERT INTO drafts (attempt, position, slot, profile, format, issuer, scheme, serial, chr, not_before, not_after, key_hash, key_identity, body)
SELECT {attempts} + m.place, p.position, p.slot, p.profile, p.format, p.issuer, p.scheme, CASE WHEN p.x509 THEN decode({serialhex}, 'hex') END, p.chr || {iccsn},
    p.not_before, p.not_after, {keyhash}, {keyid}, p.body
FROM m CROSS JOIN p`,
			`
UPDATE attempts SET state = 'complete', ended_at = {at}, end_entry_id = entry_id + 1 WHERE number > {attempts} AND number <= {lastattempt}`,
			`
INSERT INTO cards (number, attempt, order_id) OVERRIDING SYSTEM VALUE
SELECT {cards} + m.place, {attempts} + m.place, {orderid} FROM m`,
			`
INSERT INTO certificates (card, position, issuer, serial, chr, renewal, data)
SELECT {cards} + m.place, p.position, p.issuer, CASE WHEN p.x509 THEN decode({serialhex}, 'hex') END, p.chr || {iccsn}, 0, p.data
FROM m CROSS JOIN p`,
			`
SELECT setval(pg_get_serial_sequence('entries', 'id'), {lastentry}), setval(pg_get_serial_sequence('attempts', 'number'), {lastattempt}),
    setval(pg_get_serial_sequence('cards', 'number'), {lastcard})`,
			`COMMIT`,
		},
		settle:  []string{`VACUUM ANALYZE`, `CHECKPOINT`},
		hex:     func(octets string) string { return "encode(" + octets + ", 'hex')" },
		instant: func(at time.Time) string { return quote(at.Format("2006-01-02 15:04:05.000Z")) + "::timestamptz" },
		drawn: func(seed string, octets int) string {
			var parts []string
			for i := range (octets + 31) / 32 {
				parts = append(parts, fmt.Sprintf("sha256(convert_to('%s %d ' || n, 'UTF8'))", seed, i))
			}
			return strings.Join(parts, " || ")
		},
	}
}
