package profiles_test

import (
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// commonName plans an order of a hospital with a name and gives the CN.
func commonName(t *testing.T, environment profiles.Environment, spoil func(*profiles.Institution)) string {
	t.Helper()
	o, ctx := sectorOrder(t, "dkg", "smcb-g2.1-os5"), testContext(t)
	ctx.Environment = environment
	spoil(&o.Institution)
	for _, rdn := range mustPlan(t, o, ctx).Slots[0].X509.Subject {
		if rdn[0].Type.Equal(pkix.OIDCommonName) {
			return rdn[0].Value
		}
	}
	t.Fatal("the subject has no CN")
	return ""
}

// TestNameLines: lines 1 and 2 of the address field are joined by one blank; line 2 is optional.
func TestNameLines(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{[]string{"Krankenhaus"}, "Krankenhaus TEST-ONLY"},
		{[]string{"Tolles kleines Krankenhaus,", "am ruhigen,erholsamen Park"}, "Tolles kleines Krankenhaus, am ruhigen,erholsamen Park TEST-ONLY"}, // a real CN of 64 characters
	} {
		got := commonName(t, profiles.Test, func(i *profiles.Institution) { i.Name, i.NameLines = "", c.lines })
		if got != c.want {
			t.Errorf("CN of %q is %q, want %q", c.lines, got, c.want)
		}
	}
}

// TestLengthIsInCharacters: 64 characters fit whatever they are in octets; in environment test the mark takes ten.
func TestLengthIsInCharacters(t *testing.T) {
	for environment, n := range map[profiles.Environment]int{profiles.Production: 64, profiles.Test: 54} {
		name := strings.Repeat("ẞ", n) // three octets each
		if got := commonName(t, environment, func(i *profiles.Institution) { i.Name = name }); !strings.HasPrefix(got, name) {
			t.Errorf("%s: CN is %q, want it whole", environment, got)
		}
	}
}

// TestRepertoire: what German names hold passes unchanged.
func TestRepertoire(t *testing.T) {
	for _, name := range []string{
		"MVZ Prof. Dr. Ñuñez-O’Hara & Søn (Łódź)", "Praxis „Am Löwen“ – Ş. Ğül", "Sankt-Elisabeth-Krankenhaus + Reha/Kur", "Nguyễn, Ærø, Đurić; 100 %",
	} {
		if got := commonName(t, profiles.Production, func(i *profiles.Institution) { i.Name = name }); got != name {
			t.Errorf("CN is %q, want %q", got, name)
		}
	}
}

// TestEmailAddresses: ordinary addresses pass, up to the limits.
func TestEmailAddresses(t *testing.T) {
	label := strings.Repeat("b", 63)
	for _, address := range []string{
		"info@klinik.example", "o'hara+test_1@sub-domain.klinik.example", "a.b.c@1.example", "x@" + label + ".example",
		strings.Repeat("a", 64) + "@klinik.example", "a@" + strings.Join([]string{label, label, label, strings.Repeat("c", 52)}, ".") + ".example",
	} {
		o := sectorOrder(t, "dkg", "smcb-g2.1-os5")
		o.Institution.Email, o.Institution.LongName = address, ""
		names, _, err := pkix.Find(mustPlan(t, o, testContext(t)).Slots[0].X509.Extensions, pkix.OIDSubjectAltName, pkix.ParseSubjectAltName)
		if err != nil || len(names) != 1 || names[0].Value != address {
			t.Errorf("alternative names are %v, %v, want %s", names, err, address)
		}
	}
}

// TestTooLongNameSaysWhatToDo: the name is not cut, and the refusal names the field for the whole.
func TestTooLongNameSaysWhatToDo(t *testing.T) {
	o := sectorOrder(t, "dkg", "smcb-g2.1-os5")
	o.Institution.Name = strings.Repeat("n", 55)
	if v := refusal(t, o, testContext(t)); !strings.Contains(v[0].Message, "institution.long_name") {
		t.Errorf("message is %q, want the field for the whole name", v[0].Message)
	}
}
