package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/siegel-pki/siegel/migrations"
)

// Migrate brings the schema of a database up to this program, and gives the versions before and after; 0 is an empty database. Several
// may run at once: the others wait for the first. It refuses a schema that is newer with ErrNewerSchema.
func Migrate(ctx context.Context, dsn string) (from, to int64, err error) {
	cfg, err := parse(dsn)
	if err != nil {
		return 0, 0, fmt.Errorf("migrate database: %w", err)
	}
	db := stdlib.OpenDB(*cfg.ConnConfig)
	defer db.Close()
	from, to, err = migrate(ctx, db)
	if err != nil {
		return from, to, fmt.Errorf("migrate database %s: %w", describe(&cfg.ConnConfig.Config), err)
	}
	return from, to, nil
}

func migrate(ctx context.Context, db *sql.DB) (from, to int64, err error) {
	p, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Postgres(), goose.WithSessionLocker(migrationLock{}),
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return 0, 0, fmt.Errorf("load migrations: %w", err)
	}
	from, to, err = p.GetVersions(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("read schema version: %w", err)
	}
	if from > to {
		return from, to, fmt.Errorf("%w: version %d, this program knows %d", ErrNewerSchema, from, to)
	}
	if _, err := p.Up(ctx); err != nil {
		return from, to, fmt.Errorf("from version %d to %d: %w", from, to, err)
	}
	return from, to, nil
}

// migrationLock keeps two runs on one schema apart. It is a goose lock.SessionLocker that waits in the database instead of asking
// again every few seconds.
type migrationLock struct{}

// migrating is the key of the lock: "siegel" and the name of the schema.
const migrating = `hashtext('siegel migrations'), hashtext(current_schema())`

// SessionLock waits for the lock.
func (migrationLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock("+migrating+")")
	return err
}

// SessionUnlock gives it up.
func (migrationLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock("+migrating+")")
	return err
}

// checkVersion makes sure that the schema is the one that this program is written for.
func checkVersion(ctx context.Context, pool *pgxpool.Pool) error {
	want, err := knownVersion()
	if err != nil {
		return err
	}
	var has int64
	err = pool.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&has)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == undefinedTable {
		return fmt.Errorf("%w: it has no tables of ours", ErrOlderSchema)
	}
	switch {
	case err != nil:
		return fmt.Errorf("read schema version: %w", err)
	case has < want:
		return fmt.Errorf("%w: version %d, this program needs %d", ErrOlderSchema, has, want)
	case has > want:
		return fmt.Errorf("%w: version %d, this program needs %d", ErrNewerSchema, has, want)
	}
	return nil
}

// knownVersion is the number of the last step.
func knownVersion() (int64, error) {
	names, err := fs.Glob(migrations.Postgres(), "*.sql")
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("list migrations: found %d: %w", len(names), err)
	}
	return goose.NumericComponent(slices.Max(names))
}
