package audit

import (
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// checkCertificate holds a certificate against the facts that a leaf has of it, and against its issuer. With a nil issuer, or without
// signatures, the issuer's signature is not looked at.
func checkCertificate(f *tlog.CertificateFacts, iccsn string, data []byte, above *issuer, signatures bool) error {
	if have := hexHash(data); have != f.SHA256 {
		return differs("certificate_sha256", f.SHA256, have)
	}
	switch {
	case f.Serial != "":
		return checkX509(f, data, above, signatures)
	case cvc.IsG1(data):
		return checkG1(f, iccsn, data, above)
	}
	return checkCVC(f, iccsn, data, above, signatures)
}

func checkX509(f *tlog.CertificateFacts, data []byte, above *issuer, signatures bool) error {
	c, err := pkix.ParseCertificate(data)
	if err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	if err := compare(f, "serial", f.Serial, c.Serial.String(), tlog.Instant(c.NotBefore), tlog.Instant(c.NotAfter), c.RawSPKI, c.RawTBS); err != nil {
		return err
	}
	if above == nil {
		return nil
	}
	if above.x509 == nil {
		return fmt.Errorf("issuer %s has no X.509 certificate", f.Issuer)
	}
	if c.NotAfter.After(above.x509.NotAfter) || c.NotBefore.Before(above.x509.NotBefore) {
		return fmt.Errorf("its term is not inside that of issuer %s", f.Issuer)
	}
	if !signatures {
		return nil
	}
	if err := c.CheckSignatureFrom(above.x509); err != nil {
		return fmt.Errorf("it is not signed by issuer %s: %w", f.Issuer, err)
	}
	return nil
}

func checkCVC(f *tlog.CertificateFacts, iccsn string, data []byte, above *issuer, signatures bool) error {
	c, err := cvc.Parse(data)
	if err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	spki, err := pkix.MarshalPublicKey(c.PublicKey)
	if err != nil {
		return fmt.Errorf("its key cannot be written: %w", err)
	}
	last := c.CXD.Time().AddDate(0, 0, 1).Add(-time.Second)
	if err := compare(f, "chr", f.CHR, chrText(c.CHR), tlog.Instant(c.CED.Time()), tlog.Instant(last), spki, c.RawBody); err != nil {
		return err
	}
	if have := c.CHR.ICCSN(); have != iccsn {
		return fmt.Errorf("its CHR is of chip %s, the leaf is about %s", orNothing(have), iccsn)
	}
	if above == nil {
		return nil
	}
	if above.cvc == nil {
		return fmt.Errorf("issuer %s has no CV certificate of generation 2", f.Issuer)
	}
	if c.CXD.After(above.cvc.CXD) {
		return fmt.Errorf("it ends after issuer %s", f.Issuer)
	}
	if !signatures {
		return nil
	}
	if err := c.CheckIssuedBy(above.cvc); err != nil {
		return fmt.Errorf("it is not signed by issuer %s: %w", f.Issuer, err)
	}
	return nil
}

// checkG1 opens a CV certificate of generation 1: what it says is hidden in its signature, so that there is no check without that of the
// signature, and no way around it.
func checkG1(f *tlog.CertificateFacts, iccsn string, data []byte, above *issuer) error {
	c, err := cvc.ParseG1(data)
	if err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	if above == nil {
		return nil
	}
	if above.opened == nil {
		return fmt.Errorf("issuer %s has no certificate of generation 1 that a root of the export opens", f.Issuer)
	}
	content, err := c.OpenCard(above.opened)
	if err != nil {
		return fmt.Errorf("it is not signed by issuer %s: %w", f.Issuer, err)
	}
	message, err := content.Message()
	if err != nil {
		return fmt.Errorf("what it says cannot be written: %w", err)
	}
	spki, err := pkix.MarshalPublicKey(content.PublicKey)
	if err != nil {
		return fmt.Errorf("its key cannot be written: %w", err)
	}
	if !f.NoTerm {
		return errors.New("the leaf says that it carries its term, and no certificate of generation 1 does")
	}
	if content.CHR.ICCSN() != iccsn {
		return fmt.Errorf("its CHR is of chip %s, the leaf is about %s", orNothing(content.CHR.ICCSN()), iccsn)
	}
	return compare(f, "chr", f.CHR, chrText(content.CHR), f.NotBefore, f.NotAfter, spki, message)
}

func chrText(chr cvc.CHR) string { return fmt.Sprintf("%X", chr.Bytes()) }

// compare holds facts against what a certificate says.
func compare(f *tlog.CertificateFacts, numberName, numberFact, number, notBefore, notAfter string, spki, body []byte) error {
	for _, c := range []struct{ name, fact, found string }{
		{numberName, numberFact, number}, {"not_before", f.NotBefore, notBefore}, {"not_after", f.NotAfter, notAfter},
		{"key_sha256", f.KeySHA256, hexHash(spki)}, {"body_sha256", f.BodySHA256, hexHash(body)},
	} {
		if c.fact != c.found {
			return differs(c.name, c.fact, c.found)
		}
	}
	return nil
}

// checkFiveYears checks the facts' term.
func checkFiveYears(f *tlog.CertificateFacts) error {
	from, err := time.Parse(time.RFC3339, f.NotBefore)
	if err != nil {
		return err
	}
	until, err := time.Parse(time.RFC3339, f.NotAfter)
	if err != nil {
		return err
	}
	if !until.After(from) {
		return fmt.Errorf("it ends at %s, before it begins at %s", f.NotAfter, f.NotBefore)
	}
	if !until.Before(from.AddDate(5, 0, 0)) {
		return fmt.Errorf("it is valid for more than five years, from %s to %s", f.NotBefore, f.NotAfter)
	}
	return nil
}
