package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

var (
	from = timestamppb.New(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	till = timestamppb.New(time.Date(2031, 11, 30, 23, 59, 59, 0, time.UTC))
)

// card is a card for an order; its certificates are no certificates.
func card(o *siegelv1.Order) *siegelv1.Card {
	return &siegelv1.Card{
		Iccsn: o.GetIccsn(), OrderId: o.GetOrderId(), CardType: o.GetCardType(), Sector: o.GetSector(), IssuedAt: from, EntryId: 3,
		Warnings: []string{"RSA-2048 is allowed in environment test only"},
		Certificates: []*siegelv1.Certificate{
			{Slot: "C.HCI.AUT.E256", Profile: "hci-aut", Format: siegelv1.Format_FORMAT_X509, Issuer: "CA", Serial: "00ff", NotBefore: from, NotAfter: till, Data: []byte("der")},
			{Slot: "C.SMC.AUTR_CVC.E256", Profile: "autr", Format: siegelv1.Format_FORMAT_CVC, Issuer: "CVC-CA", Chr: "0006" + o.GetIccsn(), NotBefore: from, NotAfter: till, Data: []byte("cv")},
			{Slot: "C.SMC.AUTR_CVC.R2048", Profile: "autr", Format: siegelv1.Format_FORMAT_CVC, Issuer: "G1-CA", Chr: "0010" + o.GetIccsn(), NotBefore: from, NotAfter: till, NoTerm: true, Data: []byte("g1")},
		},
		Issuers: []*siegelv1.IssuerCertificate{
			{Name: "CA", Format: siegelv1.Format_FORMAT_X509, IssuedBy: "ROOT", Data: []byte("ca")},
			{Name: "ROOT", Format: siegelv1.Format_FORMAT_X509, IssuedBy: "ROOT", Data: []byte("root")},
			{Name: "CVC-CA", Format: siegelv1.Format_FORMAT_CVC, IssuedBy: "CVC-ROOT", Data: []byte("cvca")},
		},
	}
}

const wantTable = `card 80276001011699900861  smcb-g2.1, dkg, order o-1, issued 2026-12-01T00:00:00Z, entry 3
SLOT                  ISSUER    SERIAL OR CHR             FROM        UNTIL       OCTETS
C.HCI.AUT.E256        CA        00ff                      2026-12-01  2031-11-30       3
C.SMC.AUTR_CVC.E256   CVC-CA    000680276001011699900861  2026-12-01  2031-11-30       2
C.SMC.AUTR_CVC.R2048  G1-CA     001080276001011699900861  no date     no date          2
CA                    ROOT                                                             2
ROOT                  ROOT                                                             4
CVC-CA                CVC-ROOT                                                         4
warning: RSA-2048 is allowed in environment test only
`

func issueAll(_ int32, o *siegelv1.Order) (*siegelv1.Card, error) { return card(o), nil }

// TestIssue issues a card, writes it, issues it again over what is there, and stops at a file that holds something else.
func TestIssue(t *testing.T) {
	f := (&fakeServer{issue: issueAll}).serve(t)
	order, out := orderFile(t, "o-1"), t.TempDir()
	for range 2 {
		r := f.siegel("issue", order, "--out", out)
		r.want(t, exitOK)
		if r.out != wantTable {
			t.Errorf("output:\n%s\nwant:\n%s", r.out, wantTable)
		}
	}
	folder := filepath.Join(out, "80276001011699900861")
	files := map[string]string{"C.HCI.AUT.E256.der": "der", "C.SMC.AUTR_CVC.E256.cvc": "cv", "issuers/CA.der": "ca", "issuers/ROOT.der": "root",
		"issuers/CVC-CA.cvc": "cvca", "issuers/x509.pem": "-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\ncm9vdA==\n-----END CERTIFICATE-----\n"}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v, want %q", name, got, err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "C.HCI.AUT.E256.der"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.siegel("issue", order, "--out", out).want(t, exitUsage, "is there already and holds something else")
}

// TestIssueJSON looks for the field names of the .proto files, which are those of ORDER.json.
func TestIssueJSON(t *testing.T) {
	f := (&fakeServer{issue: issueAll}).serve(t)
	r := f.siegel("issue", "--json", orderFile(t, "o-1"))
	r.want(t, exitOK, `"order_id": "o-1"`, `"issued_at": "2026-12-01T00:00:00Z"`, `"serial": "00ff"`)
	if !strings.HasPrefix(r.out, "{\n  \"iccsn\": ") {
		t.Errorf("output is not indented by two blanks:\n%s", r.out)
	}
}

// TestIssueMany prints cards in the order of the files, whatever order the answers come in, and goes on after a refusal.
func TestIssueMany(t *testing.T) {
	f := (&fakeServer{issue: func(_ int32, o *siegelv1.Order) (*siegelv1.Card, error) {
		switch o.GetOrderId() {
		case "o-0":
			time.Sleep(50 * time.Millisecond)
		case "o-2":
			return nil, refusal(t, codes.AlreadyExists, "the order id belongs to an order of other content")
		}
		return card(o), nil
	}}).serve(t)
	args := []string{"issue", "--parallel", "3"}
	for i := range 5 {
		args = append(args, orderFile(t, fmt.Sprintf("o-%d", i)))
	}
	r := f.siegel(args...)
	r.want(t, exitInvalid, "1 of 5 orders failed", "o-2.json: the order id belongs", "send that content again, or use a new id for a new card", "its ICCSN and keys stay bound to its order id")
	if strings.Contains(r.err, "siegel card --order") {
		t.Errorf("the advice is to look at a card that there may not be:\n%s", r.err)
	}
	last := -1
	for _, id := range []string{"o-0", "o-1", "o-3", "o-4"} {
		at := strings.Index(r.out, "order "+id)
		if at <= last {
			t.Errorf("card of %s is at %d, want it after %d:\n%s", id, at, last, r.out)
		}
		last = at
	}
}

// TestNamesFromTheServerAreNoPaths answers with names that would leave the folder.
func TestNamesFromTheServerAreNoPaths(t *testing.T) {
	changes := map[string]func(*siegelv1.Card){
		"slot":   func(c *siegelv1.Card) { c.Certificates[0].Slot = "../../etc/passwd" },
		"issuer": func(c *siegelv1.Card) { c.Issuers[0].Name = "a/b" },
		"ICCSN":  func(c *siegelv1.Card) { c.Iccsn = ".." },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			f := (&fakeServer{issue: func(_ int32, o *siegelv1.Order) (*siegelv1.Card, error) {
				c := card(o)
				change(c)
				return c, nil
			}}).serve(t)
			out := t.TempDir()
			f.siegel("issue", orderFile(t, "o-1"), "--out", out).want(t, exitUsage, "cannot be the name of a file")
			if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
				t.Errorf("files were written: %v, %v", left, err)
			}
		})
	}
}

