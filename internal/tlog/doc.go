// Package tlog is the issuance log: typed entries, the octets they put into a Merkle tree (RFC 6962), and the tree, its proofs, tiles and
// signed heads in the formats of C2SP tlog-tiles, tlog-checkpoint and signed-note (v1.0.0), so that other people's tools can
// watch it. It is pure: no clock, no database, no key and no I/O. Randomness is drawn in one place, for the salt in NewEntry.
//
// # From a change to a checkpoint
//
//	change ── NewEntry ──→ Entry ── Leaf ──→ octets ── LeafHash ──→ Tree.Add ── Flush ──→ tiles
//	          in the transaction   ≤ 65,535, in    │                   │
//	          of the change        a bundle        │                  Head ──→ Checkpoint ── Sign ──→ signed note
//	                                               │
//	auditor:  ReadFacts  ←── ParseLeaf ←── ParseBundle ── VerifyLeaves ──→ the same Head? ←── OpenCheckpoint
//
// Every state change of the CA writes its entry in the same transaction (package ca, Store). Entries carry facts in clear and
// personal data as a salted hash: a reader of leaves has an Entry with PersonalHash, and so has everybody after erasure.
//
// # What must hold
//
//   - The leaf of an entry is the same for ever: after erasure, and in every later version. ParseLeaf takes only what Leaf writes.
//   - A head, once signed, is a prefix of every later one. OpenTree refuses to append to tiles that do not give the head's root;
//     CheckGrown finds out before signing whether the log went backwards or was changed.
//   - Proofs come only from tiles that were checked against the head they are for.
//   - Appending and verifying take constant memory and the same time for each leaf, whatever the size of the log.
//
// # Where to look
//
//	entry.go, leaf.go              entries, personal data and erasure, leaves
//	kind.go, facts.go, checker.go  the kinds of entries, what each must say, and the check of it
//	tree.go, append.go             heads, the tree as its right edge, appending to stored tiles
//	tile.go, bundle.go             names and content of what is served
//	proof.go                       proofs, and the errors that say that something was tampered with
//	checkpoint.go, key.go          signed heads and the log's public key
//	audit.go                       leaves against a head
package tlog
