package ca

import (
	"context"
	"errors"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// LogStore keeps the order of the log, its tree and its checkpoints, beside the entries that a Store has written. Each verb that
// writes is one transaction with the promises of a Store's verbs. All methods are safe for concurrent use.
//
// What a Sequencer builds on: heads form one chain, in which each has one successor at most. Whoever tries to record a second one gets
// ErrHeadMoved, so that no mistake in who leads can fork the log.
type LogStore interface {
	// TileReader gives tiles of the tree as it is now.
	tlog.TileReader

	// Lead waits until no other server numbers entries and runs work, whose context ends when another server may have begun to. It
	// gives work's error, or why it could not lead. A store that lets one server in at a time never waits.
	Lead(ctx context.Context, work func(context.Context) error) error

	// Unsequenced lists entries that have no place in the log yet, by ascending id, at most limit. They come without their personal
	// data, which a leaf does not need. One that was committed thousands of entries later than its id says may be missing for some
	// seconds. A limit below 1 is an error.
	Unsequenced(ctx context.Context, limit int) ([]StoredEntry, error)

	// Integrate gives entries their places, stores tiles, and records the head to which they lead, not signed yet.
	//
	// Errors that say that nothing happened: ErrHeadMoved. It is an error if an entry has a place already.
	Integrate(ctx context.Context, batch *Integration) error

	// LatestHead gives the head of the tree, or ErrNotFound where the log is empty.
	LatestHead(ctx context.Context) (*StoredHead, error)

	// Publish stores the checkpoint of the head with so many leaves. A head has one checkpoint: another one is an error, the same
	// once more is none. Errors that say that nothing happened: ErrNotFound.
	Publish(ctx context.Context, size int64, checkpoint []byte) error

	// Inclusion gives the place of an entry and the newest checkpoint, or ErrNotFound as long as no checkpoint covers the entry.
	Inclusion(ctx context.Context, entryID int64) (*Inclusion, error)

	// Sequenced lists entries by their places in the log, from the leaf with index first, at most limit. A limit below 1 is an error.
	Sequenced(ctx context.Context, first int64, limit int) ([]SequencedEntry, error)
}

// ErrHeadMoved says that another server has recorded a head since.
var ErrHeadMoved = errors.New("the log has grown meanwhile")

// Integration is the growth of the log by a number of entries.
type Integration struct {
	From    int64       // leaves of the head before
	Entries []int64     // ids in the order of the log; at least one
	Tiles   []tlog.Tile // that are new or have grown
	Head    tlog.Head   // of From + len(Entries) leaves
	At      time.Time   // millisecond precision, UTC
}

// StoredHead is a head of the tree, with its checkpoint where it is signed.
type StoredHead struct {
	tlog.Head
	At         time.Time // when it was recorded; millisecond precision, UTC
	Checkpoint []byte    // signed note; nil where the head is recorded, but not signed
}

// Inclusion says where in the log an entry stands.
type Inclusion struct {
	LeafIndex  int64  // from 0
	Checkpoint []byte // signed note (C2SP tlog-checkpoint) over more than LeafIndex leaves
}

// SequencedEntry is an entry with its place in the log.
type SequencedEntry struct {
	LeafIndex int64
	StoredEntry
}
