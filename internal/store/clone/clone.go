// Package clone makes large databases to measure with: inside the database, in set-based SQL, from the rows of one card that a server has
// issued. Nothing but measurements may use it.
//
// Every constraint, foreign key and trigger of the schema is in force, so that what it makes is what the schema allows, with indexes as
// large and as scattered as those of cards that a server made. What differs from card to card is drawn at random: attempt, hashes, subject
// keys, and serial numbers behind their first four octets, which rise as if the cards had been issued in the five years before the pattern.
//
// What is not true of the cards: their certificates are the octets of the pattern's, and the entries give the hashes of those. The log is
// well formed, its tree and its checkpoints verify, and each entry has the form of its kind; but the certificates of an export do not bear
// the serial numbers and keys that the entries name. Personal data are missing, as after their erasure.
//
// Where to look: facts.go for the facts of entries, sqlite.go and postgres.go for the statements, activate.go for the status of the clones.
package clone

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Cloner makes cards after a pattern. Not for concurrent use.
type Cloner struct {
	dialect *dialect
	db      *sql.DB
	conn    *sql.Conn // has the temporary tables
	pattern *pattern
	seed    string
	next    int64 // number of the next card, from 1
}

// dialect is what the databases do each in their own way. The statements hold names in braces, which expand replaces.
type dialect struct {
	driver     string
	prepare    []string // for the connection, before the pattern is known
	tables     []string // temporary: one for the pattern's certificates, one for what is drawn
	bases      string   // ids after which entries, attempts and cards may be numbered
	statements []string // of one transaction
	settle     []string // after the last of them
	hex        func(octets string) string
	instant    func(time.Time) string // a literal
	drawn      func(seed string, octets int) string
}

// Open connects to a database with the schema of today, in which the order was completed that makes the pattern. name is the path of an SQLite
// file, or a DSN of PostgreSQL; the program must import the store's package for its driver. Of SQLite, nobody else may write during Cards.
// total is how many cards will be made in all: the serial numbers of so many rise through five years.
func Open(ctx context.Context, kind, name, order string, total int64) (_ *Cloner, err error) {
	c := &Cloner{seed: strconv.FormatInt(time.Now().UnixNano(), 36)}
	if c.dialect, err = dialectOf(kind); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("prepare to clone cards: %w", errors.Join(err, c.Close()))
		}
	}()
	if c.db, err = sql.Open(c.dialect.driver, name); err != nil {
		return nil, err
	}
	if c.conn, err = c.db.Conn(ctx); err != nil {
		return nil, err
	}
	if err := c.run(ctx, c.dialect.prepare, nil); err != nil {
		return nil, err
	}
	if c.pattern, err = c.read(ctx, order, total); err != nil {
		return nil, err
	}
	if err := c.run(ctx, c.dialect.tables, c.names()); err != nil {
		return nil, err
	}
	return c, c.findNext(ctx)
}

// The kinds of databases.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

func dialectOf(kind string) (*dialect, error) {
	switch kind {
	case SQLite:
		return sqliteDialect(), nil
	case Postgres:
		return postgresDialect(), nil
	}
	return nil, fmt.Errorf("%q is no kind of database", kind)
}

// findNext goes on after the clones that are there.
func (c *Cloner) findNext(ctx context.Context) error {
	var last string // "." comes after "-"
	err := c.conn.QueryRowContext(ctx, `SELECT coalesce(max(order_id), 'copy-0') FROM orders WHERE order_id >= 'copy-' AND order_id < 'copy.'`).Scan(&last)
	if err != nil {
		return fmt.Errorf("count the clones that are there: %w", err)
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(last, "copy-"), 10, 64)
	c.next = n + 1
	return err
}

// There is how many clones the database has.
func (c *Cloner) There() int64 { return c.next - 1 }

// Cards makes n cards in one transaction and gives the id of the last entry.
func (c *Cloner) Cards(ctx context.Context, n int64) (last int64, err error) {
	if last, err = c.cards(ctx, n); err != nil {
		return 0, fmt.Errorf("clone %d cards after %d: %w", n, c.There(), err)
	}
	c.next += n
	return last, nil
}

func (c *Cloner) cards(ctx context.Context, n int64) (last int64, err error) {
	names := c.names()
	var entries, attempts, cards int64
	if err := c.conn.QueryRowContext(ctx, c.dialect.bases).Scan(&entries, &attempts, &cards); err != nil {
		return 0, fmt.Errorf("find free ids: %w", err)
	}
	for name, number := range map[string]int64{"first": c.next, "last": c.next + n - 1, "entries": entries, "attempts": attempts, "cards": cards,
		"lastentry": entries + 2*n, "lastattempt": attempts + n, "lastcard": cards + n} {
		names[name] = strconv.FormatInt(number, 10)
	}
	names["at"] = c.dialect.instant(time.Now().UTC().Truncate(time.Millisecond))
	return entries + 2*n, c.run(ctx, c.dialect.statements, names)
}

// run runs statements.
func (c *Cloner) run(ctx context.Context, statements []string, names map[string]string) error {
	for _, s := range statements {
		if _, err := c.conn.ExecContext(ctx, expand(s, names)); err != nil {
			c.conn.ExecContext(ctx, "ROLLBACK") // fails where no transaction is open
			return fmt.Errorf("%s: %w", strings.TrimSpace(strings.SplitN(strings.TrimSpace(s), "\n", 2)[0]), err)
		}
	}
	return nil
}

// expand puts in what names in braces stand for.
func expand(statement string, names map[string]string) string {
	var pairs []string
	for name, text := range names {
		pairs = append(pairs, "{"+name+"}", text)
	}
	return strings.NewReplacer(pairs...).Replace(statement)
}

// Close gives the connection up.
func (c *Cloner) Close() error {
	var errs []error
	if c.conn != nil {
		errs = append(errs, c.conn.Close())
	}
	if c.db != nil {
		errs = append(errs, c.db.Close())
	}
	return errors.Join(errs...)
}
