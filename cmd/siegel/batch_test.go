package main

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/internal/testkey"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The story of this file: a night's batch against a server that answers as told.

// sampleOrders gives the sample order n times without RSA keys, each with an id, an ICCSN and keys of its own.
func sampleOrders(t testing.TB, n int) (list []*siegelv1.Order) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/orders/hospital-pharmacy.json")
	if err != nil {
		t.Fatal(err)
	}
	keys := testkey.New(rand.Reader)
	for i := range n {
		order, err := parseOrder(text)
		if err != nil {
			t.Fatal(err)
		}
		order.OrderId, order.Iccsn = fmt.Sprintf("night-%d", i+1), fmt.Sprintf("8027600101%010d", i+1)
		order.Keys = slices.DeleteFunc(order.Keys, func(k *siegelv1.SlotKey) bool { return strings.HasSuffix(k.GetSlot(), ".R2048") })
		for _, k := range order.Keys {
			k.Key = &siegelv1.SlotKey_Spki{Spki: keys.EC()}
		}
		list = append(list, order)
	}
	return list
}

// lineOf writes an order as a line.
func lineOf(t testing.TB, order *siegelv1.Order) string {
	t.Helper()
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// writeLines writes a batch file.
func writeLines(t testing.TB, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// twoOrders are two orders that share nothing.
func twoOrders(t testing.TB) (a, b *siegelv1.Order) {
	t.Helper()
	list := sampleOrders(t, 2)
	return list[0], list[1]
}

// anyCard answers every order with a card that has two certificates.
func anyCard(_ int32, o *siegelv1.Order) (*siegelv1.Card, error) {
	return &siegelv1.Card{
		Iccsn: o.GetIccsn(), OrderId: o.GetOrderId(), CardType: o.GetCardType(), Sector: o.GetSector(), IssuedAt: timestamppb.New(time.Date(2026, 12, 1, 2, 3, 4, 0, time.UTC)),
		Certificates: []*siegelv1.Certificate{
			{Slot: "C.HCI.AUT.E256", Format: siegelv1.Format_FORMAT_X509, Issuer: "CA", Data: []byte("aut of " + o.GetIccsn())},
			{Slot: "C.SMC.AUTR_CVC.E256", Format: siegelv1.Format_FORMAT_CVC, Issuer: "CVC-CA", Data: []byte("autr of " + o.GetIccsn())},
		},
		Issuers: []*siegelv1.IssuerCertificate{
			{Name: "CA", IssuedBy: "CA", Format: siegelv1.Format_FORMAT_X509, Data: []byte("ca")},
			{Name: "CVC-CA", IssuedBy: "CVC-CA", Format: siegelv1.Format_FORMAT_CVC, Data: []byte("cvc-ca")},
		},
	}, nil
}

func TestBatchCheck(t *testing.T) {
	a, b := twoOrders(t)
	change := func(o *siegelv1.Order, do func(*siegelv1.Order)) string {
		o = proto.CloneOf(o)
		do(o)
		return lineOf(t, o)
	}
	tests := []struct {
		name  string
		lines []string
		code  int
		want  []string
	}{
		{"good", []string{"# a comment", "", lineOf(t, a), lineOf(t, b)}, 0, []string{"2 orders checked, 0 faulty lines"}},
		{"no JSON", []string{lineOf(t, a), "nonsense"}, 1, []string{"night.jsonl:2: not an order: ", "(NOT_AN_ORDER)"}},
		{"shape", []string{change(a, func(o *siegelv1.Order) { o.OrderId = "a b" })}, 1,
			[]string{"night.jsonl:1: order_id: ", "(SHAPE_STRING_PATTERN, siegel.v1, field rules)"}},
		{"planner", []string{lineOf(t, b), change(a, func(o *siegelv1.Order) { o.Iccsn = "123"; o.Evidence = nil })}, 1,
			[]string{"night.jsonl:2: iccsn: ", "(ICCSN, gemSpec_PKI, GS-A_4630; Card-G2-A_3498)", "night.jsonl:2: evidence"}},
		{"order id twice", []string{lineOf(t, a), change(b, func(o *siegelv1.Order) { o.OrderId = a.GetOrderId() })}, 1,
			[]string{"night.jsonl:2: order_id: line 1 has the same (ORDER_ID_TWICE"}},
		{"ICCSN twice", []string{lineOf(t, a), change(b, func(o *siegelv1.Order) { o.Iccsn = a.GetIccsn() })}, 1,
			[]string{"night.jsonl:2: iccsn: line 1 has the same (ICCSN_TAKEN"}},
		{"key twice", []string{lineOf(t, a), change(a, func(o *siegelv1.Order) { o.OrderId, o.Iccsn = b.GetOrderId(), b.GetIccsn() })}, 1,
			[]string{"night.jsonl:2: keys[0]: line 1 has the same (KEY_REUSED, gemRL_TSL_SP_CP, GS-A_4906)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := siegel("", "batch", "--check", writeLines(t, "night.jsonl", tt.lines...))
			r.want(t, tt.code, tt.want...)
		})
	}
}

// TestBatchCheckAsJSON: a program reads the same.
func TestBatchCheckAsJSON(t *testing.T) {
	a, _ := twoOrders(t)
	a.Iccsn = "123"
	r := siegel("", "batch", "--check", "--json", writeLines(t, "night.jsonl", "# comment", lineOf(t, a)))
	var got []faultyLine
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatalf("%v: %s", err, r.out)
	}
	if r.code != exitInvalid || len(got) != 1 || got[0].Line != 2 || got[0].Faults[0].Rule != "ICCSN" || got[0].Faults[0].Citation == "" {
		t.Errorf("exit code %d, %s, want one faulty line 2 with rule ICCSN and its source", r.code, r.out)
	}
}

// TestBatch issues two good orders and corrects a third that the server refuses and a fourth that never gets there.
func TestBatch(t *testing.T) {
	list := sampleOrders(t, 4)
	a, b, refused, faulty := list[0], list[1], list[2], list[3]
	faulty.Iccsn = "4"
	good := false
	var mu sync.Mutex
	f := (&fakeServer{issue: func(n int32, o *siegelv1.Order) (*siegelv1.Card, error) {
		mu.Lock()
		defer mu.Unlock()
		if o.GetOrderId() == "night-3" && !good {
			return nil, refusal(t, codes.InvalidArgument, "request refused", &errdetails.BadRequest{
				FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "sector", Description: "no\nsuch", Reason: "SECTOR_UNKNOWN"}}})
		}
		return anyCard(n, o)
	}}).serve(t)
	file := writeLines(t, "night.jsonl", lineOf(t, a), lineOf(t, b), lineOf(t, refused), lineOf(t, faulty))
	out := filepath.Join(t.TempDir(), "cards")
	r := f.siegel("batch", file, "--out", out)
	r.want(t, exitInvalid, "night.jsonl:4: iccsn", "night.jsonl:3: sector: no such", "SECTOR_UNKNOWN", "2 issued", "2 refused", "night.errors.jsonl")
	for _, name := range []string{"80276001010000000001/EF.C.HCI.AUT.E256.der", "80276001010000000002/EF.C.SMC.AUTR_CVC.E256.cvc",
		"80276001010000000001/EF.C.CA_SMC.CS.E256.cvc", "80276001010000000001/issuers/CA.der", "80276001010000000001/card.json"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(file), "night.errors.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"# line 3: sector: no such (SECTOR_UNKNOWN)\n" + lineOf(t, refused) + "\n", "# line 4: iccsn:"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the file of errors lacks %q:\n%s", part, text)
		}
	}

	// The same command again: nothing is asked for twice.
	before := f.issued.Load()
	f.siegel("batch", file, "--out", out).want(t, exitInvalid, "0 issued", "2 before")
	if n := f.issued.Load() - before; n != 1 {
		t.Errorf("%d orders were sent again, want the refused one alone", n)
	}

	// Corrected, the file of errors is a batch file.
	mu.Lock()
	good = true
	mu.Unlock()
	corrected := strings.ReplaceAll(string(text), `"iccsn":"4"`, `"iccsn":"80276001010000000004"`)
	second := writeLines(t, "corrected.jsonl", strings.TrimSuffix(corrected, "\n"))
	f.siegel("batch", second, "--out", out).want(t, exitOK, "2 issued")
}

