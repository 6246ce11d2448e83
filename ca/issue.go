package ca

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

const (
	// maxDraws is how often one call drafts an order. With 96 random bits, a serial number that is taken is a sign of a broken
	// source of randomness or a database that was restored wrongly, and a fourth draw would change nothing. Where a token is lost
	// while it signs and others have the key, the second attempt goes to one of them.
	maxDraws = 3

	// cleanUpTime bounds what is done for an order after its callers have left.
	cleanUpTime = 10 * time.Second
)

// Issue makes the card of an order, or gives it where it was made before: the same order always gives the same answer. Calls
// with the same order at the same time share one attempt; a caller that leaves does not end it for the others.
//
// When Issue returns a card, the card is durable. When it returns an error, see errors.go for the kinds; sending the order
// again is safe after each. A refused order leaves nothing behind.
//
// Actor is the operator on whose behalf the order came; the log names it. Callers must not change the card, which others may
// hold too.
func (a *Authority) Issue(ctx context.Context, actor string, order *profiles.Order) (*Card, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	req, err := newRequest(actor, order)
	if err != nil {
		return nil, err
	}
	return a.flights.do(ctx, order.ID, req.hash, func(ctx context.Context) (*Card, error) { return a.fulfil(ctx, req) })
}

// request is an order as it came in.
type request struct {
	actor string
	order *profiles.Order // a copy of its own, since the work may outlive the caller
	json  []byte          // as it came
	hash  [32]byte        // what it is compared by: orderHash
	first AttemptID       // attempt that recorded it before; "" where none is known
}

func newRequest(actor string, order *profiles.Order) (*request, error) {
	text, err := json.Marshal(order)
	if err != nil {
		return nil, fmt.Errorf("encode the order: %w", err)
	}
	sum, err := orderHash(order)
	if err != nil {
		return nil, err
	}
	req := &request{actor: actor, order: new(profiles.Order), json: text, hash: sum}
	if err := json.Unmarshal(text, req.order); err != nil {
		return nil, fmt.Errorf("copy the order: %w", err)
	}
	return req, nil
}

// fulfil is the road of an order. It runs at most once at a time for one order id (flights).
func (a *Authority) fulfil(ctx context.Context, req *request) (*Card, error) {
	if card, err := a.earlier(ctx, req); card != nil || err != nil {
		return card, err
	}
	failed := fmt.Errorf("%d times in a row a random serial number was taken", maxDraws)
	for range maxDraws {
		in, err := a.prepare(req)
		if err == nil {
			err = a.checkRenewal(ctx, req.order, in)
		}
		if err != nil {
			return nil, err
		}
		held, err := a.reserve(ctx, in.Drafts)
		if err != nil {
			return nil, err
		}
		drafts, err := a.intend(ctx, req, in, held)
		if isTaken(err, UniqueSerial) {
			continue
		}
		if errors.Is(err, ErrOrderComplete) {
			return a.CardByOrder(ctx, req.order.ID)
		}
		if err != nil {
			return nil, err
		}
		certificates, err := a.signAll(ctx, drafts)
		if err == nil {
			return a.complete(ctx, req, in, certificates)
		}
		if failed = a.giveUp(ctx, req.actor, in, reasonOf(err), err); !signsElsewhere(err) {
			break
		}
		req.first = cmp.Or(req.first, in.Attempt)
	}
	return nil, failed
}

// errElsewhere says that the card is being made: whoever asks again a moment later gets it.
var errElsewhere = errors.New("another server is at work on the order")

// earlier looks for what is known of an order: its card, or an attempt that no process runs any more, which is abandoned.
// Neither card nor error says that the order is free to be attempted.
func (a *Authority) earlier(ctx context.Context, req *request) (*Card, error) {
	state, err := a.store.Order(ctx, req.order.ID)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, storeFailure("read the order", err)
	}
	if state.Hash != req.hash {
		return nil, ErrOrderDiffers
	}
	req.first = state.First
	if state.Open != nil && state.Open.Elsewhere {
		return nil, unavailable(errElsewhere)
	}
	if state.Open != nil {
		// This process runs one attempt of an order at a time, and no other that lives runs this one: the attempt is dead.
		return nil, a.abandon(ctx, systemActor, *state.Open, reasonDied)
	}
	return state.Card, nil
}

// prepare is the pure part: everything that can be wrong with an order comes up here, before anything is recorded.
func (a *Authority) prepare(req *request) (*Intent, error) {
	plan, err := a.plan(req.order, func() (pkix.Serial, error) { return drawSerial(a.now()) })
	if err != nil {
		return nil, err
	}
	return &Intent{
		Attempt: AttemptID(randomHex()), OrderID: req.order.ID, OrderHash: req.hash, OrderJSON: req.json,
		ICCSN: req.order.ICCSN, CardType: plan.CardType, Sector: sectorOf(req.order), Renews: req.order.Renews, At: a.now(),
		Drafts: plan.Drafts, Warnings: plan.Warnings, Ended: plan.Ended,
	}, nil
}

// sectorOf gives the sector of a card for the records. Cards of devices belong to none, and stand there as what they are.
func sectorOf(order *profiles.Order) string {
	if order.Device != nil {
		return string(profiles.HolderDevice)
	}
	return order.Sector
}

