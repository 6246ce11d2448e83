package ceremony

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/lint"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// Returned is a certificate that a root gave for a request, and what was found out about it.
type Returned struct {
	Issuer profiles.Issuer // with the certificate; bound to profiles as the ceremony file says
	Passed []string        // checks that it passed, in words
}

// examination runs checks on a certificate, all of them, whatever the earlier ones say.
type examination struct {
	passed []string
	errs   []error
}

// check notes the outcome of one check. The words say what holds if it passes.
func (e *examination) check(words string, err error) {
	if err != nil {
		e.errs = append(e.errs, fmt.Errorf("not true: %s: %w", words, err))
		return
	}
	e.passed = append(e.passed, words)
}

// Examine checks the certificate that came back for an issuer (TIP1-A_2649; gemSpec_X.509_TSP). key is the issuer's, as read from the token. The
// error names every check that it failed.
func (f *File) Examine(i *Issuer, raw []byte, key crypto.PublicKey, set *profiles.Set, now time.Time) (*Returned, error) {
	anchor := f.Anchor(i.IssuedBy)
	iss, err := f.Parse(i, raw)
	if err != nil {
		return nil, fmt.Errorf("the certificate for %s: %w", i.Name, err)
	}
	e := &examination{}
	switch {
	case iss.X509 != nil:
		e.x509(f, i, iss.X509, anchor, set)
	case iss.G1 != nil:
		e.check("root "+anchor.Name+" signed it", nil) // else it would not have opened
		e.check("its key is named as was asked for", checkHolder(iss.G1.CHR, i.reference))
	default:
		e.cvc(i, iss.CVC, anchor)
	}
	e.check("its key is the key in the token", sameKey(iss.PublicKey(), key))
	e.check("its names belong to environment "+string(f.Environment), iss.CheckEnvironment(f.Environment))
	e.check("its term lies within that of the root", within(iss, &anchor.issuer))
	e.check(fmt.Sprintf("it lasts no longer than %d years", i.MaxYears), shorter(iss, i.MaxYears))
	e.check("it is valid now, or begins later", notOver(iss, now))
	if len(e.errs) > 0 {
		return nil, fmt.Errorf("the certificate for %s is not what was asked for:\n%w", i.Name, errors.Join(e.errs...))
	}
	return &Returned{*iss, e.passed}, nil
}

// x509 makes the checks that only X.509 certificates need.
func (e *examination) x509(f *File, i *Issuer, cert *pkix.Certificate, anchor *Anchor, set *profiles.Set) {
	e.check("root "+anchor.Name+" signed it", cert.CheckSignatureFrom(anchor.issuer.X509))
	e.check("its subject is the one that was asked for", f.checkSubject(i, cert, set))
	e.check("it has the profile of a "+string(i.Kind)+" (lint)", Lint(cert.RawTBS, i.Kind, f.Environment, anchor.issuer.X509))
}

func (f *File) checkSubject(i *Issuer, cert *pkix.Certificate, set *profiles.Set) error {
	info, err := f.requestInfo(i, cert.PublicKey, set)
	if err != nil {
		return err
	}
	want, err := info.Subject.Encode()
	if err != nil {
		return err
	}
	if string(want) != string(cert.RawSubject) {
		return fmt.Errorf("it is %s, want %s", cert.Subject, info.Subject)
	}
	return nil
}

// lintKinds gives the kinds of certificates by the names that lint has for them.
var lintKinds = map[profiles.IssuerKind]lint.Kind{
	profiles.RootCA:     lint.RootCA,
	profiles.SMCBCA:     lint.SMCBCA,
	profiles.KOMPCA:     lint.KOMPCA,
	profiles.QESCA:      lint.QESCA,
	profiles.OCSPSigner: lint.OCSPSigner,
	profiles.CRLSigner:  lint.CRLSigner,
}

// Lint judges the content of an issuer's or signer's certificate. Nothing may be wrong with it, not even by a warning: such a certificate is
// signed once, and for years. The issuer is nil for one that signs itself.
func Lint(tbs []byte, kind profiles.IssuerKind, e profiles.Environment, issuer *pkix.Certificate) error {
	var wrong []error
	for _, finding := range lint.X509(tbs, lint.X509Context{Kind: lintKinds[kind], Test: e == profiles.Test, Issuer: issuer}) {
		wrong = append(wrong, errors.New(finding.String()))
	}
	return errors.Join(wrong...)
}

// sameKey compares public keys of one type.
func sameKey(a, b crypto.PublicKey) error {
	if k, ok := a.(interface{ Equal(crypto.PublicKey) bool }); ok && b != nil && k.Equal(b) {
		return nil
	}
	have, _ := sigalg.TypeOf(a)
	return fmt.Errorf("it is another key, of type %s", have)
}

// within holds the shell model: no certificate outlives the one above (gemKPT_PKI_TIP, chapter 2.4).
func within(iss, above *profiles.Issuer) error {
	from, to, limited := iss.Validity()
	first, last, limitedAbove := above.Validity()
	if !limited || !limitedAbove || !from.Before(first) && !to.After(last) {
		return nil
	}
	return fmt.Errorf("it is %s to %s, the root's %s to %s", from.Format(time.DateTime), to.Format(time.DateTime),
		first.Format(time.DateTime), last.Format(time.DateTime))
}

func shorter(iss *profiles.Issuer, years int) error {
	from, to, limited := iss.Validity()
	if limited && !to.Before(from.AddDate(years, 0, 0)) {
		return fmt.Errorf("it lasts from %s to %s", from.Format(time.DateTime), to.Format(time.DateTime))
	}
	return nil
}

func notOver(iss *profiles.Issuer, now time.Time) error {
	if _, to, limited := iss.Validity(); limited && now.After(to) {
		return fmt.Errorf("it ended %s", to.Format(time.DateTime))
	}
	return nil
}

// DescribeCertificate gives what the record says of an issuer's or root's certificate, but for its file and checks.
func DescribeCertificate(iss *profiles.Issuer) (*CertificateFacts, error) {
	sum := sha256.Sum256(iss.Raw())
	facts := &CertificateFacts{SHA256: sum[:], IssuedBy: iss.IssuedBy}
	if from, to, limited := iss.Validity(); limited {
		facts.From, facts.Until = from.Format(time.DateOnly), to.Format(time.DateOnly)
	}
	switch {
	case iss.X509 != nil:
		facts.Subject, facts.Serial = iss.X509.Subject.String(), iss.X509.Serial.String()
	case iss.G1 != nil:
		facts.Subject = "CHR " + iss.G1.CHR.String()
	default:
		facts.Subject = "CHR " + iss.CVC.CHR.String() + ", flags " + iss.CVC.Flags.String()
	}
	var err error
	facts.Fingerprint, err = Fingerprint(iss.PublicKey())
	return facts, err
}

// marshalKey gives the DER SubjectPublicKeyInfo of any key of this project.
func marshalKey(key crypto.PublicKey) ([]byte, error) {
	if k, ok := key.(ed25519.PublicKey); ok {
		return x509.MarshalPKIXPublicKey(k)
	}
	return pkix.MarshalPublicKey(key)
}
