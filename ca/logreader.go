package ca

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// LogReader shows the log to auditors: heads, proofs, and the entries themselves with all that is needed to verify them elsewhere. It reads
// what the database has and judges nothing: whether it is what was signed is for the auditor to find out. It is safe for concurrent use.
type LogReader struct{ store ExportStore }

// NewLogReader reads from a store.
func NewLogReader(store ExportStore) *LogReader { return &LogReader{store} }

// Checkpoint gives the signed head of so many leaves, or the newest where size is 0. ErrNotFound says that there is none.
func (r *LogReader) Checkpoint(ctx context.Context, size int64) (*StoredHead, error) {
	head, err := r.store.SignedHead(ctx, size)
	if err != nil {
		return nil, logFailure("read a checkpoint", err)
	}
	return head, nil
}

// EntryRef names an entry. One of its fields is set.
type EntryRef struct {
	Leaf    *int64 // its place in the log
	ID      int64  // that the store gave it, from 1
	OrderID string // of a card: the entry that records the issuance
	ICCSN   string // likewise, of the card as it was made
}

// ProvenLeaf is a leaf with the proof that it is in the tree of a head.
type ProvenLeaf struct {
	Index int64
	Leaf  []byte
	Proof tlog.Proof
	Head  *StoredHead
}

// ProveInclusion gives an entry with the proof that it is in the log. ErrNotFound says that there is no such entry, or that no
// checkpoint covers it yet.
func (r *LogReader) ProveInclusion(ctx context.Context, ref EntryRef) (*ProvenLeaf, error) {
	index, err := r.find(ctx, ref)
	if err != nil {
		return nil, logFailure("find an entry in the log", err)
	}
	head, err := r.store.SignedHead(ctx, 0)
	if err == nil && index >= head.Size {
		err = ErrNotFound
	}
	if err != nil {
		return nil, logFailure("find a checkpoint over an entry", err)
	}
	leaves, err := r.store.Leaves(ctx, index, 1)
	if err == nil && (len(leaves) == 0 || leaves[0].LeafIndex != index) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, logFailure("read a leaf", err)
	}
	p := &ProvenLeaf{Index: index, Head: head}
	if p.Leaf, err = leaves[0].Leaf(); err == nil {
		p.Proof, err = tlog.ProveInclusion(ctx, head.Head, index, r.store)
	}
	if err != nil {
		return nil, logFailure(fmt.Sprintf("prove leaf %d", index), err)
	}
	return p, nil
}

// find gives the place of an entry.
func (r *LogReader) find(ctx context.Context, ref EntryRef) (int64, error) {
	switch {
	case ref.Leaf != nil:
		return *ref.Leaf, nil
	case ref.OrderID != "":
		state, err := r.store.Order(ctx, ref.OrderID)
		if err != nil {
			return 0, err
		}
		if state.Card == nil {
			return 0, ErrNotFound
		}
		ref.ID = state.Card.EntryID
	case ref.ICCSN != "":
		return r.findCard(ctx, ref.ICCSN)
	}
	in, err := r.store.Inclusion(ctx, ref.ID)
	if err != nil {
		return 0, err
	}
	return in.LeafIndex, nil
}

// findCard gives the place of the first issuance of a chip: renewals come later.
func (r *LogReader) findCard(ctx context.Context, iccsn string) (int64, error) {
	about, err := r.store.LeavesAbout(ctx, iccsn)
	if err != nil {
		return 0, err
	}
	for _, index := range about {
		leaves, err := r.store.Leaves(ctx, index, 1)
		if err != nil {
			return 0, err
		}
		if len(leaves) == 1 && leaves[0].LeafIndex == index && leaves[0].Kind == tlog.CardIssued {
			return index, nil
		}
	}
	return 0, ErrNotFound
}

// ProvenGrowth is the proof that the tree of one signed head begins with the leaves of a smaller one.
type ProvenGrowth struct {
	Proof tlog.Proof
	Head  *StoredHead
}

// ProveConsistency proves that the head of newSize leaves, or the newest where that is 0, has grown out of the tree that had oldSize leaves.
// ErrNotFound says that there is no signed head of newSize leaves, or only one of fewer than oldSize.
func (r *LogReader) ProveConsistency(ctx context.Context, oldSize, newSize int64) (*ProvenGrowth, error) {
	head, err := r.store.SignedHead(ctx, newSize)
	if err == nil && head.Size < oldSize {
		err = ErrNotFound
	}
	if err != nil {
		return nil, logFailure("find a checkpoint", err)
	}
	proof, err := tlog.ProveConsistency(ctx, head.Head, oldSize, r.store)
	if err != nil {
		return nil, logFailure("prove consistency", err)
	}
	return &ProvenGrowth{Proof: proof, Head: head}, nil
}

// Statistics counts the entries of a time: see tlog.Statistics. It reads all of them, so that it takes as long as there are some.
func (r *LogReader) Statistics(ctx context.Context, from, until time.Time) (*tlog.Statistics, *StoredHead, error) {
	stats := new(tlog.Statistics)
	q := ExportQuery{Filter: tlog.Filter{From: from, Until: until}}
	x, err := r.Export(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	err = x.scan(ctx, func(page []StoredLeaf, _ int64) error {
		for _, l := range page {
			if err := stats.Add(l.Entry, func(iccsn string) (*tlog.Labels, error) { return r.cardLabels(ctx, iccsn) }); err != nil {
				return fmt.Errorf("leaf %d: %w", l.LeafIndex, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, logFailure("count entries", err)
	}
	return stats, x.Head, nil
}

// cardLabels gives what statistics need to know of a card.
func (r *LogReader) cardLabels(ctx context.Context, iccsn string) (*tlog.Labels, error) {
	card, err := r.store.Card(ctx, iccsn)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l := &tlog.Labels{CardType: card.CardType, Sector: card.Sector}
	for i := range card.Certs {
		l.Certificates = append(l.Certificates, tlog.CertificateFacts{Slot: card.Certs[i].Slot, Profile: card.Certs[i].Profile, Issuer: card.Certs[i].Issuer})
	}
	return l, nil
}

// logFailure says what was being done. ErrNotFound and the end of the context are the caller's to know; where the store does not answer,
// asking again may help.
func logFailure(doing string, err error) error {
	if errors.Is(err, tlog.ErrDamaged) {
		return fmt.Errorf("%s: %w", doing, err) // asking again does not help
	}
	return readFailure(doing, err)
}
