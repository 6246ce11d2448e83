package main

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// signRequestCmd is `siegel-ceremony sign-request`: what the operator of a root does with a request, for test roots.
type signRequestCmd struct {
	File    string `arg:"" type:"existingfile" help:"Ceremony file of the test roots."`
	Request string `arg:"" type:"existingfile" help:"Request that siegel-ceremony run wrote (PEM)."`
	Dir     string `required:"" type:"path" help:"Folder of the ceremony of the roots."`
	Root    string `required:"" help:"Name of the root that signs."`
	Name    string `required:"" help:"Name of the issuer that the certificate is for, for example SIEGEL.SMCB-CA1 or DESGX-1-1-02-26."`
	Kind    string `required:"" enum:"smcb-ca,komp-ca,cvc-ca,cvc-device-ca" help:"Kind of the issuer: ${enum}."`
	SubCA   string `name:"sub-ca" help:"Row of the table of sub-CAs (gemSpec_PKI, Tab_PKI_919-02) that a CVC issuer is certified for, for example hba-smcb."`
	Out     string `required:"" type:"path" help:"Folder that receives the certificate, NAME.pem or NAME.cvc."`
	Confirm string `placeholder:"SHA256" help:"SHA-256 of the ceremony file of the roots. Without it: typed at the terminal."`
}

// Run checks the request and makes the certificate. The same request a second time gives the same certificate.
func (c *signRequestCmd) Run(ctx context.Context) error {
	f, set, err := readFile(c.File)
	if err != nil {
		return err
	}
	root := f.Root(c.Root)
	if root == nil {
		return fmt.Errorf("%s creates no root %q", c.File, c.Root)
	}
	how, err := confirm(f, c.Confirm, os.Stdin, os.Stderr)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.Request)
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	request, err := c.checkRequest(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Request, err)
	}
	return inFolder(c.Dir, f, how, func(j *ceremony.Journal) error {
		vault, err := openTokens(ctx, f, false, askTerminal)
		if err != nil {
			return err
		}
		p := &performer{file: f, catalogue: set, dir: c.Dir, journal: j, vault: vault, now: time.Now, progress: os.Stderr}
		return errors.Join(c.sign(ctx, p, root, request), vault.close())
	})
}

// checkRequest reads a request and checks that the holder of the key made it.
func (c *signRequestCmd) checkRequest(text []byte) (*pkix.Request, error) {
	raw, err := readRequest(text)
	if err != nil {
		return nil, err
	}
	r, err := pkix.ParseRequest(raw) // attributes that nobody here knows are refused
	if err != nil {
		return nil, err
	}
	return r, r.CheckSignature()
}

// sign makes the certificate and hands it out.
func (c *signRequestCmd) sign(ctx context.Context, p *performer, root *ceremony.Root, r *pkix.Request) error {
	kind := profiles.IssuerKind(c.Kind)
	step := &ceremony.Step{Act: ceremony.SignRequest, Name: c.Name + " by " + root.Name, Key: &root.Key}
	above, err := p.ownRoot(root)
	if err != nil {
		return err
	}
	signing, err := p.createdKey(ctx, &root.Key)
	if err != nil {
		return err
	}
	facts, done, began := p.journal.Step(step.ID())
	w := &work{performer: p, step: step, before: facts, done: done, began: began}
	facts, err = w.certified(c.Name, kind, r.PublicKey, above, func() (*profiles.Issuer, error) {
		if kind.IsCVC() {
			return c.cvc(ctx, p, above, signing, r)
		}
		return c.x509(ctx, p, root, above, signing, r)
	})
	if err != nil {
		return fmt.Errorf("sign the request for %s: %w", c.Name, err)
	}
	if !done {
		if err := p.journal.Append(step.ID(), ceremony.Done, facts, p.now()); err != nil {
			return err
		}
		p.show(facts)
	}
	text, err := os.ReadFile(filepath.Join(c.Dir, certificateDir, fileName(c.Name, kind)))
	if err != nil {
		return err
	}
	return keep(filepath.Join(c.Out, fileName(c.Name, kind)), text)
}

// ownRoot reads the certificate of a root that this ceremony made.
func (p *performer) ownRoot(root *ceremony.Root) (*profiles.Issuer, error) {
	iss, err := readIssuer(filepath.Join(p.dir, certificateDir, fileName(root.Name, root.Kind)), root.Name, root.Kind, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("root %s is not made yet: run its ceremony first: %w", root.Name, err)
	}
	return iss, err
}

// x509 makes the certificate of an X.509 issuer. Its content is that of the table; the request must have asked for the same name.
func (c *signRequestCmd) x509(ctx context.Context, p *performer, root *ceremony.Root, above *profiles.Issuer, signing key, r *pkix.Request) (*profiles.Issuer, error) {
	profile, ok := p.catalogue.IssuerProfile(profiles.IssuerKind(c.Kind))
	if !ok {
		return nil, fmt.Errorf("the catalogue has no profile for issuers of kind %s", c.Kind)
	}
	id, _ := pkix.AttributeType("O")
	organization, _ := r.Subject.Get(id)
	request := &profiles.IssuerRequest{
		Environment: p.file.Environment, CommonName: c.Name, Organization: unmarked(organization), PublicKey: r.PublicKey, Issuer: above,
		NotBefore: p.startOfDay(above), OCSPURL: root.OCSPURL,
	}
	want, err := profile.Request(request)
	if err != nil {
		return nil, err
	}
	if want.Subject.String() != r.Subject.String() {
		return nil, fmt.Errorf("the request is for %s, want %s", r.Subject, want.Subject)
	}
	cert, err := p.certify(ctx, profile, request, signing)
	if err != nil {
		return nil, err
	}
	return &profiles.Issuer{Name: c.Name, Kind: profiles.IssuerKind(c.Kind), X509: cert, IssuedBy: above.Name}, nil
}

// cvc makes the certificate of a CVC issuer: the root sets names, dates and flag list (TIP1-A_5262 to TIP1-A_5266).
func (c *signRequestCmd) cvc(ctx context.Context, p *performer, above *profiles.Issuer, signing key, r *pkix.Request) (*profiles.Issuer, error) {
	iss := &profiles.Issuer{Name: c.Name, Kind: profiles.IssuerKind(c.Kind), IssuedBy: above.Name}
	ref, err := ceremony.ReferenceOf(c.Name)
	if err != nil {
		return nil, err
	}
	if got := r.Subject.String(); got != "CN="+ref.String() {
		return nil, fmt.Errorf("the request is for %s, want CN=%s", got, ref)
	}
	switch public := r.PublicKey.(type) {
	case *rsa.PublicKey:
		if above.G1 == nil {
			return nil, fmt.Errorf("root %s is of another key generation", above.Name)
		}
		iss.G1, err = issueG1CA(ctx, ref, public, above.G1, signing)
	case *brainpool.PublicKey:
		row, ok := p.catalogue.SubCA(c.SubCA)
		if !ok {
			return nil, fmt.Errorf("the catalogue has no sub-CA %q (Tab_PKI_919-02)", c.SubCA)
		}
		if above.CVC == nil {
			return nil, fmt.Errorf("root %s is of another key generation", above.Name)
		}
		content := cvcContent{reference: ref, flags: row.Flags, years: cvcCAYears}
		iss.CVC, err = issueCVCCA(ctx, content, public, above.CVC, signing, p.startOfDay(above))
	default:
		err = errors.New("the request holds no key of a CVC issuer")
	}
	return iss, err
}

// unmarked takes the mark of environment test off an organization, which the profile adds again.
func unmarked(organization string) string { return strings.TrimSuffix(organization, " NOT-VALID") }
