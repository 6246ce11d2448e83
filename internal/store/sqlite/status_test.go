package sqlite_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// TestDatabaseRefusesStatus runs statements that no program of ours has, about the status of cards.
func TestDatabaseRefusesStatus(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	s := ready(t, path)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for order := 1; order <= 4; order++ {
		in := storetest.NewIntent(order, 1)
		if order == 4 {
			in = storetest.NewRenewal(1, 1, 1)
		}
		must(nil, s.Intend(t.Context(), in, storetest.NewEntry(tlog.OrderRecorded, in)))
		must(s.Complete(t.Context(), storetest.NewCompletion(in), storetest.NewEntry(tlog.CardIssued, in)))
	}
	must(s.ActivateCard(t.Context(), storetest.NewActivation(1, 1), storetest.NewStatusEntry(tlog.CardActivated, 1)))
	must(s.RevokeCard(t.Context(), storetest.NewIntent(2, 1).ICCSN, storetest.NewRevocation(1), storetest.NewStatusEntry(tlog.CardRevoked, 2)))
	closeStore(t, s)
	db := raw(t, path)
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("PRAGMA foreign_keys = ON"); err != nil {
		t.Fatal(err)
	}

	const entry = `INSERT INTO entries (kind, at, actor, facts) VALUES ('x', 0, 'x', '{}'); `
	add := func(values string) string { // epoch, card, place, state, requester and reason
		return entry + `INSERT INTO status_changes (epoch, card, place, state, requester, reason, requested_at, at, actor, entry_id)
			VALUES (` + values + `, 0, 0, 'x', (SELECT max(id) FROM entries))`
	}
	revoked := func(change string) string {
		return `INSERT INTO revocations SELECT t.issuer, t.serial, ` + change + `, s.at, s.reason, r.not_after FROM certificates t, status_changes s, revocations r
			WHERE t.card = 3 AND t.position = 0 AND s.epoch = 2 LIMIT 1`
	}
	for _, c := range []struct{ statement, want string }{
		{add("3, 3, NULL, 'revoked', 'x', 'x'"), ""},
		{add("3, 1, NULL, 'revoked', 'x', 'x'"), ""},
		{add("3, 3, 0, 'revoked', 'x', 'x'"), ""},
		{add("4, 3, NULL, 'revoked', 'x', 'x'"), "without gaps"},
		{add("2, 3, NULL, 'revoked', 'x', 'x'"), "never replaced"},
		{add("3, 2, NULL, 'active', NULL, NULL"), "never changes"},
		{add("3, 2, 0, 'revoked', 'x', 'x'"), "never changes"},
		{add("3, 1, NULL, 'active', NULL, NULL"), "never replaced"},
		{add("3, 3, 0, 'active', NULL, NULL"), "CHECK"},
		{add("3, 3, NULL, 'revoked', NULL, NULL"), "CHECK"},
		{add("3, 3, NULL, 'active', 'x', 'x'"), "CHECK"},
		{add("3, 3, 2, 'revoked', 'x', 'x'"), "only X.509"},
		{add("3, 3, 7, 'revoked', 'x', 'x'"), "only X.509"},
		{add("3, 4, NULL, 'active', NULL, NULL"), "a renewal"},
		{add("3, 99, NULL, 'active', NULL, NULL"), "FOREIGN KEY"},
		{add("3, 3, NULL, 'issued', NULL, NULL"), "CHECK"},
		{"UPDATE status_changes SET at = 1", "never change"},
		{"UPDATE status_changes SET reason = 'y' WHERE epoch = 2", "never change"},
		{"DELETE FROM status_changes", "never deleted"},
		{"REPLACE INTO status_changes SELECT * FROM status_changes WHERE epoch = 2", "never replaced"},
		{"UPDATE revocations SET at = 1", "is final"},
		{"DELETE FROM revocations", "is final"},
		{"REPLACE INTO revocations SELECT * FROM revocations LIMIT 1", "is final"},
		{revoked("2"), "a change of the status"},
		{revoked("1"), "a change of the status"},
		{add("3, 3, NULL, 'revoked', 'x', 'x'") + "; " + revoked("3"), "a change of the status"}, // at another time
	} {
		err := tryAndUndo(db, c.statement)
		if got := errorText(err); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s\n\tgave %q, want %q", c.statement, got, c.want)
		}
	}
}
