package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// inspectCmd is `siegel inspect`.
type inspectCmd struct {
	Files []string `arg:"" help:"Certificate files, or - for standard input. The format is found out."`
}

// Help describes the JSON.
func (*inspectCmd) Help() string {
	return `--json prints one array with an element for each file:
  {"file", "certificates": [...], "error": only where it was not understood}
and in it for each certificate:
  {"format": "x509", "cvc", "cvc-g1" or "cvc-g1-root", "octets", "sha256",
   "subject", "issuer", "serial": X.509; "car", "chr", "iccsn": CV certificates,
   "not_before", "not_after", "says": [all of it in words, line by line]}`
}

// maxCertificates bounds a file of certificates, in octets.
const maxCertificates = 4 << 20

// Run prints each file. One that cannot be read or understood does not hold up the others.
func (c *inspectCmd) Run(g *globals, t *terminal) error {
	if err := onceFromStdin(c.Files); err != nil {
		return err
	}
	set, err := profiles.Builtin()
	if err != nil {
		return fmt.Errorf("load the catalogue: %w", err)
	}
	var errs []error
	var files []inspectedFile
	for i, name := range c.Files {
		certificates, err := inspectFile(t, set, name)
		file := inspectedFile{File: name, Certificates: certificates}
		if err != nil {
			errs = append(errs, err)
			file.Error = err.Error()
		}
		files = append(files, file)
		if !g.JSON {
			if i > 0 {
				fmt.Fprintln(t.out)
			}
			file.print(t)
		}
	}
	if g.JSON {
		errs = append(errs, t.jsonOf(files))
	}
	return errors.Join(errs...)
}

// inspectedFile is what `siegel inspect --json` prints, in an array, of each file.
type inspectedFile struct {
	File         string                 `json:"file"`
	Certificates []inspectedCertificate `json:"certificates,omitempty"`
	Error        string                 `json:"error,omitempty"` // why the file was not understood, or not to its end
}

// inspectedCertificate is one certificate. Which fields there are depends on the format.
type inspectedCertificate struct {
	Format string `json:"format"` // "x509", "cvc" of generation 2, "cvc-g1", or "cvc-g1-root": the bare key of a root
	Octets int    `json:"octets"`
	SHA256 string `json:"sha256"`
	// X.509 only.
	Subject string `json:"subject,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	Serial  string `json:"serial,omitempty"` // hex, as in a siegel.v1.Certificate
	// CV certificates only.
	CAR   string `json:"car,omitempty"`
	CHR   string `json:"chr,omitempty"`
	ICCSN string `json:"iccsn,omitempty"` // of a card, from the CHR
	// RFC 3339 in X.509, the first and last day in CV certificates of generation 2, absent in generation 1.
	NotBefore string `json:"not_before,omitempty"`
	NotAfter  string `json:"not_after,omitempty"`
	// All of it in words, line by line, as without --json.
	Says []string `json:"says"`
}

// titles are the formats as a person reads them.
var titles = map[string]string{
	"x509": "X.509 certificate", "cvc": "CV certificate", "cvc-g1": "CV certificate",
	"cvc-g1-root": "key of a root of CV certificates of generation 1",
}

func (f inspectedFile) print(t *terminal) {
	for i, c := range f.Certificates {
		if i > 0 {
			fmt.Fprintln(t.out)
		}
		fmt.Fprintln(t.out, t.bold(fmt.Sprintf("%s: %s, %d octets", f.File, titles[c.Format], c.Octets)))
		for _, line := range c.Says {
			fmt.Fprintln(t.out, line)
		}
	}
}

// inspectFile gives the certificates of a file.
func inspectFile(t *terminal, set *profiles.Set, name string) ([]inspectedCertificate, error) {
	data, err := readInput(t, name, maxCertificates)
	if err != nil {
		return nil, usageError(err)
	}
	list, err := inspect(set, data)
	if err != nil {
		return list, invalid(fmt.Errorf("%s: %w", name, err))
	}
	return list, nil
}

// inspect reads certificates of any format.
func inspect(set *profiles.Set, data []byte) ([]inspectedCertificate, error) {
	if isCVC(data) || cvc.IsG1Root(data) {
		c, err := inspectCVC(data)
		return []inspectedCertificate{c}, err
	}
	certificates, err := pkix.ParseCertificates(data)
	if err != nil {
		return nil, err
	}
	var list []inspectedCertificate
	for _, c := range certificates {
		var words bytes.Buffer
		if err := describeX509(&words, set, c); err != nil {
			return list, err
		}
		list = append(list, inspectedCertificate{
			Format: "x509", Octets: len(c.Raw), SHA256: hash(c.Raw),
			Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.Serial.String(),
			NotBefore: c.NotBefore.Format(time.RFC3339), NotAfter: c.NotAfter.Format(time.RFC3339), Says: lines(words),
		})
	}
	return list, nil
}

// inspectCVC reads a CV certificate, or the key of a root of generation 1. Of one that is not well formed it gives the octets, with as
// many names as they have.
func inspectCVC(data []byte) (inspectedCertificate, error) {
	out := inspectedCertificate{Format: "cvc", Octets: len(data), SHA256: hash(data)}
	var words bytes.Buffer
	err := cvc.Annotate(&words, data)
	out.Says = lines(words)
	if err != nil {
		return out, err
	}
	switch {
	case cvc.IsG1Root(data):
		root, err := cvc.ParseG1Root(data)
		if err != nil {
			return out, err
		}
		out.Format, out.CAR, out.CHR = "cvc-g1-root", root.CAR.String(), root.CHR.String()
	case cvc.IsG1(data):
		c, err := cvc.ParseG1(data)
		if err != nil {
			return out, err
		}
		out.Format, out.CAR, out.CHR, out.ICCSN = "cvc-g1", c.CAR.String(), c.CHR.String(), c.CHR.ICCSN()
	default:
		c, err := cvc.Parse(data)
		if err != nil {
			return out, err
		}
		out.CAR, out.CHR, out.ICCSN = c.CAR.String(), c.CHR.String(), c.CHR.ICCSN()
		out.NotBefore, out.NotAfter = c.CED.String(), c.CXD.String()
	}
	return out, nil
}

func hash(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

func lines(words bytes.Buffer) []string {
	return strings.Split(strings.TrimSuffix(words.String(), "\n"), "\n")
}

// isCVC tells a CV certificate by its first tag, 7F21 (gemSpec_PKI, Tab_PKI_907).
func isCVC(data []byte) bool { return bytes.HasPrefix(data, []byte{0x7F, 0x21}) }
