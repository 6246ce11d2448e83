package pkix

import (
	"reflect"
	"testing"
)

// What is said about a qualified certificate is read back, statement by statement.
func TestQCStatementsSay(t *testing.T) {
	pds := []PDSLocation{{"https://siegel.example/pds/en", "en"}, {"https://siegel.example/pds/de", "de"}}
	limit := Limit{"EUR", 5, 6}
	e, err := QCStatements{
		QCCompliance(), QCSSCD(), QCType(OIDQCTypeESign), QCPDS(pds...), QCRetentionPeriod(35), QCLegislation("CH"), QCLimitValue(limit),
	}.Extension()
	if err != nil {
		t.Fatal(err)
	}
	q, err := ParseQCStatements(e.Value)
	if err != nil {
		t.Fatal(err)
	}
	if !q.Compliant() || !q.OnDevice() {
		t.Errorf("compliant %t, on a device %t, want both", q.Compliant(), q.OnDevice())
	}
	if types := q.Types(); len(types) != 1 || !types[0].Equal(OIDQCTypeESign) {
		t.Errorf("types are %v, want esign alone", types)
	}
	if got := q.PDS(); !reflect.DeepEqual(got, pds) {
		t.Errorf("disclosure statements are %v, want %v", got, pds)
	}
	if got := q.RetentionYears(); got != 35 {
		t.Errorf("retention is %d years, want 35", got)
	}
	if got := q.Legislation(); !reflect.DeepEqual(got, []string{"CH"}) {
		t.Errorf("legislation is %v, want CH", got)
	}
	if got, ok := q.LimitValue(); !ok || got != limit {
		t.Errorf("limit is %v, %t, want %v", got, ok, limit)
	}
}

// The real certificate says that it is qualified and on a device, and nothing else.
func TestRealQCStatements(t *testing.T) {
	for _, name := range []string{"HBA-80276001011699901501-C_HP_QES_R2048", "HBA-80276001011699901501-C_HP_QES_E256"} {
		c := realCertificate(t, name)
		q, ok, err := Find(c.Extensions, OIDQCStatements, ParseQCStatements)
		if !ok || err != nil || len(q) != 2 || !q.Compliant() || !q.OnDevice() {
			t.Errorf("%s: statements are %v, %t, %v, want QcCompliance and QcSSCD", name, q, ok, err)
		}
		if _, limited := q.LimitValue(); limited || q.Types() != nil || q.PDS() != nil || q.RetentionYears() != 0 || q.Legislation() != nil {
			t.Errorf("%s: more is said than stands there", name)
		}
		model, ok, err := Find(c.Extensions, OIDValidityModel, ParseValidityModel)
		if want := ValidityModel(OIDValidityModelChain); !ok || err != nil || !reflect.DeepEqual(model, want) {
			t.Errorf("%s: validity model is %v, %t, %v, want %v", name, model, ok, err, want)
		}
	}
}
