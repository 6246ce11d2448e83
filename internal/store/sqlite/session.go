package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// session is the writing connection with its statements, each prepared when it is first used. It belongs to the writer
// goroutine; verbs use it while the writer runs them.
//
// Its statements run to their end whatever becomes of the caller: a verb that has begun shares its transaction with others.
type session struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt // by text
}

func newSession(conn *sql.Conn) *session {
	return &session{conn: conn, prepared: map[string]*sql.Stmt{}}
}

func (s *session) prepare(query string) (*sql.Stmt, error) {
	if st, ok := s.prepared[query]; ok {
		return st, nil
	}
	st, err := s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	s.prepared[query] = st
	return st, nil
}

// exec runs a statement.
func (s *session) exec(query string, args ...any) (sql.Result, error) {
	st, err := s.prepare(query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(context.Background(), args...)
}

// insert runs an INSERT of one row and gives its rowid.
func (s *session) insert(query string, args ...any) (int64, error) {
	r, err := s.exec(query, args...)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// changes runs a statement and tells whether it changed one row.
func (s *session) changes(query string, args ...any) (bool, error) {
	r, err := s.exec(query, args...)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// row reads the one row of a query into dest. The error is sql.ErrNoRows where there is none.
func (s *session) row(query string, args []any, dest ...any) error {
	st, err := s.prepare(query)
	if err != nil {
		return err
	}
	return st.QueryRowContext(context.Background(), args...).Scan(dest...)
}

// isConstraint tells whether a statement was refused by a constraint or a trigger of the schema, and has changed nothing. After other errors
// SQLite may have rolled back the whole transaction.
func isConstraint(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}

// inSavepoint runs do, and when it fails undoes what it did. The first error is do's. The second says that the whole
// transaction is lost: SQLite has rolled it back (a full disk does that), or cannot be told what to do.
func (s *session) inSavepoint(do func(*session) error) (failed, lost error) {
	if _, err := s.exec("SAVEPOINT verb"); err != nil {
		return nil, fmt.Errorf("set savepoint: %w", err)
	}
	failed = do(s)
	if failed != nil {
		if _, err := s.exec("ROLLBACK TO verb"); err != nil {
			return failed, errors.Join(failed, fmt.Errorf("roll back to savepoint: %w", err))
		}
	}
	if _, err := s.exec("RELEASE verb"); err != nil {
		return failed, fmt.Errorf("release savepoint: %w", err)
	}
	return failed, nil
}

// inTransaction runs do and commits. When either fails, nothing of do is in the database, unless the error came from the commit's own
// sync of the disk.
func (s *session) inTransaction(do func() error) error {
	if _, err := s.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	err := do()
	if err == nil {
		if _, err = s.exec("COMMIT"); err == nil {
			return nil
		}
		err = fmt.Errorf("commit transaction: %w", err)
	}
	s.exec("ROLLBACK") // fails where SQLite has rolled back by itself; the next BEGIN shows any other trouble
	return err
}

func (s *session) close() error {
	var errs []error
	for _, st := range s.prepared {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, s.conn.Close())...)
}
