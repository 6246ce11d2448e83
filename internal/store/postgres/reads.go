package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
)

// list reads a page. A limit below one is an error.
func list[T any](ctx context.Context, s *Store, doing string, limit int, query string, scan pgx.RowToFunc[T], args ...any) ([]T, error) {
	if limit < 1 {
		return nil, fmt.Errorf("%s: limit is %d, want 1 or more", doing, limit)
	}
	return all(ctx, s, doing, query, scan, args...)
}

// all reads all rows of a query; nil where there are none.
func all[T any](ctx context.Context, s *Store, doing, query string, scan pgx.RowToFunc[T], args ...any) ([]T, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	found, err := pgx.AppendRows([]T(nil), rows, scan)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return found, nil
}

// orNotFound gives ca.ErrNotFound where a query had no row.
func orNotFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ca.ErrNotFound
	}
	return err
}
