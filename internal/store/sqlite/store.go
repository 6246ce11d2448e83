package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// Store is a ca.Store in an SQLite file.
type Store struct{}

var _ ca.Store = (*Store)(nil)

// The errors of Open that an operator must act on, and that of a Store after Close.
var (
	ErrInUse       = errors.New("database is in use by another process")
	ErrNewerSchema = errors.New("database schema is newer than this program")
	ErrClosed      = errors.New("store is closed")
)

// Open opens the database at path, creating it where there is none (mode 0600; the directory must exist), takes the
// process-exclusive lock on it and brings its schema up to date. The context bounds the opening only.
//
// ErrInUse says that another store has the file, ErrNewerSchema that a newer program made it.
func Open(ctx context.Context, path string) (*Store, error) { panic("not written") }

// Close lets the verbs that were accepted end, refuses others with ErrClosed, and gives up the lock. It may be called more
// than once, from any goroutine.
func (s *Store) Close() error { panic("not written") }

// Intend implements ca.Store.
func (s *Store) Intend(ctx context.Context, in *ca.Intent, entry tlog.Entry) error {
	panic("not written")
}

// Complete implements ca.Store.
func (s *Store) Complete(ctx context.Context, done *ca.Completion, entry tlog.Entry) (*ca.Card, error) {
	panic("not written")
}

// Abandon implements ca.Store.
func (s *Store) Abandon(ctx context.Context, attempt ca.AttemptID, at time.Time, entry tlog.Entry) error {
	panic("not written")
}

// Append implements ca.Store.
func (s *Store) Append(ctx context.Context, entry tlog.Entry) (int64, error) { panic("not written") }

// Order implements ca.Store.
func (s *Store) Order(ctx context.Context, orderID string) (*ca.OrderState, error) {
	panic("not written")
}

// Card implements ca.Store.
func (s *Store) Card(ctx context.Context, iccsn string) (*ca.Card, error) { panic("not written") }

// Cards implements ca.Store.
func (s *Store) Cards(ctx context.Context, after int64, limit int) ([]ca.CardSummary, error) {
	panic("not written")
}

// OpenAttempts implements ca.Store.
func (s *Store) OpenAttempts(ctx context.Context) ([]ca.OpenAttempt, error) { panic("not written") }

// Entries implements ca.Store.
func (s *Store) Entries(ctx context.Context, after int64, limit int) ([]ca.StoredEntry, error) {
	panic("not written")
}
