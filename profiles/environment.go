package profiles

import (
	"fmt"
	"strings"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
)

const (
	citeIssuerMarks = "gemSpec_PKI, GS-A_4588, GS-A_4589"
	citeProvider    = "TIP1-A_3029; gemSpec_PKI, Tab_PKI_266"
)

// CheckEnvironment says why an issuer does not belong into an environment; nil where it does. A CA of one never certifies for the
// other (GS-A_4727): what a relying party sees of an issuer must tell them apart.
//
// The names in an X.509 certificate, its own and that of the issuer above, are marked TEST-ONLY and NOT-VALID in environment test and
// bear no trace of the marks in production. CV certificates have no names to mark. There it is the provider code: all codes of test providers that
// are known end in X, and none of production does.
func (i *Issuer) CheckEnvironment(e Environment) error {
	var faults []string
	citation := citeProvider
	if i.X509 != nil {
		citation = citeIssuerMarks
		faults = append(nameFaults("subject", i.X509.Subject, e), nameFaults("issuer", i.X509.Issuer, e)...)
	} else {
		faults = i.providerFaults(e)
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("it does not belong into environment %s: %s (%s)", e, strings.Join(faults, "; "), citation)
}

// nameFaults looks for the marks of test identities in a name of a CA's certificate.
func nameFaults(which string, name pkix.Name, e Environment) (faults []string) {
	for _, attribute := range []string{"CN", "O"} {
		id, _ := pkix.AttributeType(attribute)
		value, there := name.Get(id)
		isMarked := strings.Contains(value, strings.TrimSpace(markCommonName)) || strings.Contains(value, strings.TrimSpace(markOrganization))
		switch mark := identityMarks(Test).of(attribute); {
		case e == Test && there && !strings.HasSuffix(value, mark):
			faults = append(faults, fmt.Sprintf("%s of its %s does not end in %q", attribute, which, mark))
		case e != Test && isMarked:
			faults = append(faults, fmt.Sprintf("%s of its %s is marked as one of a test", attribute, which))
		}
	}
	return faults
}

// providerFaults looks at the provider codes in a CV certificate: its own and that of the issuer above.
func (i *Issuer) providerFaults(e Environment) (faults []string) {
	var car cvc.Reference
	var chr cvc.CHR
	if i.G1 != nil {
		car, chr = i.G1.CAR, i.G1.CHR
	} else {
		car, chr = i.CVC.CAR, i.CVC.CHR
	}
	codes := []string{car.Provider()}
	if own, ok := chr.Reference(); ok && own.Provider() != car.Provider() {
		codes = append(codes, own.Provider())
	}
	for _, code := range codes {
		if isTest := strings.HasSuffix(code, "X"); isTest != (e == Test) {
			faults = append(faults, fmt.Sprintf("provider code %s is one of the other", code))
		}
	}
	return faults
}
