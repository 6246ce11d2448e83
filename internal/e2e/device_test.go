package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/siegel-pki/siegel/hsm/hsmtest"
	"github.com/siegel-pki/siegel/hsm/softhsm"
	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/tlog"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// deviceKills is how often the device is lost. `make chaos-token` loses it 20 times.
var deviceKills = flag.Int("device-kills", 3, "how often the device with the token is killed under load")

// recovery is how soon cards must come again after the device is back.
const recovery = time.Second

// deviceWorkers issue at the same time.
const deviceWorkers = 8

// device is a rig whose token, or a copy of it, is behind p11-kit's server, and counts at its side.
type device struct {
	*hsmtest.Device
	counter *hsmtest.Counter
	token   *softhsm.Token
}

// newDevice puts a token into a device and starts it. Servers that are started afterwards find it.
func newDevice(t *testing.T, token *softhsm.Token) *device {
	t.Helper()
	dir, err := os.MkdirTemp("", "device-") // short: the path of a socket has a limit
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	counter, err := hsmtest.NewCounter(dir, token.Module)
	if err != nil {
		t.Fatal(err)
	}
	d, err := hsmtest.NewDevice(filepath.Join(dir, "socket"), counter.Module, append(counter.Env(), token.Env())...)
	if err == nil {
		err = d.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Kill(); err != nil {
			t.Error(err)
		}
	})
	name, value, _ := strings.Cut(d.Env(), "=")
	t.Setenv(name, value)
	return &device{Device: d, counter: counter, token: token}
}

