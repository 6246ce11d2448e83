package postgres

import (
	"context"
	"strings"
)

// Statements are those that run for each order, each card, each question for a status, and each round of the log.
func Statements() map[string]string {
	return map[string]string{
		"insertOrder": insertOrder, "insertRenewal": insertRenewal, "lockOrder": lockOrder, "selectEnds": selectEnds,
		"lockCHRs": lockCHRs, "takeKeys": takeKeys, "selectTaken": selectTaken, "insertAttempt": withEntry + insertAttempt, "insertDrafts": insertDrafts,
		"lockAttempt": lockAttempt, "endAttempt": withEntry + endAttempt, "insertCard": insertCard, "insertCertificates": insertCertificates,
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
