package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// TestNoTableIsReadWhole runs every verb on a database whose tables were empty when the plans were made, and asks PostgreSQL how it
// found the rows. A plan that reads a whole table would make each card dearer than the one before.
func TestNoTableIsReadWhole(t *testing.T) {
	dsn := newDatabase(t, cluster)
	s := ready(t, dsn)
	for order := range 20 {
		in := storetest.NewIntent(order, 1)
		intend(t, s, in)
		must(t, s.Abandon(t.Context(), in.Attempt, in.At, storetest.NewEntry(tlog.AttemptAbandoned, in)))
		in = storetest.NewIntent(order, 2)
		card := issue(t, s, in)
		_, err := s.Card(t.Context(), card.ICCSN)
		must(t, err)
		_, err = s.Order(t.Context(), in.OrderID)
		must(t, err)
		_, err = s.Cards(t.Context(), 0, 5)
		must(t, err)
		_, err = s.OpenAttempts(t.Context())
		must(t, err)
		_, err = s.Entries(t.Context(), 0, 5)
		must(t, err)
		growLog(t, s)
		_, err = s.Inclusion(t.Context(), card.EntryID)
		must(t, err)
		_, err = s.SignedHead(t.Context(), 0)
		must(t, err)
		_, err = s.Leaves(t.Context(), int64(order), 5)
		must(t, err)
		_, err = s.LeavesAbout(t.Context(), card.ICCSN)
		must(t, err)
		_, _, err = s.LeavesBetween(t.Context(), in.At, in.At.Add(time.Millisecond))
		must(t, err)
		_, err = s.LeafCertificates(t.Context(), int64(order), int64(order)+2)
		must(t, err)
	}
	closeStore(t, s) // its connections report what they did at their end
	db := raw(t, dsn)
	const query = `SELECT coalesce(string_agg(relname, ', '), ''), count(*) FROM pg_stat_user_tables
		WHERE schemaname = current_schema() AND relname NOT LIKE 'goose%' AND seq_tup_read > 0`
	const seen = `SELECT count(*) FROM pg_stat_user_tables WHERE schemaname = current_schema() AND idx_scan > 0`
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		var tables string
		var whole, indexed int
		must(t, db.QueryRow(t.Context(), query).Scan(&tables, &whole))
		must(t, db.QueryRow(t.Context(), seen).Scan(&indexed))
		if whole > 0 {
			t.Fatalf("read whole: %s", tables)
		}
		if indexed >= 9 {
			return
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("PostgreSQL has counted the use of only %d tables", indexed)
		}
	}
}

// growLog takes in all entries that wait, and asks for the result.
func growLog(t *testing.T, s *postgres.Store) {
	t.Helper()
	head, err := s.LatestHead(t.Context())
	if errors.Is(err, ca.ErrNotFound) {
		head, err = &ca.StoredHead{Head: new(tlog.Frontier).Head()}, nil
	}
	must(t, err)
	entries, err := s.Unsequenced(t.Context(), 100)
	must(t, err)
	tree, err := tlog.OpenTree(t.Context(), head.Head, s)
	must(t, err)
	batch := &ca.Integration{From: head.Size, At: time.Now().Truncate(time.Millisecond)}
	for _, e := range entries {
		leaf, err := e.Leaf()
		must(t, err)
		must(t, tree.Add(tlog.LeafHash(leaf)))
		batch.Entries = append(batch.Entries, e.ID)
	}
	batch.Tiles, batch.Head = tree.Flush(), tree.Head()
	must(t, s.Integrate(t.Context(), batch))
	must(t, s.Publish(t.Context(), batch.Head.Size, []byte("checkpoint")))
	_, err = s.Sequenced(t.Context(), head.Size, 5)
	must(t, err)
}
