package profiles_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// TestPlansRealCVCertificates orders a real card again: same ICCSN, same keys, same term, below the sub-CA that signed it. What Siegel would
// sign is what was signed then, octet for octet.
func TestPlansRealCVCertificates(t *testing.T) {
	const iccsn = "80276883110000117743"
	role := realCVC(t, iccsn+"-C_SMC_AUTR_CVC_E256.cvc")
	device := realCVC(t, iccsn+"-C_SMC_AUTD_RPE_CVC_E256.cvc")

	ctx := testContext(t)
	ctx.Now = role.CED.Time().Add(12 * time.Hour)
	for _, i := range ctx.Issuers[:2] { // the X.509 issuers of the fixture are younger than the card
		i.X509.NotBefore = ctx.Now.AddDate(-1, 0, 0)
	}
	sub := *ctx.Issuers[2]
	sub.Name, sub.CVC = "DEGXX10218", realCVC(t, "DEGXX10218.cvc")
	ctx.Issuers[2] = &sub

	o := sampleOrder(t, "hospital-pharmacy") // the role is that of hospitals and practices alike
	o.ICCSN, o.ValidUntil = iccsn, role.CXD.String()
	o.Evidence.Approval.Time, o.Evidence.Identification = "2020-01-01T00:00:00Z", profiles.Identification{}
	for slot, c := range map[string]*cvc.Certificate{"C.SMC.AUTR_CVC.E256": role, "C.SMC.AUTD_RPE_CVC.E256": device} {
		spki, err := pkix.MarshalPublicKey(c.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		slotKey(o, slot).SPKI = spki
	}
	plan := mustPlan(t, o, ctx)
	for slot, want := range map[string]*cvc.Certificate{"C.SMC.AUTR_CVC.E256": role, "C.SMC.AUTD_RPE_CVC.E256": device} {
		got, err := slotOf(t, plan, slot).CVC.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.RawBody) {
			t.Errorf("%s: body is\n%x\nwant\n%x", slot, got, want.RawBody)
		}
	}
}

// realCVC reads a public test certificate.
func realCVC(t testing.TB, file string) *cvc.Certificate {
	t.Helper()
	return parseCVC(t, "real/"+file)
}

// parseCVC reads a CV certificate of testdata.
func parseCVC(t testing.TB, file string) *cvc.Certificate {
	t.Helper()
	c, err := cvc.Parse(readFile(t, "testdata/"+file))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}