// TestFailures answers with each kind of error and compares exit code and text. Nothing but UNAVAILABLE is tried again.
func TestFailures(t *testing.T) {
	bad := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: "keys[2].spki", Description: "modulus has 1024 bits, want 2048 (gemSpec_Krypt, GS-A_4357)", Reason: "RSA_MODULUS"},
		{Field: "valid_until", Description: "at most five years (gemSpec_PKI, GS-A_4352)", Reason: "TERM_EXCEEDS_FIVE_YEARS"},
	}}
	tests := []struct {
		name string
		err  error
		code int
		want []string
	}{
		{"refused", refusal(t, codes.InvalidArgument, "request refused", bad), exitInvalid, []string{
			"2 rules are broken", "  keys[2].spki\n    modulus has 1024 bits, want 2048 (gemSpec_Krypt, GS-A_4357)\n    rule RSA_MODULUS\n",
			"rule TERM_EXCEEDS_FIVE_YEARS", "Nothing was recorded"}},
		{"installation", refusal(t, codes.FailedPrecondition, "no issuer", &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "keys[0]", Description: "no issuer signs C.HCI.AUT", Reason: "NO_ISSUER"}}}), exitFault, []string{
			"the server cannot do it, 1 thing is missing", "rule NO_ISSUER", "The operator of the server must act", "send the same order again"}},
		{"unknown certificate", refusal(t, codes.Unauthenticated, "belongs to no operator"), exitDenied, []string{"belongs to no operator", "--operator"}},
		{"role missing", refusal(t, codes.PermissionDenied, "roles that may: personalization"), exitDenied, []string{"roles that may", "Call as another operator"}},
		{"internal", refusal(t, codes.Internal, "internal error", &errdetails.RequestInfo{RequestId: "00aa"}), exitFault, []string{"request id 00aa"}},
		{"too late", refusal(t, codes.DeadlineExceeded, "too late"), exitRetry, []string{"never makes a second card"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := (&fakeServer{issue: func(int32, *siegelv1.Order) (*siegelv1.Card, error) { return nil, tt.err }}).serve(t)
			f.siegel("issue", orderFile(t, "o-1")).want(t, tt.code, tt.want...)
			if n := f.issued.Load(); n != 1 {
				t.Errorf("the call was made %d times, want once", n)
			}
		})
	}
}

