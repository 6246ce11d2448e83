package profiles

import (
	"encoding/asn1"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// StatementRule is a row of a qualified profile: one statement of qcStatements.
type StatementRule struct {
	Name   string // as in ETSI EN 319 412-5, for example "QcType"
	ID     asn1.ObjectIdentifier
	Occurs Occurs
	Source string

	at position
}

// statementType is a statement that a profile may have.
type statementType struct {
	name string
	id   asn1.ObjectIdentifier
}

// statementTable is every statement that a profile may have, in the order in which Siegel encodes them. ETSI EN 319 412-5 leaves the order
// open. QcLimitValue is not among them: gemSpec_PKI, Tab_PKI_270_1 asks for a Restriction beside it.
var statementTable = []statementType{
	{"QcCompliance", pkix.OIDQCCompliance},
	{"QcSSCD", pkix.OIDQCSSCD},
	{"QcType", pkix.OIDQCType},
	{"QcPDS", pkix.OIDQCPDS},
	{"QcRetentionPeriod", pkix.OIDQCRetentionPeriod},
	{"QcCClegislation", pkix.OIDQCLegislation},
}

func readStatement(d *decoder, n *yaml.Node) StatementRule {
	m := d.mapping(n)
	r := StatementRule{
		Name:   required(m, "statement", statementName),
		Occurs: required(m, "occurs", occurs),
		Source: required(m, "source", text),
		at:     m.at(),
	}
	for _, s := range statementTable {
		if s.name == r.Name {
			r.ID = s.id
		}
	}
	m.end()
	return r
}

// checkQualified looks at what a qualified profile has and others have not.
func (p *X509Profile) checkQualified(d *decoder) {
	contradicts := func(wrong bool, format string, args ...any) {
		if wrong && p.SubjectOf.Value != "" {
			d.problems.add(p.at, "CONTRADICTION", format, args...)
		}
	}
	q := p.IsQualified()
	contradicts(q != (p.IssuerKind.Value == QESCA), "qualified certificates, and only they, are signed by an issuer of kind %s", QESCA)
	contradicts(q != (p.occurs(pkix.OIDQCStatements) == Always), "qualified certificates, and only they, have qcStatements")
	contradicts(q != (p.occurs(pkix.OIDValidityModel) == Always), "qualified certificates, and only they, have a validityModel")
	contradicts(q != (p.Statements != nil), "qualified certificates, and only they, have qc_statements")
	contradicts(q == (p.CertificateType.Value != nil), "qualified certificates, and only they, have no certificate_type")
	next := 0
	for _, row := range p.Statements {
		place := slices.IndexFunc(statementTable, func(s statementType) bool { return s.name == row.Name })
		if row.Name != "" && place < next {
			d.problems.add(row.at, "CONTRADICTION", "statement %s is out of order or appears a second time", row.Name)
		}
		next = max(next, place+1)
	}
	for _, id := range []asn1.ObjectIdentifier{pkix.OIDQCCompliance, pkix.OIDQCSSCD, pkix.OIDQCType} {
		always := slices.ContainsFunc(p.Statements, func(r StatementRule) bool { return r.ID.Equal(id) && r.Occurs == Always })
		contradicts(q && !always, "every certificate must state %s", pkix.OIDName(id))
	}
}

var statementName = func() reading[string] {
	words := make([]string, 0, len(statementTable))
	for _, s := range statementTable {
		words = append(words, s.name)
	}
	return oneOf(words)
}()
