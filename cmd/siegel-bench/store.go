package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/postgres/pgtest"
)

// onPostgres measures the service on a throwaway PostgreSQL, which syncs to disk like any.
func (c *cli) onPostgres(ctx context.Context, r *rig.Rig, orders *rig.Orders) (_ *serviceResult, err error) {
	fmt.Fprintf(os.Stderr, "siegel-bench: starting a throwaway PostgreSQL\n")
	cluster, err := pgtest.Start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	dsn := cluster.DSN("")
	if _, _, err := postgres.Migrate(ctx, dsn); err != nil {
		return nil, err
	}
	// The checkpoint of the database before: a server refuses to sign on one that does not hold what was signed.
	if err := os.Remove(filepath.Join(r.Data, "checkpoint")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("forget the log of the database before: %w", err)
	}
	config := filepath.Join(r.Data, "postgres.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "store: {postgres: %q}\n", dsn), 0o600); err != nil {
		return nil, fmt.Errorf("write a configuration: %w", err)
	}
	return c.service(ctx, r, orders, "--config", config)
}
