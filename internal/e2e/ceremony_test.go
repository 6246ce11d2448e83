package e2e

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// changeover is how long after the rollover ceremony begins the new key generation takes orders: long enough for the ceremony and two
// restarts.
const changeover = 10 * time.Second

// TestCeremony tells the life of two key generations as a story, with the programs that people use: roots on a token of their own, the first
// issuers, a server on them; then the next generation while orders run on two servers on one database, of which none may fail;
// retirement and destruction of the first generation. The records are golden files.
func TestCeremony(t *testing.T) {
	s := newStage(t)
	t.Log("the roots, on a token of their own")
	s.perform("roots", 0)
	t.Log("the first issuers: keys, requests, certificates of the roots, list of issuers")
	s.perform("first", exitWaits)
	s.checkRequests("first")
	s.signRequests("first")
	s.perform("first", 0)
	s.perform("first", 0) // a second time there is nothing to do
	readHierarchy(t, filepath.Join(s.data, "hierarchy")).askAboutIssuers(t)

	t.Log("two servers on it")
	s.prepareServers()
	s.start(0)
	s.start(1)
	defer s.stopAll()
	before := s.issueMany(8)
	s.checkIssuers(before, "SIEGEL.SMCB-CA2", "DESGX-1-1-02-26")

	t.Log("the second generation, while orders run")
	s.rollOver()
	after := s.issueMany(8)
	s.checkIssuers(after, "SIEGEL.SMCB-CA3", "DESGX-1-2-02-26")
	s.checkChains(after)

	t.Log("the first generation retires")
	s.perform("retirement", 0)
	s.restart(0)
	s.restart(1)
	s.checkIssuers(s.issueMany(2), "SIEGEL.SMCB-CA3", "DESGX-1-2-02-26")
	s.checkStatus(before[0], "SIEGEL.SMCB-CA2")

	t.Log("its keys are destroyed, if somebody names them")
	s.perform("destruction", exitFailed)
	labels := []string{"--confirm-destroy", "SIEGEL.SMCB-CA2", "--confirm-destroy", "DESGX-1-1-02-26"}
	s.perform("destruction", 0, labels...)
	s.perform("destruction", 0, labels...) // a second time there is nothing to do
	s.checkGone("0201", "0301")
	s.restart(0)
	s.checkCards(before) // cards of the first generation are what they were
	s.checkStatus(before[0], "SIEGEL.SMCB-CA2")
	s.checkIssuers(s.issueMany(2), "SIEGEL.SMCB-CA3", "DESGX-1-2-02-26")
	for _, name := range []string{"roots", "first", "rollover", "retirement", "destruction"} {
		s.checkRecord(name)
	}
}

// rollOver performs the ceremony of the second generation under load. Every order gets its card; those that were answered before the changeover
// are of the first generation, those that were sent after it of the second.
func (s *stage) rollOver() {
	s.t.Helper()
	at := time.Now().Add(changeover).UTC().Truncate(time.Second)
	s.values.OrdersFrom = at.Format(time.RFC3339)
	ctx, cancel := context.WithCancel(s.t.Context())
	load := s.load(ctx)
	s.perform("rollover", exitWaits)
	s.signRequests("rollover")
	s.perform("rollover", 0)
	s.restart(0)
	s.restart(1)
	left := time.Until(at).Round(time.Second)
	if left < 0 {
		s.t.Errorf("the restarts ended %s after the changeover; it is to be after both", -left)
	}
	select {
	case <-time.After(time.Until(at) + 2*time.Second):
	case <-s.t.Context().Done():
	}
	cancel()
	first, second := 0, 0
	for _, o := range load() {
		issuers := issuersOf(o.answer.GetCard())
		old := slices.Contains(issuers, "SIEGEL.SMCB-CA2") && slices.Contains(issuers, "DESGX-1-1-02-26")
		young := slices.Contains(issuers, "SIEGEL.SMCB-CA3") && slices.Contains(issuers, "DESGX-1-2-02-26")
		switch {
		case old == young || len(issuers) != 2:
			s.t.Errorf("a card is signed by %v, want both issuers of one generation", issuers)
		case young && o.end.Before(at):
			s.t.Errorf("a card of the second generation %s before the changeover", at.Sub(o.end))
		case old && o.begin.After(at):
			s.t.Errorf("an order %s after the changeover got a card of the first generation", o.begin.Sub(at))
		case old:
			first++
		default:
			second++
		}
	}
	s.t.Logf("%d orders while the servers restarted, %d of the first generation and %d of the second, %d retries; the restarts ended %s before the changeover",
		first+second, first, second, s.retries.Load(), left)
	if first == 0 || second == 0 || s.retries.Load() == 0 {
		s.t.Error("the load did not meet both generations and a restart")
	}
}

// issued is an order with its answer.
type issued struct {
	order      *siegelv1.Order
	answer     *siegelv1.IssueCardResponse
	begin, end time.Time
}

// load sends orders until the context ends, and then gives what became of them.
func (s *stage) load(ctx context.Context) func() []issued {
	var mu sync.Mutex
	var all []issued
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for ctx.Err() == nil {
				o := s.issueOne()
				mu.Lock()
				all = append(all, o)
				mu.Unlock()
				time.Sleep(50 * time.Millisecond) // leave the machine to the ceremony too
			}
		})
	}
	return func() []issued {
		workers.Wait()
		return all
	}
}

