package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
)

// One row for each pair of issuer and serial number, also where there is no such certificate, with its place among them.
const selectStates = `
SELECT a.place, ` + newestEpoch + `, sha256(t.data), act.epoch IS NOT NULL, r.at
FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS a (issuer, serial, place)
LEFT JOIN certificates t ON t.issuer = a.issuer AND t.serial = a.serial
LEFT JOIN status_changes act ON act.card = t.card AND act.state = 'active' AND act.place IS NULL
LEFT JOIN revocations r ON r.issuer = t.issuer AND r.serial = t.serial`

// CertificateStates implements ca.StatusStore.
func (s *Store) CertificateStates(ctx context.Context, ids []ca.CertificateID) ([]ca.CertificateState, error) {
	issuers, serials, list := make([]string, len(ids)), make([][]byte, len(ids)), make([]ca.CertificateState, len(ids))
	for i, id := range ids {
		issuers[i], serials[i] = id.Issuer, id.Serial.Bytes()
	}
	rows, err := s.pool.Query(ctx, selectStates, issuers, serials)
	if err == nil {
		var place, epoch int64
		var hash []byte
		var activated bool
		var revokedAt *time.Time
		_, err = pgx.ForEachRow(rows, []any{&place, &epoch, &hash, &activated, &revokedAt}, func() error {
			list[place-1] = stateOf(ids[place-1], epoch, hash, activated, revokedAt)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read the states of certificates: %w", err)
	}
	return list, nil
}

func stateOf(id ca.CertificateID, epoch int64, hash []byte, activated bool, revokedAt *time.Time) ca.CertificateState {
	state := ca.CertificateState{CertificateID: id, State: ca.NotIssued, Epoch: epoch}
	if hash == nil {
		return state
	}
	state.State, state.SHA256 = ca.StateOf(activated, revokedAt != nil), [32]byte(hash)
	if revokedAt != nil {
		state.RevokedAt = revokedAt.UTC()
	}
	return state
}
