package postgres

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// Statements are those that run for each order, each card, each question for a status, and each round of the log.
func Statements() map[string]string {
	return map[string]string{
		"insertOrders": insertOrders, "insertRenewal": insertRenewal, "lockOrders": lockOrders, "selectEnds": selectEnds,
		"lockCHRs": lockCHRs, "takeKeys": takeKeys, "selectTaken": selectTaken, "insertAttempts": withEntries + insertAttempts, "insertDrafts": insertDrafts,
		"lockAttempts": lockAttempts, "endAttempts": withEntries + endAttempts, "insertCards": insertCards, "insertCertificates": insertCertificates,
		"selectOrder": selectOrder, "selectOpenAttempts": selectOpenAttempts,
		"selectCard by ICCSN": selectCard + byICCSN, "selectCertificates by ICCSN": selectCertificates + byICCSN + inOrder,
		"selectCard by order": selectCard + byOrder, "selectCertificates by order": selectCertificates + byOrder + inOrder,
		"selectCards": selectCards, "selectEntries": selectEntries,
		"selectStatus": selectStatus, "selectIssued": selectIssued, "selectCertificatesOfCard": selectCertificatesOfCard,
		"selectChangesOfCard": selectChangesOfCard, "selectRevoked": selectRevoked,
		"lockCard": lockCard, "lockCardOfCertificate": lockCardOfCertificate, "insertChange": withEntry + insertChange,
		"insertRevocations": insertRevocations,
		"lockBulkCards":     lockBulkCards, "selectBulkStep": selectBulkStep, "advanceBulk": advanceBulk, "selectBulkCards": selectBulkCards,
		"selectUnsequenced": selectUnsequenced, "insertHead": insertHead, "numberEntries": numberEntries, "putTile": putTile, "selectHead": selectHead,
		"publishHead": publishHead, "selectInclusion": selectInclusion, "selectSequenced": selectSequenced, "selectTiles": selectTiles,
		"selectSignedHead": selectSignedHead, "selectLeaves": selectLeaves, "selectLeavesAbout": selectLeavesAbout,
		"selectLeavesBetween": selectLeavesBetween, "selectLeafCertificates": selectLeafCertificates,
	}
}

// Explain gives the plan, in JSON, that a connection for verbs makes of a statement for all parameters.
func Explain(ctx context.Context, s *Store, statement string) (plan []byte, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	prepared, err := conn.Conn().Prepare(ctx, "explained", statement)
	if err != nil {
		return nil, err
	}
	execute := "explained"
	if n := len(prepared.ParamOIDs); n > 0 {
		execute += "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	if err := conn.QueryRow(ctx, "EXPLAIN (FORMAT JSON) EXECUTE "+execute).Scan(&plan); err != nil {
		return nil, err
	}
	return plan, conn.Conn().Deallocate(ctx, "explained")
}

// Setting gives a setting of a connection for verbs.
func Setting(ctx context.Context, s *Store, name string) (value string, err error) {
	err = s.pool.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&value)
	return value, err
}

// Pool is the greatest number of connections for verbs that a DSN leads to.
func Pool(dsn string) (int32, error) {
	cfg, err := parse(dsn)
	if err != nil {
		return 0, err
	}
	return cfg.MaxConns, nil
}

// OpenWith opens a store with one connection for verbs, which a dialer makes.
func OpenWith(ctx context.Context, dsn string, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*Store, error) {
	cfg, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = 1
	cfg.ConnConfig.DialFunc = dial
	return open(ctx, cfg, slog.New(slog.DiscardHandler))
}

// Verb is a verb that may share a transaction.
type Verb func(*Store) (join func(*group))

// Intending is Intend as such a verb.
func Intending(in *ca.Intent, entry tlog.Entry) Verb {
	return func(s *Store) func(*group) { return (&intention{in, entry, s.presence.key}).join }
}

// Completing is Complete as such a verb.
func Completing(done *ca.Completion, entry tlog.Entry) Verb {
	return func(*Store) func(*group) {
		return (&ending{attempt: done.Intent.Attempt, at: done.At, entry: entry, certificates: done.Certificates, completes: true}).join
	}
}

// Together runs verbs as one group, as a lane would where they wait at the same time; each caller has a context of his own. It gives the
// answers, and how many of the verbs were run alone after that.
func Together(s *Store, verbs []Verb, ctxs []context.Context) (answers []error, alone int) {
	members := make([]*member, len(verbs))
	for i, verb := range verbs {
		members[i] = newMember(verb(s))
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.groups.commit(append([]*member(nil), members...))
	}()
	for i, m := range members {
		err := m.wait(ctxs[i])
		if err == nil && m.alone {
			alone++
			err = s.inGroupOfOne(ctxs[i], m.join)
		}
		answers = append(answers, err)
	}
	<-ended
	return answers, alone
}

// Filled is the size of the group that a lane makes when nobody waits behind the first verb.
func Filled(s *Store) int { return len(s.groups.fill(newMember(func(*group) {}))) }

// Plans is how often the connection of a store that has one for verbs has used its plan of a statement since it was prepared.
func Plans(ctx context.Context, s *Store, statement string) (uses int, err error) {
	err = s.pool.QueryRow(ctx, `SELECT coalesce(sum(generic_plans), 0) FROM pg_prepared_statements WHERE statement = $1`, statement).Scan(&uses)
	return uses, err
}

// Floor is floor.
type Floor struct{ floor }

// After is after.
func (f *Floor) After(now time.Time) int64 { return f.after(now) }

// Numbered is numbered.
func (f *Floor) Numbered(ids []int64) { f.numbered(ids) }
