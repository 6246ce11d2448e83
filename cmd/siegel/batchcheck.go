package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// batchCheck judges orders without a server: their shape, as the .proto files say it; the rules of the built-in catalogue, but for those
// that depend on the installation (its issuers, and so the greatest term); and what two lines of a file must not share. Not for
// concurrent use.
type batchCheck struct {
	shape   protovalidate.Validator
	set     *profiles.Set
	context profiles.Context

	orders, iccsns map[string]int   // lines by what they take
	keys           map[string]int   // likewise, by the octets of the key
	bad            map[int]struct{} // lines with faults
	total          int              // lines with orders
}

// newBatchCheck makes a check for an environment.
func newBatchCheck(env profiles.Environment, now time.Time) (*batchCheck, error) {
	set, err := profiles.Builtin()
	if err != nil {
		return nil, fmt.Errorf("load the catalogue: %w", err)
	}
	shape, err := protovalidate.New(protovalidate.WithMessages(&siegelv1.Order{}))
	if err != nil {
		return nil, fmt.Errorf("compile the field rules of the API: %w", err)
	}
	return &batchCheck{
		// The provider's number has no part in what is judged.
		shape: shape, set: set, context: profiles.Context{Environment: env, Now: now, TSPID: "00"},
		orders: map[string]int{}, iccsns: map[string]int{}, keys: map[string]int{}, bad: map[int]struct{}{},
	}, nil
}

// checkedAtOnce is how many lines are in memory at a time.
const checkedAtOnce = 256

// file checks every line and gives those with faults to report, in their order. The source is at its beginning afterwards.
func (c *batchCheck) file(s *batchSource, report func(*orderLine) error) error {
	for end := false; !end; {
		var lines []*orderLine
		for len(lines) < checkedAtOnce && !end {
			l, err := s.next()
			switch {
			case errors.Is(err, io.EOF):
				end = true
			case err != nil:
				return err
			default:
				lines = append(lines, l)
			}
		}
		var group errgroup.Group
		group.SetLimit(runtime.NumCPU())
		for _, l := range lines {
			group.Go(func() error { return c.judge(l) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		for _, l := range lines {
			c.total++
			c.compare(l)
			if len(l.faults) == 0 {
				continue
			}
			c.bad[l.number] = struct{}{}
			if err := report(l); err != nil {
				return err
			}
		}
	}
	return s.rewind()
}

// judge looks at one line by itself. Lines may be judged at the same time.
func (c *batchCheck) judge(l *orderLine) error {
	if l.order == nil || len(l.faults) > 0 {
		return nil
	}
	var broken *protovalidate.ValidationError
	if err := c.shape.Validate(l.order); errors.As(err, &broken) {
		for _, v := range broken.Violations {
			l.faults = append(l.faults, lineFault{
				Field: protovalidate.FieldPathString(v.Proto.GetField()), Message: oneLine(v.Proto.GetMessage()), Citation: "siegel.v1, field rules",
				Rule: "SHAPE_" + strings.ToUpper(strings.ReplaceAll(v.Proto.GetRuleId(), ".", "_")),
			})
		}
		return nil
	} else if err != nil {
		return fmt.Errorf("line %d: check the shape: %w", l.number, err)
	}
	order, err := plannable(l.order)
	if err != nil {
		return fmt.Errorf("line %d: %w", l.number, err)
	}
	_, err = c.set.Plan(order, &c.context)
	var refusal *profiles.Refusal
	if err == nil || !errors.As(err, &refusal) {
		return err
	}
	for _, v := range refusal.Violations {
		if !v.Configuration { // no issuer is known here
			l.faults = append(l.faults, lineFault{Field: v.Field, Rule: v.Rule, Citation: v.Citation, Message: v.Message})
		}
	}
	return nil
}

// plannable translates an order by its JSON, whose names are those of the planner's.
func plannable(o *siegelv1.Order) (*profiles.Order, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode the order: %w", err)
	}
	order := new(profiles.Order)
	if err := json.Unmarshal(text, order); err != nil {
		return nil, fmt.Errorf("translate the order: %w", err)
	}
	return order, nil
}

// compare looks for what a line takes and another before it has taken already.
func (c *batchCheck) compare(l *orderLine) {
	if l.order == nil {
		return
	}
	taken := func(by map[string]int, value, field, rule, citation string) {
		if value == "" {
			return
		}
		if first, is := by[value]; is {
			l.faults = append(l.faults, lineFault{field, rule, citation, fmt.Sprintf("line %d has the same", first)})
			return
		}
		by[value] = l.number
	}
	taken(c.orders, l.order.GetOrderId(), "order_id", "ORDER_ID_TWICE", "siegel.v1.Order")
	if l.order.GetRenews() != "" {
		return // it has ICCSN and keys of another order
	}
	taken(c.iccsns, l.order.GetIccsn(), "iccsn", "ICCSN_TAKEN", "gemSpec_X.509_TSP, TIP1-A_3591")
	for i, k := range l.order.GetKeys() {
		taken(c.keys, string(keyDigest(k)), fmt.Sprintf("keys[%d]", i), "KEY_REUSED", "gemRL_TSL_SP_CP, GS-A_4906")
	}
}

// keyDigest stands for a key, in 16 octets: a file of 100,000 cards has 900,000 of them.
func keyDigest(k *siegelv1.SlotKey) []byte {
	sum := sha256.Sum256(append(k.GetSpki(), k.GetPkcs10()...))
	return sum[:16]
}
