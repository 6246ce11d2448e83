package e2e

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/relying"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// askEverywhere asks every server for the status of a card that was just revoked. None may say good, whatever has just happened to it and to the
// database: it says revoked, that it should be tried later, or nothing at all (promise 9).
func (l *load) askEverywhere(random *rand.Rand, iccsn string) {
	certificate, issuer, err := l.anyX509(random, iccsn)
	if err != nil {
		l.t.Errorf("card %s: %v", iccsn, err)
		return
	}
	for _, server := range l.servers {
		status, err := askStatus(server.status(), certificate, issuer)
		var refused *relying.Refusal
		switch {
		case err == nil && status == pkix.StatusRevoked:
			l.did("see it revoked")
		case err == nil:
			l.t.Errorf("after card %s was revoked a server says %s", iccsn, status)
		case errors.As(err, &refused) && refused.Code != relying.StatusError:
			l.t.Errorf("after card %s was revoked a server answers what nobody accepts: %v", iccsn, err)
		default: // it is away, or says tryLater
			l.did("see no status")
		}
	}
}

// anyX509 gives an X.509 certificate of an acknowledged card, and its issuer's.
func (l *load) anyX509(random *rand.Rand, iccsn string) (certificate, issuer *pkix.Certificate, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var x509 []*siegelv1.Certificate
	card := l.byICCSN[iccsn]
	for _, c := range card.GetCertificates() {
		if c.GetFormat() == siegelv1.Format_FORMAT_X509 {
			x509 = append(x509, c)
		}
	}
	one := x509[random.IntN(len(x509))]
	for _, i := range card.GetIssuers() {
		if i.GetName() == one.GetIssuer() {
			issuer, err = pkix.ParseCertificate(i.GetData())
		}
	}
	if err == nil {
		certificate, err = pkix.ParseCertificate(one.GetData())
	}
	return certificate, issuer, err
}

// askStatus asks by POST and checks the answer as a relying party does.
func askStatus(address string, certificate, issuer *pkix.Certificate) (pkix.CertStatus, error) {
	id, err := pkix.NewCertID(issuer, certificate.Serial, crypto.SHA256)
	if err != nil {
		return 0, err
	}
	var b cryptobyte.Builder // RFC 6960, Section 4.1.1: OCSPRequest, TBSRequest, requestList, Request
	nest := asn1.SEQUENCE
	b.AddASN1(nest, func(b *cryptobyte.Builder) {
		b.AddASN1(nest, func(b *cryptobyte.Builder) {
			b.AddASN1(nest, func(b *cryptobyte.Builder) {
				b.AddASN1(nest, func(b *cryptobyte.Builder) { b.AddBytes(id.Raw) })
			})
		})
	})
	request, err := b.Bytes()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/ocsp", bytes.NewReader(request))
	if err != nil {
		return 0, err
	}
	post.Header.Set("Content-Type", "application/ocsp-request")
	resp, err := http.DefaultClient.Do(post)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("the responder says %s", resp.Status)
	}
	status, err := relying.CheckStatus(answer, relying.Question{Certificate: certificate, Issuer: issuer, ID: id}, time.Now())
	if err != nil {
		return 0, err
	}
	return status.Status, nil
}
