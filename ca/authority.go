package ca

import (
	"context"
	"log/slog"
	"time"

	"github.com/siegel-pki/siegel/profiles"
)

// Config is what an Authority is made of. All fields are mandatory unless they say otherwise.
type Config struct {
	Store    Store
	Profiles *profiles.Set
	// Issuers are the issuers and the roots above them. Of several that are bound to the same profile, the newest valid one
	// signs: list them oldest first.
	Issuers []Issuer
	// Environment must be profiles.Test: production needs key sessions opened by two people, which this build does not have.
	Environment profiles.Environment
	// TSPID are the two digits that gematik gave the provider (gemSpec_PKI, Tab_PKI_109).
	TSPID string
	// KeySession bounds the key session that Start opens for each issuer key in environment test.
	KeySession SessionBounds
	// ConfigHash is the SHA-256 of the server's configuration, for the log; nil where there is none.
	ConfigHash []byte
	// Now gives the time of a trusted clock.
	Now func() time.Time
	Log *slog.Logger
}

// Authority turns orders into cards: see the package comment for the road. New makes it, Start opens it, Close ends it. All
// methods are safe for concurrent use.
//
// One Authority serves one Store. An open attempt that the Authority does not run itself is taken for dead, so that two
// servers on one database would abandon each other's work. (They would lose time, never a promise: an abandoned attempt
// cannot complete.)
type Authority struct{}

// New checks the configuration completely and makes an Authority. It reads no database and uses no key.
//
// It is an error if the environment is production; if an issuer's key is not the key of its certificate; if an issuer that
// may sign is outside its validity, or is bound to a profile that does not exist or is of the other format; if two issuers
// have one name; or if the issuer above one is missing. A profile that a card type needs and no issuer is bound to is no error,
// since a provider may serve one key generation only: see Unbound.
func New(cfg Config) (*Authority, error) { panic("not written") }

// Start records the start of the server, abandons the attempts that an earlier process left open, and opens a key session
// for each issuer key. Issue signs nothing before.
func (a *Authority) Start(ctx context.Context) error { panic("not written") }

// Close refuses new orders, waits for the attempts under way to end or, when ctx ends first, cancels them and waits for their
// clean-up. It may be called more than once.
func (a *Authority) Close(ctx context.Context) error { panic("not written") }

// Unbound lists the profiles that a card type of the set needs and no issuer is bound to, in alphabetical order. Orders for
// them are refused by the planner.
func (a *Authority) Unbound() []string { panic("not written") }

// Issuers lists the public side of the issuers and roots, as configured. Callers must not change it.
func (a *Authority) Issuers() []*profiles.Issuer { panic("not written") }

// Recover abandons every attempt in the store that is open, each with its entry. Start calls it, before the first order.
func (a *Authority) Recover(ctx context.Context) error { panic("not written") }

// Card gives an issued card by its ICCSN. The error is ErrNotFound where there is none.
func (a *Authority) Card(ctx context.Context, iccsn string) (*Card, error) { panic("not written") }

// CardByOrder gives the card of a completed order. The error is ErrNotFound where the order is unknown or not complete.
func (a *Authority) CardByOrder(ctx context.Context, orderID string) (*Card, error) {
	panic("not written")
}

// Cards lists issued cards by ascending number, those after the given number, at most limit.
func (a *Authority) Cards(ctx context.Context, after int64, limit int) ([]CardSummary, error) {
	panic("not written")
}

// Plan is an order's plan with its drafts.
type Plan struct {
	*profiles.Plan
	Drafts []Draft // one for each slot of the plan, in the same order
}

// Plan says exactly which certificates an order would give. It records nothing, uses no key and looks at no other order; the
// X.509 serial numbers in the drafts are stand-ins of the final length. A *profiles.Refusal says what is wrong with the order.
func (a *Authority) Plan(ctx context.Context, order *profiles.Order) (*Plan, error) {
	panic("not written")
}

// Issue makes the card of an order, or gives it where it was made before: the same order always gives the same answer. Calls
// with the same order at the same time share one attempt; a caller that leaves does not end it for the others.
//
// When Issue returns a card, the card is durable. When it returns an error, see errors.go for the kinds; sending the order
// again is safe after each. A refused order leaves nothing behind.
//
// Actor is the operator on whose behalf the order came; the log names it.
func (a *Authority) Issue(ctx context.Context, actor string, order *profiles.Order) (*Card, error) {
	panic("not written")
}
