package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// LogStore is what both stores are: they keep entries and the log over them.
type LogStore interface {
	ca.Store
	ca.ExportStore
}

// LogOpener is an Opener of stores that keep the log.
type LogOpener func(t *testing.T) (store LogStore, reopen func(t *testing.T) LogStore)

// ExerciseLog runs the contracts of ca.LogStore and ca.ExportStore as Exercise runs that of ca.Store. After each case it has the tree derived anew from its
// entries (CheckLog).
func ExerciseLog(t *testing.T, open LogOpener) {
	cases := slices.Concat(logCases, exportCases)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store, reopen := open(t)
			b := &logBench{T: t, ctx: t.Context(), LogStore: store, reopen: reopen}
			c.run(b)
			if err := CheckLog(b.ctx, b.LogStore); err != nil {
				t.Errorf("after the case: %v", err)
			}
		})
	}
	t.Logf("%d cases", len(cases))
}

// CheckLog derives the tree anew from the entries of a store at rest. It is an error if the places do not run from 0 without a gap, or do
// not lead to the head.
func CheckLog(ctx context.Context, store ca.LogStore) error {
	var tree tlog.Frontier
	for {
		list, err := store.Sequenced(ctx, tree.Size(), page)
		if err != nil {
			return fmt.Errorf("check the log: %w", err)
		}
		if len(list) == 0 {
			break
		}
		for _, e := range list {
			if e.LeafIndex != tree.Size() {
				return fmt.Errorf("check the log: leaf %d comes after %d leaves", e.LeafIndex, tree.Size())
			}
			leaf, err := e.Leaf()
			if err != nil {
				return fmt.Errorf("check the log: leaf %d: %w", e.LeafIndex, err)
			}
			if err := tree.Add(tlog.LeafHash(leaf)); err != nil {
				return err
			}
		}
	}
	head, err := store.LatestHead(ctx)
	if errors.Is(err, ca.ErrNotFound) && tree.Size() == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("check the log: %w", err)
	}
	if head.Head != tree.Head() {
		return fmt.Errorf("check the log: the entries lead to %+v, the head is %+v", tree.Head(), head.Head)
	}
	return nil
}

type logCase struct {
	name string
	run  func(b *logBench)
}

// logBench is what a case works at.
type logBench struct {
	*testing.T
	LogStore
	ctx     context.Context
	reopen  func(t *testing.T) LogStore
	entries int // appended so far
}

// record appends n entries and gives their ids.
func (b *logBench) record(n int) (ids []int64) {
	b.Helper()
	for range n {
		b.entries++
		id, err := b.Append(b.ctx, NewEntry(tlog.ServerStarted, NewIntent(b.entries, 1)))
		if err != nil {
			b.Fatalf("Append = %v, want nil", err)
		}
		ids = append(ids, id)
	}
	return ids
}

// head gives the head of the log, which may be empty.
func (b *logBench) head() tlog.Head {
	b.Helper()
	head, err := b.LatestHead(b.ctx)
	if errors.Is(err, ca.ErrNotFound) {
		return new(tlog.Frontier).Head()
	}
	if err != nil {
		b.Fatalf("LatestHead = %v, want nil", err)
	}
	return head.Head
}

// batch is the next integration of the entries that have no place, at most n, the latest first.
func (b *logBench) batch(n int) *ca.Integration {
	b.Helper()
	list, err := b.Unsequenced(b.ctx, n)
	if err != nil {
		b.Fatalf("Unsequenced = %v, want nil", err)
	}
	slices.Reverse(list) // the order of the log is the caller's
	from := b.head()
	tree, err := tlog.OpenTree(b.ctx, from, b)
	if err != nil {
		b.Fatalf("OpenTree = %v, want nil", err)
	}
	in := &ca.Integration{From: from.Size, At: start}
	for _, e := range list {
		leaf, err := e.Leaf()
		if err == nil {
			err = tree.Add(tlog.LeafHash(leaf))
		}
		if err != nil {
			b.Fatalf("entry %d: %v", e.ID, err)
		}
		in.Entries = append(in.Entries, e.ID)
	}
	in.Tiles, in.Head = tree.Flush(), tree.Head()
	return in
}

