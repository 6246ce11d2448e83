package ca_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The story of this file: a log is numbered and signed; every step of a round fails, or happens and its answer is lost; the database goes
// back in time. Whatever happens, all that the key has ever signed lies on one chain.

const logName = "siegel.example/log"

// logWorld is a log with what it stands on, and what outlives its server: database, saved checkpoint and the key's memory.
type logWorld struct {
	path  string // of the database
	db    *sqlite.Store
	key   *logKey
	saved []byte
	n     int // entries so far
}

func newLogWorld(t *testing.T) *logWorld {
	t.Helper()
	path := filepath.Join(t.TempDir(), "siegel.db")
	return &logWorld{path: path, db: openStore(t, path), key: &logKey{private: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))}}
}

// logKey is an Ed25519 key that remembers what it signed.
type logKey struct {
	private ed25519.PrivateKey

	mu     sync.Mutex
	signed []string
	fail   func(call int) (before, after error) // nil: never
}

func (k *logKey) Public() crypto.PublicKey { return k.private.Public() }
func (k *logKey) Ready() error             { return nil }

func (k *logKey) Sign(_ context.Context, scheme sigalg.Scheme, message []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if scheme != sigalg.PureEd25519 {
		return nil, fmt.Errorf("scheme is %s", scheme)
	}
	var before, after error
	if k.fail != nil {
		before, after = k.fail(len(k.signed) + 1)
	}
	if before != nil {
		return nil, before
	}
	k.signed = append(k.signed, string(message))
	return ed25519.Sign(k.private, message), after
}

