package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// takeCertificate checks the certificate that came back for a request and keeps it.
func (w *work) takeCertificate(ctx context.Context) (ceremony.Facts, error) {
	iss := w.step.Issuer
	k, err := w.createdKey(ctx, w.step.Key)
	if err != nil {
		return ceremony.Facts{}, err
	}
	if w.done {
		_, err := w.takenIssuer(iss)
		return ceremony.Facts{}, err
	}
	file := fileName(iss.Name, iss.Kind)
	path := filepath.Join(w.dir, returnedDir, file)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ceremony.Facts{}, &waiting{path}
	}
	if err != nil {
		return ceremony.Facts{}, err
	}
	returned, err := w.file.Examine(iss, raw, k.Public(), w.catalogue, w.now())
	if err != nil {
		return ceremony.Facts{}, err
	}
	facts, err := ceremony.DescribeCertificate(&returned.Issuer)
	if err != nil {
		return ceremony.Facts{}, err
	}
	if err := w.begin(); err != nil {
		return ceremony.Facts{}, err
	}
	facts.File, facts.Checks = filepath.Join(certificateDir, file), returned.Passed
	if err := keep(filepath.Join(w.dir, facts.File), certificateText(&returned.Issuer)); err != nil {
		return ceremony.Facts{}, fmt.Errorf("keep the certificate: %w", err)
	}
	return ceremony.Facts{Certificate: facts}, nil
}

// sameCertificate holds what a file has now against what the journal says of it.
func sameCertificate(path string, have, want *ceremony.CertificateFacts) error {
	if have.SHA256.String() != want.SHA256.String() {
		return fmt.Errorf("%s is the certificate of SHA-256 %s, the journal says %s", path, have.SHA256, want.SHA256)
	}
	return nil
}

// takenIssuer gives an issuer whose certificate was taken, with all that the list says of it. It was checked when it was taken.
func (p *performer) takenIssuer(i *ceremony.Issuer) (*profiles.Issuer, error) {
	facts, done, _ := p.journal.Step((&ceremony.Step{Act: ceremony.TakeCertificate, Name: i.Name}).ID())
	if !done {
		return nil, fmt.Errorf("the certificate of %s was not taken", i.Name)
	}
	path := filepath.Join(p.dir, facts.Certificate.File)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	iss, err := p.file.Parse(i, raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	have, err := ceremony.DescribeCertificate(iss)
	if err != nil {
		return nil, err
	}
	return iss, sameCertificate(path, have, facts.Certificate)
}

// certifySigner makes the certificate of an OCSP signer: the issuer's key signs it. A certificate that was signed in an earlier run and not
// kept is lost, and another is signed, with another serial number.
func (w *work) certifySigner(ctx context.Context) (ceremony.Facts, error) {
	s := w.step.Signer
	issuer, err := w.takenIssuer(w.step.Issuer)
	if err != nil {
		_, taken, _ := w.journal.Step((&ceremony.Step{Act: ceremony.TakeCertificate, Name: w.step.Issuer.Name}).ID())
		if !taken {
			return ceremony.Facts{}, &waiting{filepath.Join(w.dir, returnedDir, fileName(w.step.Issuer.Name, w.step.Issuer.Kind))}
		}
		return ceremony.Facts{}, err
	}
	k, err := w.createdKey(ctx, w.step.Key)
	if err != nil {
		return ceremony.Facts{}, err
	}
	above, err := w.createdKey(ctx, &w.step.Issuer.Key)
	if err != nil {
		return ceremony.Facts{}, err
	}
	profile, ok := w.catalogue.IssuerProfile(s.Kind)
	if !ok {
		return ceremony.Facts{}, fmt.Errorf("the catalogue has no profile for %s", s.Kind)
	}
	r := &profiles.IssuerRequest{
		Environment: w.file.Environment, CommonName: s.Name, Organization: s.Organization, PublicKey: k.Public(), Issuer: issuer,
		NotBefore: w.startOfDay(issuer),
	}
	return w.certified(s.Name, s.Kind, k.Public(), issuer, func() (*profiles.Issuer, error) {
		cert, err := w.certify(ctx, profile, r, above)
		return &profiles.Issuer{Name: s.Name, Kind: s.Kind, KeyType: k.Type(), X509: cert, IssuedBy: issuer.Name}, err
	})
}

// certify draws a serial number and makes a certificate.
func (p *performer) certify(ctx context.Context, profile *profiles.IssuerProfile, r *profiles.IssuerRequest, signing key) (cert *pkix.Certificate, err error) {
	if r.Serial, err = newSerial(); err != nil {
		return nil, err
	}
	return certify(ctx, profile, r, signing)
}

// certified gives the certificate that was made for a key in an earlier run, or makes it. above is nil for a root.
func (w *work) certified(name string, kind profiles.IssuerKind, public crypto.PublicKey, above *profiles.Issuer, issue func() (*profiles.Issuer, error)) (ceremony.Facts, error) {
	file := filepath.Join(certificateDir, fileName(name, kind))
	path := filepath.Join(w.dir, file)
	var note string
	iss, err := readIssuer(path, name, kind, above)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case missing && w.done:
		return ceremony.Facts{}, fmt.Errorf("the journal says that it was made: %w", err)
	case missing:
		iss, err = w.issueOnce(path, issue)
	case err == nil && !w.began:
		return ceremony.Facts{}, fmt.Errorf("%s is there: %w", path, errForeign)
	default:
		note = found
	}
	if err != nil {
		return ceremony.Facts{}, err
	}
	facts, err := ceremony.DescribeCertificate(iss)
	if err != nil {
		return ceremony.Facts{}, err
	}
	own, err := ceremony.Fingerprint(public)
	if err != nil {
		return ceremony.Facts{}, err
	}
	if facts.Fingerprint.String() != own.String() {
		return ceremony.Facts{}, fmt.Errorf("%s is for a key of SHA-256 %s, want %s", path, facts.Fingerprint, own)
	}
	if w.done {
		return ceremony.Facts{}, sameCertificate(path, facts, w.before.Certificate)
	}
	facts.File = file
	return ceremony.Facts{Certificate: facts, Note: note}, nil
}

// issueOnce makes a certificate and keeps it.
func (w *work) issueOnce(path string, issue func() (*profiles.Issuer, error)) (*profiles.Issuer, error) {
	if err := w.begin(); err != nil {
		return nil, err
	}
	iss, err := issue()
	if err != nil {
		return nil, err
	}
	if err := keep(path, certificateText(iss)); err != nil {
		return nil, fmt.Errorf("keep the certificate: %w", err)
	}
	return iss, nil
}

// readIssuer reads a certificate that this ceremony made.
func readIssuer(path, name string, kind profiles.IssuerKind, above *profiles.Issuer) (*profiles.Issuer, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	iss, err := ceremony.ParseIssuer(name, kind, raw, above)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return iss, nil
}

// certifiedSigner reads the certificate of a signer back for the list.
func (p *performer) certifiedSigner(i *ceremony.Issuer, s *ceremony.Signer) (*profiles.Issuer, error) {
	path := filepath.Join(p.dir, certificateDir, fileName(s.Name, s.Kind))
	return readIssuer(path, s.Name, s.Kind, &profiles.Issuer{Name: i.Name})
}

// fileName is the name of a certificate's file.
func fileName(name string, kind profiles.IssuerKind) string {
	if kind.IsCVC() {
		return name + ".cvc"
	}
	return name + ".pem"
}

// certificateText is what the file of a certificate holds.
func certificateText(iss *profiles.Issuer) []byte {
	if iss.X509 != nil {
		return iss.X509.PEM()
	}
	return iss.Raw()
}
