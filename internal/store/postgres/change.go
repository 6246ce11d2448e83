package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The codes of PostgreSQL's errors that mean something here (PostgreSQL documentation, Appendix A).
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	undefinedTable       = "42P01"
)

// maxTries is how often a verb is tried that lost a race. Each loss needs another verb that won.
const maxTries = 5

// change is a transaction in two round trips: first asks, then writes and commits. It belongs to one goroutine.
type change struct {
	ctx  context.Context // of the one verb that the change is
	conn *pgxpool.Conn
}

// inChange runs do in a transaction, which do must commit. When do gives an error, nothing of it is in the database, unless the error
// came from the commit. A change that lost a race is run again from its beginning.
func (s *Store) inChange(ctx context.Context, do func(*change) error) error {
	var err error
	for range maxTries {
		if err = s.changeOnce(ctx, do); !lostRace(err) {
			return err
		}
	}
	return fmt.Errorf("%d times in a row: %w", maxTries, err)
}

func (s *Store) changeOnce(ctx context.Context, do func(*change) error) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	err = do(&change{ctx, conn})
	if err != nil && !conn.Conn().IsClosed() && conn.Conn().PgConn().TxStatus() != 'I' {
		conn.Exec(ctx, "rollback") // where it fails, Release closes the connection, which rolls back too
	}
	return err
}

// lostRace tells the errors after which the same transaction may find another world.
func lostRace(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case uniqueViolation, serializationFailure, deadlockDetected, lockNotAvailable:
		return true
	}
	return false
}

// ask begins the transaction and runs the questions.
func (c *change) ask(queue func(*pgx.Batch)) error {
	b := &pgx.Batch{}
	b.Queue("begin")
	queue(b)
	return send(c.ctx, c.conn, b)
}

// write runs statements whose results decide whether to commit. It is a round trip more, for verbs that are rare.
func (c *change) write(queue func(*pgx.Batch)) error {
	b := &pgx.Batch{}
	queue(b)
	return send(c.ctx, c.conn, b)
}

// commit runs the statements and commits. When one fails, those after it are not run, nor is the commit.
func (c *change) commit(queue func(*pgx.Batch)) error {
	b := &pgx.Batch{}
	queue(b)
	b.Queue("commit")
	return send(c.ctx, c.conn, b)
}

// send runs a batch and gives the first error, be it the database's or that of a function that reads a result. Where it is the latter, such
// as that there is no row, pgx does not hear of it: it would forget how all statements of the batch are prepared, and the next one
// would have them parsed and planned again.
func send(ctx context.Context, to interface {
	SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
}, b *pgx.Batch) error {
	var refused error
	for _, q := range b.QueuedQueries {
		read := q.Fn
		if read == nil {
			continue
		}
		q.Fn = func(results pgx.BatchResults) error {
			if refused != nil {
				_, err := results.Exec()
				return err
			}
			refused = read(results)
			return nil
		}
	}
	err := to.SendBatch(ctx, b).Close()
	if refused != nil {
		return refused
	}
	return err
}