// sequencer makes one as after a start of the server.
func (w *logWorld) sequencer(t *testing.T, change ...func(*ca.SequencerConfig)) *ca.Sequencer {
	t.Helper()
	cfg := ca.SequencerConfig{Store: w.db, Name: logName, Key: w.key, Standing: ca.Standing{ca.ForLog}, Seen: w.saved, Now: tick, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Save: func(checkpoint []byte) error { w.saved = bytes.Clone(checkpoint); return nil }}
	for _, c := range change {
		c(&cfg)
	}
	s, err := ca.NewSequencer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// record appends n entries and gives the id of the last.
func (w *logWorld) record(t *testing.T, n int) (id int64) {
	t.Helper()
	for range n {
		w.n++
		id = must(w.db.Append(t.Context(), storetest.NewEntry(tlog.ServerStarted, storetest.NewIntent(w.n, 1))))
	}
	return id
}

// run runs a sequencer until an entry is included.
func (w *logWorld) run(t *testing.T, s *ca.Sequencer, entry int64) *ca.Inclusion {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	end := make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	go func() { end <- s.Run(running) }()
	in, err := s.Await(ctx, entry)
	stop()
	if err := errors.Join(err, <-end); err != nil {
		t.Fatal(err)
	}
	return in
}

// check derives the tree anew and looks at all that was ever signed: each head is one that the tree had on its way.
func (w *logWorld) check(t *testing.T) {
	t.Helper()
	if err := storetest.CheckLog(t.Context(), w.db); err != nil {
		t.Error(err)
	}
	head := must(w.db.LatestHead(t.Context()))
	for _, text := range w.key.signed {
		c, err := tlog.ParseCheckpoint([]byte(text))
		if err != nil {
			t.Fatalf("the key signed %q: %v", text, err)
		}
		if err := tlog.CheckGrown(t.Context(), c.Head, head.Head, w.db); err != nil {
			t.Errorf("the key signed a head that the log never had: %v", err)
		}
	}
}

func TestSequencerSignsWhatItRecorded(t *testing.T) {
	w := newLogWorld(t)
	s := w.sequencer(t)
	first := w.run(t, s, w.record(t, 3))
	second := w.run(t, s, w.record(t, 1))
	if first.LeafIndex != 2 || second.LeafIndex != 3 {
		t.Errorf("the entries are leaves %d and %d, want 2 and 3", first.LeafIndex, second.LeafIndex)
	}
	if string(w.saved) != string(second.Checkpoint) {
		t.Errorf("saved is %q, want the newest checkpoint %q", w.saved, second.Checkpoint)
	}
	// Opened with the module that everybody has, by the line that auditors configure.
	verifier := must(note.NewVerifier(s.VerifierKey()))
	opened, err := note.Open(second.Checkpoint, note.VerifierList(verifier))
	if err != nil || !strings.HasPrefix(opened.Text, logName+"\n4\n") {
		t.Errorf("the checkpoint opens as %+v, %v, want 4 leaves of %s", opened, err, logName)
	}
	w.check(t)
}

// TestSequencerTakesInMany needs several rounds.
func TestSequencerTakesInMany(t *testing.T) {
	w := newLogWorld(t)
	if in := w.run(t, w.sequencer(t), w.record(t, 2500)); in.LeafIndex != 2499 {
		t.Errorf("the last entry is leaf %d, want 2499", in.LeafIndex)
	}
	w.check(t)
}

// faultyLog makes the first call of one verb fail. Until then the oldest entry that waits is not visible, as happens where transactions
// commit in another order than they took their ids: a head that is made again is another one.
type faultyLog struct {
	ca.LogStore
	verb string
	lost bool

	mu  sync.Mutex
	met bool
}

var errLog = errors.New("injected fault of the log")

func (f *faultyLog) meet(verb string, call func() error) error {
	f.mu.Lock()
	met := f.verb == verb && !f.met
	f.met = f.met || met
	f.mu.Unlock()
	if met && !f.lost {
		return errLog
	}
	err := call()
	if met {
		return errLog
	}
	return err
}

func (f *faultyLog) LatestHead(ctx context.Context) (head *ca.StoredHead, err error) {
	err = f.meet("LatestHead", func() (err error) { head, err = f.LogStore.LatestHead(ctx); return err })
	return head, err
}

func (f *faultyLog) Unsequenced(ctx context.Context, limit int) (list []ca.StoredEntry, err error) {
	f.mu.Lock()
	hide := !f.met
	f.mu.Unlock()
	err = f.meet("Unsequenced", func() (err error) { list, err = f.LogStore.Unsequenced(ctx, limit); return err })
	if hide && len(list) > 0 {
		list = list[1:]
	}
	return list, err
}

func (f *faultyLog) Tiles(ctx context.Context, ids []tlog.TileID) (tiles [][]byte, err error) {
	err = f.meet("Tiles", func() (err error) { tiles, err = f.LogStore.Tiles(ctx, ids); return err })
	return tiles, err
}

func (f *faultyLog) Integrate(ctx context.Context, batch *ca.Integration) error {
	return f.meet("Integrate", func() error { return f.LogStore.Integrate(ctx, batch) })
}

func (f *faultyLog) Publish(ctx context.Context, size int64, checkpoint []byte) error {
	return f.meet("Publish", func() error { return f.LogStore.Publish(ctx, size, checkpoint) })
}

// TestSequencerMeetsFaults lets each step of a round fail, and goes on in the same process and in a new one.
func TestSequencerMeetsFaults(t *testing.T) {
	for _, verb := range []string{"LatestHead", "Unsequenced", "Tiles", "Integrate", "Sign", "Save", "Publish"} {
		for _, lost := range []bool{false, true} {
			for _, restart := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, lost %t, restart %t", verb, lost, restart), func(t *testing.T) {
					t.Parallel()
					w := newLogWorld(t)
					w.run(t, w.sequencer(t), w.record(t, 2))
					faulty := &faultyLog{LogStore: w.db, verb: verb, lost: lost}
					met := make(chan struct{})
					var once sync.Once
					w.key.fail = func(int) (before, after error) {
						err := faulty.meet("Sign", func() error { return nil })
						if lost {
							return nil, err
						}
						return err, nil
					}
					s := w.sequencer(t, func(c *ca.SequencerConfig) {
						save := c.Save
						c.Store = faulty
						c.Save = func(b []byte) error { return faulty.meet("Save", func() error { return save(b) }) }
						c.Log = slog.New(slog.NewTextHandler(writerFunc(func([]byte) { once.Do(func() { close(met) }) }), nil))
					})
					w.record(t, 3)
					ctx, stop := context.WithCancel(t.Context())
					end := make(chan error, 1)
					go func() { end <- s.Run(ctx) }()
					<-met // the warning that the log stands still
					if restart {
						stop()
						if err := <-end; err != nil {
							t.Fatal(err)
						}
						w.run(t, w.sequencer(t), w.record(t, 1))
					} else {
						_, err := s.Await(t.Context(), w.record(t, 1))
						stop()
						if err := errors.Join(err, <-end); err != nil {
							t.Fatal(err)
						}
					}
					w.check(t)
				})
			}
		}
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }

