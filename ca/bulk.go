package ca

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// This file is the road of a bulk revocation: a plan fixes the list of cards, another person approves that very list, and a server works it
// off (bulkwork.go).

// BulkRevocation is the act that starts a bulk revocation.
const BulkRevocation ActKind = "bulk-revocation"

// BulkStart are the parameters of BulkRevocation: the plan by its hash, so that nobody approves another list than he has seen.
type BulkStart struct {
	Bulk       BulkID `json:"bulk"`
	Cards      int    `json:"cards"`
	ListSHA256 string `json:"list_sha256"`
	Requester  string `json:"requester"`
	Reason     string `json:"reason"`
}

// selectPage is how many cards a selection reads at a time.
const selectPage = 5000

// PlanBulk fixes the list of the cards that a selection names and that are not revoked yet, by ascending ICCSN. Asking again with the same id
// gives the plan that there is. Errors beside those of errors.go: ErrBulkDiffers.
func (a *Authority) PlanBulk(ctx context.Context, actor string, id BulkID, selection CardSelection, req RevocationRequest) (*Bulk, error) {
	now := a.now()
	requestedAt, err := req.at(now)
	if err != nil {
		return nil, err
	}
	if known, err := a.store.Bulk(ctx, id); err == nil || !errors.Is(err, ErrNotFound) {
		return samePlan(known, err, actor, req)
	}
	cards, err := a.selected(ctx, &selection)
	if err != nil {
		return nil, err
	}
	ground, err := a.mayRevoke(cards, req)
	if err != nil {
		return nil, err
	}
	plan := &BulkPlan{ID: id, Requester: req.Requester, Reason: req.Reason, Ground: ground, RequestedAt: requestedAt, PlannedAt: now, PlannedBy: actor,
		Cards: len(cards), ListSHA256: listHash(cards)}
	facts := tlog.BulkPlanFacts{Bulk: string(id), RequestedAt: tlog.Instant(requestedAt), Requester: req.Requester, Reason: req.Reason, Ground: ground,
		Selection: selection.facts(), Cards: int64(plan.Cards), ListSHA256: hex.EncodeToString(plan.ListSHA256[:])}
	if plan.Selection, err = json.Marshal(facts.Selection); err != nil {
		return nil, fmt.Errorf("encode a selection: %w", err)
	}
	entry, err := tlog.NewEntry(tlog.BulkPlanned, now, actor, facts, req.personal())
	if err != nil {
		return nil, err
	}
	numbers := make([]int64, len(cards))
	for i, c := range cards {
		numbers[i] = c.Number
	}
	bulk, err := a.store.PlanBulk(ctx, plan, numbers, entry)
	return bulk, bulkFailure("plan a bulk revocation", err)
}

// samePlan gives a plan that was made before to whoever asks for it again.
func samePlan(known *Bulk, err error, actor string, req RevocationRequest) (*Bulk, error) {
	if err != nil {
		return nil, storeFailure("look for the bulk revocation", err)
	}
	if known.PlannedBy != actor || known.Requester != req.Requester || known.Reason != req.Reason {
		return nil, ErrBulkDiffers
	}
	return known, nil
}

// selected reads the cards of a selection that are not revoked, by ascending ICCSN.
func (a *Authority) selected(ctx context.Context, selection *CardSelection) ([]SelectedCard, error) {
	var found []SelectedCard
	for after := int64(0); ; {
		page, err := a.store.SelectCards(ctx, selection, after, selectPage)
		if err != nil {
			return nil, storeFailure("select cards", err)
		}
		if len(page) == 0 {
			break
		}
		found, after = append(found, page...), page[len(page)-1].Number
	}
	if err := allListed(selection.ICCSNs, found); err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(c SelectedCard) bool { return c.Revoked })
	if len(found) == 0 {
		return nil, refusal("selection", "NOTHING_TO_REVOKE", "siegel.v1", "it names no card that is not revoked already")
	}
	slices.SortFunc(found, func(a, b SelectedCard) int { return strings.Compare(a.ICCSN, b.ICCSN) })
	return found, nil
}

