package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The kill test's size: orders in all, orders under way at a time, and acknowledged cards after which the server is killed.
const (
	killOrders  = 500
	killWorkers = 16
	killAfter   = 200
)

// TestKillInTheMiddle kills siegeld with SIGKILL in the middle of 500 orders, starts it again and sends every order again: there
// must be exactly 500 cards, no serial number twice, and every card that was acknowledged before must be unchanged (promises
// 2, 3 and 7).
func TestKillInTheMiddle(t *testing.T) {
	r := newRig(t)
	orders := makeOrders(t, killOrders)
	server := start(t, r)
	acknowledged := issueUntilKilled(t, dial(t, r, server, "line-1"), server, orders)
	t.Logf("%d of %d cards were acknowledged when the server was killed", len(acknowledged), killOrders)
	if len(acknowledged) < killAfter || len(acknowledged) == killOrders {
		t.Fatalf("the server was not killed in the middle: %d of %d acknowledged", len(acknowledged), killOrders)
	}

	server = start(t, r)
	defer stop(t, server)
	client := dial(t, r, server, "line-1")
	final := issueAll(t, client, orders)
	for id, before := range acknowledged {
		if string(before) != string(final[id]) {
			t.Errorf("order %s: the card changed after it was acknowledged", id)
		}
	}
	checkCards(t, client, final)
}

// makeOrders makes orders of G2.1 cards without RSA keys.
func makeOrders(t *testing.T, n int) []*siegelv1.Order {
	t.Helper()
	source := newOrders(t, true)
	orders := make([]*siegelv1.Order, n)
	for i := range orders {
		orders[i] = source.Next()
	}
	return orders
}

// issueUntilKilled issues orders and kills the server once killAfter cards are acknowledged. It gives the encoded answers by order id.
func issueUntilKilled(t *testing.T, client siegelv1.IssuanceServiceClient, server *rig.Server, orders []*siegelv1.Order) map[string][]byte {
	t.Helper()
	var mu sync.Mutex
	answers := map[string][]byte{}
	var once sync.Once
	eachOrder(orders, func(order *siegelv1.Order) {
		answer, err := issue(t.Context(), client, order)
		if err != nil {
			return // killed: the order is sent again later
		}
		mu.Lock()
		answers[order.GetOrderId()] = encode(t, answer)
		enough := len(answers) >= killAfter
		mu.Unlock()
		if enough {
			once.Do(func() {
				if err := server.Kill(); err != nil {
					t.Error(err)
				}
			})
		}
	})
	return answers
}

// issueAll issues every order and gives the encoded answers by order id.
func issueAll(t *testing.T, client siegelv1.IssuanceServiceClient, orders []*siegelv1.Order) map[string][]byte {
	t.Helper()
	var mu sync.Mutex
	answers := map[string][]byte{}
	eachOrder(orders, func(order *siegelv1.Order) {
		answer, err := issue(t.Context(), client, order)
		if err != nil {
			t.Errorf("order %s after the restart: %v", order.GetOrderId(), err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		answers[order.GetOrderId()] = encode(t, answer)
	})
	return answers
}

// eachOrder calls f for every order, killWorkers at a time.
func eachOrder(orders []*siegelv1.Order, f func(*siegelv1.Order)) {
	queue := make(chan *siegelv1.Order)
	var wg sync.WaitGroup
	for range killWorkers {
		wg.Go(func() {
			for order := range queue {
				f(order)
			}
		})
	}
	for _, order := range orders {
		queue <- order
	}
	close(queue)
	wg.Wait()
}

// checkCards compares the list of cards with the answers: as many, each once, and no serial number or CHR twice.
func checkCards(t *testing.T, client siegelv1.IssuanceServiceClient, answers map[string][]byte) {
	t.Helper()
	listed, err := listCards(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	if len(listed) != killOrders || len(answers) != killOrders {
		t.Errorf("there are %d cards and %d answers, want %d", len(listed), len(answers), killOrders)
	}
	seen := map[string]string{}
	for _, card := range listed {
		answer := new(siegelv1.IssueCardResponse)
		if err := proto.Unmarshal(answers[card.GetOrderId()], answer); err != nil {
			t.Fatal(err)
		}
		if answer.GetCard().GetIccsn() != card.GetIccsn() {
			t.Errorf("card %s of order %s is not the one that was answered", card.GetIccsn(), card.GetOrderId())
		}
		for _, c := range answer.GetCard().GetCertificates() {
			name := fmt.Sprintf("%s %s%s", c.GetIssuer(), c.GetSerial(), c.GetChr())
			if other := seen[name]; other != "" {
				t.Errorf("%s is on the cards %s and %s", name, other, card.GetIccsn())
			}
			seen[name] = card.GetIccsn()
		}
	}
	t.Logf("%d cards, %d certificates, every serial number and CHR once", len(listed), len(seen))
}

// listCards reads the whole list, page by page.
func listCards(ctx context.Context, client siegelv1.IssuanceServiceClient) ([]*siegelv1.CardSummary, error) {
	var cards []*siegelv1.CardSummary
	for token := ""; ; {
		page, err := client.ListCards(ctx, &siegelv1.ListCardsRequest{PageSize: 77, PageToken: token})
		if err != nil {
			return nil, err
		}
		cards = append(cards, page.GetCards()...)
		if token = page.GetNextPageToken(); token == "" {
			return cards, nil
		}
	}
}

// encode gives the one encoding by which answers are compared.
func encode(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Error(err)
	}
	return b
}
