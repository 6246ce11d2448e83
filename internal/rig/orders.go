package rig

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/siegel-pki/siegel/internal/testkey"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// Orders makes orders that differ in id, ICCSN and keys, after the pattern of a sample order. Not for concurrent use.
type Orders struct {
	pattern *siegelv1.Order
	keys    *testkey.Source
	next    int
	keep    func(slot string) bool
}

// SampleOrder reads one of the sample orders, for example "hospital-pharmacy".
func SampleOrder(name string) (*siegelv1.Order, error) {
	text, err := os.ReadFile(filepath.Join(Root(), "testdata", "orders", name+".json"))
	if err != nil {
		return nil, fmt.Errorf("read the sample order: %w", err)
	}
	order := new(siegelv1.Order)
	if err := protojson.Unmarshal(text, order); err != nil {
		return nil, fmt.Errorf("read the sample order %s: %w", name, err)
	}
	return order, nil
}

// NewOrders makes orders after a sample. Keys come from rand. With eccOnly the key generation RSA is left out.
func NewOrders(sample string, rand io.Reader, eccOnly bool) (*Orders, error) {
	pattern, err := SampleOrder(sample)
	if err != nil {
		return nil, err
	}
	keep := func(slot string) bool { return !eccOnly || !strings.HasSuffix(slot, ".R2048") }
	return &Orders{pattern: pattern, keys: testkey.New(rand), keep: keep}, nil
}

// Next gives a new order.
func (o *Orders) Next() *siegelv1.Order {
	o.next++
	order := proto.CloneOf(o.pattern)
	order.OrderId = fmt.Sprintf("rig-%08d", o.next)
	order.Iccsn = fmt.Sprintf("8027600101%010d", o.next)
	order.Keys = nil
	for _, k := range o.pattern.GetKeys() {
		if !o.keep(k.GetSlot()) {
			continue
		}
		spki := o.keys.EC
		if strings.HasSuffix(k.GetSlot(), ".R2048") {
			spki = o.keys.RSA
		}
		order.Keys = append(order.Keys, &siegelv1.SlotKey{Slot: k.GetSlot(), Key: &siegelv1.SlotKey_Spki{Spki: spki()}})
	}
	return order
}
