package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// TestInspectStatements prints everything that can be stated about a qualified certificate.
func TestInspectStatements(t *testing.T) {
	e, err := pkix.QCStatements{
		pkix.QCCompliance(), pkix.QCSSCD(), pkix.QCType(pkix.OIDQCTypeESeal), pkix.QCPDS(pkix.PDSLocation{URL: "https://siegel.example/pds", Language: "en"}),
		pkix.QCRetentionPeriod(7), pkix.QCLegislation("CH", "LI"), pkix.QCLimitValue(pkix.Limit{Currency: "EUR", Amount: 5, Exponent: 3}),
	}.Extension()
	if err != nil {
		t.Fatal(err)
	}
	model, err := pkix.ValidityModel(pkix.OIDValidityModelChain).Extension()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	l := &sheet{w: &out}
	l.extension(e)
	l.extension(model)
	for _, want := range []string{
		"qcStatements (1.3.6.1.5.5.7.1.3)", "id-etsi-qcs-QcCompliance", "id-etsi-qcs-QcSSCD", "type                 id-etsi-qct-eseal",
		`disclosure statement "https://siegel.example/pds" (en)`, "records are kept     7 years", "under the law of     CH, LI",
		"transactions up to   5*10^3 EUR", "validityModel", "id-validity-Model-chain (1.3.6.1.4.1.8301.3.5.1)",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if l.err != nil {
		t.Error(l.err)
	}
}
