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

// onPostgres measures with a throwaway PostgreSQL, which syncs to disk like any, and a configuration with the given lines besides. measure gets
// the flags of siegeld for it.
func onPostgres(ctx context.Context, r *rig.Rig, lines string, measure func(flags ...string) error) (err error) {
	fmt.Fprintf(os.Stderr, "siegel-bench: starting a throwaway PostgreSQL\n")
	cluster, err := pgtest.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	dsn := cluster.DSN("")
	if _, _, err := postgres.Migrate(ctx, dsn); err != nil {
		return err
	}
	// The checkpoint of the database before: a server refuses to sign on one that does not hold what was signed.
	if err := os.Remove(filepath.Join(r.Data, "checkpoint")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the log of the database before: %w", err)
	}
	return configured(r, lines+fmt.Sprintf("store: {postgres: %q}\n", dsn), measure)
}

// configured measures with a configuration of siegeld: the given lines, and profiles.
func configured(r *rig.Rig, lines string, measure func(flags ...string) error) error {
	config := filepath.Join(r.Data, "siegeld.yaml")
	if err := os.WriteFile(config, []byte("metrics: {profiles: true}\n"+lines), 0o600); err != nil {
		return fmt.Errorf("write a configuration: %w", err)
	}
	return measure("--config", config)
}

// onEach measures with each database that is asked for: sqlite, postgres, or both. lines are for siegeld's configuration.
func onEach(ctx context.Context, r *rig.Rig, store, lines string, measure func(store string, flags ...string) error) error {
	if store != "postgres" {
		if err := configured(r, lines, func(flags ...string) error { return measure("sqlite", flags...) }); err != nil {
			return fmt.Errorf("measure with sqlite: %w", err)
		}
	}
	if store != "sqlite" {
		if err := onPostgres(ctx, r, lines, func(flags ...string) error { return measure("postgres", flags...) }); err != nil {
			return fmt.Errorf("measure with postgres: %w", err)
		}
	}
	return nil
}