// issueOne sends one order until one of the servers has its card, as a line does. A server that starts again has another address.
func (s *stage) issueOne() issued {
	s.orderMu.Lock()
	order := s.orders.Next()
	s.orderMu.Unlock()
	o := issued{order: order, begin: time.Now()}
	var err error
	for n := range 200 {
		o.answer, err = issue(s.t.Context(), s.client(int(s.next.Add(1))), order)
		if status.Code(err) != codes.Unavailable {
			s.retries.Add(int64(n))
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	o.end = time.Now()
	if err != nil {
		s.t.Errorf("order %s failed: %v", order.GetOrderId(), err)
	}
	return o
}

func (s *stage) issueMany(n int) []issued {
	s.t.Helper()
	var all []issued
	for range n {
		all = append(all, s.issueOne())
	}
	return all
}

func (s *stage) checkIssuers(cards []issued, want ...string) {
	s.t.Helper()
	for _, o := range cards {
		if got := issuersOf(o.answer.GetCard()); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			s.t.Errorf("order %s: signed by %v, want %v", o.order.GetOrderId(), got, want)
		}
	}
}

func issuersOf(card *siegelv1.Card) []string {
	var names []string
	for _, c := range card.GetCertificates() {
		names = append(names, c.GetIssuer())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkRequests: OpenSSL reads each request and finds it signed with its own key.
func (s *stage) checkRequests(name string) {
	s.t.Helper()
	requests, err := filepath.Glob(filepath.Join(s.dir, name, "requests", "*.csr"))
	if err != nil || len(requests) == 0 {
		s.t.Errorf("there are no requests of %s (%v)", name, err)
	}
	for _, file := range requests {
		mustAsk(s.t, "openssl", "req", "-in", file, "-noout", "-verify")
	}
}

// checkChains asks the relying party, OpenSSL and GnuTLS about every certificate, below the roots of the first ceremony.
func (s *stage) checkChains(cards []issued) {
	s.t.Helper()
	known := readHierarchy(s.t, filepath.Join(s.data, "hierarchy"))
	for _, o := range cards {
		for _, c := range o.answer.GetCard().GetCertificates() {
			if c.GetFormat() == siegelv1.Format_FORMAT_X509 {
				known.askAboutX509(s.t, o.order, c)
			} else {
				known.askAboutCVC(s.t, o.order, c)
			}
		}
	}
	roots := filepath.Join(s.dir, "roots", "certificates")
	for name, raw := range readHierarchy(s.t, roots).x509 {
		if string(known.x509[name]) != string(raw) {
			s.t.Errorf("root %s in the list of issuers is not the one that its ceremony made", name)
		}
	}
}

// checkCards asks for cards again by their orders.
func (s *stage) checkCards(cards []issued) {
	s.t.Helper()
	for _, o := range cards {
		again, err := issue(s.t.Context(), s.client(0), o.order)
		if err != nil || !proto.Equal(again.GetCard(), o.answer.GetCard()) {
			s.t.Errorf("order %s has another card now (%v)", o.order.GetOrderId(), err)
		}
	}
}

// checkStatus asks the responder for a card's certificate, as OpenSSL does: the answer is the issuer's own OCSP signer's, below the root of the
// first ceremony. What the status is does not matter here.
func (s *stage) checkStatus(o issued, issuer string) {
	s.t.Helper()
	hierarchy := filepath.Join(s.data, "hierarchy")
	for _, c := range o.answer.GetCard().GetCertificates() {
		if c.GetIssuer() != issuer {
			continue
		}
		file := filepath.Join(s.t.TempDir(), "card.pem")
		write(s.t, file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.GetData()}))
		above := filepath.Join(hierarchy, issuer+".pem")
		out := mustAsk(s.t, "openssl", "ocsp", "-issuer", above, "-cert", file, "-url", "http://"+s.servers[0].proc.HTTP+"/"+issuer,
			"-CAfile", filepath.Join(s.dir, "roots", "certificates", "SIEGEL.RCA2.pem"), "-verify_other", above)
		if !strings.Contains(out, "Response verify OK") {
			s.t.Errorf("the status of a card of %s: %s", issuer, out)
		}
		return
	}
	s.t.Errorf("the card has no certificate of %s", issuer)
}

// checkGone: the list of issuers does not name the keys any more. That the token does not have them, the ceremony has read back.
func (s *stage) checkGone(ids ...string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.data, "hierarchy", "issuers.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, id := range ids {
		if strings.Contains(string(text), fmt.Sprintf("key: %q", id)) {
			s.t.Errorf("the list of issuers still names the key %s", id)
		}
	}
	if n := strings.Count(string(text), "key_destroyed: "); n != len(ids) {
		s.t.Errorf("the list says of %d keys that they are destroyed, want %d", n, len(ids))
	}
}

// server is a place for a server.
type server struct {
	mu     sync.Mutex // guards client, which the load reads while the server restarts
	client siegelv1.IssuanceServiceClient
	proc   *rig.Server
}

// exit codes of siegel-ceremony.
const (
	exitFailed = 1
	exitWaits  = 4
)

// exitCodeOf gives the exit code of a command.
func exitCodeOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}
