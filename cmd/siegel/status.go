package main

import (
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/relying"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// statusCmd is `siegel status`.
type statusCmd struct {
	What    []string `arg:"" name:"what" help:"ICCSN of a card, whose certificates the server gives, or files with one certificate each (DER or PEM)."`
	URL     string   `name:"url" default:"http://127.0.0.1:7480/ocsp" env:"SIEGEL_OCSP" help:"OCSP responder."`
	Issuer  string   `type:"existingfile" help:"Certificate of the issuer, for files. Without it, it is fetched from the responder."`
	Hash    string   `enum:"sha1,sha256" default:"sha1" help:"Hash that names the issuer in the request: sha1 (as the telematics infrastructure asks) or sha256."`
	Nonce   bool     `negatable:"" default:"true" help:"Ask for an answer that is made for this request."`
	Get     bool     `help:"Ask by GET in place of POST."`
	OpenSSL bool     `name:"openssl" help:"Print what openssl ocsp prints, for scripts that read it."`
}

// Help says what the answer means.
func (statusCmd) Help() string {
	return `The answer is checked as a relying party of the telematics infrastructure does (TUC_PKI_006): its signer is certified by the issuer of the certificate, for OCSP alone; the signature; times within 37.5 s of this machine's clock; the hash of the certificate in the answer; the nonce.

good     the card is active
revoked  for ever
unknown  the card is not active yet, or the responder has never heard of the certificate

Exit code 0 says that every certificate is good.`
}

var iccsnForm = regexp.MustCompile(`^[0-9]{20}$`)

// subject is a certificate to ask about.
type subject struct {
	name                string // slot or file
	certificate, issuer *pkix.Certificate
}

// told is what a responder has told about a subject.
type told struct {
	subject
	*relying.Status
}

// Run asks about each certificate and prints what it learns.
func (c *statusCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	ctx, cancel := context.WithTimeout(ctx, g.Timeout)
	defer cancel()
	o := &ocspClient{url: c.URL, get: c.Get}
	subjects, err := c.subjects(ctx, g, t, o)
	if err != nil {
		return err
	}
	var answers []told
	for _, s := range subjects {
		status, err := c.ask(ctx, o, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		answers = append(answers, told{s, status})
	}
	if err := c.print(g, t, answers); err != nil {
		return err
	}
	return notGood(answers)
}

// notGood is the error that makes the exit code.
func notGood(answers []told) error {
	bad := 0
	for _, v := range answers {
		if v.Status.Status != pkix.StatusGood {
			bad++
		}
	}
	if bad == 0 {
		return nil
	}
	return invalid(fmt.Errorf("%d of %d certificates are not good", bad, len(answers)))
}

// subjects finds the certificates and those of their issuers.
func (c *statusCmd) subjects(ctx context.Context, g *globals, t *terminal, o *ocspClient) (list []subject, err error) {
	for _, what := range c.What {
		var some []subject
		if iccsnForm.MatchString(what) {
			some, err = ofCard(ctx, g, t, what)
		} else {
			some, err = c.ofFile(ctx, what, o)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

// ofCard asks the server for the certificates of a card.
func ofCard(ctx context.Context, g *globals, t *terminal, iccsn string) (list []subject, err error) {
	cl, err := connect(g, t)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	answer, err := call(ctx, cl.caller, "get the card "+iccsn, func(ctx context.Context) (*siegelv1.GetCardResponse, error) {
		return cl.GetCard(ctx, &siegelv1.GetCardRequest{By: &siegelv1.GetCardRequest_Iccsn{Iccsn: iccsn}})
	})
	if err != nil {
		return nil, err
	}
	issuers := map[string][]byte{}
	for _, i := range answer.GetCard().GetIssuers() {
		issuers[i.GetName()] = i.GetData()
	}
	for _, c := range answer.GetCard().GetCertificates() {
		if c.GetFormat() != siegelv1.Format_FORMAT_X509 {
			continue // CV certificates have no status
		}
		s := subject{name: c.GetSlot()}
		var issuerErr error
		s.certificate, err = pkix.ParseCertificate(c.GetData())
		s.issuer, issuerErr = pkix.ParseCertificate(issuers[c.GetIssuer()])
		if err := errors.Join(err, issuerErr); err != nil {
			return nil, fmt.Errorf("read the answer of the server: %s: %w", s.name, err)
		}
		list = append(list, s)
	}
	return list, nil
}

// ofFile reads a certificate, and its issuer's or fetches that.
func (c *statusCmd) ofFile(ctx context.Context, file string, o *ocspClient) ([]subject, error) {
	certificate, err := readOne(file)
	if err != nil {
		return nil, err
	}
	var issuer *pkix.Certificate
	if c.Issuer != "" {
		issuer, err = readOne(c.Issuer)
	} else {
		issuer, err = o.issuerOf(ctx, certificate)
	}
	if err != nil {
		return nil, err
	}
	if err := certificate.CheckSignatureFrom(issuer); err != nil {
		return nil, invalid(fmt.Errorf("%s: it is not of the issuer: %w", file, err))
	}
	return []subject{{file, certificate, issuer}}, nil
}

func readOne(file string) (*pkix.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError(err)
	}
	list, err := pkix.ParseCertificates(text)
	if err != nil {
		return nil, usageError(fmt.Errorf("%s: %w", file, err))
	}
	return list[0], nil
}

// ask makes the request and checks the answer.
func (c *statusCmd) ask(ctx context.Context, o *ocspClient, s subject) (*relying.Status, error) {
	hash := crypto.SHA1
	if c.Hash == "sha256" {
		hash = crypto.SHA256
	}
	id, err := pkix.NewCertID(s.issuer, s.certificate.Serial, hash)
	if err != nil {
		return nil, err
	}
	request := &pkix.OCSPRequest{IDs: []pkix.CertID{id}}
	if c.Nonce {
		request.Nonce = newNonce()
	}
	raw, err := request.Encode()
	if err != nil {
		return nil, err
	}
	answer, err := o.exchange(ctx, raw)
	if err != nil {
		return nil, err
	}
	status, err := relying.CheckStatus(answer, relying.Question{Certificate: s.certificate, Issuer: s.issuer, ID: id, Nonce: request.Nonce}, time.Now())
	var later pkix.OCSPError
	if _, parseErr := pkix.ParseOCSPResponse(answer); errors.As(parseErr, &later) && later == pkix.OCSPTryLater {
		return nil, &exitError{exitRetry, err}
	}
	if err != nil {
		return nil, invalid(fmt.Errorf("the answer is not accepted: %w", err))
	}
	return status, nil
}

// print shows answers in the form that was asked for.
func (c *statusCmd) print(g *globals, t *terminal, answers []told) error {
	switch {
	case g.JSON:
		var list []statusJSON
		for _, v := range answers {
			list = append(list, v.json())
		}
		return t.jsonOf(list)
	case c.OpenSSL:
		for _, v := range answers {
			v.printOpenSSL(t)
		}
		return nil
	}
	rows := [][]string{{"CERTIFICATE", "SERIAL", "STATUS", "SINCE", "PRODUCED", "SIGNER"}}
	for _, v := range answers {
		rows = append(rows, []string{v.name, v.certificate.Serial.String(), v.Status.Status.String(), instant(v.RevokedAt), instant(v.ProducedAt), commonName(v.Signer)})
	}
	t.table(rows)
	return nil
}

func instant(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.Format(time.RFC3339)
}

func commonName(c *pkix.Certificate) string {
	for _, rdn := range c.Subject {
		for _, a := range rdn {
			if a.Type.Equal(pkix.OIDCommonName) {
				return a.Value
			}
		}
	}
	return ""
}

// printOpenSSL writes the lines of openssl ocsp.
func (v told) printOpenSSL(t *terminal) {
	const layout = "Jan _2 15:04:05 2006 GMT"
	fmt.Fprintf(t.out, "Response verify OK\n%s: %s\n\tThis Update: %s\n", v.name, v.Status.Status, v.ThisUpdate.Format(layout))
	if v.Status.Status == pkix.StatusRevoked {
		fmt.Fprintf(t.out, "\tRevocation Time: %s\n", v.RevokedAt.Format(layout))
	}
}

// statusJSON is an answer as --json prints it. Times are RFC 3339.
type statusJSON struct {
	Certificate string `json:"certificate"` // slot or file
	Serial      string `json:"serial"`
	Status      string `json:"status"`               // good, revoked or unknown
	RevokedAt   string `json:"revoked_at,omitempty"` // where it is revoked
	ThisUpdate  string `json:"this_update"`
	ProducedAt  string `json:"produced_at"`
	CertHash    string `json:"cert_hash,omitempty"` // SHA-256 of the certificate, as the responder says it; missing where it is unknown
	Signer      string `json:"signer"`              // common name
	Nonce       bool   `json:"nonce"`               // the answer was made for this request
}

func (v told) json() statusJSON {
	j := statusJSON{
		Certificate: v.name, Serial: v.certificate.Serial.String(), Status: v.Status.Status.String(), ThisUpdate: instant(v.ThisUpdate),
		ProducedAt: instant(v.ProducedAt), Signer: commonName(v.Signer), Nonce: v.Nonce != nil,
	}
	if !v.RevokedAt.IsZero() {
		j.RevokedAt = instant(v.RevokedAt)
	}
	if v.CertHash != nil {
		j.CertHash = hex.EncodeToString(v.CertHash[:])
	}
	return j
}
