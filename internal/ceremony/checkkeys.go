package ceremony

import (
	"fmt"
	"slices"
	"strings"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// This file checks issuers and their keys.

// maxKeyID is the length of a CKA_ID that every token takes.
const maxKeyID = 64

// maxYears is the longest term of an issuer's certificate (gemSpec_PKI, GS-A_4351).
const maxYears = 8

func (c *checker) checkKey(at string, k *Key) {
	if k.Type.KeyType == 0 {
		c.fault(at+".type", "is missing")
	}
	if len(k.ID) == 0 || len(k.ID) > maxKeyID {
		c.fault(at+".id", "has %d octets, want 1 to %d", len(k.ID), maxKeyID)
	}
	c.need(at+".label", k.Label)
	c.checkToken(at+".token", k.Token)
	for _, name := range []string{k.Token + " id " + k.ID.String(), k.Token + " label " + k.Label} {
		if first, taken := c.keys[name]; taken {
			c.fault(at, "token %s belongs to %s already", strings.Replace(name, " ", ": ", 1), first)
		}
		c.keys[name] = at
	}
}

// checkToken wants the name of a token of the file.
func (c *checker) checkToken(path, name string) {
	if !slices.ContainsFunc(c.file.Tokens, func(t Token) bool { return t.Name == name }) {
		c.fault(path, "there is no token %q in the file", name)
	}
}

// x509Kinds and cvcKinds are the kinds of issuers that a ceremony creates.
var (
	x509Kinds = []profiles.IssuerKind{profiles.SMCBCA, profiles.KOMPCA}
	cvcKinds  = []profiles.IssuerKind{profiles.CVCSubCA, profiles.CVCDeviceCA}
)

func (c *checker) checkIssuer(at string, i *Issuer) {
	c.checkName(at+".name", i.Name)
	c.checkKey(at+".key", &i.Key)
	if i.Generation < 1 {
		c.fault(at+".generation", "is %d, and counting begins at 1", i.Generation)
	}
	if i.MaxYears == 0 {
		i.MaxYears = maxYears
	}
	if i.MaxYears < 1 || i.MaxYears > maxYears {
		c.fault(at+".max_years", "is %d, want 1 to %d (GS-A_4351)", i.MaxYears, maxYears)
	}
	switch {
	case slices.Contains(x509Kinds, i.Kind):
		c.checkX509Issuer(at, i)
	case slices.Contains(cvcKinds, i.Kind):
		c.checkCVCIssuer(at, i)
	default:
		c.fault(at+".kind", "%q is none of smcb-ca, komp-ca, cvc-ca, cvc-device-ca", i.Kind)
		return
	}
	c.checkIssuedBy(at, i)
	c.checkProfiles(at, i)
}

func (c *checker) checkX509Issuer(at string, i *Issuer) {
	c.checkX509Name(at, i.Kind, i.Name)
	c.need(at+".organization", i.Organization)
	c.unwanted(at+".sub_ca", i.SubCA, "an X.509 issuer")
	if len(i.RequestAttributes) > 0 {
		c.fault(at+".request_attributes", "are for CVC issuers")
	}
	c.checkURL(at+".ocsp_url", i.OCSPURL, true)
	c.checkURL(at+".crl_url", i.CRLURL, false)
	if !slices.ContainsFunc(i.Signers, func(s Signer) bool { return s.Kind == profiles.OCSPSigner }) {
		c.fault(at+".signers", "there is no ocsp-signer: nobody could answer for the status of its certificates (A_23142)")
	}
	for n := range i.Signers {
		c.checkSigner(fmt.Sprintf("%s.signers[%d]", at, n), &i.Signers[n], i)
	}
}

func (c *checker) checkSigner(at string, s *Signer, i *Issuer) {
	c.checkName(at+".name", s.Name)
	c.checkKey(at+".key", &s.Key)
	if s.Organization == "" {
		s.Organization = i.Organization
	}
	if s.Kind != profiles.OCSPSigner {
		c.fault(at+".kind", "%q is not ocsp-signer", s.Kind)
		return
	}
	c.checkX509Name(at, s.Kind, s.Name)
	if s.Key.Type.Generation() != i.Key.Type.Generation() {
		c.fault(at+".key.type", "is of another key generation than the issuer's (GS-A_5514, GS-A_5517)")
	}
}

// checkX509Name holds a name against the table of its kind.
func (c *checker) checkX509Name(at string, kind profiles.IssuerKind, name string) {
	profile, ok := c.set.IssuerProfile(kind)
	if !ok {
		c.fault(at+".kind", "the catalogue has no profile for issuers of kind %s", kind)
		return
	}
	if err := profile.CheckName(name); err != nil {
		c.fault(at+".name", "%v", err)
	}
}

func (c *checker) checkCVCIssuer(at string, i *Issuer) {
	for key, value := range map[string]string{"organization": i.Organization, "ocsp_url": i.OCSPURL, "crl_url": i.CRLURL} {
		c.unwanted(at+"."+key, value, "a CVC issuer")
	}
	if len(i.Signers) > 0 {
		c.fault(at+".signers", "CV certificates have no status service")
	}
	i.reference = c.checkReference(at, i.Name, i.Kind, &i.Key)
	if i.Key.Type.Generation() == sigalg.RSA {
		c.unwanted(at+".sub_ca", i.SubCA, "generation 1, which knows no flag lists")
		return
	}
	row, ok := c.set.SubCA(i.SubCA)
	if !ok {
		c.fault(at+".sub_ca", "the catalogue has no sub-CA %q (Tab_PKI_919-02)", i.SubCA)
		return
	}
	i.flags = row.Flags
}

// checkReference makes a name a reference and holds it against kind, key and environment.
func (c *checker) checkReference(at, name string, kind profiles.IssuerKind, key *Key) cvc.Reference {
	ref, err := ReferenceOf(name)
	if err != nil {
		c.fault(at+".name", "%v", err)
		return ref
	}
	g1 := key.Type.Generation() == sigalg.RSA
	service, algorithm := cvc.ServiceSubCA, cvc.AlgorithmECC
	if g1 {
		algorithm = cvc.AlgorithmRSA
	} else if kind == profiles.CVCRootCA {
		service = cvc.ServiceRoot
	}
	if ref.ServiceIndicator() != service || ref.Algorithm() != algorithm {
		c.fault(at+".name", "a %s with a key of type %s has service indicator %d and algorithm %02d (Tab_PKI_266)", kind, key.Type, service, algorithm)
	}
	if want := map[bool]sigalg.KeyType{true: sigalg.R2048, false: sigalg.E256}[g1]; key.Type.KeyType != want && key.Type.KeyType != 0 {
		c.fault(at+".key.type", "is %s, and CVC issuers have keys of type %s", key.Type, want)
	}
	if strings.HasSuffix(ref.Provider(), "X") != (c.file.Environment == profiles.Test) {
		c.fault(at+".name", "provider code %s belongs to the other environment: those of tests end in X", ref.Provider())
	}
	return ref
}

// checkIssuedBy wants an anchor of the issuer's format and key generation.
func (c *checker) checkIssuedBy(at string, i *Issuer) {
	a := c.file.Anchor(i.IssuedBy)
	if a == nil {
		c.fault(at+".issued_by", "there is no anchor %q in the file", i.IssuedBy)
		return
	}
	if a.issuer.KeyType == 0 {
		return // its certificate could not be read
	}
	if a.Kind.IsCVC() != i.IsCVC() || a.issuer.KeyType.Generation() != i.Key.Type.Generation() {
		c.fault(at+".issued_by", "%s is a %s of key generation %s, which does not certify a %s of %s (GS-A_5513)",
			a.Name, a.Kind, a.issuer.KeyType.Generation(), i.Kind, i.Key.Type.Generation())
	}
}

// checkProfiles binds an issuer to profiles of its kind.
func (c *checker) checkProfiles(at string, i *Issuer) {
	fit := c.set.ProfilesFor(i.Kind, i.Key.Type.Generation())
	if i.Profiles == nil {
		i.Profiles = fit
	}
	if len(i.Profiles) == 0 {
		c.fault(at+".profiles", "it would sign nothing")
	}
	for n, name := range i.Profiles {
		if !slices.Contains(fit, name) {
			c.fault(fmt.Sprintf("%s.profiles[%d]", at, n), "%q is no profile that a %s of key generation %s signs; those are %s",
				name, i.Kind, i.Key.Type.Generation(), strings.Join(fit, ", "))
		}
	}
}
