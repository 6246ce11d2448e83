package clone

import (
	"fmt"
	"strconv"
	"time"
)

// sqliteDialect writes to an SQLite file. A power cut may cost the last transactions, but nothing of those before.
func sqliteDialect() *dialect {
	return &dialect{
		driver: "sqlite",
		prepare: []string{
			"PRAGMA busy_timeout = 30000", // milliseconds
			"PRAGMA synchronous = NORMAL",
			"PRAGMA foreign_keys = ON",
			"PRAGMA recursive_triggers = ON",
			"PRAGMA temp_store = MEMORY",
			"PRAGMA cache_size = -524288", // KiB
		},
		tables: []string{`
CREATE TEMP TABLE p AS SELECT d.position, d.slot, d.profile, d.format, d.issuer, d.scheme, d.serial IS NOT NULL AS x509, substr(d.chr, 1, 4) AS chr, d.not_before,
    d.not_after, CAST('the signed part of the certificate' AS BLOB) AS body, t.data
FROM drafts d JOIN certificates t ON t.card = {card} AND t.position = d.position WHERE d.attempt = {attempt} ORDER BY d.position`,
			`CREATE TEMP TABLE m (n INTEGER PRIMARY KEY, place INTEGER, digits TEXT, prefix TEXT, drawn BLOB)`},
		bases: `SELECT (SELECT coalesce(max(id), 0) FROM entries), (SELECT coalesce(max(number), 0) FROM attempts), (SELECT coalesce(max(number), 0) FROM cards)`,
		statements: []string{
			`BEGIN IMMEDIATE`,
			`DELETE FROM m`,
			`
INSERT INTO m WITH RECURSIVE w (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM w WHERE n < {last})
SELECT n, n - {first} + 1, format('%010d', n), format('%08x', {serialfrom} + {step} * n), {drawn} FROM w`,
			`
INSERT INTO entries (id, kind, at, actor, facts, personal_sha256)
SELECT {entries} + 2 * m.place - 1 + w.issued, iif(w.issued, 'card-issued', 'order-recorded'), {at}, 'line-1', iif(w.issued, {issued}, {recorded}),
    iif(w.issued, NULL, {personal})
FROM m CROSS JOIN (SELECT 0 AS issued UNION ALL SELECT 1) w`,
			`
INSERT INTO orders (order_id, order_hash, order_json, iccsn, card_type, sector, recorded_at)
SELECT {orderid}, {orderhash}, NULL, {iccsn}, o.card_type, o.sector, {at}
FROM m CROSS JOIN (SELECT o.card_type, o.sector FROM orders o JOIN attempts a ON a.order_id = o.order_id WHERE a.number = {attempt}) o`,
			`
INSERT INTO attempts (number, attempt_id, order_id, state, warnings, at, entry_id)
SELECT {attempts} + m.place, {attemptid}, {orderid}, 'open', '[]', {at}, {entries} + 2 * m.place - 1 FROM m`,
			`
INSERT INTO subject_keys (key_identity, order_id, slot)
SELECT {keyid}, {orderid}, p.slot FROM m CROSS JOIN p ORDER BY 1`,
			`
INSERT INTO drafts (attempt, position, slot, profile, format, issuer, scheme, serial, chr, not_before, not_after, key_hash, key_identity, body)
SELECT {attempts} + m.place, p.position, p.slot, p.profile, p.format, p.issuer, p.scheme, iif(p.x509, unhex({serialhex}), NULL), p.chr || {iccsn},
    p.not_before, p.not_after, {keyhash}, {keyid}, p.body
FROM m CROSS JOIN p`,
			`
UPDATE attempts SET state = 'complete', ended_at = {at}, end_entry_id = entry_id + 1 WHERE number > {attempts} AND number <= {lastattempt}`,
			`
INSERT INTO cards (number, attempt, order_id)
SELECT {cards} + m.place, {attempts} + m.place, {orderid} FROM m`,
			`
INSERT INTO certificates (card, position, issuer, serial, chr, renewal, data)
SELECT {cards} + m.place, p.position, p.issuer, iif(p.x509, unhex({serialhex}), NULL), p.chr || {iccsn}, 0, p.data
FROM m CROSS JOIN p`,
			`COMMIT`,
		},
		hex:     func(octets string) string { return "lower(hex(" + octets + "))" },
		instant: func(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) },
		drawn:   func(_ string, octets int) string { return fmt.Sprintf("randomblob(%d)", octets) },
	}
}
