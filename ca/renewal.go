package ca

import (
	"context"
	"slices"

	"github.com/siegel-pki/siegel/profiles"
)

// A card key may be certified again with other dates under the same CHR, until the key's own life ends (gemKPT_PKI_TIP, section 5.7.1);
// there is no other way to prolong a CV certificate. It would take an order of a kind of its own, that names the card, has no X.509 keys
// and goes to cards only whose object system lets the files be rewritten (gemSpec_SMC-B_ObjSys_G2.1 5.0.0). There is no such order, and a
// Store keeps one order for each ICCSN and one certificate for each CHR of an issuer. What looks like a renewal is refused as one.

// isRenewal tells whether an order asks again for the CV certificates of a card that was issued: the same ICCSN, and in some slot for a CV
// certificate the same key. Where the card cannot be read, it says no, and the order is refused because its ICCSN is taken.
func (a *Authority) isRenewal(ctx context.Context, in *Intent) bool {
	card, err := a.store.Card(ctx, in.ICCSN)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(in.Drafts, func(d Draft) bool {
		return d.Format == CVC && slices.ContainsFunc(card.Certs, func(c Certificate) bool {
			return c.Slot == d.Slot && c.KeyHash == d.KeyHash
		})
	})
}

// errRenewal refuses a renewal by name.
func errRenewal() error {
	return &profiles.Refusal{Violations: []profiles.Violation{{
		Field: "iccsn", Rule: "RENEWAL_NOT_BUILT", Citation: "gemKPT_PKI_TIP, section 5.7.1; gemSpec_SMC-B_ObjSys_G2.1 5.0.0",
		Message: "the card was issued with these keys; its CV certificates cannot be renewed here, and only object system 5 could take them: order a new card",
	}}}
}
