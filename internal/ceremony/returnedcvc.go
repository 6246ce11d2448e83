package ceremony

import (
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/lint"
	"github.com/siegel-pki/siegel/profiles"
)

// cvc makes the checks that only CV certificates of generation 2 need.
func (e *examination) cvc(i *Issuer, cert *cvc.Certificate, anchor *Anchor) {
	e.check("root "+anchor.Name+" signed it, may sign it and has all of its rights", cert.CheckIssuedBy(anchor.issuer.CVC))
	e.check("its key is named as was asked for", checkHolder(cert.CHR, i.reference))
	e.check("its flag list is that of sub-CA "+i.SubCA+", neither more nor less (GS-A_5213-02)", i.checkFlags(cert))
	e.check("it has the profile of a "+string(i.Kind)+" (lint)", lintCVC(cert.RawBody, i.Kind))
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
