package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// TestDatabaseRefusesStatus does what TestDatabaseRefuses does, for the status of cards.
func TestDatabaseRefusesStatus(t *testing.T) {
	dsn := newDatabase(t, cluster)
	s := ready(t, dsn)
	for order := 1; order <= 3; order++ {
		issue(t, s, storetest.NewIntent(order, 1))
	}
	renewal := storetest.NewRenewal(1, 1, 1)
	issue(t, s, renewal)
	change := func(_ any, err error) { t.Helper(); must(t, err) }
	change(s.ActivateCard(t.Context(), storetest.NewActivation(1, 1), storetest.NewStatusEntry(tlog.CardActivated, 1)))
	change(s.RevokeCard(t.Context(), storetest.NewIntent(2, 1).ICCSN, storetest.NewRevocation(1), storetest.NewStatusEntry(tlog.CardRevoked, 2)))

	add := func(values string) string { // epoch, card, place, state
		return `WITH e AS (INSERT INTO entries (kind, at, actor, facts) VALUES ('x', now(), 'x', '{}') RETURNING id)
			INSERT INTO status_changes SELECT v.*, now(), now(), 'x', r, r, e.id FROM (VALUES (` + values + `)) AS v (epoch, card, place, state), e,
			LATERAL (SELECT CASE WHEN state = 'revoked' THEN 'x' END AS r) AS asked`
	}
	revoked := func(serial, change string) string {
		return `INSERT INTO revocations SELECT t.issuer, ` + serial + `, ` + change + `, s.at, s.reason, r.not_after FROM certificates t, status_changes s, revocations r
			WHERE t.card = 3 AND t.position = 0 AND s.epoch = 2 LIMIT 1`
	}
	for _, c := range []struct{ statement, want string }{
		{add("3, 3, NULL::integer, 'revoked'"), ""},
		{add("3, 1, NULL::integer, 'revoked'"), ""},
		{add("3, 3, 0, 'revoked'"), ""},
		{add("4, 3, NULL::integer, 'revoked'"), "without gaps"},
		{add("2, 3, NULL::integer, 'revoked'"), "unique constraint"},
		{add("3, 2, NULL::integer, 'active'"), "never changes"},
		{add("3, 2, 0, 'revoked'"), "never changes"},
		{add("3, 1, NULL::integer, 'active'"), "unique constraint"},
		{add("3, 3, 0, 'active'"), "check constraint"},
		{add("3, 3, 2, 'revoked'"), "only X.509"},
		{add("3, 3, 7, 'revoked'"), "only X.509"},
		{add("3, 4, NULL::integer, 'active'"), "a renewal"},
		{add("3, 99, NULL::integer, 'active'"), "foreign key"},
		{add("3, 3, NULL::integer, 'issued'"), "check constraint"},
		{"UPDATE status_changes SET at = now()", "never change"},
		{"UPDATE status_changes SET reason = 'y' WHERE epoch = 2", "never change"},
		{"DELETE FROM status_changes", "never deleted"},
		{"TRUNCATE status_changes CASCADE", "never deleted"},
		{"UPDATE revocations SET at = now()", "is final"},
		{"DELETE FROM revocations", "is final"},
		{"TRUNCATE revocations", "is final"},
		{revoked("t.serial", "2"), "a change of the status"},
		{revoked("t.serial", "1"), "a change of the status"},
		{add("3, 3, NULL::integer, 'revoked'") + "; " + revoked("t.serial", "3"), "a change of the status"}, // at another time
		{"INSERT INTO revocations SELECT * FROM revocations LIMIT 1", "unique constraint"},
	} {
		err := tryAndUndo(t, raw(t, dsn), c.statement)
		if got := errorText(err); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s\n\tgave %q, want %q", c.statement, got, c.want)
		}
	}
	must(t, storetest.CheckStatus(t.Context(), s))
}

// TestChangesLeaveConnections has more changes of the status wait for another server's than the store has connections. Answers about the status
// come all the same.
func TestChangesLeaveConnections(t *testing.T) {
	const cards = 40
	dsn := newDatabase(t, cluster)
	s, other := ready(t, dsn), raw(t, dsn)
	for order := range cards {
		issue(t, s, storetest.NewIntent(order, 1))
	}
	card, err := s.Card(t.Context(), storetest.NewIntent(0, 1).ICCSN)
	must(t, err)
	_, err = other.Exec(t.Context(), `SELECT pg_advisory_lock(hashtext('siegel status'), hashtext(current_schema()))`)
	must(t, err)
	var changes errgroup.Group
	for order := range cards {
		changes.Go(func() error {
			_, err := s.RevokeCard(t.Context(), storetest.NewIntent(order, 1).ICCSN, storetest.NewRevocation(1), storetest.NewStatusEntry(tlog.CardRevoked, order))
			return err
		})
	}
	for number(t, other, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`) == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := s.CertificateStates(ctx, []ca.CertificateID{{Issuer: card.Certs[0].Issuer, Serial: card.Certs[0].Serial}}); err != nil {
		t.Errorf("while changes wait, CertificateStates = %v, want nil", err)
	}
	_, err = other.Exec(t.Context(), `SELECT pg_advisory_unlock_all()`)
	must(t, err)
	must(t, changes.Wait())
}

// TestStatusAcrossServers revokes on one server and watches on another. What the other reads after the answer is never behind, whether or
// not the notification has come; and it comes.
func TestStatusAcrossServers(t *testing.T) {
	dsn := newDatabase(t, cluster)
	here, there := ready(t, dsn), open(t, dsn)
	const cards = 50
	for order := range cards {
		issue(t, here, storetest.NewIntent(order, 1))
	}
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan struct{}, 1000)
	var watch sync.WaitGroup
	watch.Go(func() { there.WatchStatus(ctx, func() { told <- struct{}{} }) })
	<-told // it has begun
	for order := range cards {
		in := storetest.NewIntent(order, 1)
		_, err := here.RevokeCard(ctx, in.ICCSN, storetest.NewRevocation(1), storetest.NewStatusEntry(tlog.CardRevoked, order))
		must(t, err)
		changes, err := there.StatusChanges(ctx, int64(order), 10)
		if err != nil || len(changes) != 1 || changes[0].ICCSN != in.ICCSN || len(changes[0].Certificates) != 2 {
			t.Fatalf("after the revocation of card %d the other server reads the changes %+v, %v", order, changes, err)
		}
		status, err := there.CertificateStatus(ctx, changes[0].Certificates[0])
		if err != nil || status.State != ca.Revoked {
			t.Fatalf("after the revocation of card %d the other server reads %+v, %v", order, status, err)
		}
		select {
		case <-told:
		case <-time.After(10 * time.Second):
			t.Fatalf("the other server was not told of change %d", order)
		}
	}
	cancel()
	watch.Wait()
}

// TestWatchEndsWithItsConnection kills the connection on which a server watches: it must say so, not wait for ever.
func TestWatchEndsWithItsConnection(t *testing.T) {
	dsn := newDatabase(t, cluster)
	s := open(t, dsn)
	began, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() { ended <- s.WatchStatus(t.Context(), func() { began <- struct{}{} }) }()
	<-began
	const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' || md5(current_schema()) || '%' AND pid <> pg_backend_pid()`
	if _, err := raw(t, dsn).Exec(t.Context(), kill); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("WatchStatus = nil, want an error")
		}
	case <-time.After(10 * time.Second):
		t.Error("WatchStatus still waits")
	}
}
