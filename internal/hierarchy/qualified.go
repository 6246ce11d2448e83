package hierarchy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// info translates a row of the list; nil stays nil.
func (q *qualifiedRow) info() *profiles.QualifiedInfo {
	if q == nil {
		return nil
	}
	info := &profiles.QualifiedInfo{RetentionYears: q.RetentionYears, Legislation: q.Legislation, CAIssuersURL: q.CAIssuersURL}
	for _, p := range q.PDS {
		info.PDS = append(info.PDS, pkix.PDSLocation(p))
	}
	return info
}

// qualifiedOf makes a row of the list; nil stays nil.
func qualifiedOf(info *profiles.QualifiedInfo) *qualifiedRow {
	if info == nil {
		return nil
	}
	q := &qualifiedRow{RetentionYears: info.RetentionYears, Legislation: info.Legislation, CAIssuersURL: info.CAIssuersURL}
	for _, p := range info.PDS {
		q.PDS = append(q.PDS, pdsRow(p))
	}
	return q
}

// checkQualified looks at what only the issuers of qualified certificates have. What it takes stands in every certificate that they sign,
// so that it is refused here and not with the first order.
func (iss *Issuer) checkQualified() error {
	if iss.X509 != nil {
		if _, err := iss.X509Scheme(); err != nil {
			return err
		}
	}
	q := iss.Qualified
	switch {
	case (q != nil) != (iss.Kind == profiles.QESCA):
		return errors.New("qualified is for issuers of kind qes-ca, and each of them needs it")
	case q == nil:
		return nil
	case !slices.ContainsFunc(q.PDS, func(l pkix.PDSLocation) bool { return l.Language == "en" }):
		return errors.New("one PKI disclosure statement must be in English (ETSI EN 319 412-5, Section 4.3.4)")
	}
	statements := pkix.QCStatements{pkix.QCPDS(q.PDS...), pkix.QCRetentionPeriod(q.RetentionYears)}
	if q.Legislation != nil {
		statements = append(statements, pkix.QCLegislation(q.Legislation...))
	}
	if _, err := statements.Extension(); err != nil {
		return fmt.Errorf("qualified: %w", err)
	}
	return nil
}
