package p11

import (
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/pkcs11"
)

// Match says which token is meant. Empty fields match any token.
type Match struct {
	Label, Serial, Manufacturer, Model string
	Slot                               *uint
}

// ErrNoToken says that no slot, or more than one, holds a token that matches.
var ErrNoToken = errors.New("token not found")

// Info is what a token and its module say about themselves.
type Info struct {
	Slot       uint
	Token      pkcs11.TokenInfo
	Module     pkcs11.Info
	Mechanisms []uint // CKM_… in ascending order
	Sessions   int    // greatest number of sessions of the pool
}

// findToken gives the one slot whose token matches, and what the token says about itself. The module is initialized.
func (m *module) findToken(want Match) (Info, error) {
	slots, err := m.c.GetSlotList(true)
	if err != nil {
		return Info{}, wrap("C_GetSlotList", err)
	}
	var found []Info
	var refused error
	for _, slot := range slots {
		token, err := m.c.GetTokenInfo(slot)
		if err != nil {
			refused = wrap("C_GetTokenInfo", err) // reported only if no other slot has the token
			continue
		}
		if want.fits(slot, token) {
			found = append(found, Info{Slot: slot, Token: token})
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return Info{}, fmt.Errorf("%w: %d tokens match; add the serial", ErrNoToken, len(found))
	case refused != nil:
		return Info{}, refused
	}
	return Info{}, fmt.Errorf("%w: none of the %d tokens of the module matches", ErrNoToken, len(slots))
}

// fits compares. A token that is not initialized (SoftHSM always shows one) fits nothing.
func (want Match) fits(slot uint, token pkcs11.TokenInfo) bool {
	same := func(want, got string) bool { return want == "" || want == got }
	return token.Flags&pkcs11.CKF_TOKEN_INITIALIZED != 0 &&
		same(want.Label, token.Label) && same(want.Serial, token.SerialNumber) &&
		same(want.Manufacturer, token.ManufacturerID) && same(want.Model, token.Model) &&
		(want.Slot == nil || *want.Slot == slot)
}

// describe adds what the module says about itself and the token's mechanisms.
func (m *module) describe(info Info) (Info, error) {
	var err error
	if info.Module, err = m.c.GetInfo(); err != nil {
		return Info{}, wrap("C_GetInfo", err)
	}
	list, err := m.c.GetMechanismList(info.Slot)
	if err != nil {
		return Info{}, wrap("C_GetMechanismList", err)
	}
	for _, mech := range list {
		info.Mechanisms = append(info.Mechanisms, mech.Mechanism)
	}
	slices.Sort(info.Mechanisms)
	return info, nil
}

// sessionLimit is how many sessions a token admits, read-only or read-write; 0 where it has no limit or does not say (PKCS #11
// v3.1, Section 3.2, CK_TOKEN_INFO).
func sessionLimit(token pkcs11.TokenInfo, readWrite bool) int {
	limit := token.MaxSessionCount
	if readWrite {
		limit = token.MaxRwSessionCount
	}
	if limit == pkcs11.CK_EFFECTIVELY_INFINITE || limit == pkcs11.CK_UNAVAILABLE_INFORMATION || limit > 1<<20 {
		return 0
	}
	return int(limit)
}
