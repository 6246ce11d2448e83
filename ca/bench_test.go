package ca_test

import (
	"context"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// What a card of nine certificates costs beside its signatures and its database. Run on one core: go test -bench Card -cpu 1 ./ca

// BenchmarkCardPlan plans, drafts and lints.
func BenchmarkCardPlan(b *testing.B) {
	w, order := newWorld(b), newOrder(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Plan(b.Context(), order); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCardDoor takes the drafts of a card through the door, to keys that have signed them before.
func BenchmarkCardDoor(b *testing.B) {
	signed := map[string][]byte{}
	w := newWorld(b, func(c *ca.Config) {
		for i, iss := range c.Issuers {
			c.Issuers[i].Key = &rememberingKey{hierarchy()[i].Key, signed}
			_ = iss
		}
		c.KeySession.Signatures = 1 << 40
	})
	plan, err := w.Plan(b.Context(), newOrder(1))
	if err != nil {
		b.Fatal(err)
	}
	pass := func() {
		for i := range plan.Drafts {
			if _, err := w.Sign(b.Context(), ca.NewRecorded(&plan.Drafts[i])); err != nil {
				b.Fatal(err)
			}
		}
	}
	pass()
	b.ReportAllocs()
	for b.Loop() {
		pass()
	}
}

// rememberingKey signs a message once. It serves one goroutine.
type rememberingKey struct {
	ca.Key
	signed map[string][]byte
}

func (k *rememberingKey) Sign(ctx context.Context, s sigalg.Scheme, message []byte) ([]byte, error) {
	if signature := k.signed[string(message)]; signature != nil {
		return signature, nil
	}
	signature, err := k.Key.Sign(ctx, s, message)
	k.signed[string(message)] = signature
	return signature, err
}

// BenchmarkCardRecords makes what is recorded of an order and of its card, beside the drafts.
func BenchmarkCardRecords(b *testing.B) {
	w, order := newWorld(b), newOrder(1)
	plan, err := w.Plan(b.Context(), order)
	if err != nil {
		b.Fatal(err)
	}
	certificates := make([][]byte, len(plan.Drafts))
	for i := range certificates {
		certificates[i] = plan.Drafts[i].Body
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := ca.Records(operator, order, plan, certificates); err != nil {
			b.Fatal(err)
		}
	}
}
