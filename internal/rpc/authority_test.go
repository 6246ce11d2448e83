package rpc

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

var loadBuiltin = sync.OnceValues(profiles.Builtin)

func builtin(t *testing.T) *profiles.Set {
	t.Helper()
	set, err := loadBuiltin()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// office is the authority service as an auditor sees it.
func (h *harness) office() siegelv1.AuthorityServiceClient {
	h.t.Helper()
	return siegelv1.NewAuthorityServiceClient(h.as(string(Auditor)))
}

// TestListIssuersAndProfiles shows one issuer of each of the three kinds of certificates.
func TestListIssuersAndProfiles(t *testing.T) {
	first, last := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2032, 12, 31, 23, 59, 59, 0, time.UTC)
	day := func(s string) cvc.Date {
		d, err := cvc.ParseDate(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	h := start(t, &fakeAuthority{catalogue: builtin(t), public: []*profiles.Issuer{
		{Name: "SIEGEL.SMCB-CA1", Kind: profiles.SMCBCA, KeyType: sigalg.E256, IssuedBy: "SIEGEL.RCA1", Profiles: []string{"C.HCI.AUT"},
			X509: &pkix.Certificate{Raw: []byte{1}, NotBefore: first, NotAfter: last}},
		{Name: "DESGX-1-1-02-25", Kind: profiles.CVCSubCA, KeyType: sigalg.E256, IssuedBy: "DESGX-8-1-02-24", Profiles: []string{"C.SMC.AUTR_CVC"},
			CVC: &cvc.Certificate{Raw: []byte{2}, Body: cvc.Body{CED: day("2025-01-01"), CXD: day("2032-12-31")}}},
		{Name: "DESGX-1-0-01-25", Kind: profiles.CVCSubCA, KeyType: sigalg.R2048, IssuedBy: "DESGX-1-1-01-24", G1: &cvc.G1CA{Raw: []byte{3}}},
	}})
	got, err := h.office().ListIssuers(testContext(t), &siegelv1.ListIssuersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := &siegelv1.ListIssuersResponse{Issuers: []*siegelv1.Issuer{
		{Name: "SIEGEL.SMCB-CA1", Kind: "smcb-ca", KeyType: "E256", IssuedBy: "SIEGEL.RCA1", Format: siegelv1.Format_FORMAT_X509, Data: []byte{1},
			NotBefore: timestamppb.New(first), NotAfter: timestamppb.New(last), Profiles: []string{"C.HCI.AUT"}},
		{Name: "DESGX-1-1-02-25", Kind: "cvc-ca", KeyType: "E256", IssuedBy: "DESGX-8-1-02-24", Format: siegelv1.Format_FORMAT_CVC, Data: []byte{2},
			NotBefore: timestamppb.New(first), NotAfter: timestamppb.New(last), Profiles: []string{"C.SMC.AUTR_CVC"}},
		{Name: "DESGX-1-0-01-25", Kind: "cvc-ca", KeyType: "R2048", IssuedBy: "DESGX-1-1-01-24", Format: siegelv1.Format_FORMAT_CVC, Data: []byte{3}},
	}}
	if !proto.Equal(got, want) {
		t.Errorf("issuers are %v\nwant %v", got, want)
	}
	list, err := h.office().ListProfiles(testContext(t), &siegelv1.ListProfilesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	hash := builtin(t).Hash()
	if n := len(builtin(t).X509Profiles()) + len(builtin(t).CVCProfiles()); len(list.GetProfiles()) != n || !bytes.Equal(list.GetCatalogueSha256(), hash[:]) {
		t.Errorf("%d profiles of catalogue %x, want %d of %x", len(list.GetProfiles()), list.GetCatalogueSha256(), n, hash)
	}
	for name, want := range map[string]*siegelv1.Profile{
		"C.HCI.AUT":      {Format: siegelv1.Format_FORMAT_X509, IssuerKind: "smcb-ca", Issuers: []string{"SIEGEL.SMCB-CA1"}},
		"C.HCI.ENC":      {Format: siegelv1.Format_FORMAT_X509, IssuerKind: "smcb-ca"},
		"C.SMC.AUTR_CVC": {Format: siegelv1.Format_FORMAT_CVC, IssuerKind: "cvc-ca", Issuers: []string{"DESGX-1-1-02-25"}},
	} {
		i := slices.IndexFunc(list.GetProfiles(), func(p *siegelv1.Profile) bool { return p.GetName() == name })
		if i < 0 {
			t.Errorf("%s is not listed", name)
			continue
		}
		got := list.GetProfiles()[i]
		want.Name, want.Title = name, got.GetTitle()
		if !proto.Equal(got, want) || got.GetTitle() == "" {
			t.Errorf("profile is %v, want %v", got, want)
		}
	}
}

// TestReviewPolicy translates a review with everything in it.
func TestReviewPolicy(t *testing.T) {
	recorded := time.Date(2026, 3, 2, 9, 30, 0, 1e6, time.UTC)
	rsa, ecc := &profiles.Algorithm{Name: "RSA", Exception: "legacy-x"}, &profiles.Algorithm{Name: "ECC"}
	rsa.LastDay.Value = profiles.LastDay(time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC))
	var asked []byte
	h := start(t, &fakeAuthority{review: func(policy []byte, at time.Time) (*ca.PolicyReview, error) {
		asked = append(policy, at.Format(" 2006-01-02 15:04:05 MST")...)
		return &ca.PolicyReview{
			Environment: profiles.Test, Exceptions: []string{"legacy-y"}, Catalogue: [32]byte{7}, WaitingOrders: 9, WaitingRefused: 3,
			Waiting: []ca.WaitingReview{{
				WaitingOrder: ca.WaitingOrder{OrderID: "order-1", CardType: "smcb-g2.1", Sector: "dkg", RecordedAt: recorded, Open: true},
				RefusedNow:   true,
				Slots: []profiles.SlotOutlook{
					{Slot: "C.HCI.AUT.R2048", Then: profiles.Outlook{Refused: true, Limit: rsa}}, {Slot: "C.HCI.ENC.R2048", Then: profiles.Outlook{Refused: true}},
				},
			}},
			Algorithms: []ca.AlgorithmReview{{Algorithm: rsa, Outlive: 5}, {Algorithm: ecc, LastDayNow: rsa.LastDay.Value, New: true}},
			OutliveNow: 1, OutliveThen: 2, NotJudged: 4,
		}, nil
	}})
	got, err := h.office().ReviewPolicy(testContext(t), &siegelv1.ReviewPolicyRequest{Algorithms: []byte("policy"), Day: "2027-07-01"})
	if err != nil {
		t.Fatal(err)
	}
	want := &siegelv1.ReviewPolicyResponse{
		Environment: "test", LegacyExceptions: []string{"legacy-y"}, CatalogueSha256: append([]byte{7}, make([]byte, 31)...), WaitingOrders: 9, RefusedOrders: 3,
		Refused: []*siegelv1.RefusedOrder{{
			OrderId: "order-1", CardType: "smcb-g2.1", Sector: "dkg", RecordedAt: timestamppb.New(recorded), Open: true, RefusedNow: true,
			Slots: []*siegelv1.RefusedSlot{
				{Slot: "C.HCI.AUT.R2048", Algorithm: "RSA", LastDay: "2027-06-30", Exception: "legacy-x"}, {Slot: "C.HCI.ENC.R2048"},
			},
		}},
		Algorithms: []*siegelv1.ReviewedAlgorithm{
			{Name: "RSA", LastDayThen: "2027-06-30", Exception: "legacy-x", Outlive: 5}, {Name: "ECC", LastDayNow: "2027-06-30", New: true},
		},
		OutliveNow: 1, OutliveThen: 2, NotJudged: 4,
	}
	if !proto.Equal(got, want) || string(asked) != "policy 2027-07-01 00:00:00 UTC" {
		t.Errorf("asked for %s, review is %v\nwant %v", asked, got, want)
	}
}

// TestReviewPolicyRefuses bad days, and bad policies with every problem and its line.
func TestReviewPolicyRefuses(t *testing.T) {
	h := start(t, &fakeAuthority{review: func(policy []byte, _ time.Time) (*ca.PolicyReview, error) {
		_, err := builtin(t).WithPolicy("algorithms.yaml", policy)
		return nil, err
	}})
	for _, c := range []struct {
		name, policy, day, field, rule, text string
	}{
		{"no policy", "", "2027-07-01", "algorithms", "SHAPE_BYTES_MIN_LEN", ""},
		{"no day", "x", "", "day", "SHAPE_STRING_PATTERN", ""},
		{"a day that is none", "x", "2027-02-29", "day", "DATE", ""},
		{"no YAML", "{", "2027-07-01", "algorithms", "SYNTAX", "line 1"},
		{"unknown key", "exceptions: []\ncolour: red\n", "2027-07-01", "algorithms", "UNKNOWN_KEY", "line 2"},
	} {
		_, err := h.office().ReviewPolicy(testContext(t), &siegelv1.ReviewPolicyRequest{Algorithms: []byte(c.policy), Day: c.day})
		if got := status.Code(err); got != codes.InvalidArgument {
			t.Errorf("%s: %v, want INVALID_ARGUMENT", c.name, err)
			continue
		}
		var violations []*errdetails.BadRequest_FieldViolation
		for _, d := range status.Convert(err).Details() {
			if bad, ok := d.(*errdetails.BadRequest); ok {
				violations = bad.GetFieldViolations()
			}
		}
		found := func(v *errdetails.BadRequest_FieldViolation) bool {
			return v.GetField() == c.field && v.GetReason() == c.rule && strings.Contains(v.GetDescription(), c.text)
		}
		if !slices.ContainsFunc(violations, found) {
			t.Errorf("%s: violations are %v, want %s in %s at %q", c.name, violations, c.rule, c.field, c.text)
		}
	}
}

// TestReviewPolicyAway: a database that is away is not a bad policy.
func TestReviewPolicyAway(t *testing.T) {
	h := start(t, &fakeAuthority{review: func([]byte, time.Time) (*ca.PolicyReview, error) {
		return nil, &ca.UnavailableError{RetryAfter: time.Second, Err: errors.New("no database")}
	}})
	_, err := h.office().ReviewPolicy(testContext(t), &siegelv1.ReviewPolicyRequest{Algorithms: []byte("x"), Day: "2027-07-01"})
	if got := status.Code(err); got != codes.Unavailable {
		t.Errorf("ReviewPolicy = %v, want UNAVAILABLE", err)
	}
}
