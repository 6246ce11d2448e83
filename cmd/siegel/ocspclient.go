package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// maxAnswer bounds what is read from a responder.
const maxAnswer = 64 << 10

// ocspClient speaks OCSP over HTTP (RFC 6960, Appendix A).
type ocspClient struct {
	url string
	get bool
}

// newNonce gives 32 octets, as RFC 9654, Section 2.1 recommends.
func newNonce() pkix.OCSPNonce {
	nonce := make([]byte, 32)
	rand.Read(nonce) // never fails: crypto/rand ends the program instead
	return nonce
}

// exchange sends a request and gives the answer.
func (o *ocspClient) exchange(ctx context.Context, request []byte) ([]byte, error) {
	method, address, body := http.MethodPost, o.url, io.Reader(bytes.NewReader(request))
	if o.get {
		method, body = http.MethodGet, nil
		address = strings.TrimRight(o.url, "/") + "/" + url.PathEscape(base64.StdEncoding.EncodeToString(request))
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, usageError(fmt.Errorf("--url %s: %w", o.url, err))
	}
	if !o.get {
		req.Header.Set("Content-Type", "application/ocsp-request")
	}
	return fetch(req)
}

// issuerOf fetches the certificate of an issuer from the responder. Its name there is the end of the OCSP address in the certificate.
func (o *ocspClient) issuerOf(ctx context.Context, c *pkix.Certificate) (*pkix.Certificate, error) {
	access, ok, err := pkix.Find(c.Extensions, pkix.OIDAuthorityInfoAccess, pkix.ParseAuthorityInfoAccess)
	at, urlErr := url.Parse(o.url)
	if err := errors.Join(err, urlErr); err != nil || !ok {
		return nil, usageError(errors.Join(errors.New("the certificate does not say where its issuer is; give --issuer"), err))
	}
	at.Path = "/issuers/" + path.Base(access[0].URI) + ".der"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, usageError(fmt.Errorf("--url %s: %w", o.url, err))
	}
	raw, err := fetch(req)
	if err != nil {
		return nil, fmt.Errorf("fetch the certificate of the issuer (or give --issuer): %w", err)
	}
	return pkix.ParseCertificate(raw)
}

// fetch gives the body of an answer with status 200.
func fetch(req *http.Request) ([]byte, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, &exitError{exitRetry, err}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, invalid(fmt.Errorf("%s answers %s", req.URL.Redacted(), resp.Status))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, &exitError{exitRetry, err}
	}
	return body, nil
}
