package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// BackupInfo says what a backup holds.
type BackupInfo struct {
	Leaves int64 // of the log's newest head
	Octets int64 // of the file
}

// Backup writes the database at path, as it is at one moment, into a new file that only its owner can read. A store may have the database
// open, and goes on working: a backup takes no lock that a verb waits for, but as long as it runs, the WAL grows.
//
// The file is whole or it is not there: it is written under another name, checked from end to end (PRAGMA integrity_check,
// foreign_key_check), synced to disk and then given its name, which must not be taken. ErrNotSiegel says that path is not ours.
func Backup(ctx context.Context, path, to string) (*BackupInfo, error) {
	info, err := backup(ctx, path, to)
	if err != nil {
		return nil, fmt.Errorf("back up %s: %w", path, err)
	}
	return info, nil
}

func backup(ctx context.Context, path, to string) (_ *BackupInfo, err error) {
	if _, err := os.Stat(path); err != nil { // SQLite would make it
		return nil, err
	}
	part, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.part") // mode 0600, which SQLite leaves as it is
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, part.Close(), os.Remove(part.Name())) }()
	if err := copyInto(ctx, path, part.Name()); err != nil {
		return nil, err
	}
	info, err := inspect(ctx, part.Name())
	if err != nil {
		return nil, err
	}
	if err := part.Sync(); err != nil { // SQLite does not sync what VACUUM INTO writes
		return nil, err
	}
	if err := os.Link(part.Name(), to); err != nil { // unlike a renaming, it never replaces a file
		return nil, err
	}
	return info, syncDir(filepath.Dir(to))
}

// copyInto copies a database that may be in use into an empty file.
func copyInto(ctx context.Context, path, to string) (err error) {
	db, err := readOnly(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var id int
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return fmt.Errorf("read its application id: %w", err)
	}
	if id != applicationID {
		return fmt.Errorf("%w (application id %#x)", ErrNotSiegel, id)
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return fmt.Errorf("copy it to %s: %w", to, err)
	}
	return nil
}

// inspect checks a copy from end to end.
func inspect(ctx context.Context, path string) (_ *BackupInfo, err error) {
	db, err := readOnly(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var info BackupInfo
	var verdict string
	var lost int
	err = errors.Join(
		db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict),
		db.QueryRowContext(ctx, "SELECT count(*) FROM pragma_foreign_key_check").Scan(&lost),
		db.QueryRowContext(ctx, "SELECT coalesce(max(size), 0) FROM checkpoints").Scan(&info.Leaves))
	if err != nil {
		return nil, fmt.Errorf("check the copy: %w", err)
	}
	if verdict != "ok" || lost > 0 {
		return nil, fmt.Errorf("the copy is damaged: integrity_check says %q, and %d rows refer to none", verdict, lost)
	}
	file, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	info.Octets = file.Size()
	return &info, nil
}

// readOnly opens a database for reading, beside a store that may have it open.
func readOnly(path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}}
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
