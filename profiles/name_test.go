package profiles_test

import (
	"errors"
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

// TestCutOrganization lets a sector have its organizations cut, as components have them: the subject holds what fits beside the mark,
// subjectAltName the whole (GS-A_4716).
func TestCutOrganization(t *testing.T) {
	files := catalogue(t)
	change(t, files, "sectors/org.yaml", `{attribute: O, occurs: "0-1",`, `{attribute: O, occurs: "0-1", overlong: alternative-name,`)
	set, err := profiles.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ organization, short, whole string }{
		{strings.Repeat("ö", 54), strings.Repeat("ö", 54), ""},
		{strings.Repeat("ö", 55), strings.Repeat("ö", 54), strings.Repeat("ö", 55)},
		{strings.Repeat("ö", 53) + " & Söhne", strings.Repeat("ö", 53), strings.Repeat("ö", 53) + " & Söhne"},
	} {
		o := sectorOrder(t, "org", "smcb-org-g2.1")
		o.Institution.Organization, o.Institution.LongName = c.organization, ""
		plan, err := set.Plan(o, testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		tbs := plan.Slots[0].X509
		if want := "O=" + c.short + " NOT-VALID, "; !strings.Contains(tbs.Subject.String(), want) {
			t.Errorf("subject is %s, want %s in it", tbs.Subject, want)
		}
		names, _, err := pkix.Find(tbs.Extensions, pkix.OIDSubjectAltName, pkix.ParseSubjectAltName)
		switch {
		case err != nil:
			t.Error(err)
		case c.whole == "" && names != nil:
			t.Errorf("alternative names are %v, want none", names)
		case c.whole != "" && (len(names) != 1 || !names[0].Type.Equal(pkix.OIDOrganizationName) || names[0].Value != c.whole):
			t.Errorf("alternative names are %v, want the whole organization", names)
		}
	}
	o := sectorOrder(t, "org", "smcb-org-g2.1")
	o.Institution.Organization = strings.Repeat("ö", 1025)
	_, err = set.Plan(o, testContext(t))
	var r *profiles.Refusal
	if !errors.As(err, &r) || r.Violations[0].Rule != "NAME_LENGTH" {
		t.Errorf("error is %v, want NAME_LENGTH", err)
	}
}