func loadToken(t *testing.T, r *rig.Rig) *softhsm.Token {
	t.Helper()
	token, err := softhsm.Load(filepath.Join(r.Data, "token"))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// deviceLoad issues orders until it is told to stop. It counts the cards, and keeps every order that was sent with its answer.
type deviceLoad struct {
	client  siegelv1.IssuanceServiceClient
	patient bool // sends an order again while the server is away

	cards   atomic.Int64
	mu      sync.Mutex
	source  *rig.Orders
	answers map[string]*siegelv1.IssueCardResponse
	failed  []error
}

func (l *deviceLoad) next() *siegelv1.Order {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.source.Next()
}

// run issues one order after the other. An order that was begun is ended.
func (l *deviceLoad) run(ctx context.Context) {
	for ctx.Err() == nil {
		order := l.next()
		answer, err := issue(context.WithoutCancel(ctx), l.client, order)
		for begin := time.Now(); l.patient && status.Code(err) == codes.Unavailable && time.Since(begin) < time.Minute; {
			time.Sleep(20 * time.Millisecond)
			answer, err = issue(context.WithoutCancel(ctx), l.client, order)
		}
		l.mu.Lock()
		if err != nil {
			l.failed = append(l.failed, fmt.Errorf("order %s: %w", order.GetOrderId(), err))
		} else {
			l.answers[order.GetOrderId()] = answer
			l.cards.Add(1)
		}
		l.mu.Unlock()
	}
}

// underLoad runs the story while workers issue cards, and checks that each order became a complete card.
func underLoad(t *testing.T, client siegelv1.IssuanceServiceClient, patient bool, story func(l *deviceLoad)) *deviceLoad {
	t.Helper()
	l := &deviceLoad{client: client, patient: patient, source: newOrders(t, true), answers: map[string]*siegelv1.IssueCardResponse{}}
	ctx, end := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	for range deviceWorkers {
		workers.Go(func() { l.run(ctx) })
	}
	story(l)
	end()
	workers.Wait()
	for _, err := range l.failed {
		t.Error(err)
	}
	want := 0
	for id, answer := range l.answers {
		if n := len(answer.GetCard().GetCertificates()); want == 0 {
			want = n
		} else if n != want {
			t.Errorf("order %s has %d certificates, others have %d", id, n, want)
		}
	}
	return l
}

// awaitCard waits until the next card is made.
func (l *deviceLoad) awaitCard(limit time.Duration) time.Duration {
	begin, before := time.Now(), l.cards.Load()
	for l.cards.Load() == before && time.Since(begin) < limit {
		time.Sleep(time.Millisecond)
	}
	return time.Since(begin)
}

// TestDeviceIsLost pulls the plug of the token's device again and again while cards are made. Every order becomes a complete card
// when its sender asks again, cards come within a second after the device is back, the server says meanwhile that it is not ready,
// no session is left behind, and nothing is signed twice.
func TestDeviceIsLost(t *testing.T) {
	r := newRig(t)
	d := newDevice(t, loadToken(t, r))
	if err := os.WriteFile(filepath.Join(r.Data, "token", "uri"), []byte(d.URI(d.token)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := start(t, r)
	conn, err := r.Dial(server, "line-1")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	health := healthpb.NewHealthClient(conn)
	var worst time.Duration
	l := underLoad(t, siegelv1.NewIssuanceServiceClient(conn), true, func(l *deviceLoad) {
		for i := range *deviceKills {
			l.awaitCard(10 * time.Second)
			time.Sleep(time.Duration(50+i*37%200) * time.Millisecond)
			lose(t, d, func() {
				if i == 0 {
					awaitHealth(t, health, healthpb.HealthCheckResponse_NOT_SERVING)
				}
				time.Sleep(time.Duration(i%4) * 400 * time.Millisecond)
			})
			took := l.awaitCard(10 * time.Second)
			worst = max(worst, took)
			if took > recovery {
				t.Errorf("loss %d: the first card came %v after the device was back", i+1, took)
			}
			if i == 0 {
				awaitHealth(t, health, healthpb.HealthCheckResponse_SERVING)
			}
		}
	})
	checkSessions(t, d, 2*8)
	stop(t, server)
	checkSessions(t, d, 0)
	signatures, attempts := checkSignatures(t, r, d)
	t.Logf("%d losses, %d cards, %d signatures for %d attempts; the first card came at the latest %v after the device was back",
		*deviceKills, len(l.answers), signatures, attempts, worst.Round(time.Millisecond))
}

// TestOneOfTwoTokensIsLost: two tokens with the same keys, and one of them is lost again and again. No order fails, though no sender asks
// again, and both sign.
func TestOneOfTwoTokensIsLost(t *testing.T) {
	r := newRig(t)
	here := loadToken(t, r)
	twin, err := hsmtest.Copy(here, filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	d := newDevice(t, twin)
	config := filepath.Join(t.TempDir(), "siegeld.yaml")
	text := fmt.Sprintf("data: %q\ntoken:\n  uri: %q\n  copies: [{uri: %q}]\n", r.Data, here.URI(), d.URI(twin))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server, err := r.Start("--config", config)
	if err != nil {
		t.Fatal(err)
	}
	l := underLoad(t, dial(t, r, server, "line-1"), false, func(l *deviceLoad) {
		for range *deviceKills {
			l.awaitCard(10 * time.Second)
			time.Sleep(300 * time.Millisecond)
			lose(t, d, func() { time.Sleep(300 * time.Millisecond) })
			time.Sleep(700 * time.Millisecond)
		}
	})
	stop(t, server)
	checkSessions(t, d, 0)
	calls, err := d.counter.Calls()
	if err != nil {
		t.Fatal(err)
	}
	if n := hsmtest.Count(calls, "C_Sign"); n == 0 {
		t.Error("the second token signed nothing")
	} else {
		t.Logf("%d losses of one token, %d cards, %d signatures by the token that was lost", *deviceKills, len(l.answers), n)
	}
}

// lose switches the device off and on again.
func lose(t *testing.T, d *device, meanwhile func()) {
	t.Helper()
	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
	meanwhile()
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
}

func awaitHealth(t *testing.T, client healthpb.HealthClient, want healthpb.HealthCheckResponse_ServingStatus) {
	t.Helper()
	var got *healthpb.HealthCheckResponse
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if got, err = client.Check(t.Context(), &healthpb.HealthCheckRequest{}); err == nil && got.GetStatus() == want {
			return
		}
	}
	t.Errorf("health is %v (%v), want %v", got.GetStatus(), err, want)
}

// checkSessions counts, at the device's side, the sessions that are open in the process that serves the last connection.
func checkSessions(t *testing.T, d *device, limit int) {
	t.Helper()
	calls, err := d.counter.Calls()
	if err != nil || len(calls) == 0 {
		t.Fatalf("%d calls were counted, %v", len(calls), err)
	}
	last := calls[len(calls)-1].Process
	if n := hsmtest.Open(calls)[last]; n < 0 || n > limit {
		t.Errorf("%d sessions are open at the device, want %d at most", n, limit)
	}
}

// checkSignatures compares what the device signed with the drafts in the log: each draft at most once (promise 3). Drafts of CV
// certificates of two attempts of one day may be the same octets, so that they are counted.
func checkSignatures(t *testing.T, r *rig.Rig, d *device) (signatures, attempts int) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(r.Data, "siegel.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	entries, err := store.Entries(t.Context(), 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	drafts := map[string]int{}
	for _, e := range entries {
		if e.Kind != tlog.OrderRecorded {
			continue
		}
		attempts++
		var facts struct {
			Drafts []struct {
				BodySHA256 string `json:"body_sha256"`
			}
		}
		if err := json.Unmarshal(e.Facts, &facts); err != nil {
			t.Fatal(err)
		}
		for _, draft := range facts.Drafts {
			drafts[draft.BodySHA256]++
		}
	}
	calls, err := d.counter.Calls()
	if err != nil {
		t.Fatal(err)
	}
	signed := map[string]int{}
	for _, c := range calls {
		if digest := signedDigest(c.Data); c.Name == "C_Sign" && c.Code == 0 && digest != "" {
			signed[digest]++
			signatures++
		}
	}
	for digest, n := range signed {
		if n > max(drafts[digest], 1) { // what belongs to no order, such as a CRL, is signed once
			t.Errorf("%s was signed %d times, and there are %d drafts of it", digest, n, drafts[digest])
		}
	}
	if signatures == 0 {
		t.Error("the device signed nothing")
	}
	return signatures, attempts
}

// signedDigest finds the digest in the last 33 octets of what was signed: it stands alone before ECDSA, with the length of an octet string
// before it in PKCS #1 1.5 (RFC 8017, Section 9.2), and with a trailer behind it in ISO/IEC 9796-2. What the log's key signs is a text and
// has none.
func signedDigest(data string) string {
	switch rest, rsa := strings.CutPrefix(data, "20"); {
	case len(data) == 64:
		return data
	case rsa && len(rest) == 64:
		return rest
	case len(data) == 66 && strings.HasSuffix(data, "bc"):
		return data[:64]
	}
	return ""
}
