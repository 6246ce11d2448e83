package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestOrderFromWireLosesNothing fills every field of an order, those of a later version too, with a value of its own and compares
// the JSON of both sides, whose field names are the same by contract.
func TestOrderFromWireLosesNothing(t *testing.T) {
	wire := &siegelv1.Order{}
	n := 0
	fill(wire.ProtoReflect(), &n)
	fill(wire.ProtoReflect(), &n) // a second key, with the other kind of request
	wire.Keys[1].Key = &siegelv1.SlotKey_Pkcs10{Pkcs10: []byte("request")}

	want, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(wire)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(orderFromWire(wire))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(parsedJSON(t, got), parsedJSON(t, want)) {
		t.Errorf("order = %s\nwant    %s", got, want)
	}
}

// fill sets every scalar of a message to a value of its own, and adds one element to every list.
func fill(m protoreflect.Message, n *int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		*n++
		text := fmt.Sprintf("%s %d", fd.Name(), *n)
		switch {
		case fd.IsList() && fd.Message() == nil:
			m.Mutable(fd).List().Append(protoreflect.ValueOfString(text))
		case fd.IsList():
			fill(m.Mutable(fd).List().AppendMutable().Message(), n)
		case fd.Message() != nil:
			fill(m.Mutable(fd).Message(), n)
		case fd.Kind() == protoreflect.BytesKind:
			m.Set(fd, protoreflect.ValueOfBytes([]byte(text)))
		default:
			m.Set(fd, protoreflect.ValueOfString(text))
		}
	}
}

