package ceremony

import (
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/lint"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// cvc parses a CV certificate and makes the checks that only those need.
func (e *examination) cvc(i *Issuer, iss *profiles.Issuer, anchor *Anchor, raw []byte) error {
	if i.Key.Type.Generation() == sigalg.RSA {
		return e.g1(i, iss, anchor, raw)
	}
	cert, err := cvc.Parse(raw)
	if err != nil {
		return err
	}
	iss.CVC = cert
	e.check("root "+anchor.Name+" signed it, may sign it and has all of its rights", cert.CheckIssuedBy(anchor.issuer.CVC))
	e.check("its key is named as was asked for", checkHolder(cert.CHR, i.reference))
	e.check("its flag list is that of sub-CA "+i.SubCA+", neither more nor less (GS-A_5213-02)", i.checkFlags(cert))
	e.check("it has the profile of a "+string(i.Kind)+" (lint)", lintCVC(cert.RawBody, i.Kind))
	return nil
}

// g1 is cvc for generation 1: it takes the root's key to see what is in the certificate.
func (e *examination) g1(i *Issuer, iss *profiles.Issuer, anchor *Anchor, raw []byte) error {
	sealed, err := cvc.ParseG1(raw)
	if err != nil {
		return err
	}
	if iss.G1, err = sealed.OpenCA(anchor.issuer.G1); err != nil {
		return err
	}
	e.check("root "+anchor.Name+" signed it", nil) // else it would not have opened
	e.check("its key is named as was asked for", checkHolder(iss.G1.CHR, i.reference))
	return nil
}

func checkHolder(chr cvc.CHR, want cvc.Reference) error {
	if chr != want.CHR() {
		return fmt.Errorf("CHR is %s, want %s", chr, want)
	}
	return nil
}

func (i *Issuer) checkFlags(cert *cvc.Certificate) error {
	if cert.FlagOID != cvc.FlagsTI || cert.Flags != i.flags {
		return fmt.Errorf("it is %s of %s, want %s of %s", cert.Flags, cert.FlagOID, i.flags, cvc.FlagsTI)
	}
	return nil
}

func lintCVC(body []byte, kind profiles.IssuerKind) error {
	kinds := map[profiles.IssuerKind]lint.CVCKind{profiles.CVCSubCA: lint.CVCSubCA, profiles.CVCDeviceCA: lint.CVCDeviceCA}
	var wrong []error
	for _, f := range lint.CVCIssuer(body, kinds[kind]) {
		wrong = append(wrong, errors.New(f.String()))
	}
	return errors.Join(wrong...)
}
