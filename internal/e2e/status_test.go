package e2e

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/relying"
	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The story of this file: other people's programs ask for the status of a card's certificates through its life.

// desk gives a client that acts as an operator of a desk.
func desk(t *testing.T, r *rig.Rig, s *rig.Server, operator string) siegelv1.LifecycleServiceClient {
	t.Helper()
	conn, err := r.Dial(s, operator)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return siegelv1.NewLifecycleServiceClient(conn)
}

// onFile is an X.509 certificate of a card, with those above it, on disk.
type onFile struct {
	slot, issuer string
	rsa          bool
	raw, above   []byte
	chainFiles
}

func x509OnFile(t *testing.T, card *siegelv1.Card) (list []onFile) {
	t.Helper()
	byName := map[string]*siegelv1.IssuerCertificate{}
	for _, i := range card.GetIssuers() {
		byName[i.GetName()] = i
	}
	for _, c := range card.GetCertificates() {
		if c.GetFormat() != siegelv1.Format_FORMAT_X509 {
			continue
		}
		issuer := byName[c.GetIssuer()]
		above := relying.Above{Issuer: issuer.GetData(), Root: byName[issuer.GetIssuedBy()].GetData()}
		list = append(list, onFile{c.GetSlot(), c.GetIssuer(), strings.HasSuffix(c.GetSlot(), ".R2048"), c.GetData(), issuer.GetData(), writeChain(t, c.GetData(), above)})
	}
	return list
}

