package ca

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// The pace of the log.
const (
	// behindGoal is how long an entry may wait for a signed head over it, less than the 100 ms that are promised. An entry that comes when a
	// round has just looked waits for the next one, and then for that to end: rounds of a length r begin at most behindGoal - r after one another.
	// They begin no sooner either, since each head costs two transactions and a signature.
	behindGoal = 65 * time.Millisecond
	// shortestPause is the time between two rounds where they take longer than half of that, so that the rest of the server comes to its own.
	shortestPause = 5 * time.Millisecond
	// leadPause is the time after a failure before the next try.
	leadPause = 250 * time.Millisecond
	// maxLeaves bounds the entries of a round, and with them its memory: 64 MiB if every leaf were as long as leaves may be.
	maxLeaves = 1024
	// inclusionPause is the time between two looks for a checkpoint that somebody waits for.
	inclusionPause = 20 * time.Millisecond
)

// ErrLogChanged says that the log in the database is not one that has grown out of the checkpoints that this server has signed: an
// older backup was restored, or somebody changed it. Nothing may be signed until a person has found out which.
var ErrLogChanged = errors.New("the database does not hold the log that was signed before")

// SequencerConfig is what a Sequencer is made of. All fields are mandatory unless they say otherwise.
type SequencerConfig struct {
	Store LogStore
	Name  string // of the log: the origin of its checkpoints
	Key   Key    // Ed25519; signs nothing but checkpoints
	// Standing must name ForLog.
	Standing Standing
	// Seen is the checkpoint that Save was last given, by this server or, after a move, by another; nil where there was none. It must
	// come from outside the database, or it would be restored with it.
	Seen []byte
	// Save keeps a checkpoint for the next start. It is called before others can see the checkpoint, and must be durable.
	Save func(checkpoint []byte) error
	Now  func() time.Time
	Log  *slog.Logger
}

// Sequencer gives entries their places in the log and signs its heads: see the package comment. Any number of servers may run one on
// the same database; one of them works. NewSequencer makes it, Run runs it once. Await is safe for concurrent use.
//
// A round has three steps, each of which may be the last one before a crash:
//
//	record   one transaction: places, tiles and the new head           LogStore.Integrate
//	sign     the door, for the recorded head; the signature is verified
//	publish  save outside the database, then store beside the head     LogStore.Publish
//
// A head that was recorded is never replaced, and the next round begins with the one that was left unsigned. So whatever fails, the key
// signs one chain of heads and no other. Were the signature made inside the transaction, one whose commit fails would leave a signed
// head that the log never has, which an auditor could not tell from a fork.
type Sequencer struct {
	store    LogStore
	name     *tlog.VerifierKey
	key      Key
	standing Standing
	save     func([]byte) error
	now      func() time.Time
	log      *slog.Logger

	seen tlog.Head // the newest that was signed, as far as this server knows; owned by Check, then by Run
}

// NewSequencer checks the configuration. It reads no database and uses no key.
func NewSequencer(cfg SequencerConfig) (*Sequencer, error) {
	if cfg.Store == nil || cfg.Key == nil || cfg.Save == nil || cfg.Now == nil || cfg.Log == nil {
		return nil, errors.New("configuration of the sequencer: a field is not set")
	}
	if err := cfg.Standing.MaySign(ForLog); err != nil {
		return nil, fmt.Errorf("configuration of the sequencer: %w", err)
	}
	public, ok := cfg.Key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("configuration of the sequencer: the log's key is %T, want Ed25519", cfg.Key.Public())
	}
	name, err := tlog.NewVerifierKey(cfg.Name, public)
	if err != nil {
		return nil, fmt.Errorf("configuration of the sequencer: %w", err)
	}
	s := &Sequencer{store: cfg.Store, name: name, key: cfg.Key, standing: cfg.Standing, save: cfg.Save, now: cfg.Now, log: cfg.Log, seen: emptyHead()}
	if cfg.Seen != nil {
		c, err := tlog.OpenCheckpoint(cfg.Seen, name)
		if err != nil {
			return nil, fmt.Errorf("read the saved checkpoint: %w", err)
		}
		s.seen = c.Head
	}
	return s, nil
}

// VerifierKey is the public key of the log as auditors configure it, one line.
func (s *Sequencer) VerifierKey() string { return s.name.String() }

func emptyHead() tlog.Head { return new(tlog.Frontier).Head() }

// Check compares the log in the database with the checkpoint that was saved outside. A server calls it before it serves. ErrLogChanged
// says that it must not.
func (s *Sequencer) Check(ctx context.Context) error {
	_, err := s.latest(ctx)
	return err
}

// Run numbers entries and signs heads until ctx ends, and gives nil then. A token or database that is away only stops the log for
// a while. ErrLogChanged ends it: the server must not go on.
func (s *Sequencer) Run(ctx context.Context) error {
	stalled := false
	for {
		err := s.store.Lead(ctx, func(ctx context.Context) error {
			return s.lead(ctx, func() {
				if stalled {
					s.log.Info("the log grows again")
				}
				stalled = false
			})
		})
		switch {
		case errors.Is(err, ErrLogChanged):
			return err
		case ctx.Err() != nil:
			return nil
		case !stalled && !errors.Is(err, ErrHeadMoved):
			s.log.Warn("the log stands still; entries are recorded and get their places later", "error", err)
			stalled = true
		}
		pause(ctx, leadPause)
	}
}

