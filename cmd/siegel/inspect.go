package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// inspectCmd is `siegel inspect`.
type inspectCmd struct {
	Files []string `arg:"" help:"Certificate files, or - for standard input. The format is found out."`
}

// maxCertificates bounds a file of certificates, in octets.
const maxCertificates = 4 << 20

// Run prints each file. One that cannot be read or understood does not hold up the others.
func (c *inspectCmd) Run(t *terminal) error {
	set, err := profiles.Builtin()
	if err != nil {
		return fmt.Errorf("load the catalogue: %w", err)
	}
	var errs []error
	for i, name := range c.Files {
		if i > 0 {
			fmt.Fprintln(t.out)
		}
		data, err := readInput(t, name, maxCertificates)
		if err != nil {
			errs = append(errs, usageError(err))
			continue
		}
		if err := inspect(t, set, name, data); err != nil {
			errs = append(errs, invalid(fmt.Errorf("%s: %w", name, err)))
		}
	}
	return errors.Join(errs...)
}

// inspect prints the certificates of a file.
func inspect(t *terminal, set *profiles.Set, name string, data []byte) error {
	if isCVC(data) || cvc.IsG1Root(data) {
		what := "CV certificate"
		if cvc.IsG1Root(data) {
			what = "key of a root of CV certificates of generation 1"
		}
		fmt.Fprintln(t.out, t.bold(fmt.Sprintf("%s: %s, %d octets", name, what, len(data))))
		return cvc.Annotate(t.out, data)
	}
	certificates, err := pkix.ParseCertificates(data)
	if err != nil {
		return err
	}
	for i, c := range certificates {
		if i > 0 {
			fmt.Fprintln(t.out)
		}
		fmt.Fprintln(t.out, t.bold(fmt.Sprintf("%s: X.509 certificate, %d octets", name, len(c.Raw))))
		if err := describeX509(t.out, set, c); err != nil {
			return err
		}
	}
	return nil
}

// isCVC tells a CV certificate by its first tag, 7F21 (gemSpec_PKI, Tab_PKI_907).
func isCVC(data []byte) bool { return bytes.HasPrefix(data, []byte{0x7F, 0x21}) }
