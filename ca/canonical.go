package ca

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/siegel-pki/siegel/profiles"
)

// canonicalV1 begins what is hashed of an order. The hashes of orders are kept for ever: what an order of this version is hashed from must
// never change (testdata/canonical-order.txt). Another form has another beginning, and is compared beside this one as long as a database
// holds orders of this one.
const canonicalV1 = "siegel order 1\n"

// canonical gives the octets by which orders are compared: orders with the same octets say the same. They are the beginning above and the
// order as JSON, fields in the order of profiles.Order, empty ones left out as there, without white space, as encoding/json writes it.
// Keys stand sorted by slot, since an order lists them in any order. A field that comes later must be left out where it is empty, so that
// older orders keep their octets.
func canonical(order *profiles.Order) ([]byte, error) {
	sorted := *order
	sorted.Keys = slices.Clone(order.Keys)
	slices.SortFunc(sorted.Keys, func(a, b profiles.SlotKey) int {
		return cmp.Or(strings.Compare(a.Slot, b.Slot), bytes.Compare(a.SPKI, b.SPKI), bytes.Compare(a.PKCS10, b.PKCS10))
	})
	text, err := json.Marshal(&sorted)
	if err != nil {
		return nil, fmt.Errorf("encode the order: %w", err)
	}
	return append([]byte(canonicalV1), text...), nil
}

// orderHash is the SHA-256 of an order's canonical form.
func orderHash(order *profiles.Order) ([32]byte, error) {
	octets, err := canonical(order)
	return sha256.Sum256(octets), err
}
