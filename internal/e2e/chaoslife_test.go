package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// take gives the order of an acknowledged card that nobody has in hand and that is not revoked, or nil.
func (l *load) take(random *rand.Rand) (*siegelv1.Order, *cardState) {
	order := l.again(random)
	if order == nil {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	state := l.cards[order.GetIccsn()]
	if state.inHand || state.revoked {
		return nil, nil
	}
	state.inHand = true
	return order, state
}

func (l *load) putBack(state *cardState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	state.inHand = false
}

// renew has new CV certificates made for a card.
func (l *load) renew(random *rand.Rand) {
	order, state := l.take(random)
	if order == nil {
		return
	}
	defer l.putBack(state)
	l.mu.Lock()
	l.renewed[order.GetOrderId()]++
	number := l.renewed[order.GetOrderId()]
	l.mu.Unlock()
	renewal := proto.CloneOf(order)
	renewal.OrderId = fmt.Sprintf("%s-renewal-%d", order.GetOrderId(), number)
	renewal.Renews, renewal.ValidUntil = order.GetOrderId(), ""
	renewal.Keys = slices.DeleteFunc(renewal.Keys, func(k *siegelv1.SlotKey) bool { return !strings.Contains(k.GetSlot(), "_CVC.") })
	l.issue(random, "renew", renewal)
}

// live leads a card one step on: it becomes active, one of its certificates is revoked, or all of it is.
func (l *load) live(random *rand.Rand) {
	order, state := l.take(random)
	if order == nil {
		return
	}
	defer l.putBack(state)
	iccsn := order.GetIccsn()
	what, change, done := "activate", l.activate(iccsn), func() { state.active = true }
	switch n := random.IntN(10); {
	case n < 2:
		what, change, done = "revoke", l.revoke(iccsn), func() { state.revoked = true }
	case n < 4 && len(state.alone) == 0:
		const slot = "C.HCI.ENC.E256"
		what, change, done = "revoke a certificate", l.revokeAlone(iccsn, slot), func() { state.alone = append(state.alone, slot) }
	}
	err := l.insist(random, change)
	if err != nil {
		l.t.Errorf("%s card %s: %v", what, iccsn, err)
		return
	}
	l.mu.Lock()
	done()
	l.done[what]++
	revoked := state.revoked
	l.mu.Unlock()
	if revoked {
		l.askEverywhere(random, iccsn)
	}
}

func (l *load) activate(iccsn string) func(context.Context, int) error {
	return func(ctx context.Context, server int) error {
		_, err := l.servers[server].desk.ActivateCard(ctx, &siegelv1.ActivateCardRequest{Iccsn: iccsn, Reference: "file 1"})
		return err
	}
}

func (l *load) revoke(iccsn string) func(context.Context, int) error {
	return func(ctx context.Context, server int) error {
		_, err := l.servers[server].revocation.RevokeCard(ctx, &siegelv1.RevokeCardRequest{Iccsn: iccsn, Requester: "holder", Reason: "lost", Reference: "file 2"})
		return err
	}
}

func (l *load) revokeAlone(iccsn, slot string) func(context.Context, int) error {
	return func(ctx context.Context, server int) error {
		_, err := l.servers[server].revocation.RevokeCertificate(ctx, &siegelv1.RevokeCertificateRequest{Requester: "holder", Reason: "lost", Reference: "file 3",
			Certificate: &siegelv1.RevokeCertificateRequest_Slot{Slot: &siegelv1.CardSlot{Iccsn: iccsn, Slot: slot}}})
		return err
	}
}
