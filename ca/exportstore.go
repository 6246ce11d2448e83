package ca

import (
	"context"
	"encoding/json"
	"time"
)

// ExportStore is what a LogReader reads. Its verbs change nothing, and read what never changes: entries that have their places, and heads
// that are signed. All methods are safe for concurrent use.
type ExportStore interface {
	LogStore

	// SignedHead gives the signed head of so many leaves, or the newest where size is 0. The error is ErrNotFound where there is none.
	SignedHead(ctx context.Context, size int64) (*StoredHead, error)

	// Leaves lists entries by their places in the log, from the leaf with index first, at most limit. A limit below 1 is an error.
	Leaves(ctx context.Context, first int64, limit int) ([]StoredLeaf, error)

	// LeavesAbout lists the places of the entries whose facts name a chip by its ICCSN, ascending.
	LeavesAbout(ctx context.Context, iccsn string) ([]int64, error)

	// LeavesBetween gives bounds of the places of the entries with from <= Entry.At < until: none of them is below first, and none is
	// end or above. Entries of other times may stand between them. Where there are none, first is end.
	LeavesBetween(ctx context.Context, from, until time.Time) (first, end int64, err error)

	// LeafCertificates lists the certificates of the cards whose issuance is recorded in the leaves first to end-1, by leaf and in the order
	// of the card.
	LeafCertificates(ctx context.Context, first, end int64) ([]LeafCertificate, error)

	// Issuers is that of Store.
	Issuers(ctx context.Context) ([]KnownIssuer, error)

	// Card is that of Store.
	Card(ctx context.Context, iccsn string) (*Card, error)

	// Order is that of Store.
	Order(ctx context.Context, orderID string) (*OrderState, error)
}

// StoredLeaf is an entry with its place as the database has it, with the personal data apart: what the leaf is made of and what stands
// beside it can be looked at one without the other.
type StoredLeaf struct {
	SequencedEntry                 // with PersonalHash, and without Personal and Salt
	Personal       json.RawMessage // nil where there are none, or none any more
	Salt           []byte
}

// LeafCertificate is a certificate of the card whose issuance a leaf records.
type LeafCertificate struct {
	LeafIndex int64
	Data      []byte // DER, or data object 7F21
}
