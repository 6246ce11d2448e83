package sqlite

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadsOfOneCardUseIndexes: what is read for one certificate or one card is found by an index, so that it takes as long among millions
// as among few.
func TestReadsOfOneCardUseIndexes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, query := range map[string]string{
		"the status of a certificate": selectStatus,
		"the certificates of a card":  selectCertificatesOfCard,
		"the changes of a card":       selectChangesOfCard,
	} {
		args := make([]any, strings.Count(query, "?"))
		rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		steps := 0
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			steps++
			if strings.HasPrefix(step, "SCAN") && step != "SCAN CONSTANT ROW" && step != "SCAN always" {
				t.Errorf("%s: %s", name, step)
			}
		}
		if err := rows.Err(); err != nil || steps == 0 {
			t.Errorf("%s: %d steps, %v", name, steps, err)
		}
		rows.Close()
	}
}
