// Package postgres keeps the CA's orders, attempts, cards and log in PostgreSQL (15 or newer), on which several servers may work at
// the same time. It implements ca.Store. The schema is in migrations/postgres; `siegeld migrate` brings a database up to it.
//
// # Durability
//
// Every connection sets synchronous_commit=on, so that a verb answers when its commit is on the disk of the database, and of its
// synchronous standbys where there are some. What the answer says survives the death of every process on both sides.
//
// # Transactions
//
// A verb that writes takes two round trips: one that begins, locks and asks, and one that writes and commits (change.go). Between
// them Go decides. Transactions are READ COMMITTED, and what they rest on is locked or guarded by a unique index:
//
//   - The order's row is locked, or has just been inserted. Verbs about one order run one after the other.
//   - An attempt that ends is locked.
//   - Keys and serial numbers are taken by inserting them under a unique index.
//   - A CHR may come back at the next attempt of its slot, so that no index can guard it. An advisory lock stands for it.
//
// SERIALIZABLE would do the same with less to argue, but it aborts transactions whose random keys and serial numbers happen to lie on
// one page of an index, the more often the more servers there are. Locks are taken in one order (order, CHR, key, serial number; sorted
// where there are several), so that they cannot wait in a circle but by a repeated random number; the database would break that, and
// the verb would be tried again.
//
// # Group commit
//
// Intend, Complete and Abandon share transactions (group.go): the verbs that wait at one time ask together, write together in statements of many
// rows, and are answered after one commit. Those that come meanwhile make up the next group. A statement costs the database about as
// much for one row as for ten, since it reads and prepares the constraints, triggers and indexes of its table anew each time.
//
// It is tried once, and in good faith. Where anything in a group is refused, loses a race or waits long for a lock, nothing of it is in the
// database, and each of its verbs is run again alone. So its answer is exact, and what is wrong with it costs its neighbours some
// time and no more. Where the connection is lost at the commit, it may have happened, and every verb of the group says so. A caller
// who leaves takes no other with him.
//
// Groups lock orders, CHRs, keys and attempts in this order, and sorted; what two groups can still wait for in a circle, as two orders with
// swapped ICCSNs, ends with the time for which a group waits.
//
// A verb that meets a unique index when it writes has lost a race against another that took the same thing after it was asked for. It
// is tried again: what is taken stays taken, so that the second time the question finds it.
//
// Ids and numbers come from sequences. They become visible when their transactions do, which may be in another order (ca.Store.Entries
// says so). The other way is a lock from the drawing of an id to the end of the commit: one commit at a time, where the
// database now lets many share one sync of the disk.
//
// # Servers
//
// An open store holds a session advisory lock, whose key it has drawn at random, on a connection of its own. Its attempts carry the key.
// While it is held, the attempts are at work elsewhere for others (ca.OpenAttempt.Elsewhere). The lock goes with the connection: at once
// when the process dies, within half a minute when its machine or the network does. It needs no clock, no heartbeat and no writing.
// A store that loses the connection takes a new one and the same lock again.
//
// The server that numbers entries holds one more lock, on a connection of its own too (lead.go). The others ask for it twice a second.
// That two heads cannot follow one rests not on it but on a unique index.
//
// Session locks do not survive a pooler that shares connections between transactions. Connect to the server itself.
//
// # Rights
//
// The role that migrates owns the tables and could switch off the triggers that make them append-only. A server needs no more than
// SELECT, INSERT and UPDATE on our tables and SELECT on goose_db_version: give it a role of its own.
//
// # Where to look
//
//   - store.go: Store, Open, Close · connect.go: connections and their settings
//   - schema.go: Migrate, and the versions that fit each other
//   - presence.go: the lock that says that a server lives
//   - change.go: transactions · group.go: transactions of several verbs
//   - issuers.go, intend.go, drafts.go, end.go, entries.go: the verbs that write
//   - approvals.go, sessions.go: acts that need two people, and key sessions
//   - log.go: the order of the log, its tree and its checkpoints · lead.go: the lock of the one server that numbers entries
//   - issuers.go, orders.go, cards.go, entries.go, review.go: the verbs that read · reads.go: what they share
package postgres
