package main

import (
	"encoding/asn1"
	"strings"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// statements prints what the issuer of a qualified certificate says about it (ETSI EN 319 412-5), in the order in which it stands there.
func (l *sheet) statements(q pkix.QCStatements) {
	for _, s := range q {
		l.item("%s", oid(s.ID))
	}
	for _, t := range q.Types() {
		l.item("  type                 %s", oid(t))
	}
	for _, p := range q.PDS() {
		l.item("  disclosure statement %q (%s)", p.URL, p.Language)
	}
	if years := q.RetentionYears(); years > 0 {
		l.item("  records are kept     %d years after the end of validity", years)
	}
	if countries := q.Legislation(); countries != nil {
		l.item("  under the law of     %s", strings.Join(countries, ", "))
	}
	if limit, limited := q.LimitValue(); limited {
		l.item("  transactions up to   %d*10^%d %s", limit.Amount, limit.Exponent, limit.Currency)
	}
}

func (l *sheet) validityModel(m pkix.ValidityModel) { l.item("%s", oid(asn1.ObjectIdentifier(m))) }
