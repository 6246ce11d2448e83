package ca

import (
	"context"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// NewRecorded lets a test knock at the door with a draft of its own making.
func NewRecorded(d *Draft) *Recorded { return &recorded{draft: d} }

// Recorded is recorded.
type Recorded = recorded

// Sign is sign. A draft for which no signature was reserved takes the session that is open.
func (a *Authority) Sign(ctx context.Context, r *Recorded) ([]byte, error) {
	if iss := a.issuers[r.draft.Issuer]; iss != nil && r.session == nil {
		r.session = iss.session
	}
	return a.sign(ctx, r)
}

// Watch is watch: one of the looks that Run makes every second.
func (a *Authority) Watch(ctx context.Context) error { return a.watch(ctx) }

// Waiting is the number of callers that wait for an order.
func (a *Authority) Waiting(orderID string) int {
	a.flights.mu.Lock()
	defer a.flights.mu.Unlock()
	if fl := a.flights.running[orderID]; fl != nil {
		return fl.callers
	}
	return 0
}

// DrawSerial is drawSerial.
func DrawSerial(now time.Time) (pkix.Serial, error) { return drawSerial(now) }

// Canonical is canonical, OrderHash is orderHash.
var (
	Canonical = canonical
	OrderHash = orderHash
)

// MakeDue makes the CRL of an issuer if it is due.
func (c *CRLs) MakeDue(ctx context.Context, issuer string) error { return c.makeDue(ctx, issuer) }

// Records makes the copy and the hash of an order, and the entries of its attempt and of its card.
func Records(actor string, order *profiles.Order, p *Plan, certificates [][]byte) error {
	req, err := newRequest(actor, order)
	if err != nil {
		return err
	}
	in := &Intent{OrderID: order.ID, OrderJSON: req.json, ICCSN: order.ICCSN, Drafts: p.Drafts}
	if _, err := intentEntry(actor, in, ""); err != nil {
		return err
	}
	_, err = cardEntry(actor, &Completion{Intent: in, Certificates: certificates})
	return err
}

// PauseAfter is pauseAfter.
func PauseAfter(took, length time.Duration) time.Duration { return pauseAfter(took, length) }
