package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// result is what a run of the program left.
type result struct {
	code     int
	out, err string
}

// siegel runs the program with the arguments.
func siegel(stdin string, args ...string) result {
	var out, errOut bytes.Buffer
	code := run(args, strings.NewReader(stdin), &out, &errOut)
	return result{code, out.String(), errOut.String()}
}

// want compares the exit code and looks for parts in the output.
func (r result) want(t *testing.T, code int, parts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, p := range parts {
		if !strings.Contains(r.out+r.err, p) {
			t.Errorf("output lacks %q", p)
		}
	}
	if t.Failed() {
		t.Logf("standard output:\n%s\nstandard error:\n%s", r.out, r.err)
	}
}

// fakeServer serves IssuanceService, and of AuthorityService what the client asks for, as told, over mutual TLS, and has a data directory with the material of operator line-1.
type fakeServer struct {
	siegelv1.UnimplementedIssuanceServiceServer
	siegelv1.UnimplementedAuthorityServiceServer
	siegelv1.UnimplementedLifecycleServiceServer
	address, data string
	creds         grpc.ServerOption
	server        *grpc.Server
	approvals     siegelv1.ApprovalServiceServer // nil: not served
	issued        atomic.Int32                   // orders received
	cut           func(call int32) error         // of a stream; nil: it goes on
	issue         func(call int32, o *siegelv1.Order) (*siegelv1.Card, error)
	plan          func(o *siegelv1.Order) (*siegelv1.PlanCardResponse, error)
	get           func(*siegelv1.GetCardRequest) (*siegelv1.Card, error)
	list          func(*siegelv1.ListCardsRequest) (*siegelv1.ListCardsResponse, error)
	life          *siegelv1.CardStatus // of the one card
	changes       []proto.Message      // requests to change it
	review        func(*siegelv1.ReviewPolicyRequest) (*siegelv1.ReviewPolicyResponse, error)
}

func (f *fakeServer) IssueCard(_ context.Context, r *siegelv1.IssueCardRequest) (*siegelv1.IssueCardResponse, error) {
	card, err := f.issue(f.issued.Add(1), r.GetOrder())
	return &siegelv1.IssueCardResponse{Card: card}, err
}

// IssueCards answers each order of the stream as IssueCard would, and cuts the stream where cut says so.
func (f *fakeServer) IssueCards(stream grpc.BidiStreamingServer[siegelv1.IssueCardsRequest, siegelv1.IssueCardsResponse]) error {
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		call := f.issued.Add(1)
		if f.cut != nil {
			if err := f.cut(call); err != nil {
				return err
			}
		}
		answer := &siegelv1.IssueCardsResponse{OrderId: r.GetOrder().GetOrderId()}
		if card, err := f.issue(call, r.GetOrder()); err != nil {
			answer.Result = &siegelv1.IssueCardsResponse_Error{Error: status.Convert(err).Proto()}
		} else {
			answer.Result = &siegelv1.IssueCardsResponse_Card{Card: card}
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

func (f *fakeServer) PlanCard(_ context.Context, r *siegelv1.PlanCardRequest) (*siegelv1.PlanCardResponse, error) {
	return f.plan(r.GetOrder())
}

func (f *fakeServer) GetCard(_ context.Context, r *siegelv1.GetCardRequest) (*siegelv1.GetCardResponse, error) {
	card, err := f.get(r)
	return &siegelv1.GetCardResponse{Card: card}, err
}

func (f *fakeServer) ListCards(_ context.Context, r *siegelv1.ListCardsRequest) (*siegelv1.ListCardsResponse, error) {
	return f.list(r)
}

func (f *fakeServer) ReviewPolicy(_ context.Context, r *siegelv1.ReviewPolicyRequest) (*siegelv1.ReviewPolicyResponse, error) {
	return f.review(r)
}

// serve starts the server until the test ends.
func (f *fakeServer) serve(t *testing.T) *fakeServer {
	t.Helper()
	f.data = t.TempDir()
	if err := os.Mkdir(filepath.Join(f.data, "tls"), 0o700); err != nil {
		t.Fatal(err)
	}
	authority := newCertifier(t)
	pool := x509.NewCertPool()
	pool.AddCert(authority.cert)
	writePEM(t, filepath.Join(f.data, "tls", "ca.pem"), "CERTIFICATE", authority.cert.Raw)
	authority.write(t, f.data, "line-1")
	f.creds = grpc.Creds(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13,
		Certificates: []tls.Certificate{authority.certify(t, "server")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}))
	server := grpc.NewServer(grpc.WaitForHandlers(true), f.creds)
	siegelv1.RegisterIssuanceServiceServer(server, f)
	siegelv1.RegisterAuthorityServiceServer(server, f)
	siegelv1.RegisterLifecycleServiceServer(server, f)
	if f.approvals != nil {
		siegelv1.RegisterApprovalServiceServer(server, f.approvals)
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address, f.server = lis.Addr().String(), server
	go server.Serve(lis) //nolint:errcheck // it ends with Stop
	t.Cleanup(func() { f.server.Stop() })
	return f
}

// restart stops the server, and serves again at the same address after a while.
func (f *fakeServer) restart(t *testing.T, after time.Duration) {
	t.Helper()
	f.server.Stop()
	f.server = grpc.NewServer(grpc.WaitForHandlers(true), f.creds)
	siegelv1.RegisterIssuanceServiceServer(f.server, f)
	server := f.server
	time.AfterFunc(after, func() {
		lis, err := net.Listen("tcp", f.address)
		if err != nil {
			t.Error(err)
			return
		}
		server.Serve(lis) //nolint:errcheck // it ends with Stop
	})
}

// siegel runs the program against the server.
func (f *fakeServer) siegel(args ...string) result {
	return siegel("", append([]string{"--server", f.address, "--data", f.data}, args...)...)
}

// certifier is a CA for TLS.
type certifier struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCertifier(t *testing.T) *certifier {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &certifier{cert, key}
}

func (c *certifier) certify(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, key.Public(), c.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// write leaves the TLS files of an operator in a data directory.
func (c *certifier) write(t *testing.T, data, operator string) {
	t.Helper()
	cert := c.certify(t, operator)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(data, "tls", operator+".pem"), "CERTIFICATE", cert.Certificate[0])
	writePEM(t, filepath.Join(data, "tls", operator+".key"), "PRIVATE KEY", key)
}

func writePEM(t *testing.T, path, label string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// orderFile writes an order and gives its path.
func orderFile(t *testing.T, id string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), id+".json")
	text := `{"order_id": "` + id + `", "card_type": "smcb-g2.1", "iccsn": "80276001011699900861", "sector": "dkg"}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// refusal is a status with details.
func refusal(t *testing.T, code codes.Code, text string, details ...interface {
	Reset()
	String() string
	ProtoMessage()
}) error {
	t.Helper()
	st := status.New(code, text)
	for _, d := range details {
		with, err := st.WithDetails(d)
		if err != nil {
			t.Fatal(err)
		}
		st = with
	}
	return st.Err()
}
