package relying

import (
	"bytes"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// chainSteps look at the certificates above.
var chainSteps = []step{issuerStep, withinStep, checkRoot, checkSignatures}

// issuerStep: the issuer is the one that the certificate names (TUC_PKI_003), and may issue.
func issuerStep(x *examination) error {
	if err := names(x.certificate, x.issuer); err != nil {
		return err
	}
	return mayIssue(x.issuer)
}

// names compares issuer and authority key identifier of a certificate with the certificate above it. Without the identifier a
// relying party of the telematics infrastructure does not find the issuer in the TSL.
func names(c, issuer *pkix.Certificate) error {
	if !bytes.Equal(c.RawIssuer, issuer.RawSubject) {
		return refuse(OtherIssuer, "the certificate names another issuer")
	}
	id, ok, err := pkix.Find(c.Extensions, pkix.OIDAuthorityKeyIdentifier, pkix.ParseAuthorityKeyIdentifier)
	if err != nil || !ok {
		return refuse(OtherIssuer, "authorityKeyIdentifier is missing or cannot be read")
	}
	want, err := issuer.SubjectKeyID()
	if err != nil || !bytes.Equal(id, want) {
		return refuse(OtherIssuer, "authorityKeyIdentifier is not the issuer's subjectKeyIdentifier")
	}
	return nil
}

// mayIssue: a CA says so in basicConstraints and in keyUsage (RFC 5280, Section 6.1.4).
func mayIssue(issuer *pkix.Certificate) error {
	constraints, ok, err := pkix.Find(issuer.Extensions, pkix.OIDBasicConstraints, pkix.ParseBasicConstraints)
	if err != nil || !ok || !constraints.CA {
		return refuse(NoCA, "the issuer is no CA")
	}
	usage, ok, err := pkix.Find(issuer.Extensions, pkix.OIDKeyUsage, pkix.ParseKeyUsage)
	if err != nil || !ok || usage&pkix.KeyCertSign == 0 {
		return refuse(NoCA, "the issuer's key is not for certificates")
	}
	return nil
}

// withinStep: dates are set by the shell model (gemKPT_PKI_TIP, section 2.4.2), so a certificate that begins before its issuer or ends after it
// was not made by the rules. A certificate from before the CA's end stays good when the CA is revoked later; that is for the TSL to say.
func withinStep(x *examination) error { return within(x.certificate, x.issuer) }

func within(c, issuer *pkix.Certificate) error {
	if c.NotBefore.Before(issuer.NotBefore) || c.NotAfter.After(issuer.NotAfter) {
		return refuse(NotValidTime, "the term from %s to %s is not within the issuer's", c.NotBefore, c.NotAfter)
	}
	return nil
}

func checkRoot(x *examination) error {
	if x.root == nil {
		return refuse(NoCA, "there is no root")
	}
	if err := names(x.issuer, x.root); err != nil {
		return err
	}
	if err := mayIssue(x.root); err != nil {
		return err
	}
	return within(x.issuer, x.root)
}

func checkSignatures(x *examination) error {
	if err := x.certificate.CheckSignature(x.issuer.PublicKey); err != nil {
		return refuse(NotValidMath, "certificate: %v", err)
	}
	if err := x.issuer.CheckSignature(x.root.PublicKey); err != nil {
		return refuse(NotValidMath, "issuer: %v", err)
	}
	if err := x.root.CheckSignature(x.root.PublicKey); err != nil {
		return refuse(NotValidMath, "root: %v", err)
	}
	return nil
}