// TestBatchSurvives cuts streams and lets the server say that it is away: every order ends with its card.
func TestBatchSurvives(t *testing.T) {
	a, b := twoOrders(t)
	away := map[string]int{}
	var mu sync.Mutex
	f := (&fakeServer{
		cut: func(call int32) error {
			if call == 1 || call == 4 {
				return status.Error(codes.Unavailable, "the end of this stream")
			}
			return nil
		},
		issue: func(n int32, o *siegelv1.Order) (*siegelv1.Card, error) {
			mu.Lock()
			defer mu.Unlock()
			if away[o.GetOrderId()]++; away[o.GetOrderId()] < 3 {
				return nil, status.Error(codes.Unavailable, "the token is away")
			}
			return anyCard(n, o)
		},
	}).serve(t)
	out := t.TempDir()
	r := f.siegel("batch", writeLines(t, "night.jsonl", lineOf(t, a), lineOf(t, b)), "--out", out, "--window", "1")
	r.want(t, exitOK, "the server is away, trying again", "2 issued")
}

// TestBatchPatience: a server that stays away ends the batch with the code for trying later.
func TestBatchPatience(t *testing.T) {
	a, b := twoOrders(t)
	f := (&fakeServer{issue: func(int32, *siegelv1.Order) (*siegelv1.Card, error) {
		return nil, status.Error(codes.Unavailable, "the token is away")
	}}).serve(t)
	r := f.siegel("batch", writeLines(t, "night.jsonl", lineOf(t, a), lineOf(t, b)), "--out", t.TempDir(), "--patience", "300ms")
	r.want(t, exitRetry, "none has come for 300ms", "2 unsent")
}

