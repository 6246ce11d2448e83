package rpc

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeAuthority answers as told. A function that is nil gives errNotAsked.
type fakeAuthority struct {
	fakeFourEyes
	plan      func(*profiles.Order) (*ca.Plan, error)
	issue     func(ctx context.Context, actor string, o *profiles.Order) (*ca.Card, error)
	card      func(iccsn string) (*ca.Card, error)
	byOrder   func(orderID string) (*ca.Card, error)
	cards     func(after int64, limit int) ([]ca.CardSummary, error)
	await     func(ctx context.Context, entryID int64) (*ca.Inclusion, error)
	issuers   []ca.KnownIssuer // of every card
	noIssuers error            // why they cannot be read
	public    []*profiles.Issuer
	catalogue *profiles.Set
	review    func(policy []byte, at time.Time) (*ca.PolicyReview, error)

	Lifecycle // nil: nobody may ask
}

var errNotAsked = errors.New("the test did not expect this call")

func (f *fakeAuthority) Plan(_ context.Context, o *profiles.Order) (*ca.Plan, error) {
	if f.plan == nil {
		return nil, errNotAsked
	}
	return f.plan(o)
}

func (f *fakeAuthority) Issue(ctx context.Context, actor string, o *profiles.Order) (*ca.Card, error) {
	if f.issue == nil {
		return nil, errNotAsked
	}
	return f.issue(ctx, actor, o)
}

func (f *fakeAuthority) Card(_ context.Context, iccsn string) (*ca.Card, error) {
	if f.card == nil {
		return nil, errNotAsked
	}
	return f.card(iccsn)
}

func (f *fakeAuthority) CardByOrder(_ context.Context, id string) (*ca.Card, error) {
	if f.byOrder == nil {
		return nil, errNotAsked
	}
	return f.byOrder(id)
}

func (f *fakeAuthority) Cards(_ context.Context, after int64, limit int) ([]ca.CardSummary, error) {
	if f.cards == nil {
		return nil, errNotAsked
	}
	return f.cards(after, limit)
}

func (f *fakeAuthority) CardIssuers(context.Context, *ca.Card) ([]ca.KnownIssuer, error) {
	return f.issuers, f.noIssuers
}

func (f *fakeAuthority) Await(ctx context.Context, entryID int64) (*ca.Inclusion, error) {
	if f.await == nil {
		return nil, errNotAsked
	}
	return f.await(ctx, entryID)
}

func (f *fakeAuthority) Issuers() []*profiles.Issuer { return f.public }

func (f *fakeAuthority) Catalogue() *profiles.Set { return f.catalogue }

func (f *fakeAuthority) ReviewPolicy(_ context.Context, policy []byte, at time.Time) (*ca.PolicyReview, error) {
	if f.review == nil {
		return nil, errNotAsked
	}
	return f.review(policy, at)
}

// testCA certifies servers and operators.
type testCA struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newTestCA(t *testing.T) *testCA {
	t.Helper()
	c := &testCA{t: t}
	var err error
	if c.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, c.key.Public(), c.key)
	if err != nil {
		t.Fatal(err)
	}
	if c.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *testCA) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.cert)
	return pool
}

// certify makes a certificate on a curve; change, if not nil, may alter it before it is signed.
func (c *testCA) certify(name string, curve elliptic.Curve, change func(*x509.Certificate)) tls.Certificate {
	c.t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		c.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, crypto.PublicKey(key.Public()), c.key)
	if err != nil {
		c.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// harness is a running server with an operator for each role and one more, "line-1", for personalization.
type harness struct {
	t         *testing.T
	ca        *testCA
	operators map[string]tls.Certificate // by name
	server    *Server
	address   string
	log       *lockedBuffer
	unready   atomic.Pointer[error]
	skew      atomic.Int64 // by how much the server's clock is ahead, in nanoseconds
	stop      context.CancelFunc
	ended     chan error
}

// testWindow is small, so that a test fills it.
const testWindow = 4

// testLimits let a stream have its whole window under way.
var testLimits = Limits{Window: testWindow, AtOnce: testWindow, Waiting: 4, Streams: 4}

// start runs a server with the authority until the test ends.
func start(t *testing.T, authority Authority) *harness {
	t.Helper()
	return startWith(t, authority, ca.NewLogReader(emptyLog{}))
}

// startWith is start with a log to read.
func startWith(t *testing.T, authority Authority, reader *ca.LogReader) *harness {
	t.Helper()
	h := &harness{t: t, ca: newTestCA(t), operators: map[string]tls.Certificate{}, log: &lockedBuffer{}, ended: make(chan error, 1)}
	var list []Operator
	add := func(name string, role Role) {
		cert := h.ca.certify(name, elliptic.P256(), nil)
		h.operators[name] = cert
		list = append(list, Operator{Name: name, Roles: []Role{role}, CertificateSHA256: Fingerprint(cert.Certificate[0])})
	}
	add("line-1", Personalization)
	for _, r := range Roles() {
		add(string(r), r)
	}
	operators, err := NewOperators(list)
	if err != nil {
		t.Fatal(err)
	}
	h.server, err = New(Config{Authority: authority, Lifecycle: authority.(Lifecycle), Inclusion: authority.(Log), LogReader: reader, Operators: operators, Limits: testLimits, Grace: 300 * time.Millisecond,
		Now: func() time.Time { return time.Now().Add(time.Duration(h.skew.Load())) },
		Ready: func(context.Context) error {
			if err := h.unready.Load(); err != nil {
				return *err
			}
			return nil
		},
		TLS: TLS(h.ca.certify("server", elliptic.P256(), nil), h.ca.pool()), Log: slog.New(slog.NewJSONHandler(h.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	h.server.readyPeriod = 10 * time.Millisecond
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.address = lis.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	go func() { h.ended <- h.server.Run(ctx, lis); close(h.ended) }()
	t.Cleanup(func() {
		cancel()
		<-h.ended
	})
	return h
}

// dial connects with a TLS configuration.
func (h *harness) dial(config *tls.Config) *grpc.ClientConn {
	h.t.Helper()
	conn, err := grpc.NewClient(h.address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	return conn
}

// as connects as an operator.
func (h *harness) as(operator string) *grpc.ClientConn {
	h.t.Helper()
	cert, ok := h.operators[operator]
	if !ok {
		h.t.Fatalf("no operator %q", operator)
	}
	return h.dial(&tls.Config{RootCAs: h.ca.pool(), Certificates: []tls.Certificate{cert}})
}

// line is the issuance service as operator line-1 sees it.
func (h *harness) line() siegelv1.IssuanceServiceClient {
	h.t.Helper()
	return siegelv1.NewIssuanceServiceClient(h.as("line-1"))
}

// waitForLog waits until the server's log holds a text: a client may know of an event before the log does.
func (h *harness) waitForLog(part string) {
	h.t.Helper()
	for end := time.Now().Add(5 * time.Second); !strings.Contains(h.log.String(), part); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("the log lacks %q:\n%s", part, h.log)
		}
	}
}

// testContext bounds one call.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// goodOrder has the right shape; the fake authority does not look further.
func goodOrder() *siegelv1.Order {
	return &siegelv1.Order{OrderId: "order-1", CardType: "smcb-g2.1", Iccsn: "80276001011699900861", Sector: "dkg",
		Institution: &siegelv1.Institution{Name: "Krankenhaus Musterstadt"},
		Keys:        []*siegelv1.SlotKey{{Slot: "C.HCI.AUT.E256", Key: &siegelv1.SlotKey_Spki{Spki: []byte{0x30}}}}}
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
