package profiles

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// slotKey is a key of the order that has a slot on the card.
type slotKey struct {
	slot  *Slot
	place int    // of the slot on the card
	path  string // of the row in the order, for example "keys[2]"
	pub   crypto.PublicKey
	spki  []byte
}

const (
	citeSameKey   = "gemRL_TSL_SP_CP, GS-A_4906"
	citeIssuerKey = "gemRL_TSL_SP_CP, GS-A_4906; gemSpec_PKI, GS-A_4704"
)

// takeKeys reads the keys, gives each its slot and looks for slots without a key.
func (p *planner) takeKeys() {
	named := map[string]bool{}           // slots that the order names, with a good key or a bad one
	owners := map[[32]byte]string{}      // paths by what makes keys the same
	issuers := identities(p.ctx.Issuers) // names likewise
	for i, row := range p.order.Keys {
		path := fmt.Sprintf("keys[%d]", i)
		slot, place := p.findSlot(path, row.Slot)
		if slot != nil && !p.mayRenew(slot) {
			p.refuseRenewal(path+".slot", slot)
			continue
		}
		if slot != nil && named[slot.Name] {
			p.refuse(path+".slot", "SLOT_TWICE", wire, "slot %s has a key already", slot.Name)
		}
		named[row.Slot] = true
		pub, field := p.parseKey(path, row)
		if pub == nil || !p.checkKey(field, slot, pub) {
			continue
		}
		spki, identity, err := identify(pub)
		if err != nil {
			p.refuse(field, "KEY_UNREADABLE", wire, "%v", err)
			continue
		}
		if issuer, taken := issuers[identity]; taken {
			p.refuse(field, "KEY_OF_ISSUER", citeIssuerKey, "it is the key of issuer %s, which must serve nothing else", issuer)
			continue
		}
		if owner, twice := owners[identity]; twice {
			p.refuse(field, "KEY_TWICE", citeSameKey, "%s has the same key: each slot needs a key of its own", owner)
			continue
		}
		owners[identity] = path
		if slot != nil {
			p.keys = append(p.keys, slotKey{slot, place, path, pub, spki})
		}
	}
	p.checkMissing(named)
	slices.SortStableFunc(p.keys, func(a, b slotKey) int { return cmp.Compare(a.place, b.place) })
}

// identify gives a key as certificates write it, and what makes it the same as others.
func identify(pub crypto.PublicKey) (spki []byte, identity [32]byte, err error) {
	if spki, err = pkix.MarshalPublicKey(pub); err == nil {
		identity, err = pkix.KeyIdentity(pub)
	}
	return spki, identity, err
}

// identities gives the names of issuers by what makes their keys the same as others (pkix.KeyIdentity).
func identities(issuers []*Issuer) map[[32]byte]string {
	names := map[[32]byte]string{}
	for _, i := range issuers {
		if identity, err := pkix.KeyIdentity(i.PublicKey()); err == nil {
			names[identity] = i.Name
		}
	}
	return names
}

// parseKey reads the key of a row; nil if it cannot be used. field is the path of the key.
func (p *planner) parseKey(path string, row SlotKey) (pub crypto.PublicKey, field string) {
	switch {
	case (len(row.SPKI) == 0) == (len(row.PKCS10) == 0):
		p.refuse(path, "KEY_FORM", wire, "give the key as either spki or pkcs10")
		return nil, path
	case len(row.PKCS10) > 0:
		field = path + ".pkcs10"
		return p.keyOfRequest(field, row.PKCS10), field
	}
	field = path + ".spki"
	pub, err := pkix.ParsePublicKey(row.SPKI)
	if err != nil {
		p.refuseKey(field, err)
		return nil, field
	}
	return pub, field
}

// keyOfRequest takes the key out of a PKCS#10 request that its own key signed. Subject and wishes do not count.
func (p *planner) keyOfRequest(field string, request []byte) crypto.PublicKey {
	r, err := pkix.ParseRequest(request)
	if err != nil {
		p.refuseKey(field, err)
		return nil
	}
	if k, ok := r.PublicKey.(*rsa.PublicKey); ok && k.E > math.MaxInt32 {
		p.refuse(field, "REQUEST_EXPONENT", citeExponent,
			"a signature of a key with a public exponent above %d cannot be verified here: give the key as spki", math.MaxInt32)
		return nil
	}
	if err := r.CheckSignature(); err != nil {
		p.refuse(field, "REQUEST_SIGNATURE", "RFC 2986, Section 4.2; gemSpec_X.509_TSP, TIP1-A_3590",
			"the request is not signed with its own key")
		return nil
	}
	return r.PublicKey
}

// refuseKey says why a key could not be read. The errors of the codec hold no personal data.
func (p *planner) refuseKey(field string, err error) {
	switch {
	case errors.Is(err, brainpool.ErrNotOnCurve), errors.Is(err, brainpool.ErrPointRange):
		p.refuse(field, "KEY_NOT_ON_CURVE", "gemSpec_Krypt, GS-A_5518", "the point of the key does not lie on its curve")
	case errors.Is(err, brainpool.ErrPointFormat), errors.Is(err, brainpool.ErrPointLength):
		p.refuse(field, "KEY_POINT_FORM", "gemSpec_Krypt, A_17091", "the point of the key must be uncompressed: 04, x, y")
	default:
		p.refuse(field, "KEY_UNREADABLE", "RFC 5280, Section 4.1.2.7; gemSpec_Krypt, GS-A_4359", "%v", err)
	}
}

// checkKey tells whether a key fits its slot and shows no weakness. Without a slot only weaknesses count.
func (p *planner) checkKey(field string, slot *Slot, pub crypto.PublicKey) bool {
	k, isRSA := pub.(*rsa.PublicKey)
	if slot != nil {
		fits := isRSA && slot.Key.Generation() == sigalg.RSA // the length is looked at below
		if t, err := sigalg.TypeOf(pub); err == nil && t == slot.Key {
			fits = true
		}
		if !fits {
			p.refuse(field, "KEY_TYPE", "gemSpec_PKI, Tab_PKI_205; gemSpec_Krypt, GS-A_4359",
				"slot %s needs a key of type %s", slot.Name, slot.Key)
			return false
		}
	}
	if ec, isEC := pub.(*brainpool.PublicKey); isEC {
		return p.checkPoint(field, ec)
	}
	if !isRSA {
		return true // no slot takes it
	}
	found := rsaWeaknesses(k)
	for _, w := range found {
		p.refuse(field, w.rule, w.citation, "%s", w.message)
	}
	return len(found) == 0
}

// checkPoint refuses the base point and its negative: a token that made them has a broken source of randomness, and everybody knows the
// private key. Any other point on a curve of prime order is as good as another.
func (p *planner) checkPoint(field string, k *brainpool.PublicKey) bool {
	x := k.Bytes()[1 : 1+k.Curve().ByteLen()]
	if bytes.Equal(x, k.Curve().BasePoint()[1:1+len(x)]) {
		p.refuse(field, "EC_BASE_POINT", citeWeak, "the key is the base point of its curve: its private key is 1 or -1")
		return false
	}
	return true
}