// TestRetry lets the server be away twice and then gives the card, and lets it be away for longer than --timeout.
func TestRetry(t *testing.T) {
	away := refusal(t, codes.Unavailable, "a part is away", &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)})
	f := (&fakeServer{issue: func(call int32, o *siegelv1.Order) (*siegelv1.Card, error) {
		if call < 3 {
			return nil, away
		}
		return card(o), nil
	}}).serve(t)
	r := f.siegel("issue", orderFile(t, "o-1"))
	r.want(t, exitOK, "the server is away, trying again: a part is away")
	if n := f.issued.Load(); n != 3 || r.out != wantTable {
		t.Errorf("%d calls, output\n%s\nwant 3 calls and\n%s", n, r.out, wantTable)
	}

	f.issue = func(int32, *siegelv1.Order) (*siegelv1.Card, error) { return nil, away }
	f.siegel("--timeout", "400ms", "issue", orderFile(t, "o-1")).want(t, exitRetry, "Run the same command again later")
	if n := f.issued.Load(); n < 5 {
		t.Errorf("%d calls, want at least two more than 3", n)
	}
}

// TestServerComesBack stops the server before the call and starts it again a little later.
func TestServerComesBack(t *testing.T) {
	f := (&fakeServer{issue: issueAll}).serve(t)
	f.restart(t, 700*time.Millisecond)
	begin := time.Now()
	r := f.siegel("issue", orderFile(t, "o-1"))
	r.want(t, exitOK, "the server is away, trying again")
	if took := time.Since(begin); r.out != wantTable || took > 5*time.Second {
		t.Errorf("it took %s, output\n%s\nwant\n%s", took, r.out, wantTable)
	}
}

func TestNobodyListens(t *testing.T) {
	f := (&fakeServer{}).serve(t)
	f.address = "127.0.0.1:1"
	f.siegel("--timeout", "300ms", "cards").want(t, exitRetry, "connection refused")
}

// TestDistrust meets a server of another CA, and a server that does not accept the client: waiting would not help.
func TestDistrust(t *testing.T) {
	f, g := (&fakeServer{}).serve(t), (&fakeServer{}).serve(t)
	g.address = f.address
	begin := time.Now()
	g.siegel("cards").want(t, exitDenied, "the server's side of TLS is not accepted", "unknown authority")
	newCertifier(t).write(t, f.data, "line-1")
	f.siegel("cards").want(t, exitDenied, "the server does not accept the client certificate", "Check --server")
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s, want no waiting", took)
	}
}

func TestPlan(t *testing.T) {
	f := (&fakeServer{plan: func(*siegelv1.Order) (*siegelv1.PlanCardResponse, error) {
		return &siegelv1.PlanCardResponse{Warnings: []string{"careful"}, Certificates: []*siegelv1.PlannedCertificate{
			{Slot: "C.HCI.AUT.E256", Profile: "hci-aut", Format: siegelv1.Format_FORMAT_X509, Issuer: "CA", NotBefore: from, NotAfter: till, Draft: []byte("draft")}}}, nil
	}}).serve(t)
	const want = `plan of order o-1, card 80276001011699900861: nothing was issued
SLOT            PROFILE  ISSUER  FROM        UNTIL       OCTETS
C.HCI.AUT.E256  hci-aut  CA      2026-12-01  2031-11-30       5
warning: careful
`
	if r := f.siegel("plan", orderFile(t, "o-1")); r.code != exitOK || r.out != want {
		t.Errorf("plan = %d\n%s%s\nwant\n%s", r.code, r.out, r.err, want)
	}
	f.siegel("plan", "--hex", orderFile(t, "o-1")).want(t, exitOK, "draft of C.HCI.AUT.E256", "64 72 61 66 74")
}

