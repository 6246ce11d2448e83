package profiles

import (
	"encoding/hex"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Holder says what kind of holder a card type is for and a sector has. A sector may order the card types of its own kind.
type Holder string

// The kinds of holders.
const (
	HolderInstitution  Holder = "institution"  // health care institutions and payers: SMC-B with a role certificate
	HolderOrganisation Holder = "organisation" // shareholder organisations: SMC-B ORG, no role certificate (GS-A_4621-02)
	HolderDevice       Holder = "device"       // connectors and card terminals: gSMC-K, gSMC-KT
)

// CardType says which certificates a card carries: a file under cards/.
type CardType struct {
	Name        string // for example "smcb-g2.1"
	Title       string
	Holder      Cited[Holder]
	MayLeaveOut Cited[[]sigalg.Generation] // key generations that an order may leave out as a whole; none: nil
	Slots       []Slot                     // in the order in which a plan lists them
	// CVCRewritable says that the files of the card's CV certificates of generation 2 can be written again, so that these can be renewed.
	CVCRewritable Cited[bool]
	// Suspension says that a card can be revoked for a while. None can: the specification knows it for cards that are not made here.
	Suspension Cited[bool]
	OneOf      []Alternative // groups of slots of which an order names exactly one
	NotBuilt   []AbsentSlot  // the card has them, Siegel cannot make them yet; they are left empty with a warning
	NotOnCard  []AbsentSlot  // the card has no such slot, although others have; an order that names one is told why

	at position
}

// Slot is a place for one certificate on a card.
type Slot struct {
	Name    string         // as the specification names the object, for example "C.HCI.AUT.E256"
	Profile string         // name of an X.509 or CVC profile
	Key     sigalg.KeyType // of the certified key
	Octets  Cited[int]     // size of the card file: the largest certificate that fits
	KeyID   Cited[uint16]  // first two octets of the CHR; CV certificates only (Tab_PKI_258)

	at position
}

// Alternative is a group of slots in place of each other.
type Alternative struct {
	Slots  []string
	Source string

	at position
}

// AbsentSlot is a slot that an order cannot name, and why.
type AbsentSlot struct {
	Name   string
	Reason string // a clause that continues "C.HCI.QES.R2048 is part of smcb-g2.0 but not built yet: "
	Source string

	at position
}

func readCardType(d *decoder, m mapping) *CardType {
	t := &CardType{
		Name:       required(m, "card_type", text),
		Title:      required(m, "title", text),
		Holder:     cited(m, "holder", holder),
		Suspension: cited(m, "suspension", truth),
		Slots:      required(m, "slots", list(readSlot)),
		at:         m.at(),
	}
	t.MayLeaveOut, _ = citedIfThere(m, "may_leave_out", set(generation))
	t.CVCRewritable, _ = citedIfThere(m, "cvc_rewritable", truth)
	t.OneOf = optional(m, "one_of", list(readAlternative))
	t.NotBuilt = optional(m, "not_built", list(readAbsentSlot))
	t.NotOnCard = optional(m, "not_on_card", list(readAbsentSlot))
	if t.Suspension.Value {
		d.problems.add(t.Suspension.at, "NOT_BUILT", "suspension is not built: a revocation is for ever")
	}
	t.checkNames(d)
	return t
}

// checkNames sees to it that every slot has one meaning, and that its name says which key it takes (Tab_PKI_205).
func (t *CardType) checkNames(d *decoder) {
	seen := map[string]bool{}
	name := func(slot string, at position) {
		if slot != "" && seen[slot] {
			d.problems.add(at, "DUPLICATE_NAME", "slot %s appears a second time", slot)
		}
		seen[slot] = true
	}
	for _, s := range t.Slots {
		name(s.Name, s.at)
		if s.Name != "" && s.Key != 0 && !strings.HasSuffix(s.Name, "."+s.Key.String()) {
			d.problems.add(s.at, "CONTRADICTION", "slot %s has key type %s; the name must end in it", s.Name, s.Key)
		}
	}
	for _, a := range t.OneOf {
		if len(a.Slots) == 1 {
			d.problems.add(a.at, "CONTRADICTION", "%s is the alternative of nothing", a.Slots[0])
		}
		for _, slot := range a.Slots {
			if slot != "" && !seen[slot] {
				d.problems.add(a.at, "UNKNOWN_REFERENCE", "the card has no slot %s", slot)
			}
		}
	}
	for _, a := range t.NotBuilt {
		name(a.Name, a.at)
	}
	for _, a := range t.NotOnCard {
		name(a.Name, a.at)
	}
}

func readSlot(d *decoder, n *yaml.Node) Slot {
	m := d.mapping(n)
	s := Slot{
		Name:    required(m, "slot", text),
		Profile: required(m, "profile", text),
		Key:     required(m, "key", parsed(sigalg.ParseKeyType)),
		Octets:  cited(m, "octets", number),
		at:      m.at(),
	}
	s.KeyID, _ = citedIfThere(m, "key_id", parsed(parseKeyID))
	m.end()
	return s
}

func readAlternative(d *decoder, n *yaml.Node) Alternative {
	m := d.mapping(n)
	a := Alternative{Slots: required(m, "slots", set(text)), Source: required(m, "source", text), at: m.at()}
	m.end()
	return a
}

func readAbsentSlot(d *decoder, n *yaml.Node) AbsentSlot {
	m := d.mapping(n)
	a := AbsentSlot{
		Name:   required(m, "slot", text),
		Reason: required(m, "reason", text),
		Source: required(m, "source", text),
		at:     m.at(),
	}
	m.end()
	return a
}

// parseKeyID reads four hex digits; 0 names no key.
func parseKeyID(s string) (uint16, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 2 || b[0] == 0 && b[1] == 0 {
		return 0, fmt.Errorf("a key identifier is four hex digits and not 0000")
	}
	return uint16(b[0])<<8 | uint16(b[1]), nil
}

var (
	holder = word(map[string]Holder{
		string(HolderInstitution): HolderInstitution, string(HolderOrganisation): HolderOrganisation, string(HolderDevice): HolderDevice,
	})
	generation = word(map[string]sigalg.Generation{string(sigalg.RSA): sigalg.RSA, string(sigalg.ECC): sigalg.ECC})
)
