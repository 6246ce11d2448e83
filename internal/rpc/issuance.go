package rpc

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// Authority is what the handlers need of ca.Authority.
type Authority interface {
	Plan(ctx context.Context, order *profiles.Order) (*ca.Plan, error)
	Issue(ctx context.Context, actor string, order *profiles.Order) (*ca.Card, error)
	Card(ctx context.Context, iccsn string) (*ca.Card, error)
	CardByOrder(ctx context.Context, orderID string) (*ca.Card, error)
	Cards(ctx context.Context, after int64, limit int) ([]ca.CardSummary, error)
	CardIssuers(ctx context.Context, card *ca.Card) ([]ca.KnownIssuer, error)
	Issuers() []*profiles.Issuer
	Catalogue() *profiles.Set
	ReviewPolicy(ctx context.Context, policy []byte, at time.Time) (*ca.PolicyReview, error)

	FourEyes
}

var _ Authority = (*ca.Authority)(nil)

// Log is what the handlers need of ca.Sequencer.
type Log interface {
	Await(ctx context.Context, entryID int64) (*ca.Inclusion, error)
}

var _ Log = (*ca.Sequencer)(nil)

// inclusionPatience bounds the wait for a place in the log. A log that stands still does not keep cards from those who wait for them.
const inclusionPatience = 5 * time.Second

// issuance serves IssuanceService. The interceptors have checked the caller and the shape of the request.
type issuance struct {
	siegelv1.UnimplementedIssuanceServiceServer
	authority Authority
	log       Log
	queue     *queue
	observe   func(ctx context.Context, method string, serve func(context.Context) error) error
}

// PlanCard is a dry run.
func (s *issuance) PlanCard(ctx context.Context, req *siegelv1.PlanCardRequest) (*siegelv1.PlanCardResponse, error) {
	plan, err := s.authority.Plan(ctx, orderFromWire(req.GetOrder()))
	if err != nil {
		return nil, err
	}
	return planToWire(plan), nil
}

// IssueCard makes a card, or gives it where it was made before.
func (s *issuance) IssueCard(ctx context.Context, req *siegelv1.IssueCardRequest) (*siegelv1.IssueCardResponse, error) {
	card, wire, err := s.issue(ctx, single, req.GetOrder())
	if err != nil {
		return nil, err
	}
	answer := &siegelv1.IssueCardResponse{Card: wire}
	if req.GetWaitForInclusion() {
		answer.Inclusion, err = s.awaitInclusion(ctx, card.EntryID)
	}
	return answer, err
}

// issue makes the card of an order when its turn comes, and gives it in both forms.
func (s *issuance) issue(ctx context.Context, c class, order *siegelv1.Order) (card *ca.Card, wire *siegelv1.Card, err error) {
	operator := callOf(ctx).operator.Name
	err = s.queue.through(ctx, c, operator, func(ctx context.Context) (err error) {
		card, err = s.authority.Issue(ctx, operator, orderFromWire(order))
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	wire, err = s.withIssuers(ctx, card)
	return card, wire, err
}

// awaitInclusion gives nil where the log takes too long. The call's own deadline is an error as everywhere else.
func (s *issuance) awaitInclusion(ctx context.Context, entryID int64) (*siegelv1.Inclusion, error) {
	patient, cancel := context.WithTimeout(ctx, inclusionPatience)
	defer cancel()
	in, err := s.log.Await(patient, entryID)
	if err != nil && patient.Err() != nil && ctx.Err() == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &siegelv1.Inclusion{LeafIndex: in.LeafIndex, Checkpoint: string(in.Checkpoint)}, nil
}

// GetCard gives an issued card.
func (s *issuance) GetCard(ctx context.Context, req *siegelv1.GetCardRequest) (*siegelv1.GetCardResponse, error) {
	card, err := s.find(ctx, req)
	if err != nil {
		return nil, err
	}
	wire, err := s.withIssuers(ctx, card)
	if err != nil {
		return nil, err
	}
	return &siegelv1.GetCardResponse{Card: wire}, nil
}

// withIssuers translates a card with what stands above it.
func (s *issuance) withIssuers(ctx context.Context, card *ca.Card) (*siegelv1.Card, error) {
	above, err := s.authority.CardIssuers(ctx, card)
	if err != nil {
		return nil, err
	}
	return cardToWire(card, above), nil
}

func (s *issuance) find(ctx context.Context, req *siegelv1.GetCardRequest) (*ca.Card, error) {
	if by, ok := req.GetBy().(*siegelv1.GetCardRequest_OrderId); ok {
		return s.authority.CardByOrder(ctx, by.OrderId)
	}
	return s.authority.Card(ctx, req.GetIccsn())
}

// defaultPage is how many cards a page of ListCards has where the caller does not say.
const defaultPage = 100

// ListCards gives one page of the issued cards. It asks for one card more than the page holds, to know whether there is another.
func (s *issuance) ListCards(ctx context.Context, req *siegelv1.ListCardsRequest) (*siegelv1.ListCardsResponse, error) {
	after, err := parsePageToken(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPage
	}
	cards, err := s.authority.Cards(ctx, after, size+1)
	if err != nil {
		return nil, err
	}
	answer := &siegelv1.ListCardsResponse{}
	if len(cards) > size {
		cards = cards[:size]
		answer.NextPageToken = pageToken(cards[size-1].Number)
	}
	for _, c := range cards {
		answer.Cards = append(answer.Cards, summaryToWire(c))
	}
	return answer, nil
}

// pageToken names the card after which the next page begins. Clients take it as it is.
func pageToken(number int64) string { return strconv.FormatInt(number, 36) }

func parsePageToken(token string) (int64, error) {
	if token == "" {
		return 0, nil
	}
	number, err := strconv.ParseInt(token, 36, 64)
	if err != nil || number < 0 || pageToken(number) != token {
		err = errors.New("is not the next_page_token of an answer")
		return 0, &profiles.Refusal{Violations: []profiles.Violation{shapeViolation("page_token", "PAGE_TOKEN", err.Error())}}
	}
	return number, nil
}