// integrate makes an integration that must succeed.
func (b *logBench) integrate(in *ca.Integration) {
	b.Helper()
	if err := b.Integrate(b.ctx, in); err != nil {
		b.Fatalf("Integrate(%d after %d) = %v, want nil", len(in.Entries), in.From, err)
	}
}

// refusesIntegration makes one that must fail and leave nothing behind.
func (b *logBench) refusesIntegration(want error, in *ca.Integration) {
	b.Helper()
	before, waiting := b.head(), b.batch(100).Entries
	if err := b.Integrate(b.ctx, in); err == nil || want != nil && !errors.Is(err, want) {
		b.Errorf("Integrate(%d after %d) = %v, want error %v", len(in.Entries), in.From, err, want)
	}
	if after := b.head(); after != before {
		b.Errorf("the refused integration moved the head from %+v to %+v", before, after)
	}
	if after := b.batch(100).Entries; !slices.Equal(after, waiting) {
		b.Errorf("after the refused integration %v wait, before %v", after, waiting)
	}
}

var logCases = []logCase{
	{"an empty log", func(b *logBench) {
		if _, err := b.LatestHead(b.ctx); !errors.Is(err, ca.ErrNotFound) {
			b.Errorf("LatestHead = %v, want %v", err, ca.ErrNotFound)
		}
		if _, err := b.Inclusion(b.ctx, b.record(1)[0]); !errors.Is(err, ca.ErrNotFound) {
			b.Errorf("Inclusion = %v, want %v", err, ca.ErrNotFound)
		}
		if list, err := b.Sequenced(b.ctx, 0, 10); len(list) != 0 || err != nil {
			b.Errorf("Sequenced = %+v, %v, want none", list, err)
		}
	}},
	{"unsequenced entries have their leaf and no personal data", func(b *logBench) {
		b.record(3)
		want, err := b.Entries(b.ctx, 0, 10)
		if err != nil {
			b.Fatal(err)
		}
		for i := range want {
			want[i].Entry = want[i].Erase()
		}
		if got, err := b.Unsequenced(b.ctx, 10); err != nil || !reflect.DeepEqual(got, want) {
			b.Errorf("Unsequenced = %+v, %v, want %+v", got, err, want)
		}
		if got, err := b.Unsequenced(b.ctx, 2); err != nil || len(got) != 2 || got[0].ID != want[0].ID {
			b.Errorf("Unsequenced(2) = %+v, %v, want the two oldest", got, err)
		}
	}},
	{"entries get the places that they are given", func(b *logBench) {
		ids := b.record(5)
		b.integrate(b.batch(3))
		b.integrate(b.batch(3))
		var got []int64
		list, err := b.Sequenced(b.ctx, 0, 10)
		for _, e := range list {
			got = append(got, e.ID)
		}
		if want := []int64{ids[2], ids[1], ids[0], ids[4], ids[3]}; err != nil || !slices.Equal(got, want) {
			b.Errorf("the log has entries %v, %v, want %v", got, err, want)
		}
		if want, err := b.Entries(b.ctx, 0, 10); err != nil || !reflect.DeepEqual(list[0].StoredEntry, want[2]) {
			b.Errorf("entry is %+v, %v, want %+v", list[0].StoredEntry, err, want[2])
		}
		if list, err := b.Sequenced(b.ctx, 3, 1); err != nil || len(list) != 1 || list[0].LeafIndex != 3 {
			b.Errorf("Sequenced(3, 1) = %+v, %v, want leaf 3", list, err)
		}
	}},
	{"a tree over several tiles proves its leaves", func(b *logBench) {
		b.record(530)
		for _, n := range []int{1, 254, 1, 1, 200, 73} {
			b.integrate(b.batch(n))
		}
		head := b.head()
		list, err := b.Sequenced(b.ctx, 0, 1000)
		if err != nil || int64(len(list)) != head.Size || head.Size != 530 {
			b.Fatalf("the log has %d entries, %v, its head %d, want 530", len(list), err, head.Size)
		}
		for _, i := range []int64{0, 254, 255, 256, 529} {
			proof, err := tlog.ProveInclusion(b.ctx, head, i, b)
			leaf, errLeaf := list[i].Leaf()
			if err := errors.Join(err, errLeaf, tlog.CheckInclusion(proof, head, i, tlog.LeafHash(leaf))); err != nil {
				b.Errorf("leaf %d: %v", i, err)
			}
		}
		early := tlog.TileID{Level: 0, Index: 0, Width: 3}
		tiles, err := b.Tiles(b.ctx, []tlog.TileID{{Level: 1, Index: 0, Width: 2}, early})
		if err != nil || len(tiles) != 2 || len(tiles[0]) != 2*tlog.HashSize || len(tiles[1]) != 3*tlog.HashSize {
			b.Errorf("Tiles gave %d of them, %v, want 2 in the widths asked for", len(tiles), err)
		}
		if _, err := b.Tiles(b.ctx, []tlog.TileID{early, {Level: 1, Index: 0, Width: 3}}); err == nil {
			b.Error("Tiles gave a tile that is wider than the tree")
		}
	}},
	{"a head has one successor", func(b *logBench) {
		b.record(4)
		b.integrate(b.batch(2))
		late := b.batch(1)
		b.integrate(b.batch(2))
		b.record(1)
		b.refusesIntegration(ca.ErrHeadMoved, late)
		early := b.batch(1)
		early.From, early.Head.Size = early.From+1, early.Head.Size+1
		b.refusesIntegration(ca.ErrHeadMoved, early)
	}},
	{"an entry has one place", func(b *logBench) {
		ids := b.record(2)
		b.integrate(b.batch(1))
		again := b.batch(1)
		again.Entries = ids[:1]
		b.refusesIntegration(nil, again)
		again.Entries = []int64{ids[1] + 1000}
		b.refusesIntegration(nil, again)
	}},
	{"malformed integrations are refused", func(b *logBench) {
		b.record(2)
		for name, spoil := range map[string]func(*ca.Integration){
			"head of another size":            func(in *ca.Integration) { in.Head.Size++ },
			"no entries":                      func(in *ca.Integration) { in.Entries, in.Head.Size = nil, in.From },
			"one entry twice":                 func(in *ca.Integration) { in.Entries[1] = in.Entries[0] },
			"time finer than a millisecond":   func(in *ca.Integration) { in.At = in.At.Add(time.Microsecond) },
			"a tile of no whole hashes":       func(in *ca.Integration) { in.Tiles[0].Hashes = in.Tiles[0].Hashes[1:] },
			"a tile above the highest level":  func(in *ca.Integration) { in.Tiles[0].Level = 7 },
			"a tile before the first of them": func(in *ca.Integration) { in.Tiles[0].Index = -1 },
		} {
			b.Log(name)
			in := b.batch(2)
			spoil(in)
			b.refusesIntegration(nil, in)
		}
		b.integrate(b.batch(2))
	}},
	{"what a tile has stays", func(b *logBench) {
		b.record(2)
		b.integrate(b.batch(1))
		for _, spoil := range []func(h []byte) []byte{
			func(h []byte) []byte { h = bytes.Clone(h); h[0] ^= 1; return h },
			func(h []byte) []byte { return h[tlog.HashSize:] },
		} {
			in := b.batch(1)
			in.Tiles[0].Hashes = spoil(in.Tiles[0].Hashes)
			b.refusesIntegration(nil, in)
		}
	}},
	{"a head has one checkpoint", func(b *logBench) {
		b.record(2)
		b.integrate(b.batch(1))
		if head, err := b.LatestHead(b.ctx); err != nil || head.Checkpoint != nil || !head.At.Equal(start) {
			b.Errorf("LatestHead = %+v, %v, want it unsigned, of %s", head, err, start)
		}
		for _, p := range []struct {
			size       int64
			checkpoint string
			ok         bool
		}{{1, "one", true}, {1, "one", true}, {1, "another", false}, {1, "", false}, {2, "two", false}} {
			if err := b.Publish(b.ctx, p.size, []byte(p.checkpoint)); (err == nil) != p.ok {
				b.Errorf("Publish(%d, %q) = %v, want success %t", p.size, p.checkpoint, err, p.ok)
			}
		}
		if err := b.Publish(b.ctx, 2, []byte("two")); !errors.Is(err, ca.ErrNotFound) {
			b.Errorf("Publish of no head = %v, want %v", err, ca.ErrNotFound)
		}
		if head, err := b.LatestHead(b.ctx); err != nil || string(head.Checkpoint) != "one" {
			b.Errorf("LatestHead = %+v, %v, want checkpoint one", head, err)
		}
	}},
	{"an entry is included when a checkpoint covers it", func(b *logBench) {
		ids := b.record(3)
		lookFor := func(id int64, want *ca.Inclusion) {
			b.Helper()
			got, err := b.Inclusion(b.ctx, id)
			if want == nil && !errors.Is(err, ca.ErrNotFound) || want != nil && (err != nil || !reflect.DeepEqual(got, want)) {
				b.Errorf("Inclusion(%d) = %+v, %v, want %+v", id, got, err, want)
			}
		}
		b.integrate(b.batch(2))
		lookFor(ids[0], nil)
		if err := b.Publish(b.ctx, 2, []byte("two")); err != nil {
			b.Fatal(err)
		}
		lookFor(ids[0], &ca.Inclusion{LeafIndex: 1, Checkpoint: []byte("two")})
		b.integrate(b.batch(1))
		lookFor(ids[0], &ca.Inclusion{LeafIndex: 1, Checkpoint: []byte("two")})
		lookFor(ids[2], nil)
		if err := b.Publish(b.ctx, 3, []byte("three")); err != nil {
			b.Fatal(err)
		}
		lookFor(ids[0], &ca.Inclusion{LeafIndex: 1, Checkpoint: []byte("three")})
		lookFor(ids[2], &ca.Inclusion{LeafIndex: 2, Checkpoint: []byte("three")})
	}},
	{"lists need a limit", func(b *logBench) {
		if _, err := b.Unsequenced(b.ctx, 0); err == nil {
			b.Error("Unsequenced took limit 0")
		}
		if _, err := b.Sequenced(b.ctx, 0, 0); err == nil {
			b.Error("Sequenced took limit 0")
		}
	}},
	{"of many that follow one head, one wins", func(b *logBench) {
		b.record(racers)
		batches := make([]*ca.Integration, racers)
		for i := range batches {
			batches[i] = b.batch(i + 1)
		}
		var won atomic.Int32
		run(&bench{T: b.T, ctx: b.ctx}, func(i int) error {
			err := b.Integrate(b.ctx, batches[i])
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, ca.ErrHeadMoved) {
				return err
			}
			return nil
		})
		if won.Load() != 1 {
			b.Errorf("%d of %d integrations succeeded, want 1", won.Load(), racers)
		}
	}},
	{"who leads works, and gives the error of the work", func(b *logBench) {
		want := errors.New("the work's error")
		ctx, cancel := context.WithCancel(b.ctx)
		err := b.Lead(ctx, func(ctx context.Context) error {
			cancel()
			<-ctx.Done()
			return want
		})
		if !errors.Is(err, want) {
			b.Errorf("Lead = %v, want %v", err, want)
		}
	}},
	{"the log is kept", func(b *logBench) {
		ids := b.record(3)
		b.integrate(b.batch(3))
		if err := b.Publish(b.ctx, 3, []byte("three")); err != nil {
			b.Fatal(err)
		}
		want := b.head()
		b.LogStore = b.reopen(b.T)
		if got := b.head(); got != want {
			b.Errorf("the head is %+v, want %+v", got, want)
		}
		if in, err := b.Inclusion(b.ctx, ids[2]); err != nil || in.LeafIndex != 0 || string(in.Checkpoint) != "three" {
			b.Errorf("Inclusion = %+v, %v, want leaf 0 under checkpoint three", in, err)
		}
		b.record(1)
		b.integrate(b.batch(1))
	}},
}