// restore makes a world on a copy of a database, as it was, with the memory of the world as it is.
func (w *logWorld) restore(t *testing.T, copied []byte) *logWorld {
	t.Helper()
	path := filepath.Join(t.TempDir(), "siegel.db")
	if err := os.WriteFile(path, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	return &logWorld{path: path, db: openStore(t, path), key: w.key, saved: w.saved, n: 1000}
}

// backUp copies the database.
func (w *logWorld) backUp(t *testing.T) []byte {
	t.Helper()
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	copied := must(os.ReadFile(w.path))
	w.db = openStore(t, w.path)
	return copied
}

// TestOlderBackupIsRefused: nothing is signed on it, neither at once nor when it has grown beyond what was seen.
func TestOlderBackupIsRefused(t *testing.T) {
	w := newLogWorld(t)
	w.run(t, w.sequencer(t), w.record(t, 3))
	backup := w.backUp(t)
	w.run(t, w.sequencer(t), w.record(t, 2))
	refused := func(t *testing.T, w *logWorld, want error) {
		t.Helper()
		signed := len(w.key.signed)
		s := w.sequencer(t)
		for doing, err := range map[string]error{"Check": s.Check(t.Context()), "Run": s.Run(t.Context())} {
			if !errors.Is(err, ca.ErrLogChanged) || !errors.Is(err, want) {
				t.Errorf("%s = %v, want %v for %v", doing, err, ca.ErrLogChanged, want)
			}
		}
		if len(w.key.signed) != signed {
			t.Error("a head was signed")
		}
	}
	t.Run("as it was", func(t *testing.T) {
		old := w.restore(t, backup)
		old.record(t, 1)
		refused(t, old, tlog.ErrBackwards)
	})
	t.Run("empty database", func(t *testing.T) {
		empty := newLogWorld(t)
		empty.key, empty.saved = w.key, w.saved
		refused(t, empty, tlog.ErrBackwards)
	})
	t.Run("grown by other entries", func(t *testing.T) {
		old := w.restore(t, backup)
		old.saved = nil // somebody took the file away
		old.run(t, old.sequencer(t), old.record(t, 5))
		old.saved = w.saved
		refused(t, old, tlog.ErrForked)
	})
	t.Run("the database of today is good", func(t *testing.T) {
		if err := w.sequencer(t).Check(t.Context()); err != nil {
			t.Errorf("Check = %v, want nil", err)
		}
	})
}

// TestLogOfAnotherKeyIsRefused: a database whose checkpoints another key has signed is another log.
func TestLogOfAnotherKeyIsRefused(t *testing.T) {
	w := newLogWorld(t)
	w.run(t, w.sequencer(t), w.record(t, 1))
	w.key = &logKey{private: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32))}
	saved := w.saved
	w.saved = nil
	if err := w.sequencer(t).Check(t.Context()); !errors.Is(err, ca.ErrLogChanged) {
		t.Errorf("Check = %v, want %v", err, ca.ErrLogChanged)
	}
	if _, err := ca.NewSequencer(ca.SequencerConfig{Store: w.db, Name: logName, Key: w.key, Standing: ca.Standing{ca.ForLog}, Seen: saved, Now: tick,
		Save: func([]byte) error { return nil }, Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a saved checkpoint of another key was taken")
	}
}

// TestAwaitEndsWithItsCaller: nobody numbers the entry.
func TestAwaitEndsWithItsCaller(t *testing.T) {
	w := newLogWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	if _, err := w.sequencer(t).Await(ctx, w.record(t, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Await = %v, want %v", err, context.DeadlineExceeded)
	}
}

// TestPace: an entry that just missed a round waits for the next one and for its end, together no longer than it may, as long as rounds are short
// enough; and rounds are no denser than that takes.
func TestPace(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct{ took, length, want time.Duration }{
		{0, 0, 65 * ms},             // an idle log that has never grown
		{ms, 20 * ms, 44 * ms},      // an idle log: the next round, 20 ms long, ends 65 ms after this one began
		{20 * ms, 20 * ms, 25 * ms}, // a busy log
		{40 * ms, 40 * ms, 5 * ms},  // rounds too long to pause between them
		{time.Second, time.Second, 5 * ms},
	} {
		if got := ca.PauseAfter(c.took, c.length); got != c.want {
			t.Errorf("after a round of %s, where one that takes entries in is %s long, the pause is %s, want %s", c.took, c.length, got, c.want)
		}
	}
}