func parsedJSON(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

var (
	from = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	till = time.Date(2031, 11, 30, 23, 59, 59, 0, time.UTC)
)

// testIssuers are two sub-CAs below one root, and a CVC sub-CA below its own.
func testIssuers() []ca.KnownIssuer {
	known := func(kind profiles.IssuerKind, name, above string) ca.KnownIssuer {
		return ca.KnownIssuer{Name: name, Kind: kind, IssuedBy: above, Certificate: []byte(name)}
	}
	return []ca.KnownIssuer{known(profiles.SMCBCA, "CA-R", "ROOT"), known(profiles.SMCBCA, "CA-E", "ROOT"), known(profiles.CVCSubCA, "CVC-CA", "CVC-ROOT"),
		known(profiles.RootCA, "ROOT", "ROOT"), known(profiles.CVCRootCA, "CVC-ROOT", "CVC-ROOT")}
}

func testCard(t *testing.T) *ca.Card {
	t.Helper()
	serial, err := pkix.ParseSerial("00ff01")
	if err != nil {
		t.Fatal(err)
	}
	return &ca.Card{
		CardSummary: ca.CardSummary{Number: 7, ICCSN: "80276001011699900861", OrderID: "order-1", CardType: "smcb-g2.1", Sector: "dkg",
			IssuedAt: from.Add(12*time.Hour + 34*time.Millisecond), Certificates: 3},
		EntryID: 42, Warnings: []string{"RSA-2048 is allowed in environment test only"},
		Certs: []ca.Certificate{
			{Draft: ca.Draft{Slot: "C.HCI.AUT.R2048", Profile: "hci-aut", Format: ca.X509, Issuer: "CA-R", Serial: serial, NotBefore: from, NotAfter: till}, Data: []byte("one")},
			{Draft: ca.Draft{Slot: "C.HCI.AUT.E256", Profile: "hci-aut", Format: ca.X509, Issuer: "CA-E", Serial: serial, NotBefore: from, NotAfter: till}, Data: []byte("two")},
			{Draft: ca.Draft{Slot: "C.SMC.AUTR_CVC.E256", Profile: "autr", Format: ca.CVC, Issuer: "CVC-CA", CHR: "000680276001011699900861", NotBefore: from, NotAfter: till}, Data: []byte("three")},
			{Draft: ca.Draft{Slot: "C.SMC.AUTR_CVC.R2048", Profile: "g1", Format: ca.CVC, Scheme: sigalg.ISO9796SHA256, Issuer: "CVC-CA", CHR: "001080276001011699900861", NotBefore: from, NotAfter: till}, Data: []byte("four")},
		},
	}
}

const wantCard = `{
  "iccsn": "80276001011699900861", "order_id": "order-1", "card_type": "smcb-g2.1", "sector": "dkg",
  "issued_at": "2026-12-01T12:00:00.034Z", "entry_id": "42",
  "warnings": ["RSA-2048 is allowed in environment test only"],
  "certificates": [
    {"slot": "C.HCI.AUT.R2048", "profile": "hci-aut", "format": "FORMAT_X509", "issuer": "CA-R", "serial": "ff01",
     "not_before": "2026-12-01T00:00:00Z", "not_after": "2031-11-30T23:59:59Z", "data": "b25l"},
    {"slot": "C.HCI.AUT.E256", "profile": "hci-aut", "format": "FORMAT_X509", "issuer": "CA-E", "serial": "ff01",
     "not_before": "2026-12-01T00:00:00Z", "not_after": "2031-11-30T23:59:59Z", "data": "dHdv"},
    {"slot": "C.SMC.AUTR_CVC.E256", "profile": "autr", "format": "FORMAT_CVC", "issuer": "CVC-CA", "chr": "000680276001011699900861",
     "not_before": "2026-12-01T00:00:00Z", "not_after": "2031-11-30T23:59:59Z", "data": "dGhyZWU="},
    {"slot": "C.SMC.AUTR_CVC.R2048", "profile": "g1", "format": "FORMAT_CVC", "issuer": "CVC-CA", "chr": "001080276001011699900861",
     "not_before": "2026-12-01T00:00:00Z", "not_after": "2031-11-30T23:59:59Z", "data": "Zm91cg==", "no_term": true}
  ],
  "issuers": [
    {"name": "CA-R", "format": "FORMAT_X509", "issued_by": "ROOT", "data": "Q0EtUg=="},
    {"name": "CA-E", "format": "FORMAT_X509", "issued_by": "ROOT", "data": "Q0EtRQ=="},
    {"name": "CVC-CA", "format": "FORMAT_CVC", "issued_by": "CVC-ROOT", "data": "Q1ZDLUNB"},
    {"name": "ROOT", "format": "FORMAT_X509", "issued_by": "ROOT", "data": "Uk9PVA=="},
    {"name": "CVC-ROOT", "format": "FORMAT_CVC", "issued_by": "CVC-ROOT", "data": "Q1ZDLVJPT1Q="}
  ]
}`

// TestCardOnTheWire asks for one card in each of the three ways and compares every field.
func TestCardOnTheWire(t *testing.T) {
	var actor, order string
	h := start(t, &fakeAuthority{
		issuers: testIssuers(),
		issue: func(_ context.Context, a string, o *profiles.Order) (*ca.Card, error) {
			actor, order = a, o.ID
			return testCard(t), nil
		},
		card: func(iccsn string) (*ca.Card, error) {
			if iccsn != "80276001011699900861" {
				return nil, ca.ErrNotFound
			}
			return testCard(t), nil
		},
		byOrder: func(id string) (*ca.Card, error) {
			if id != "order-1" {
				return nil, ca.ErrNotFound
			}
			return testCard(t), nil
		},
	})
	line, ctx := h.line(), testContext(t)
	issued, err := line.IssueCard(ctx, &siegelv1.IssueCardRequest{Order: goodOrder()})
	if err != nil {
		t.Fatal(err)
	}
	if actor != "line-1" || order != "order-1" {
		t.Errorf("the authority was asked by %q for order %q, want line-1 and order-1", actor, order)
	}
	byICCSN, err := line.GetCard(ctx, &siegelv1.GetCardRequest{By: &siegelv1.GetCardRequest_Iccsn{Iccsn: "80276001011699900861"}})
	if err != nil {
		t.Fatal(err)
	}
	byOrder, err := line.GetCard(ctx, &siegelv1.GetCardRequest{By: &siegelv1.GetCardRequest_OrderId{OrderId: "order-1"}})
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for i, card := range []*siegelv1.Card{issued.GetCard(), byICCSN.GetCard(), byOrder.GetCard()} {
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(card)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(parsedJSON(t, text), parsedJSON(t, []byte(wantCard))) {
			t.Errorf("answer %d = %s\nwant %s", i, text, wantCard)
		}
		octets, err := proto.MarshalOptions{Deterministic: true}.Marshal(card)
		if err != nil {
			t.Fatal(err)
		}
		if first = append(first, octets...); !bytes.Equal(octets, first[:len(octets)]) {
			t.Errorf("answer %d has other octets than the first", i)
		}
	}
}

// TestCardWithoutIssuersIsNoAnswer: a card whose issuers cannot be read is not given without them.
func TestCardWithoutIssuersIsNoAnswer(t *testing.T) {
	h := start(t, &fakeAuthority{
		card: func(string) (*ca.Card, error) { return testCard(t), nil }, noIssuers: errors.New("the database has lost them"),
	})
	got, err := h.line().GetCard(testContext(t), &siegelv1.GetCardRequest{By: &siegelv1.GetCardRequest_Iccsn{Iccsn: "80276001011699900861"}})
	if status.Code(err) != codes.Internal {
		t.Errorf("GetCard = %v, %v, want INTERNAL", got, err)
	}
}

func TestPlanOnTheWire(t *testing.T) {
	h := start(t, &fakeAuthority{plan: func(o *profiles.Order) (*ca.Plan, error) {
		return &ca.Plan{
			Plan:   &profiles.Plan{Order: o, Warnings: []string{"careful"}},
			Drafts: []ca.Draft{{Slot: "S", Profile: "P", Format: ca.CVC, Issuer: "I", NotBefore: from, NotAfter: till, Body: []byte{1, 2}}},
		}, nil
	}})
	got, err := h.line().PlanCard(testContext(t), &siegelv1.PlanCardRequest{Order: goodOrder()})
	if err != nil {
		t.Fatal(err)
	}
	want := &siegelv1.PlanCardResponse{Warnings: []string{"careful"}, Certificates: []*siegelv1.PlannedCertificate{{
		Slot: "S", Profile: "P", Format: siegelv1.Format_FORMAT_CVC, Issuer: "I", NotBefore: timestamppb.New(from),
		NotAfter: timestamppb.New(till), Draft: []byte{1, 2}}}}
	if !proto.Equal(got, want) {
		t.Errorf("PlanCard = %v\nwant %v", got, want)
	}
}

// TestListCardsInPages walks over 250 cards in pages of several sizes: every card once, in order.
func TestListCardsInPages(t *testing.T) {
	const total = 250
	h := start(t, &fakeAuthority{cards: func(after int64, limit int) ([]ca.CardSummary, error) {
		var list []ca.CardSummary
		for n := after + 1; n <= total && len(list) < limit; n++ {
			list = append(list, ca.CardSummary{Number: n, ICCSN: fmt.Sprint(n), Certificates: 6})
		}
		return list, nil
	}})
	line := h.line()
	tests := []struct {
		size  int32
		pages []int // how many cards each page has
	}{
		{0, []int{100, 100, 50}},
		{250, []int{250}},
		{249, []int{249, 1}},
		{1000, []int{250}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.size), func(t *testing.T) {
			var pages []int
			next := 1
			request := &siegelv1.ListCardsRequest{PageSize: tt.size}
			for {
				page, err := line.ListCards(testContext(t), request)
				if err != nil {
					t.Fatal(err)
				}
				pages = append(pages, len(page.GetCards()))
				for _, c := range page.GetCards() {
					if c.GetIccsn() != fmt.Sprint(next) {
						t.Fatalf("card %s, want %d", c.GetIccsn(), next)
					}
					next++
				}
				if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
					break
				}
			}
			if !slices.Equal(pages, tt.pages) {
				t.Errorf("pages of %v, want %v", pages, tt.pages)
			}
		})
	}
	for _, token := range []string{"-1", "!", "007", "zzzzzzzzzzzzzzzz"} {
		_, err := line.ListCards(testContext(t), &siegelv1.ListCardsRequest{PageToken: token})
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "PAGE_TOKEN") {
			t.Errorf("ListCards with token %q = %v, want INVALID_ARGUMENT", token, err)
		}
	}
}
