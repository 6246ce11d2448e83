package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// reads holds the prepared statements of the connections that read.
//
// Each verb that reads asks one question, and where it asks a second one, for a card's certificates, that is about rows that
// never change: so that none needs a transaction to see one state of the database.
type reads struct {
	order, cardHead, cardByICCSN, certificates, cards, openAttempts, entries, issuers, waitingOrders, countOutliving,
	unsequenced, head, inclusion, sequenced, tile,
	approval, approvals, waitingApprovals, usedApprovals, session, openSession, openedSessions, sessions,
	signedHead, leaves, leavesAbout, leavesBetween, leafCertificates,
	status, state, issued, certificatesOfCard, changesOfCard, revoked, epoch, statusChanges,
	newestCRL, crlPart,
	bulk, activeBulks, selected, bulkCards *sql.Stmt
}

// prepare prepares all statements; a statement that does not fit the schema fails here.
func (r *reads) prepare(ctx context.Context, db *sql.DB) error {
	for query, st := range map[string]**sql.Stmt{
		selectOrder:         &r.order,
		selectCardHead:      &r.cardHead,
		selectCardByICCSN:   &r.cardByICCSN,
		selectCertificates:  &r.certificates,
		selectCards:         &r.cards,
		selectOpenAttempts:  &r.openAttempts,
		selectEntries:       &r.entries,
		selectIssuers:       &r.issuers,
		selectWaitingOrders: &r.waitingOrders,
		countOutliving:      &r.countOutliving,
		selectUnsequenced:   &r.unsequenced,
		selectHead:          &r.head,
		selectInclusion:     &r.inclusion,
		selectSequenced:     &r.sequenced,
		selectTile:          &r.tile,

		selectApproval:         &r.approval,
		selectApprovals:        &r.approvals,
		selectWaitingApprovals: &r.waitingApprovals,
		selectUsedApprovals:    &r.usedApprovals,
		selectSession:          &r.session,
		selectOpenSession:      &r.openSession,
		selectOpenedSessions:   &r.openedSessions,
		selectSessions:         &r.sessions,

		selectSignedHead:       &r.signedHead,
		selectLeaves:           &r.leaves,
		selectLeavesAbout:      &r.leavesAbout,
		selectLeavesBetween:    &r.leavesBetween,
		selectLeafCertificates: &r.leafCertificates,

		selectStatus:             &r.status,
		selectState:              &r.state,
		selectIssued:             &r.issued,
		selectCertificatesOfCard: &r.certificatesOfCard,
		selectChangesOfCard:      &r.changesOfCard,
		selectRevoked:            &r.revoked,
		selectEpoch:              &r.epoch,
		selectChanges:            &r.statusChanges,

		selectNewestCRL: &r.newestCRL,
		selectCRLPart:   &r.crlPart,

		selectBulk:        &r.bulk,
		selectActiveBulks: &r.activeBulks,
		selectSelected:    &r.selected,
		selectBulkCards:   &r.bulkCards,
	} {
		var err error
		if *st, err = db.PrepareContext(ctx, query); err != nil {
			return fmt.Errorf("prepare %q: %w", query, err)
		}
	}
	return nil
}

func (r *reads) close() error {
	var errs []error
	for _, st := range []*sql.Stmt{r.order, r.cardHead, r.cardByICCSN, r.certificates, r.cards, r.openAttempts, r.entries,
		r.issuers, r.waitingOrders, r.countOutliving, r.unsequenced, r.head, r.inclusion, r.sequenced, r.tile,
		r.approval, r.approvals, r.waitingApprovals, r.usedApprovals, r.session, r.openSession, r.openedSessions, r.sessions,
		r.signedHead, r.leaves, r.leavesAbout, r.leavesBetween, r.leafCertificates,
		r.status, r.issued, r.certificatesOfCard, r.changesOfCard, r.revoked, r.epoch, r.statusChanges,
		r.newestCRL, r.crlPart,
		r.bulk, r.activeBulks, r.selected, r.bulkCards} {
		if st != nil {
			errs = append(errs, st.Close())
		}
	}
	return errors.Join(errs...)
}

// scanner is *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// list reads all rows of a query. A limit below one is an error.
func list[T any](ctx context.Context, doing string, limit int, st *sql.Stmt, scan func(scanner) (T, error), args ...any) ([]T, error) {
	if limit < 1 {
		return nil, fmt.Errorf("%s: limit is %d, want 1 or more", doing, limit)
	}
	found, err := all(ctx, st, scan, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return found, nil
}

// all reads all rows of a query.
func all[T any](ctx context.Context, st *sql.Stmt, scan func(scanner) (T, error), args ...any) (found []T, err error) {
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, rows.Err()
}
