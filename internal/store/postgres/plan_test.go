package postgres_test

import (
	"testing"
	"time"

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
		if indexed >= 7 {
			return
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("PostgreSQL has counted the use of only %d tables", indexed)
		}
	}
}
