package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// How clients work: so many at a time; one try of a call takes no longer than tryTime, and all tries together no longer than insistTime.
const (
	chaosWorkers = 8
	tryTime      = 10 * time.Second
	insistTime   = 60 * time.Second
)

// load is what clients do while servers die. Each sends every change again, to one server after the other, until it is acknowledged, and
// remembers what it was told.
type load struct {
	t         *testing.T
	servers   []clients
	orders    *rig.Orders // guarded by mu
	mu        sync.Mutex
	answers   map[string]*siegelv1.Card // acknowledged, by order
	sent      []*siegelv1.Order         // acknowledged orders for cards, which can be sent again and renewed
	renewed   map[string]int            // renewals that were asked for, by order
	byICCSN   map[string]*siegelv1.Card // acknowledged cards
	cards     map[string]*cardState     // of acknowledged cards, by ICCSN
	decisions map[string]string         // acknowledged, by request
	seen      map[string]bool           // checkpoints
	done      map[string]int            // acts, by name
	retries   int
}

// clients speak to one server, each as an operator of the role that it takes.
type clients struct {
	line             siegelv1.IssuanceServiceClient
	desk, revocation siegelv1.LifecycleServiceClient
	first, second    people
	status           func() string // where it answers OCSP now
}

// cardState is what was acknowledged of the life of a card. One client at a time has it in hand.
type cardState struct {
	inHand          bool
	active, revoked bool
	alone           []string // slots whose certificates are revoked by themselves
}

func newLoad(t *testing.T, source io.Reader, servers []clients) *load {
	t.Helper()
	orders, err := rig.NewOrders("hospital-pharmacy", source, true)
	if err != nil {
		t.Fatal(err)
	}
	return &load{t: t, servers: servers, orders: orders, answers: map[string]*siegelv1.Card{}, renewed: map[string]int{},
		byICCSN: map[string]*siegelv1.Card{}, cards: map[string]*cardState{}, decisions: map[string]string{}, seen: map[string]bool{}, done: map[string]int{}}
}

// known gives what clients were told.
func (l *load) known() known {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := known{cards: map[string][][32]byte{}, decisions: maps.Clone(l.decisions), checkpoints: slices.Sorted(maps.Keys(l.seen))}
	for iccsn, state := range l.cards {
		if state.active {
			k.states = append(k.states, iccsn+" active ")
		}
		if state.revoked {
			k.states = append(k.states, iccsn+" revoked ")
		}
		for _, slot := range state.alone {
			k.states = append(k.states, iccsn+" revoked "+slot)
		}
	}
	for order, card := range l.answers {
		for _, c := range card.GetCertificates() {
			k.cards[order] = append(k.cards[order], sha256.Sum256(c.GetData()))
		}
	}
	return k
}

// run works until ctx ends and every change that was begun is acknowledged.
func (l *load) run(ctx context.Context, seed uint64) {
	var workers sync.WaitGroup
	for worker := range uint64(chaosWorkers) {
		random := rand.New(rand.NewPCG(seed, worker))
		workers.Go(func() {
			for ctx.Err() == nil && !l.t.Failed() {
				l.act(random)
			}
		})
	}
	workers.Wait()
}

// act does one thing. The shares are those of a line's night, with the odd ones made frequent.
func (l *load) act(random *rand.Rand) {
	switch n := random.IntN(100); {
	case n < 40:
		l.issue(random, "issue", l.next())
	case n < 50:
		l.issueTwice(random, l.next())
	case n < 65:
		l.live(random)
	case n < 70:
		l.decide(random)
	case n < 80:
		if order := l.again(random); order != nil {
			l.issue(random, "send again", order)
		}
	case n < 90:
		l.renew(random)
	default:
		if order := l.again(random); order != nil {
			l.refuse(random, order)
		}
	}
}

// next gives a new order, for a card that can be renewed.
func (l *load) next() *siegelv1.Order {
	l.mu.Lock()
	defer l.mu.Unlock()
	order := l.orders.Next()
	order.CardType = "smcb-g2.1-os5"
	order.ValidUntil = time.Now().UTC().AddDate(3, 0, 0).Format(time.DateOnly)
	return order
}

