package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// AddIssuer implements ca.Store.
func (s *Store) AddIssuer(ctx context.Context, issuer *ca.KnownIssuer, entry tlog.Entry) error {
	err := s.writer.do(ctx, func(w *session) error { return addIssuer(w, issuer, entry) })
	if err != nil {
		return fmt.Errorf("add issuer %q: %w", issuer.Name, err)
	}
	return nil
}

const (
	// Of the rows that have the name or the certificate, one that is another issuer comes first.
	selectSameIssuer = `
SELECT name = ?1 AND kind = ?2 AND issued_by = ?3 AND certificate = ?4 FROM issuers
WHERE name = ?1 OR sha256 = ?5 ORDER BY 1 LIMIT 1`

	insertIssuer = `
INSERT INTO issuers (name, kind, issued_by, certificate, sha256, entry_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`
)

func addIssuer(s *session, issuer *ca.KnownIssuer, entry tlog.Entry) error {
	sum := sha256.Sum256(issuer.Certificate)
	args := []any{issuer.Name, string(issuer.Kind), issuer.IssuedBy, issuer.Certificate, sum[:]}
	var same bool
	err := s.row(selectSameIssuer, args, &same)
	switch {
	case err == nil && same:
		return nil
	case err == nil:
		return ca.ErrIssuerDiffers
	case !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("look it up: %w", err)
	}
	entryID, err := record(s, entry)
	if err != nil {
		return err
	}
	if _, err := s.exec(insertIssuer, append(args, entryID)...); err != nil {
		return fmt.Errorf("record it: %w", err)
	}
	return nil
}

const selectIssuers = `
SELECT name, kind, issued_by, certificate,
    EXISTS (SELECT 1 FROM drafts d WHERE d.issuer = i.name AND d.serial IS NOT NULL)
    OR EXISTS (SELECT 1 FROM drafts d WHERE d.issuer = i.name AND d.chr IS NOT NULL)
FROM issuers i ORDER BY name`

// Issuers implements ca.Store.
func (s *Store) Issuers(ctx context.Context) ([]ca.KnownIssuer, error) {
	found, err := all(ctx, s.reads.issuers, scanIssuer)
	if err != nil {
		return nil, fmt.Errorf("list issuers: %w", err)
	}
	return found, nil
}

func scanIssuer(row scanner) (i ca.KnownIssuer, err error) {
	err = row.Scan(&i.Name, &i.Kind, &i.IssuedBy, &i.Certificate, &i.Used)
	return i, err
}