// TestStatusThroughLife asks for every X.509 certificate of a card of two key generations, and of one with a qualified certificate, with
// OpenSSL and, where it can, with GnuTLS: by POST and GET, with both hashes, with a nonce and without, before the card is active, when it is,
// and when it is revoked. Then its CRLs are asked.
func TestStatusThroughLife(t *testing.T) {
	needProgram(t, "openssl", "openssl")
	needProgram(t, "ocsptool", "gnutls-bin")
	r := newRig(t)
	if err := os.WriteFile(filepath.Join(r.Data, "siegeld.yaml"), []byte("data: .\ncrl: {after_revocation: 1s}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startOn(t, r, filepath.Join(r.Data, "siegeld.yaml"))
	defer stop(t, s)
	line := dial(t, r, s, "line-1")
	var certificates []onFile
	var cards []string
	for _, name := range []string{"hospital-pharmacy", "pharmacy"} {
		order, err := rig.SampleOrder(name)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := issue(t.Context(), line, order)
		if err != nil {
			t.Fatal(err)
		}
		certificates = append(certificates, x509OnFile(t, answer.GetCard())...)
		cards = append(cards, answer.GetCard().GetIccsn())
	}
	each := func(want string) {
		t.Helper()
		for i, c := range certificates {
			c.askOCSP(t, s, want, i)
		}
	}
	each("unknown")
	for _, iccsn := range cards {
		if _, err := desk(t, r, s, "desk-1").ActivateCard(t.Context(), &siegelv1.ActivateCardRequest{Iccsn: iccsn, Reference: "letter 1"}); err != nil {
			t.Fatal(err)
		}
	}
	each("good")
	siegelStatus(t, r, s, 0, cards[0], certificates[0], `"status": "good"`, ": good\n\tThis Update: ")
	for _, iccsn := range cards {
		if _, err := desk(t, r, s, "revocation-1").RevokeCard(t.Context(), &siegelv1.RevokeCardRequest{
			Iccsn: iccsn, Requester: "holder", Reason: "lost", Reference: "call 2"}); err != nil {
			t.Fatal(err)
		}
	}
	each("revoked")
	siegelStatus(t, r, s, 1, cards[0], certificates[0], `"revoked_at": "20`, ": revoked\n\tThis Update: ", "\tRevocation Time: ")
	for _, c := range certificates {
		if strings.Contains(c.issuer, "qCA") { // it has no crl_url, and so no CRL on schedule
			mustAsk(t, filepath.Join(bin, "siegel"), "crl", "generate", c.issuer, "--server", s.Addr, "--data", r.Data, "--operator", "ca-operator-1")
		}
		c.askCRL(t, s)
	}
}

// siegelStatus asks with our own client: about a card in words and in JSON, about a certificate in a file by GET with the other hash.
func siegelStatus(t *testing.T, r *rig.Rig, s *rig.Server, code int, iccsn string, f onFile, json string, openssl ...string) {
	t.Helper()
	run := func(args ...string) string {
		t.Helper()
		args = append(args, "--server", s.Addr, "--data", r.Data, "--url", "http://"+s.HTTP+"/ocsp")
		out, err := ask(t, filepath.Join(bin, "siegel"), append([]string{"status"}, args...)...)
		if got := exitCodeOf(err); got != code {
			t.Errorf("siegel status %s: exit code %d, want %d: %s", args, got, code, out)
		}
		return out
	}
	if out := run(iccsn); !strings.Contains(out, "C.HCI.AUT.R2048") || !strings.Contains(out, "OCSP1 TEST-ONLY") {
		t.Errorf("siegel status says\n%s", out)
	}
	if out := run(iccsn, "--json"); !strings.Contains(out, json) || !strings.Contains(out, `"nonce": true`) {
		t.Errorf("siegel status --json says\n%s", out)
	}
	out := run(f.card, "--get", "--hash", "sha256", "--no-nonce", "--openssl")
	for _, want := range append(openssl, "Response verify OK\n"+f.card) {
		if !strings.Contains(out, want) {
			t.Errorf("siegel status --openssl lacks %q:\n%s", want, out)
		}
	}
}

// askOCSP asks for the status of a certificate in every way. n varies what is not tried in all combinations.
func (f onFile) askOCSP(t *testing.T, s *rig.Server, want string, n int) {
	t.Helper()
	at := "http://" + s.HTTP + []string{"/ocsp", "/" + f.issuer}[n%2]
	for h, hash := range []string{"-sha1", "-sha256"} {
		for m, nonce := range []string{"-nonce", "-no_nonce"} {
			if n%3 != 0 && n%4 != 2*h+m {
				continue // all ways for every third certificate, one way for the others
			}
			request := filepath.Join(t.TempDir(), "request")
			out := mustAsk(t, "openssl", "ocsp", hash, nonce, "-issuer", f.chainFiles.issuer, "-cert", f.card, "-url", at, "-CAfile", f.root, "-reqout", request)
			if !strings.Contains(out, "Response verify OK") || !strings.Contains(out, f.card+": "+want) || nonce == "-nonce" && strings.Contains(out, "WARNING") {
				t.Errorf("%s: openssl ocsp %s %s says %s, want %s", f.slot, hash, nonce, out, want)
			}
			response := filepath.Join(t.TempDir(), "response")
			write(t, response, fetchOK(t, at+"/"+url.PathEscape(base64.StdEncoding.EncodeToString(content(t, request)))))
			out = mustAsk(t, "openssl", "ocsp", "-reqin", request, "-respin", response, "-issuer", f.chainFiles.issuer, "-CAfile", f.root, "-resp_text")
			if !strings.Contains(out, "Response verify OK") || !strings.Contains(out, "Cert Status: "+want) || strings.Contains(out, "Revocation Reason") {
				t.Errorf("%s: openssl ocsp by GET %s %s says %s, want %s", f.slot, hash, nonce, out, want)
			}
			f.judge(t, content(t, request), content(t, response), want)
		}
	}
	if f.rsa {
		out := mustAsk(t, "ocsptool", "--ask="+at, "--load-cert", f.card, "--load-issuer", f.chainFiles.issuer, "--load-trust", f.chain)
		if !strings.Contains(out, "Verifying OCSP Response: Success") || !strings.Contains(out, "Certificate Status: "+want) {
			t.Errorf("%s: ocsptool says %s, want %s", f.slot, out, want)
		}
	}
}

// judge takes an answer apart as a Konnektor would (TUC_PKI_006).
func (f onFile) judge(t *testing.T, request, response []byte, want string) {
	t.Helper()
	certificate, err := pkix.ParseCertificate(f.raw)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := pkix.ParseCertificate(f.above)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := pkix.ParseOCSPRequest(request)
	if err != nil {
		t.Fatal(err)
	}
	status, err := relying.CheckStatus(response, relying.Question{Certificate: certificate, Issuer: issuer, ID: asked.IDs[0], Nonce: asked.Nonce}, time.Now())
	if err != nil || status.Status.String() != want {
		t.Errorf("%s: a relying party takes the answer as %v (%v), want %s", f.slot, status, err, want)
	}
}

func fetchOK(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v", url, resp.Status, err)
	}
	return body
}

// askCRL waits for the CRL of the issuer that has the certificate, and has OpenSSL judge both.
func (f onFile) askCRL(t *testing.T, s *rig.Server) {
	t.Helper()
	der := filepath.Join(t.TempDir(), "crl.der")
	certificate, err := pkix.ParseCertificate(f.raw)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
		raw := fetchOK(t, "http://"+s.HTTP+"/crl/"+f.issuer+".crl")
		crl, err := pkix.ParseCRL(raw)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for e := range crl.Entries() {
			found = found || e.Serial == certificate.Serial
		}
		if found {
			write(t, der, raw)
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: the certificate does not come onto the CRL of %s", f.slot, f.issuer)
		}
	}
	if out := mustAsk(t, "openssl", "crl", "-inform", "DER", "-in", der, "-CAfile", f.chain, "-noout"); !strings.Contains(out, "verify OK") {
		t.Errorf("%s: openssl crl says %s", f.slot, out)
	}
	pem := filepath.Join(t.TempDir(), "crl.pem")
	mustAsk(t, "openssl", "crl", "-inform", "DER", "-in", der, "-out", pem)
	if out, err := ask(t, "openssl", "verify", "-crl_check", "-CAfile", f.root, "-untrusted", f.chainFiles.issuer, "-CRLfile", pem, f.card); err == nil || !strings.Contains(out, "certificate revoked") {
		t.Errorf("%s: openssl verify -crl_check says %s, want revoked", f.slot, out)
	}
}
