package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/postgres/pgtest"
)

// logCmd is `siegel-bench log`: export and verification of logs of growing size (logexport.go), and what a card costs on an empty and on a full
// database (logcost.go), with the real programs.
type logCmd struct {
	Cards        int64   `default:"500000" help:"Cards of a full database that is made here; each has two entries. They are clones (siegel-bench fill --copy)."`
	Store        string  `default:"sqlite" enum:"sqlite,postgres,both" help:"Databases to measure with: sqlite, postgres, or both."`
	Data         string  `type:"path" placeholder:"DIR" help:"Data directory that siegel-bench fill has filled, in place of one that is made and thrown away. The measurement adds cards to it."`
	PostgresData string  `type:"path" placeholder:"DIR" help:"Likewise the data directory of siegel-bench fill --postgres. Without it, a throwaway cluster is filled."`
	Postgres     string  `placeholder:"DSN" help:"The database that belongs to --postgres-data, as a superuser; a database siegel_bench_empty is made beside it for the time of the measurement."`
	Exports      bool    `default:"true" negatable:"" help:"Measure exports and their verification."`
	Entries      []int64 `default:"100000,1000000" help:"Sizes of exports."`
	Cost         bool    `default:"true" negatable:"" help:"Measure what a card costs."`
	Issue        int     `default:"1000" help:"Cards to issue on the empty and on the full database, in turns."`
	Turns        int     `default:"4" help:"Turns of each database."`
	Warm         int     `default:"200" help:"Cards to issue on each beforehand, which do not count."`
}

// subject is a store to measure: servers on an empty and on a full database of it.
type subject struct {
	store       string // name in the figures
	empty, full site
	postmaster  int // process id; 0 for SQLite
}

// site is where a server works.
type site struct {
	*rig.Rig
	flags []string
}

// Run measures and prints.
func (c *logCmd) Run(ctx context.Context) error {
	if (c.Postgres == "") != (c.PostgresData == "") {
		return errors.New("--postgres and --postgres-data belong together")
	}
	dir, err := os.MkdirTemp("", "siegel-bench-log-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := rig.Build(ctx, dir); err != nil {
		return err
	}
	if c.Store != "postgres" {
		if err := c.onSQLite(ctx, dir); err != nil {
			return fmt.Errorf("measure with sqlite: %w", err)
		}
	}
	if c.Store != "sqlite" {
		if err := c.onPostgres(ctx, dir); err != nil {
			return fmt.Errorf("measure with postgres: %w", err)
		}
	}
	return nil
}

func (c *logCmd) onSQLite(ctx context.Context, bin string) error {
	data := c.Data
	if data == "" {
		data = filepath.Join(bin, "full")
		if err := c.fill(ctx, data, ""); err != nil {
			return err
		}
	}
	s := &subject{store: "sqlite", full: site{Rig: &rig.Rig{Bin: bin, Data: data}}}
	var err error
	if s.empty.Rig, err = rig.New(ctx, bin, filepath.Join(bin, "empty")); err != nil {
		return err
	}
	return c.measure(ctx, s, filepath.Join(data, "siegel.db"))
}

func (c *logCmd) onPostgres(ctx context.Context, bin string) (err error) {
	dsn, data := c.Postgres, c.PostgresData
	if dsn == "" {
		fmt.Fprintf(os.Stderr, "siegel-bench: starting a throwaway PostgreSQL\n")
		cluster, startErr := pgtest.Start()
		if startErr != nil {
			return startErr
		}
		defer func() { err = errors.Join(err, cluster.Stop()) }()
		dsn, data = cluster.DSN(""), filepath.Join(bin, "full-postgres")
		if err := c.fill(ctx, data, dsn); err != nil {
			return err
		}
	}
	beside, err := pgtest.NewDatabase(ctx, dsn, "siegel_bench_empty")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, beside.Drop()) }()
	s := &subject{store: "postgres", postmaster: beside.Postmaster, full: site{&rig.Rig{Bin: bin, Data: data}, []string{"--config", filepath.Join(data, "postgres.yaml")}}}
	if s.empty, err = emptyPostgres(ctx, bin, beside.DSN); err != nil {
		return err
	}
	return c.measure(ctx, s, beside.Files)
}

// emptyPostgres makes a data directory for an empty database.
func emptyPostgres(ctx context.Context, bin, dsn string) (s site, err error) {
	if _, _, err = postgres.Migrate(ctx, dsn); err != nil {
		return s, err
	}
	if s.Rig, err = rig.New(ctx, bin, filepath.Join(bin, "empty-postgres")); err != nil {
		return s, err
	}
	config := filepath.Join(s.Data, "postgres.yaml")
	s.flags = []string{"--config", config}
	return s, os.WriteFile(config, fmt.Appendf(nil, "store: {postgres: %q}\n", dsn), 0o600)
}

// fill runs siegel-bench fill in a process of its own: the token's library takes one token for the life of a process, and its servers likewise.
func (c *logCmd) fill(ctx context.Context, data, dsn string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"fill", "--copy", "--ecc", "--cards", strconv.FormatInt(c.Cards, 10), "--data", data}
	if dsn != "" {
		args = append(args, "--postgres", dsn)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// measure makes the measurements with one store, whose full database is in files: a file or a directory.
func (c *logCmd) measure(ctx context.Context, s *subject, files string) error {
	if c.Cost { // before exports fill the system's cache with what they read
		if err := c.compareCost(ctx, s, files); err != nil {
			return err
		}
	}
	if !c.Exports {
		return nil
	}
	for _, n := range c.Entries {
		if err := c.exportAndVerify(ctx, s, n); err != nil {
			return err
		}
	}
	return nil
}
