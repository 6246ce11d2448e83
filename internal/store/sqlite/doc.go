// Package sqlite keeps the CA's orders, attempts, cards and log in one SQLite file: the embedded default, which needs nothing.
// It implements ca.Store. The schema is in migrations/sqlite.
//
// # Durability
//
// The database runs in WAL mode with synchronous=FULL: a commit returns when the log file has been synced. A verb answers after
// the commit it is part of, so that an answer survives the death of the process and of the power.
//
// # Group commit
//
// One goroutine, the writer, owns the only connection that writes. It takes the verbs that wait, runs each in a savepoint of one
// transaction, commits once and then answers them all: many callers share one sync of the disk. A verb that fails is rolled back
// to its savepoint and hurts no neighbour; even its answer waits for the commit, since it may rest on what a neighbour wrote.
//
// A caller whose context ends before its verb has begun gets the context's error alone, and nothing happened. When the verb
// had begun, the error says that it may have happened. The store may go on reading the arguments of a verb after such an
// error, so callers must not change them afterwards.
//
// # Cache and WAL
//
// The writer's cache holds the upper pages of the indexes and what a batch changes. More would not help: keys are random, so that an insert
// meets another page of their index each time, whatever is kept; and SQLite visits the whole cache at the end of a transaction that has
// split a page. With 64 MiB a card took 12 % more processor time than with 8, in a database of 60,000 cards; with 2 MiB, 10 %.
//
// The caches are the memory that long reads fill: writer's and readers' together 16 MiB of pages, which take twice that, since the allocator
// gives a page and its header 8 KiB. What an export reads beyond goes through them, however long the log is.
//
// The WAL goes into the database file when it has 4000 pages (16 MiB). Pages that many cards change, at the ends of tables, are then written
// once for all of them: 8 % less than with the 1000 pages that SQLite proposes. Four times as many win 3 % more, and make the verb that
// meets the checkpoint wait four times as long.
//
// # One process
//
// Beside the database file f lies f.lock, on which an open store holds an flock. A second store on the same file, in this or
// another process, is refused with ErrInUse, by whatever path it comes: symbolic links are followed, hard links refused. The lock ends with the process, however that ends; the file stays. Files must
// lie on a local file system: neither WAL nor flock can be trusted over a network.
//
// # Where to look
//
//   - store.go: Store, Open, Close
//   - file.go: the file, its settings and its schema · lock.go: one process at a time
//   - writer.go: group commit · session.go: prepared statements and savepoints
//   - issuers.go, intend.go, drafts.go, end.go, entries.go: the verbs that write
//   - backup.go: a copy of a database in use
//   - approvals.go, sessions.go: acts that need two people, and key sessions
//   - log.go: the order of the log, its tree and its checkpoints
//   - issuers.go, orders.go, cards.go, entries.go, review.go: the verbs that read · reads.go: their statements
package sqlite
