package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/siegel-pki/siegel/ca"
)

// Store is a ca.Store in an SQLite file.
type Store struct {
	lock   *os.File
	write  *sql.DB // one connection, held by the writer
	writer *writer
	read   *sql.DB
	reads  reads

	watchers watchers

	closeOnce sync.Once
	closeErr  error // written once, by closeOnce
}

var _ ca.Store = (*Store)(nil)

// The errors of Open that an operator must act on, and that of a Store after Close.
var (
	ErrInUse       = errors.New("database is in use by another store")
	ErrNotSiegel   = errors.New("file is a database of another program")
	ErrHardLinks   = errors.New("database file has more than one name (hard links): the lock stands beside one of them")
	ErrNewerSchema = errors.New("database schema is newer than this program")
	ErrClosed      = errors.New("store is closed")
)

// readers is the number of connections that read. Reads are short; more would only fill caches twice.
const readers = 4

// Open opens the database at path, creating it where there is none (mode 0600; the directory must exist), takes the
// process-exclusive lock on it and brings its schema up to date. The context bounds the opening only.
//
// ErrInUse says that another store has the file, ErrHardLinks that one could have it by another name, ErrNotSiegel that it is not ours,
// ErrNewerSchema that a newer program made it.
func Open(ctx context.Context, path string) (*Store, error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string) (_ *Store, err error) {
	if path, err = realPath(path); err != nil {
		return nil, err
	}
	s := &Store{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	if s.lock, err = lockFile(path + ".lock"); err != nil {
		return nil, err
	}
	if err := createFile(path); err != nil {
		return nil, err
	}
	if err := oneName(path); err != nil {
		return nil, err
	}
	if s.write, err = connect(path, writeSettings, 1); err != nil {
		return nil, err
	}
	if err := prepareFile(ctx, s.write); err != nil {
		return nil, err
	}
	if s.read, err = connect(path, readSettings, readers); err != nil {
		return nil, err
	}
	if err := s.reads.prepare(ctx, s.read); err != nil {
		return nil, err
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s.writer = startWriter(newSession(conn))
	return s, nil
}

// Close lets the verbs that were accepted end, refuses others with ErrClosed, and gives up the lock. Reads under way end
// first, too. It may be called more than once, from any goroutine.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		if err := s.release(); err != nil {
			s.closeErr = fmt.Errorf("close database: %w", err)
		}
	})
	return s.closeErr
}

// release gives up what there is of a store, in the reverse order of open. The last connection that closes moves the WAL into
// the database file.
func (s *Store) release() error {
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.stop())
	}
	if s.read != nil {
		errs = append(errs, s.reads.close(), s.read.Close())
	}
	if s.write != nil {
		errs = append(errs, s.write.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
