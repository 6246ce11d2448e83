package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/siegel-pki/siegel/migrations"
)

// The settings of a connection, in the order in which they are made. WAL is a setting of the file: see prepareFile.
var (
	writeSettings = []string{
		"busy_timeout(5000)",       // milliseconds; only a checkpoint or another program's read can be in the way
		"synchronous(FULL)",        // sync the WAL at each commit
		"fullfsync(ON)",            // where the system's fsync stops at the drive's cache (macOS)
		"checkpoint_fullfsync(ON)", // likewise
		"foreign_keys(ON)",
		"recursive_triggers(ON)",       // INSERT OR REPLACE meets the triggers that refuse deletion
		"temp_store(MEMORY)",           // what a savepoint keeps for its undoing needs no file
		"cache_size(-8192)",            // KiB: see "Cache and WAL" in the package comment
		"wal_autocheckpoint(4000)",     // pages of 4 KiB, likewise
		"journal_size_limit(67108864)", // octets; a WAL that grew beyond is cut after its checkpoint
	}
	readSettings = []string{
		"busy_timeout(5000)",
		"query_only(ON)",
		"cache_size(-2048)", // KiB of each of the readers
	}
)

// realPath gives the path of a database file without symbolic links, so that one file has one lock, whatever path leads to it. A file that
// is not there yet is taken for one of its directory; a link that leads nowhere is an error.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return filepath.EvalSymlinks(path)
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	return filepath.Join(dir, filepath.Base(path)), err
}

// createFile makes an empty database file that only its owner can read, where there is none. SQLite gives its other files the
// same mode.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// connect gives a pool of at most n connections that stay open. It touches no file yet.
func connect(path string, settings []string, n int) (*sql.DB, error) {
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": settings}.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// applicationID marks our database files at offset 68: "SIEG".
const applicationID = 0x53494547

// prepareFile makes sure that the file is ours, puts it into WAL mode and brings its schema up to date. A file that is not ours
// is not changed.
func prepareFile(ctx context.Context, db *sql.DB) error {
	if err := claim(ctx, db); err != nil {
		return err
	}
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return fmt.Errorf("set its journal mode: %w", err)
	}
	if mode != "wal" {
		return fmt.Errorf("journal mode is %q, want wal: does the file system support it?", mode)
	}
	return migrate(ctx, db)
}

// claim marks an empty file as ours and refuses one that is another program's.
func claim(ctx context.Context, db *sql.DB) error {
	var id, objects int
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return fmt.Errorf("read its application id: %w", err)
	}
	if id == applicationID {
		return nil
	}
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&objects); err != nil {
		return fmt.Errorf("read its schema: %w", err)
	}
	if id != 0 || objects != 0 {
		return fmt.Errorf("%w (application id %#x)", ErrNotSiegel, id)
	}
	if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return fmt.Errorf("write its application id: %w", err)
	}
	return nil
}

// migrate runs the steps that the schema lacks.
func migrate(ctx context.Context, db *sql.DB) error {
	p, err := goose.NewProvider(goose.DialectSQLite3, db, migrations.SQLite(),
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("load migrations: %w", err)
	}
	has, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if has > want {
		return fmt.Errorf("%w: version %d, this program knows %d", ErrNewerSchema, has, want)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate schema from version %d to %d: %w", has, want, err)
	}
	return nil
}
