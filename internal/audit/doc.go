// Package audit writes exports of the issuance log and verifies them. It is the auditor's side: it knows the formats of the log, of
// certificates and of the export, and nothing of the server, its database or its keys. To verify needs no network.
//
// An export is a folder:
//
//	manifest.json       what the export is of, and size and SHA-256 of every other file; written last
//	checkpoint          the signed head of the log (C2SP tlog-checkpoint)
//	edge.jsonl          the partial tiles of the head, lowest level first: they give its root
//	tiles-L.jsonl       the full tiles of level L between the leaves and the edge, ascending
//	entries.jsonl       one leaf a line, ascending, in the octets that are in the tree
//	certificates.jsonl  the certificates of the cards that leaves record
//	personal.jsonl      personal data with their salts; only where they were asked for
//	issuers/NAME.der    certificates of issuers and roots; .cvc for CV certificates
//	certificates.csv, certificates.parquet   the same as a table, for statistics; only where they were asked for
//
// How each leaf is tied to the signature: a leaf's hash stands in the tile of level 0 at the leaf's place; the root of a full tile stands in the
// tile above it; the partial tiles give the root of the head, which the checkpoint signs. So every leaf is placed by itself, whether the export has
// all leaves or a choice of them, and one that was changed is named by its index. What ties the other files to the leaves: a leaf has the
// hashes of its certificates and the salted hash of its personal data. The manifest is not signed and proves nothing; it finds files that were
// damaged on the way, and says what the export is meant to hold.
//
// What must hold
//
//   - Reading and writing take constant memory, whatever the size of the log. What must be unique among millions is sorted on the disk.
//   - Whatever an export holds, Verify ends with a report: it finds, it does not fail.
//   - What is not checked is said, with the reason.
//
// Where to look:
//
//	format.go, lines.go     names, manifest, and the lines of the files
//	writer.go, output.go    Writer: makes an export, and goes on with one that was interrupted
//	table.go, tablecheck.go the rows of the tables
//	verify.go               Verify: the order of the checks; report.go: what it says
//	items.go                leaves with what belongs to them, read in order and inspected side by side
//	leaf.go                 what is checked of a leaf by itself
//	certificate.go, issuer.go   certificates against leaves and issuers
//	place.go                leaves against tiles, tiles against the head
//	rules.go, sessions.go, approvals.go   what must hold between leaves
//	unique.go               what must not be there twice, or must be there before
//	count.go                statistics of an export
//	compare.go              two heads or exports: has the log only grown?
package audit
