// Package migrations holds the steps that build the database schema, one folder for each dialect.
//
// A step is a numbered SQL file (00001_name.sql, goose format). Steps run forward only, each in a transaction of its own, and a
// released file never changes: what it did wrong, the next one puts right. Beside the steps of a dialect lies schema.sql, the
// schema that they add up to; a test of its store regenerates and compares it, so that a review sees the shape and not only
// the step.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed sqlite/[0-9]*.sql postgres/[0-9]*.sql
var files embed.FS

// SQLite gives the steps of the SQLite schema, at the root of the file system.
func SQLite() fs.FS { return dialect("sqlite") }

// Postgres gives the steps of the PostgreSQL schema, at the root of the file system.
func Postgres() fs.FS { return dialect("postgres") }

func dialect(name string) fs.FS {
	dir, err := fs.Sub(files, name)
	if err != nil {
		panic("migrations: " + err.Error()) // the names above are valid paths
	}
	return dir
}
