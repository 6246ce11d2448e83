package profiles

import (
	"slices"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// This file compares what two policies allow. It looks at no order and at no clock. What it says holds for environment production.

// Review is under which circumstances policies are compared.
type Review struct {
	At         time.Time // the day of issue
	Exceptions []string  // that are granted
}

// Outlook is what a policy says of a certificate on a day.
type Outlook struct {
	Refused bool
	Limit   *Algorithm // why it is refused, or else the algorithm that ends first; nil: the policy does not know one that is needed
}

// LastDay is the last day of issue; none where the policy knows no end, or not the algorithm.
func (o Outlook) LastDay() Deadline {
	if o.Limit == nil {
		return Deadline{}
	}
	return o.Limit.LastDay.Value
}

// Exception names what would lift the last day; "" where there is none to lift.
func (o Outlook) Exception() string {
	if o.Limit == nil {
		return ""
	}
	return o.Limit.Exception
}

// SlotOutlook is what two policies say of a slot.
type SlotOutlook struct {
	Slot      string
	Now, Then Outlook
}

// Changed tells whether the policies differ about the slot.
func (o *SlotOutlook) Changed() bool {
	return o.Now.Refused != o.Then.Refused || o.Now.LastDay() != o.Then.LastDay() || o.Now.Exception() != o.Then.Exception()
}

// CardOutlook is what two policies say of a card type.
type CardOutlook struct {
	CardType                string
	RefusedNow, RefusedThen bool // every order is refused, whichever slots it leaves out
	Slots                   []SlotOutlook
}

// Compare says of every slot of every card type what this catalogue's policy and another's say. Both catalogues must
// have the same card types: see WithPolicy. It assumes that the issuer's key is of the type of the slot's, and signs with the scheme that ends
// last.
func (s *Set) Compare(changed *Set, r Review) []CardOutlook {
	var list []CardOutlook
	for _, t := range s.CardTypes() {
		card := CardOutlook{CardType: t.Name}
		now, then := map[string]bool{}, map[string]bool{}
		for i := range t.Slots {
			o := SlotOutlook{Slot: t.Slots[i].Name, Now: s.slotOutlook(&t.Slots[i], r), Then: changed.slotOutlook(&t.Slots[i], r)}
			now[o.Slot], then[o.Slot] = o.Now.Refused, o.Then.Refused
			card.Slots = append(card.Slots, o)
		}
		card.RefusedNow, card.RefusedThen = s.impossible(t, now), s.impossible(t, then)
		list = append(list, card)
	}
	return list
}

// impossible tells whether a card type cannot be ordered without the refused slots: a slot that no order can leave out is among them, or all
// slots in place of each other are.
func (s *Set) impossible(t *CardType, refused map[string]bool) bool {
	p := planner{set: s, card: t}
	for _, slot := range t.Slots {
		mayStayEmpty := p.mayMiss(slot) && slices.Contains(t.MayLeaveOut.Value, slot.Key.Generation())
		if refused[slot.Name] && !mayStayEmpty && t.alternative(slot.Name) == nil {
			return true
		}
	}
	return slices.ContainsFunc(t.OneOf, func(a Alternative) bool {
		return !slices.ContainsFunc(a.Slots, func(slot string) bool { return !refused[slot] })
	})
}

// slotOutlook is the outlook of a slot's key with the signature that ends last.
func (s *Set) slotOutlook(slot *Slot, r Review) Outlook {
	family, _ := s.family(slot.Profile)
	key, _ := s.policy.Algorithm(AlgorithmUse{Family: family, Purpose: SubjectKey, Key: slot.Key})
	var last *Algorithm
	for _, a := range s.policy.signatures(family, slot.Key) {
		if last == nil || last.LastDay.Value.Before(a.LastDay.Value) {
			last = a
		}
	}
	return r.outlook(key, last)
}

// Uses gives what a certificate needs algorithms for: its key, whose type the slot's name ends in, and the signature by an issuer's key. False:
// profile or key type cannot be told from the names, as those of a catalogue that has changed since.
func (s *Set) Uses(slot, profile string, scheme sigalg.Scheme, issuerKey sigalg.KeyType) (key, signature AlgorithmUse, ok bool) {
	family, known := s.family(profile)
	keyType, err := sigalg.ParseKeyType(slot[strings.LastIndexByte(slot, '.')+1:])
	if !known || err != nil {
		return key, signature, false
	}
	key = AlgorithmUse{Family: family, Purpose: SubjectKey, Key: keyType}
	return key, AlgorithmUse{Family: family, Purpose: CertificateSignature, Scheme: scheme, Key: issuerKey}, true
}

// Outlook says what the policy makes of a certificate that needs both: see Uses.
func (p *Policy) Outlook(key, signature AlgorithmUse, r Review) Outlook {
	k, _ := p.Algorithm(key)
	s, _ := p.Algorithm(signature)
	return r.outlook(k, s)
}

// outlook is that of a certificate that needs both algorithms; nil stands for one that the policy does not know.
func (r Review) outlook(key, signature *Algorithm) Outlook {
	if key == nil || signature == nil {
		return Outlook{Refused: true}
	}
	first, second := key, signature
	if second.LastDay.Value.Before(first.LastDay.Value) {
		first, second = second, first
	}
	for _, a := range []*Algorithm{first, second} {
		if a.LastDay.Value.Passed(r.At) && !slices.Contains(r.Exceptions, a.Exception) {
			return Outlook{Refused: true, Limit: a}
		}
	}
	return Outlook{Limit: first}
}
