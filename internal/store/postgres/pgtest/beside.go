package pgtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Beside is an empty database in a cluster that somebody else runs on this machine, and what measurements want to know of the cluster.
type Beside struct {
	DSN        string
	Postmaster int    // process id
	Files      string // directory of the database that the DSN given to NewDatabase names
	name       string
	conn       *pgx.Conn
}

// NewDatabase makes an empty database beside the one of a DSN, whose role must be a superuser. The caller must Drop it; one of the name that
// an end by force has left is dropped first, where nobody is connected to it.
func NewDatabase(ctx context.Context, dsn, name string) (_ *Beside, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("make database %s: %w", name, err)
		}
	}()
	b := &Beside{name: name}
	if b.conn, err = pgx.Connect(ctx, dsn); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.conn.Close(context.Background())
		}
	}()
	// The first line of postmaster.pid is the process id.
	err = b.conn.QueryRow(ctx, `
SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::integer, current_setting('data_directory') || '/base/' || oid
FROM pg_database WHERE datname = current_database()`).Scan(&b.Postmaster, &b.Files)
	if err != nil {
		return nil, err
	}
	if b.DSN, err = withDatabase(dsn, name); err != nil {
		return nil, err
	}
	if _, err = b.conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()); err != nil {
		return nil, err
	}
	_, err = b.conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+" TEMPLATE template0")
	return b, err
}

// withDatabase gives a DSN that leads to another database.
func withDatabase(dsn, name string) (string, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "", err
	}
	c := cfg
	quote := func(s string) string { return "'" + s + "'" }
	text := fmt.Sprintf("host=%s port=%d user=%s dbname=%s", quote(c.Host), c.Port, quote(c.User), quote(name))
	if c.Password != "" {
		return "", errors.New("a DSN with a password cannot be made over: use a password file")
	}
	return text, nil
}

// Drop removes the database.
func (b *Beside) Drop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := b.conn.Exec(ctx, "DROP DATABASE "+pgx.Identifier{b.name}.Sanitize()+" WITH (FORCE)")
	return errors.Join(err, b.conn.Close(ctx))
}
