package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
)

// closableStore is what both stores are.
type closableStore interface {
	ca.Store
	ca.ExportStore
	ca.StatusStore
	ca.CRLStore
	Close() error
}

// openStore opens the database that is configured.
func openStore(ctx context.Context, cfg storeConfig, log *slog.Logger) (closableStore, error) {
	if cfg.Postgres == "" {
		return opened(sqlite.Open(ctx, cfg.SQLite))
	}
	return opened(postgres.Open(ctx, cfg.Postgres, log))
}

// opened keeps the nil of a store that did not open from becoming an interface that is not nil.
func opened[S closableStore](s S, err error) (closableStore, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// migrateCmd is `siegeld migrate`. With PostgreSQL it is an act of its own, since it concerns all servers on the database at once and
// may need another role than theirs.
type migrateCmd struct {
	Config string `type:"existingfile" env:"SIEGELD_CONFIG" help:"Configuration file (YAML)."`
}

// Run migrates and says from where to where.
func (c *migrateCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := loadConfig(c.Config, overrides{})
	if err != nil {
		return err
	}
	if cfg.Store.Postgres == "" {
		fmt.Fprintf(out, "there is nothing to do: the server itself brings %s up to date\n", cfg.Store.SQLite)
		return nil
	}
	from, to, err := postgres.Migrate(ctx, cfg.Store.Postgres)
	if err != nil {
		return err
	}
	place, err := postgres.Describe(cfg.Store.Postgres)
	if err != nil {
		return err
	}
	if from == to {
		fmt.Fprintf(out, "%s has schema version %d already\n", place, to)
	} else {
		fmt.Fprintf(out, "%s has schema version %d now, before it was %d\n", place, to, from)
	}
	return nil
}
