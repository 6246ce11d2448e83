package postgres_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// node is a step of a plan.
type node struct {
	Type     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Index    string `json:"Index Name"`
	Cond     string `json:"Index Cond"`
	Plans    []node
}

// TestPlansOfEmptyTables looks at the plans that are made while the tables are empty, which a connection keeps while they grow. Each step
// must enter an index by its first column: one that does not reads all of it, unless a limit ends the reading. The list of the open attempts
// alone reads an index whole, which holds nothing else.
func TestPlansOfEmptyTables(t *testing.T) {
	dsn := newDatabase(t, cluster)
	s := open(t, dsn)
	indexes := firstColumns(t, dsn)
	for name, statement := range postgres.Statements() {
		plan, err := postgres.Explain(t.Context(), s, statement)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var roots []struct{ Plan node }
		must(t, json.Unmarshal(plan, &roots))
		for _, root := range roots {
			checkNode(t, name, root.Plan, "", indexes)
		}
	}
}

func checkNode(t *testing.T, name string, n node, parent string, indexes map[string]string) {
	t.Helper()
	switch n.Type {
	case "Seq Scan":
		t.Errorf("%s reads the whole of %s", name, n.Relation)
	case "Index Scan", "Index Only Scan", "Bitmap Index Scan":
		first, known := indexes[n.Index]
		column := regexp.MustCompile(`\("?` + regexp.QuoteMeta(first) + `"? [=<>]`)
		entered := n.Cond != "" && (first == "" || column.MatchString(n.Cond))
		switch {
		case !known:
			t.Errorf("%s uses the index %q, which is not there", name, n.Index)
		case !entered && parent != "Limit" && !(name == "selectOpenAttempts" && n.Index == "attempts_open"):
			t.Errorf("%s reads the whole of the index %s: its condition is %q", name, n.Index, n.Cond)
		}
	}
	for _, below := range n.Plans {
		checkNode(t, name, below, n.Type, indexes)
	}
}

// firstColumns gives the first column of each index; "" where it is an expression.
func firstColumns(t *testing.T, dsn string) map[string]string {
	t.Helper()
	all := map[string]string{}
	rows, err := raw(t, dsn).Query(t.Context(), `SELECT c.relname, CASE WHEN i.indkey[0] = 0 THEN '' ELSE trim('"' FROM pg_get_indexdef(i.indexrelid, 1, true)) END
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = current_schema()::regnamespace`)
	must(t, err)
	var name, column string
	_, err = pgx.ForEachRow(rows, []any{&name, &column}, func() error { all[name] = column; return nil })
	must(t, err)
	return all
}

// TestPlansAreKept asks again and again for what is not there, and makes what is refused: the plans of the statements must stay.
func TestPlansAreKept(t *testing.T) {
	s := ready(t, newDatabase(t, cluster)+"&pool_max_conns=1")
	in := storetest.NewIntent(1, 1)
	issue(t, s, in)
	const times = 5
	for range times {
		_, err := s.Order(t.Context(), "nobody's")
		_, ofNoCard := s.Card(t.Context(), "nobody's")
		_, ofNoStatus := s.CardStatus(t.Context(), "nobody's")
		again := s.Intend(t.Context(), storetest.NewIntent(1, 2), storetest.NewEntry(tlog.OrderRecorded, in))
		if !errors.Is(err, ca.ErrNotFound) || !errors.Is(ofNoCard, ca.ErrNotFound) || !errors.Is(ofNoStatus, ca.ErrNotFound) || !errors.Is(again, ca.ErrOrderComplete) {
			t.Fatalf("the verbs = %v, %v, %v, %v, want that nothing is found and the order complete", err, ofNoCard, ofNoStatus, again)
		}
	}
	all := postgres.Statements()
	for _, name := range []string{"selectOrder", "selectCard by order", "selectCertificates by order", "selectCard by ICCSN", "selectIssued", "selectEnds", "takeKeys", "selectTaken"} {
		if uses, err := postgres.Plans(t.Context(), s, all[name]); err != nil || uses < times {
			t.Errorf("the plan of %s was used %d times (%v), want %d or more", name, uses, err, times)
		}
	}
}

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
		_, err = s.CertificateStates(t.Context(), []ca.CertificateID{{Issuer: card.Certs[0].Issuer, Serial: card.Certs[0].Serial}})
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