func TestBatchZip(t *testing.T) {
	a, b := twoOrders(t)
	f := (&fakeServer{issue: anyCard}).serve(t)
	out := t.TempDir()
	file := writeLines(t, "night.jsonl", lineOf(t, a), lineOf(t, b))
	f.siegel("batch", file, "--out", out, "--zip").want(t, exitOK, "2 issued")
	z, err := zip.OpenReader(filepath.Join(out, "80276001010000000001.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var names []string
	for _, f := range z.File {
		names = append(names, strings.TrimPrefix(f.Name, "80276001010000000001/"))
	}
	want := "EF.C.HCI.AUT.E256.der EF.C.SMC.AUTR_CVC.E256.cvc EF.C.CA_SMC.CS.E256.cvc issuers/CA.der issuers/CVC-CA.cvc issuers/x509.pem card.json"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("the ZIP file holds %s\nwant %s", got, want)
	}
}

// TestBatchManifest compares card.json with what it must say.
func TestBatchManifest(t *testing.T) {
	a, _ := twoOrders(t)
	card, err := anyCard(1, a)
	if err != nil {
		t.Fatal(err)
	}
	files, err := personalizationFiles(card)
	if err != nil {
		t.Fatal(err)
	}
	got := string(files[len(files)-1].data)
	want, err := os.ReadFile("testdata/batch/card.json")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("card.json is\n%s\nwant\n%s", got, want)
	}
}

// TestBatchNeverOverwrites: a folder that holds another card stays as it is.
func TestBatchNeverOverwrites(t *testing.T) {
	a, _ := twoOrders(t)
	f := (&fakeServer{issue: anyCard}).serve(t)
	out := t.TempDir()
	place := filepath.Join(out, a.GetIccsn())
	if err := os.MkdirAll(place, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(place, "card.json"), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.siegel("batch", writeLines(t, "night.jsonl", lineOf(t, a)), "--out", out).want(t, exitUsage, "is there already and is not the folder of this card")
	if text, err := os.ReadFile(filepath.Join(place, "card.json")); err != nil || string(text) != "another" {
		t.Errorf("the folder was changed: %q, %v", text, err)
	}
}

func TestBatchUsage(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"batch"}, "name a batch file"},
		{[]string{"batch", "orders.txt"}, "ends in .jsonl"},
		{[]string{"batch", "missing.jsonl"}, "no such file"},
		{[]string{"batch", "--template", "smcb"}, "there is no card type"},
		{[]string{"batch", "--window", "0", "x.jsonl"}, "must be above zero"},
	}
	for _, tt := range tests {
		siegel("", tt.args...).want(t, exitUsage, tt.want)
	}
}

// TestJournal: a torn last line is cut off, a line that is none of a journal's is an error.
func TestJournal(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal-run.jsonl")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"order_id":"a","iccsn":"1","name":"1","at":"2026-01-01T00:00:00Z"}` + "\n" + `{"order_id":"b","icc`)
	j, err := openJournal(dir, "run")
	if err != nil {
		t.Fatal(err)
	}
	if len(j.done) != 1 || !j.done["a"] {
		t.Errorf("done = %v, want a alone", j.done)
	}
	if err := j.add(journalLine{Order: "c"}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = openJournal(dir, "run"); err != nil || len(j.done) != 2 || !j.done["c"] {
		t.Fatalf("done = %v, %v, want a and c", j, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	write("nonsense\n")
	if _, err := openJournal(dir, "run"); err == nil || !strings.Contains(err.Error(), "none of a journal's") {
		t.Errorf("a journal of nonsense gives %v", err)
	}
}
