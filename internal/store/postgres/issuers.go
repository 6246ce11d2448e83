package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// AddIssuer implements ca.Store. Of two that add the same at the same time, one loses the race, and finds it known the next time.
func (s *Store) AddIssuer(ctx context.Context, issuer *ca.KnownIssuer, entry tlog.Entry) error {
	if err := s.addIssuer(ctx, issuer, entry); err != nil {
		return fmt.Errorf("add issuer %q: %w", issuer.Name, err)
	}
	return nil
}

const (
	// Of the rows that have the name or the certificate, one that is another issuer comes first.
	selectSameIssuer = `
SELECT name = $1 AND kind = $2 AND issued_by = $3 AND certificate = $4 FROM issuers
WHERE name = $1 OR sha256 = sha256($4) ORDER BY 1 LIMIT 1`

	insertIssuer = `
INSERT INTO issuers (name, kind, issued_by, certificate, sha256, entry_id)
SELECT $8, $9, $10, $11::bytea, sha256($11::bytea), id FROM entry`
)

func (s *Store) addIssuer(ctx context.Context, issuer *ca.KnownIssuer, entry tlog.Entry) error {
	if err := checkEntry(entry); err != nil {
		return err
	}
	args := []any{issuer.Name, string(issuer.Kind), issuer.IssuedBy, issuer.Certificate}
	return s.inChange(ctx, func(c *change) error {
		known := false
		err := c.ask(func(b *pgx.Batch) {
			b.Queue(selectSameIssuer, args...).QueryRow(func(row pgx.Row) error {
				err := row.Scan(&known)
				switch {
				case errors.Is(err, pgx.ErrNoRows):
					return nil
				case err == nil && !known:
					return ca.ErrIssuerDiffers
				}
				return err
			})
		})
		if err != nil {
			return err
		}
		return c.commit(func(b *pgx.Batch) {
			if !known {
				b.Queue(withEntry+insertIssuer, append(entryArgs(entry), args...)...)
			}
		})
	})
}

const selectIssuers = `
SELECT name, kind, issued_by, certificate,
    EXISTS (SELECT FROM drafts d WHERE d.issuer = i.name AND d.serial IS NOT NULL)
    OR EXISTS (SELECT FROM drafts d WHERE d.issuer = i.name AND d.chr IS NOT NULL)
FROM issuers i ORDER BY name`

// Issuers implements ca.Store.
func (s *Store) Issuers(ctx context.Context) ([]ca.KnownIssuer, error) {
	return all(ctx, s, "list issuers", selectIssuers, scanIssuer)
}

func scanIssuer(row pgx.CollectableRow) (i ca.KnownIssuer, err error) {
	err = row.Scan(&i.Name, &i.Kind, &i.IssuedBy, &i.Certificate, &i.Used)
	return i, err
}