// again gives an order that was acknowledged, or nil.
func (l *load) again(random *rand.Rand) *siegelv1.Order {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sent) == 0 {
		return nil
	}
	return l.sent[random.IntN(len(l.sent))]
}

// issue sends an order until it has its card.
func (l *load) issue(random *rand.Rand, what string, order *siegelv1.Order) {
	wait := random.IntN(4) == 0
	var answer *siegelv1.IssueCardResponse
	err := l.insist(random, func(ctx context.Context, server int) (err error) {
		answer, err = l.servers[server].line.IssueCard(ctx, &siegelv1.IssueCardRequest{Order: order, WaitForInclusion: wait})
		return err
	})
	if err != nil {
		l.t.Errorf("%s: order %s: %v", what, order.GetOrderId(), err)
		return
	}
	l.acknowledged(what, order, answer)
}

// issueTwice sends an order to two servers at once, or twice to the one.
func (l *load) issueTwice(random *rand.Rand, order *siegelv1.Order) {
	var both sync.WaitGroup
	for range 2 {
		own := rand.New(rand.NewPCG(random.Uint64(), 0))
		both.Go(func() { l.issue(own, "issue twice", order) })
	}
	both.Wait()
}

// refuse sends another order by an id that is taken.
func (l *load) refuse(random *rand.Rand, order *siegelv1.Order) {
	other := proto.CloneOf(order)
	other.Institution.Name += " II"
	err := l.insist(random, func(ctx context.Context, server int) error {
		_, err := l.servers[server].line.IssueCard(ctx, &siegelv1.IssueCardRequest{Order: other})
		return err
	})
	if status.Code(err) != codes.AlreadyExists {
		l.t.Errorf("another order by the id %s: %v, want AlreadyExists", order.GetOrderId(), err)
	}
	l.did("refuse another")
}

func (l *load) did(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[what]++
}

// acknowledged notes an answer. The same order must always have the same.
func (l *load) acknowledged(what string, order *siegelv1.Order, answer *siegelv1.IssueCardResponse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[what]++
	before, again := l.answers[order.GetOrderId()]
	if again && !proto.Equal(before, answer.GetCard()) {
		l.t.Errorf("order %s has two answers", order.GetOrderId())
	}
	if checkpoint := answer.GetInclusion().GetCheckpoint(); checkpoint != "" {
		l.seen[checkpoint] = true
	}
	if again {
		return
	}
	l.answers[order.GetOrderId()] = answer.GetCard()
	if order.GetRenews() == "" {
		l.sent = append(l.sent, order)
		l.cards[order.GetIccsn()], l.byICCSN[order.GetIccsn()] = &cardState{}, answer.GetCard()
	}
}

// insist calls one server after the other until one answers anything but that a part is away.
func (l *load) insist(random *rand.Rand, call func(ctx context.Context, server int) error) error {
	for server, end := random.IntN(len(l.servers)), time.Now().Add(insistTime); ; server = (server + 1) % len(l.servers) {
		ctx, cancel := context.WithTimeout(context.Background(), tryTime)
		err := call(ctx, server)
		cancel()
		if code := status.Code(err); code != codes.Unavailable && code != codes.DeadlineExceeded {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %s: %w", insistTime, err)
		}
		l.mu.Lock()
		l.retries++
		l.mu.Unlock()
		time.Sleep(50 * time.Millisecond)
	}
}

// watch reads the checkpoint over HTTP again and again, wherever a server is, until ctx ends.
func (l *load) watch(ctx context.Context, address func() string) {
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		if signed := readCheckpoint(ctx, client, address()); signed != "" {
			l.mu.Lock()
			l.seen[signed] = true
			l.mu.Unlock()
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// readCheckpoint gives "" where the server is away.
func readCheckpoint(ctx context.Context, client *http.Client, address string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/checkpoint", nil)
	if err != nil {
		return ""
	}
	resp, err := client.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}