func TestCard(t *testing.T) {
	f := (&fakeServer{get: func(r *siegelv1.GetCardRequest) (*siegelv1.Card, error) {
		if r.GetIccsn() != "80276001011699900861" && r.GetOrderId() != "o-1" {
			return nil, refusal(t, codes.NotFound, "there is no such card")
		}
		return card(&siegelv1.Order{OrderId: "o-1", Iccsn: "80276001011699900861", CardType: "smcb-g2.1", Sector: "dkg"}), nil
	}}).serve(t)
	for _, args := range [][]string{{"card", "80276001011699900861"}, {"card", "--order", "o-1"}} {
		if r := f.siegel(args...); r.code != exitOK || r.out != wantTable {
			t.Errorf("%v = %d\n%s%s\nwant\n%s", args, r.code, r.out, r.err, wantTable)
		}
	}
	f.siegel("card", "1").want(t, exitInvalid, "get the card 1: there is no such card")
	f.siegel("card").want(t, exitUsage, "by its ICCSN or by --order")
	f.siegel("card", "1", "--order", "2").want(t, exitUsage, "by its ICCSN or by --order")
}

// TestReadingRecordsNothing: advice about orders is for calls that sent one.
func TestReadingRecordsNothing(t *testing.T) {
	bad := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "iccsn", Description: "not digits", Reason: "R"}}}
	refused := refusal(t, codes.InvalidArgument, "request refused", bad)
	f := (&fakeServer{
		get:  func(*siegelv1.GetCardRequest) (*siegelv1.Card, error) { return nil, refused },
		list: func(*siegelv1.ListCardsRequest) (*siegelv1.ListCardsResponse, error) { return nil, refused },
		plan: func(*siegelv1.Order) (*siegelv1.PlanCardResponse, error) { return nil, refused },
	}).serve(t)
	for _, args := range [][]string{{"card", "x"}, {"cards"}} {
		r := f.siegel(args...)
		r.want(t, exitInvalid, "1 rule is broken")
		if strings.Contains(r.err, "Nothing was recorded") || strings.Contains(r.err, "order id") {
			t.Errorf("%v sends no order, and the advice is:\n%s", args, r.err)
		}
	}
	f.siegel("plan", orderFile(t, "o-1")).want(t, exitInvalid, "Nothing was recorded")
}

// TestCards walks over two pages, and stops early with --max.
func TestCards(t *testing.T) {
	f := (&fakeServer{list: func(r *siegelv1.ListCardsRequest) (*siegelv1.ListCardsResponse, error) {
		answer := &siegelv1.ListCardsResponse{NextPageToken: "next"}
		first := 1
		if r.GetPageToken() == "next" {
			answer.NextPageToken, first = "", 3
		}
		for i := first; i < first+2 && i-first < int(r.GetPageSize()); i++ {
			answer.Cards = append(answer.Cards, &siegelv1.CardSummary{Iccsn: fmt.Sprintf("8027600000000000000%d", i), OrderId: fmt.Sprintf("o-%d", i),
				CardType: "smcb-g2.1", Sector: "dkg", IssuedAt: from, Certificates: 8})
		}
		return answer, nil
	}}).serve(t)
	r := f.siegel("cards")
	r.want(t, exitOK, "80276000000000000001  2026-12-01T00:00:00Z  smcb-g2.1       dkg          8 certificates  order o-1\n")
	if n := strings.Count(r.out, "\n"); n != 4 {
		t.Errorf("%d lines, want 4:\n%s", n, r.out)
	}
	f.siegel("cards", "--max=-1").want(t, exitUsage, "--max -1: give the greatest number of cards, or 0 for all")
	for limit, want := range map[string]int{"1": 1, "2": 2, "3": 3} {
		if r := f.siegel("cards", "--max", limit); strings.Count(r.out, "\n") != want {
			t.Errorf("--max %s gives\n%swant %d lines", limit, r.out, want)
		}
	}
}