// intend records the attempt. Its result is the only key to the door.
func (a *Authority) intend(ctx context.Context, req *request, in *Intent, held reservation) ([]*recorded, error) {
	entry, err := intentEntry(req.actor, in, req.first)
	if err != nil {
		return nil, err
	}
	if err := a.store.Intend(ctx, in, entry); err != nil {
		return nil, a.notIntended(ctx, req, in, err)
	}
	drafts := make([]*recorded, len(in.Drafts))
	for i := range in.Drafts {
		drafts[i] = &recorded{draft: &in.Drafts[i], session: held[in.Drafts[i].Issuer]}
	}
	return drafts, nil
}

// notIntended says what an error of Intend means.
func (a *Authority) notIntended(ctx context.Context, req *request, in *Intent, err error) error {
	var taken *TakenError
	switch {
	case errors.As(err, &taken):
		return refuseTaken(req.order, in, taken)
	case errors.Is(err, ErrOrderDiffers), errors.Is(err, ErrOrderComplete), errors.Is(err, ErrNotRenewable):
		return err
	case errors.Is(err, ErrAttemptOpen):
		return unavailable(fmt.Errorf("record the order: %w", err))
	}
	// It may have been recorded. No key was used, and none will be for this attempt.
	return a.giveUp(ctx, req.actor, in, reasonIntent, storeFailure("record the order", err))
}

// refuseTaken makes a refusal of what the sender can change. A serial number is ours to draw again; a CHR follows from ICCSN and
// slot, so that a taken one is a fault of the catalogue.
func refuseTaken(order *profiles.Order, in *Intent, taken *TakenError) error {
	switch taken.What {
	case UniqueICCSN:
		return &profiles.Refusal{Violations: []profiles.Violation{{
			Field: "iccsn", Rule: "ICCSN_TAKEN", Citation: "gemSpec_X.509_TSP, TIP1-A_3591",
			Message: "the ICCSN belongs to another order; a replacement card has a new one, and a renewal names that order in renews",
		}}}
	case UniqueKey:
		field := "keys"
		if taken.Draft >= 0 && taken.Draft < len(in.Drafts) {
			field = keyField(order, in.Drafts[taken.Draft].Slot)
		}
		return &profiles.Refusal{Violations: []profiles.Violation{{
			Field: field, Rule: "KEY_REUSED", Citation: "gemRL_TSL_SP_CP, GS-A_4906",
			Message: "the public key belongs to another slot or another order; every identity has a key of its own",
		}}}
	}
	return taken
}

func isTaken(err error, what Unique) bool {
	var taken *TakenError
	return errors.As(err, &taken) && taken.What == what
}

// complete ends the attempt with its card. The answer is the card as the store has it from now on, so that a retry reads the same.
func (a *Authority) complete(ctx context.Context, req *request, in *Intent, certificates [][]byte) (*Card, error) {
	done := &Completion{Intent: in, At: a.now(), Certificates: certificates}
	entry, err := cardEntry(req.actor, done)
	if err != nil {
		return nil, a.giveUp(ctx, req.actor, in, reasonUncertain, err)
	}
	numbers, err := a.store.Complete(ctx, done, entry)
	if err == nil {
		return done.Card(numbers), nil
	}
	// It may have been completed. Then it is, and every certificate in it stands.
	clean, cancel := cleanUp(ctx)
	defer cancel()
	if state, readErr := a.store.Order(clean, in.OrderID); readErr == nil && state.Card != nil {
		return state.Card, nil
	}
	return nil, a.giveUp(ctx, req.actor, in, reasonUncertain, storeFailure("complete the card", err))
}

// giveUp abandons an attempt of this process and passes its cause on. It works on when the callers have left. Where even that
// fails, the attempt stays open until its order comes again or the server starts again, whichever is first; nothing can be signed
// for it meanwhile, since its drafts go with the call.
func (a *Authority) giveUp(ctx context.Context, actor string, in *Intent, why reason, cause error) error {
	ctx, cancel := cleanUp(ctx)
	defer cancel()
	attempt := OpenAttempt{ID: in.Attempt, OrderID: in.OrderID, ICCSN: in.ICCSN, At: in.At}
	if err := a.abandon(ctx, actor, attempt, why); err != nil {
		a.config.Log.Error("an attempt stays open until its order comes again or the server starts again",
			"order", in.OrderID, "attempt", in.Attempt, "error", err)
	}
	return cause
}

// abandon ends an attempt with its entry. An attempt that has ended already, perhaps by a call whose answer was lost, is well.
func (a *Authority) abandon(ctx context.Context, actor string, attempt OpenAttempt, why reason) error {
	at := a.now()
	facts := tlog.AbandonFacts{Order: attempt.OrderID, Attempt: string(attempt.ID), ICCSN: attempt.ICCSN, Reason: string(why)}
	entry, err := tlog.NewEntry(tlog.AttemptAbandoned, at, actor, facts, nil)
	if err != nil {
		return err
	}
	if err := a.store.Abandon(ctx, attempt.ID, at, entry); err != nil && !errors.Is(err, ErrNoAttempt) {
		return storeFailure("abandon an attempt", err)
	}
	return nil
}

// cleanUp gives a context that outlives the callers, for a bounded time.
func cleanUp(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
}
