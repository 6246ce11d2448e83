package e2e

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// reader is a role that may read what a responder reads, and nothing else: the statements of docs/ocsp.md.
const reader = "siegel_ocsp"

func makeReader(t *testing.T, dsn string) (readerDSN string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	text := string(content(t, filepath.Join(rig.Root(), "docs", "ocsp.md")))
	_, statements, ok := strings.Cut(text, "```sql\n")
	if statements, _, ok2 := strings.Cut(statements, "```"); !ok || !ok2 {
		t.Fatal("docs/ocsp.md has no statements")
	} else if _, err := conn.Exec(t.Context(), statements); err != nil {
		t.Fatalf("the statements of docs/ocsp.md: %v", err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(reader)
	return u.String()
}

// TestResponderAlone runs siegeld ocsp beside two servers on one PostgreSQL, as a role that may only read, and lets clients ask all three with
// their caches on while one of the servers revokes: no question that is asked after RevokeCard has returned is answered with good.
func TestResponderAlone(t *testing.T) {
	r := newRig(t)
	dsn := startPostgres(t)
	config := writeConfig(t, r, dsn)
	if _, err := r.StartResponder(); err == nil || !strings.Contains(err.Error(), "SQLite file lets one server in") {
		t.Errorf("a responder without PostgreSQL says %v", err)
	}
	siegeldMigrate(t, config, "has schema version")
	one, two := startOn(t, r, config), startOn(t, r, config)
	defer stop(t, one)
	defer stop(t, two)
	readOnly := filepath.Join(r.Data, "responder.yaml")
	write(t, readOnly, fmt.Appendf(nil, "data: .\nstore: {postgres: %q}\nhttp: {rate: 0}\n", makeReader(t, dsn)))
	responder, err := r.StartResponder("--config", readOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, responder)

	const cards = 10
	orders := makeOrders(t, cards)
	line, registrar, revoker := dial(t, r, one, "line-1"), desk(t, r, one, "desk-1"), desk(t, r, two, "revocation-1")
	var questions [cards][]byte
	for i, order := range orders {
		answer, err := issue(t.Context(), line, order)
		if err != nil {
			t.Fatal(err)
		}
		questions[i] = question(t, x509OnFile(t, answer.GetCard())[0])
		if _, err := registrar.ActivateCard(t.Context(), &siegelv1.ActivateCardRequest{Iccsn: order.GetIccsn(), Reference: "letter"}); err != nil {
			t.Fatal(err)
		}
	}
	var revoked [cards]atomic.Bool
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var answers [3]atomic.Int64
	for n := range 6 {
		at := []*rig.Server{one, two, responder}[n%3]
		clients.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 7))
			for ctx.Err() == nil {
				i := random.IntN(cards)
				must := revoked[i].Load() // before the question
				got := statusFrom(t, at, questions[i])
				if answers[n%3].Add(1); must && got != pkix.StatusRevoked {
					t.Errorf("server %d says %s after card %d was revoked", n%3, got, i)
				}
				time.Sleep(time.Millisecond) // below the rate of one client
			}
		})
	}
	for i, order := range orders {
		time.Sleep(50 * time.Millisecond)
		if _, err := revoker.RevokeCard(t.Context(), &siegelv1.RevokeCardRequest{Iccsn: order.GetIccsn(), Requester: "holder", Reason: "lost", Reference: "call"}); err != nil {
			t.Error(err)
		}
		revoked[i].Store(true)
	}
	time.Sleep(50 * time.Millisecond)
	cancel()
	clients.Wait()
	for n := range answers {
		if answers[n].Load() < 50 {
			t.Errorf("server %d gave %d answers: the test shows little", n, answers[n].Load())
		}
	}
	if resp, err := http.Get("http://" + responder.HTTP + "/readyz"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the responder is not ready: %v, %v", resp, err)
	}
}

// question is a request without a nonce.
func question(t *testing.T, f onFile) []byte {
	t.Helper()
	certificate, err := pkix.ParseCertificate(f.raw)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := pkix.ParseCertificate(f.above)
	if err != nil {
		t.Fatal(err)
	}
	id, err := pkix.NewCertID(issuer, certificate.Serial, crypto.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := (&pkix.OCSPRequest{IDs: []pkix.CertID{id}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// statusFrom asks a server by POST. tryLater counts as no answer, and is asked again.
func statusFrom(t *testing.T, s *rig.Server, request []byte) pkix.CertStatus {
	for {
		resp, err := http.Post("http://"+s.HTTP+"/ocsp", "application/ocsp-request", bytes.NewReader(request))
		if err != nil {
			t.Error(err)
			return pkix.StatusUnknown
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && bytes.Equal(body, pkix.OCSPTryLater.Encode()) {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		answer, err := pkix.ParseOCSPResponse(body)
		if err != nil {
			t.Error(err)
			return pkix.StatusUnknown
		}
		return answer.Responses[0].Status
	}
}