// lead makes rounds until one fails or ctx ends, and says so after each one that did not fail.
func (s *Sequencer) lead(ctx context.Context, done func()) error {
	var length time.Duration // of the last round that took entries in
	for {
		began := time.Now()
		entries, err := s.round(ctx)
		if err != nil {
			return err
		}
		done()
		took := time.Since(began)
		if entries > 0 {
			length = took
		}
		if entries < maxLeaves && !pause(ctx, pauseAfter(took, length)) {
			return context.Cause(ctx)
		}
	}
}

// pauseAfter gives the time until the next round, where the one before took so long, and one that takes entries in is of the given length.
func pauseAfter(took, length time.Duration) time.Duration {
	return max(behindGoal-length-took, shortestPause)
}

// pause tells whether the time passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// round signs what a crash left unsigned and takes in what there is, maxLeaves entries at most. It tells how many.
func (s *Sequencer) round(ctx context.Context) (taken int, err error) {
	stored, err := s.latest(ctx)
	if err != nil {
		return 0, err
	}
	if stored.Size > 0 && stored.Checkpoint == nil {
		if err := s.publish(ctx, recordedHead{stored.Head}); err != nil {
			return 0, err
		}
	}
	entries, err := s.store.Unsequenced(ctx, maxLeaves)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	batch, err := s.grow(ctx, stored.Head, entries)
	if err != nil {
		return 0, err
	}
	if err := s.store.Integrate(ctx, batch); err != nil {
		return 0, fmt.Errorf("record a head of %d leaves: %w", batch.Head.Size, err)
	}
	return len(entries), s.publish(ctx, recordedHead{batch.Head})
}

// latest reads the head of the log, and makes sure that it has grown out of what was signed before.
func (s *Sequencer) latest(ctx context.Context) (*StoredHead, error) {
	stored, err := s.store.LatestHead(ctx)
	if errors.Is(err, ErrNotFound) {
		stored, err = &StoredHead{Head: emptyHead()}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the head of the log: %w", err)
	}
	if stored.Head == s.seen {
		return stored, nil
	}
	if err := tlog.CheckGrown(ctx, s.seen, stored.Head, s.store); err != nil {
		return nil, s.changed(stored.Head, err)
	}
	if stored.Checkpoint == nil {
		return stored, nil
	}
	signed, err := tlog.OpenCheckpoint(stored.Checkpoint, s.name)
	if err != nil {
		return nil, fmt.Errorf("%w: the checkpoint of %d leaves was not signed by %s: %w", ErrLogChanged, stored.Size, s.name, err)
	}
	if signed.Head != stored.Head {
		return nil, fmt.Errorf("%w: the checkpoint of %d leaves is of another head", ErrLogChanged, stored.Size)
	}
	s.seen = stored.Head // signed by another server, or before this one started
	return stored, nil
}

// changed says what to do where the log is not the one that was signed.
func (s *Sequencer) changed(stored tlog.Head, err error) error {
	if !errors.Is(err, tlog.ErrBackwards) && !errors.Is(err, tlog.ErrForked) && !errors.Is(err, tlog.ErrDamaged) {
		return fmt.Errorf("compare the log with what was signed: %w", err)
	}
	return fmt.Errorf("%w: a checkpoint over %d leaves was signed, the database has %d (%w). Nothing is signed. Restore a newer backup, one with at least "+
		"%d leaves; where there is none, the log that auditors have seen is lost, and a new one under another name must follow it",
		ErrLogChanged, s.seen.Size, stored.Size, err, s.seen.Size)
}

// grow appends the leaves of entries to the tree.
func (s *Sequencer) grow(ctx context.Context, head tlog.Head, entries []StoredEntry) (*Integration, error) {
	tree, err := tlog.OpenTree(ctx, head, s.store)
	if errors.Is(err, tlog.ErrDamaged) {
		return nil, fmt.Errorf("%w: %w", ErrLogChanged, err)
	}
	if err != nil {
		return nil, err
	}
	batch := &Integration{From: head.Size, At: s.now().UTC().Truncate(time.Millisecond)}
	for _, e := range entries {
		leaf, err := e.Leaf()
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", e.ID, err)
		}
		if err := tree.Add(tlog.LeafHash(leaf)); err != nil {
			return nil, fmt.Errorf("entry %d: %w", e.ID, err)
		}
		batch.Entries = append(batch.Entries, e.ID)
	}
	batch.Tiles, batch.Head = tree.Flush(), tree.Head()
	return batch, nil
}

// publish signs a recorded head, saves the checkpoint outside the database and shows it to others.
func (s *Sequencer) publish(ctx context.Context, head recordedHead) error {
	checkpoint, err := signHead(ctx, s.key, s.standing, s.name, head)
	if err != nil {
		return err
	}
	if err := s.save(checkpoint); err != nil {
		return fmt.Errorf("save the checkpoint of %d leaves: %w", head.Size, err)
	}
	s.seen = head.Head
	if err := s.store.Publish(ctx, head.Size, checkpoint); err != nil {
		return fmt.Errorf("publish the checkpoint of %d leaves: %w", head.Size, err)
	}
	return nil
}

// Await waits until a checkpoint covers an entry, and says where the entry stands. It serves on every server, whichever numbers the
// entries. The context bounds it; its error is the context's then.
func (s *Sequencer) Await(ctx context.Context, entryID int64) (*Inclusion, error) {
	for {
		in, err := s.store.Inclusion(ctx, entryID)
		if err == nil {
			return in, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return nil, storeFailure("look for an entry in the log", err)
		}
		if !pause(ctx, inclusionPause) {
			return nil, ctx.Err()
		}
	}
}
