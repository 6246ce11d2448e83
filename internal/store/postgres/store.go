package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/siegel-pki/siegel/ca"
)

// Store is a ca.Store in a PostgreSQL database. It keeps no state of its own but its presence: any number of stores, in any number
// of processes, may be open on one database.
type Store struct {
	pool     *pgxpool.Pool
	presence *presence
	floor    floor // a hint, no state: a wrong one costs time
	groups   *groups
	changing chan struct{} // a place for each change of a status that is under way

	closeOnce sync.Once
}

var _ ca.Store = (*Store)(nil)

// The errors of Open and Migrate that an operator must act on.
var (
	ErrOlderSchema = errors.New("database schema is older than this program; run siegeld migrate")
	ErrNewerSchema = errors.New("database schema is newer than this program; a newer siegeld migrate has been run")
)

// Open opens the database of a DSN (postgres://user@host/database?sslmode=verify-full, or key=value words; a password comes best from
// a file, passfile=PATH). It changes nothing in it: where the schema does not fit this program exactly, the error is ErrOlderSchema or
// ErrNewerSchema. The context bounds the opening only; the log is told when the store loses its presence and has it again.
func Open(ctx context.Context, dsn string, log *slog.Logger) (*Store, error) {
	cfg, err := parse(dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	s, err := open(ctx, cfg, log)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", describe(&cfg.ConnConfig.Config), err)
	}
	return s, nil
}

func open(ctx context.Context, cfg *pgxpool.Config, log *slog.Logger) (*Store, error) {
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	present, err := appear(ctx, cfg.ConnConfig, log)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s := &Store{pool: pool, presence: present}
	s.groups = startGroups(s)
	s.changing = make(chan struct{}, statusChanges)
	return s, nil
}

// Close waits for the verbs under way and gives up the store's presence: attempts that it has left open count as dead from then on. It
// may be called more than once, from any goroutine. A verb after it fails.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.groups.stop()
		s.pool.Close()
		s.presence.vanish()
	})
	return nil
}
