package rpc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// authority serves AuthorityService. The interceptors have checked the caller and the shape of the request.
type authority struct {
	siegelv1.UnimplementedAuthorityServiceServer
	authority Authority
	crls      CRLs
}

// ListIssuers shows the issuers and roots.
func (s *authority) ListIssuers(context.Context, *siegelv1.ListIssuersRequest) (*siegelv1.ListIssuersResponse, error) {
	answer := &siegelv1.ListIssuersResponse{}
	for _, i := range s.authority.Issuers() {
		w := &siegelv1.Issuer{
			Name: i.Name, Kind: string(i.Kind), KeyType: i.KeyType.String(), IssuedBy: i.IssuedBy, Format: formatOf(i.Kind.IsCVC()),
			Data: i.Raw(), Profiles: i.Profiles,
		}
		if first, last, limited := i.Validity(); limited {
			w.NotBefore, w.NotAfter = timestamppb.New(first), timestamppb.New(last)
		}
		answer.Issuers = append(answer.Issuers, w)
	}
	return answer, nil
}

// ListProfiles shows the profiles, and who signs them.
func (s *authority) ListProfiles(context.Context, *siegelv1.ListProfilesRequest) (*siegelv1.ListProfilesResponse, error) {
	set := s.authority.Catalogue()
	hash := set.Hash()
	answer := &siegelv1.ListProfilesResponse{CatalogueSha256: hash[:]}
	add := func(name, title string, kind profiles.IssuerKind) {
		w := &siegelv1.Profile{Name: name, Title: title, Format: formatOf(kind.IsCVC()), IssuerKind: string(kind)}
		for _, i := range s.authority.Issuers() {
			if slices.Contains(i.Profiles, name) {
				w.Issuers = append(w.Issuers, i.Name)
			}
		}
		answer.Profiles = append(answer.Profiles, w)
	}
	for _, p := range set.X509Profiles() {
		add(p.Name, p.Title, p.IssuerKind.Value)
	}
	for _, p := range set.CVCProfiles() {
		add(p.Name, p.Title, p.IssuerKind.Value)
	}
	slices.SortFunc(answer.Profiles, func(a, b *siegelv1.Profile) int { return strings.Compare(a.GetName(), b.GetName()) })
	return answer, nil
}

func formatOf(isCVC bool) siegelv1.Format {
	if isCVC {
		return siegelv1.Format_FORMAT_CVC
	}
	return siegelv1.Format_FORMAT_X509
}

// ReviewPolicy is a dry run of another algorithm policy.
func (s *authority) ReviewPolicy(ctx context.Context, req *siegelv1.ReviewPolicyRequest) (*siegelv1.ReviewPolicyResponse, error) {
	at, err := time.Parse(time.DateOnly, req.GetDay())
	if err != nil {
		return nil, &profiles.Refusal{Violations: []profiles.Violation{shapeViolation("day", "DATE", "must be a calendar date")}}
	}
	review, err := s.authority.ReviewPolicy(ctx, req.GetAlgorithms(), at)
	var problems profiles.Problems
	if errors.As(err, &problems) {
		return nil, refusePolicy(problems)
	}
	if err != nil {
		return nil, err
	}
	return reviewToWire(review), nil
}

// refusePolicy says what is wrong with a policy in the form in which orders are refused.
func refusePolicy(problems profiles.Problems) error {
	r := &profiles.Refusal{}
	for _, p := range problems {
		r.Violations = append(r.Violations, profiles.Violation{
			Field: "algorithms", Rule: p.Rule, Citation: fmt.Sprintf("line %d", p.Line), Message: p.Message,
		})
	}
	return r
}

func reviewToWire(r *ca.PolicyReview) *siegelv1.ReviewPolicyResponse {
	w := &siegelv1.ReviewPolicyResponse{
		Environment: string(r.Environment), LegacyExceptions: r.Exceptions, CatalogueSha256: r.Catalogue[:],
		WaitingOrders: r.WaitingOrders, RefusedOrders: r.WaitingRefused, OutliveNow: r.OutliveNow, OutliveThen: r.OutliveThen,
		NotJudged: r.NotJudged,
	}
	for _, o := range r.Waiting {
		refused := &siegelv1.RefusedOrder{
			OrderId: o.OrderID, CardType: o.CardType, Sector: o.Sector, RecordedAt: timestamppb.New(o.RecordedAt), Open: o.Open, RefusedNow: o.RefusedNow,
		}
		for _, s := range o.Slots {
			slot := &siegelv1.RefusedSlot{Slot: s.Slot, LastDay: dayToWire(s.Then.LastDay()), Exception: s.Then.Exception()}
			if s.Then.Limit != nil {
				slot.Algorithm = s.Then.Limit.Name
			}
			refused.Slots = append(refused.Slots, slot)
		}
		w.Refused = append(w.Refused, refused)
	}
	for _, a := range r.Algorithms {
		w.Algorithms = append(w.Algorithms, &siegelv1.ReviewedAlgorithm{
			Name: a.Name, LastDayNow: dayToWire(a.LastDayNow), LastDayThen: dayToWire(a.LastDay.Value), New: a.New, Exception: a.Exception,
			Outlive: a.Outlive,
		})
	}
	return w
}

// dayToWire gives a last day, and nothing where there is none.
func dayToWire(d profiles.Deadline) string {
	if _, ends := d.End(); !ends {
		return ""
	}
	return d.String()
}
