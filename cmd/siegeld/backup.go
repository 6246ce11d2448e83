package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/siegel-pki/siegel/internal/store/sqlite"
)

// backupCmd is `siegeld backup`. Restoring is putting the file in place of the database; docs/backup.md says what else must be saved, and
// what with PostgreSQL.
type backupCmd struct {
	File   string `arg:"" type:"path" help:"File to write; it must not exist."`
	Config string `type:"existingfile" env:"SIEGELD_CONFIG" help:"Configuration file (YAML)."`
	Data   string `type:"path" env:"SIEGELD_DATA" help:"Data directory; overrides the configuration (default ./data)."`
}

// Run copies the database and says how far the log in the copy goes.
func (c *backupCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := loadConfig(c.Config, overrides{data: c.Data})
	if err != nil {
		return err
	}
	if cfg.Store.Postgres != "" {
		return wrongConfig(errors.New("store.postgres is set: the database's own tools save it (pg_dump, pg_basebackup); see docs/backup.md"))
	}
	info, err := sqlite.Backup(ctx, cfg.Store.SQLite, c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s holds %s as it was a moment ago, checked from end to end: %d octets, %d leaves of the log\n",
		c.File, cfg.Store.SQLite, info.Octets, info.Leaves)
	fmt.Fprintf(out, "keep %s apart from it: it tells the server when a backup is too old\n", checkpointOf(cfg).path)
	return nil
}