// allListed refuses a list that names what is no card of the selection: a slip of the pen must not go unnoticed.
func allListed(listed []string, found []SelectedCard) error {
	if len(listed) == 0 {
		return nil
	}
	known := map[string]bool{}
	for _, c := range found {
		known[c.ICCSN] = true
	}
	var missing []string
	for _, iccsn := range listed {
		if !known[iccsn] {
			missing = append(missing, iccsn)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return refusal("selection.iccsns", "NO_SUCH_CARD", "siegel.v1", fmt.Sprintf("%d of the list are no cards of the selection, for example %s", len(missing), missing[0]))
}

// mayRevoke checks who asks for what, for every kind of card in the list.
func (a *Authority) mayRevoke(cards []SelectedCard, req RevocationRequest) (ground string, err error) {
	type kind struct{ cardType, sector string }
	seen := map[kind]bool{}
	for _, c := range cards {
		k := kind{c.CardType, c.Sector}
		if seen[k] {
			continue
		}
		seen[k] = true
		if ground, err = a.profiles.CheckRevocation(c.CardType, c.Sector, req.Requester, req.Reason); err != nil {
			return "", err
		}
	}
	return ground, nil
}

func listHash(cards []SelectedCard) (sum [32]byte) {
	h := sha256.New()
	for _, c := range cards {
		h.Write([]byte(c.ICCSN + "\n"))
	}
	h.Sum(sum[:0])
	return sum
}

func (s *CardSelection) facts() tlog.SelectionFacts {
	f := tlog.SelectionFacts{ICCSNFrom: s.ICCSNFrom, ICCSNUntil: s.ICCSNUntil, CardType: s.CardType, Sector: s.Sector, Issuer: s.Issuer, Listed: int64(len(s.ICCSNs))}
	if !s.IssuedFrom.IsZero() {
		f.IssuedFrom = tlog.Instant(s.IssuedFrom)
	}
	if !s.IssuedUntil.IsZero() {
		f.IssuedUntil = tlog.Instant(s.IssuedUntil)
	}
	return f
}

func (a *Authority) bulkRevocation() act {
	return newAct(BulkRevocation, []Role{RoleRevocation}, []Role{RoleRevocation, RoleSecurityOfficer}, a.checkBulk, a.startApproved)
}

// RequestBulk asks to start a planned bulk revocation, which begins as soon as another person approves. The hash is that of the list that the
// caller has seen.
func (a *Authority) RequestBulk(ctx context.Context, who Actor, id ApprovalID, bulk BulkID, list [32]byte, reason string) (*Approval, error) {
	b, err := a.Bulk(ctx, bulk)
	if err != nil {
		return nil, err
	}
	if b.ListSHA256 != list {
		return nil, refusal("list_sha256", "ANOTHER_LIST", "gemRL_TSL_SP_CP, GS-A_4254", "the plan has another list")
	}
	return a.request(ctx, who, id, BulkRevocation, b.start(), reason)
}

func (b *Bulk) start() BulkStart {
	return BulkStart{Bulk: b.ID, Cards: b.Cards, ListSHA256: hex.EncodeToString(b.ListSHA256[:]), Requester: b.Requester, Reason: b.Reason}
}

// checkBulk says what is asked for, and why it cannot be done.
func (a *Authority) checkBulk(ctx context.Context, p *BulkStart) (string, error) {
	b, err := a.Bulk(ctx, p.Bulk)
	if err != nil {
		return "", err
	}
	if *p != b.start() {
		return "", refusal("list_sha256", "ANOTHER_LIST", "gemRL_TSL_SP_CP, GS-A_4254", "the plan is another one")
	}
	if b.State != BulkPlanned {
		return "", ErrBulkMoved
	}
	return fmt.Sprintf("revoke %d cards for ever: bulk revocation %s, reason %s, asked for by %s, planned by %s, list with SHA-256 %s",
		b.Cards, b.ID, b.Reason, b.Requester, b.PlannedBy, p.ListSHA256), nil
}

// startApproved starts an approved bulk revocation.
func (a *Authority) startApproved(ctx context.Context, approval *Approval, p *BulkStart, use *ApprovalUse) error {
	entry, err := tlog.NewEntry(tlog.BulkStarted, use.At, use.Entry.Actor,
		tlog.BulkStartFacts{Bulk: string(p.Bulk), Cards: int64(p.Cards), ListSHA256: p.ListSHA256, Approval: string(approval.ID)}, nil)
	if err != nil {
		return err
	}
	if err := a.store.StartBulk(ctx, p.Bulk, use.At, entry, use); err != nil {
		return bulkFailure("start a bulk revocation", err)
	}
	a.wakeBulks()
	return nil
}

// HoldBulk stops a bulk revocation for a while, or lets it go on. Where it is so already, nothing happens. Errors beside those of errors.go:
// ErrBulkMoved (it is not started, or has ended).
func (a *Authority) HoldBulk(ctx context.Context, actor string, id BulkID, hold bool) (*Bulk, error) {
	kind, to := tlog.BulkResumed, BulkRunning
	if hold {
		kind, to = tlog.BulkPaused, BulkPaused
	}
	b, err := a.Bulk(ctx, id)
	if err != nil || b.State == to {
		return b, err
	}
	now := a.now()
	entry, err := tlog.NewEntry(kind, now, actor, tlog.BulkHoldFacts{Bulk: string(id)}, nil)
	if err != nil {
		return nil, err
	}
	if err := a.store.HoldBulk(ctx, id, hold, now, entry); err != nil {
		return nil, bulkFailure("hold a bulk revocation", err)
	}
	a.wakeBulks()
	return a.Bulk(ctx, id)
}

// Bulk gives a bulk revocation. The error is ErrNotFound where there is none.
func (a *Authority) Bulk(ctx context.Context, id BulkID) (*Bulk, error) {
	b, err := a.store.Bulk(ctx, id)
	if err != nil {
		return nil, readFailure("read a bulk revocation", err)
	}
	return b, nil
}

// BulkCards lists the cards of a list, from the place given, at most limit.
func (a *Authority) BulkCards(ctx context.Context, id BulkID, from, limit int) ([]BulkCard, error) {
	cards, err := a.store.BulkCards(ctx, id, from, limit)
	if err != nil {
		return nil, storeFailure("list the cards of a bulk revocation", err)
	}
	return cards, nil
}

// bulkFailure classifies an error of a verb of the BulkStore; nil stays nil.
func bulkFailure(doing string, err error) error {
	if err == nil {
		return nil
	}
	for _, named := range []error{ErrNotFound, ErrBulkDiffers, ErrBulkMoved, ErrNotApproved} {
		if errors.Is(err, named) {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	return storeFailure(doing, err)
}
