package lint

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// CardDraft is one draft of a card: the octets that X509, CVC or G1 judges by itself.
type CardDraft struct {
	Slot string // as the specification names the object
	Body []byte
}

// cardDrafts are the drafts of one card as they stand in the octets, each list in the order of the card.
type cardDrafts struct {
	x509 []cardX509
	cvc  []cardCVC
	g1   []cardG1
}

type cardX509 struct {
	slot string
	x509Draft
}

type cardCVC struct {
	slot   string
	device bool
	*cvcBody
}

type cardG1 struct {
	slot string
	g1Draft
}

// Card judges what the drafts of one card say together: that its certificates speak of one holder, that the rights of its CV
// certificates are those of that holder, and that they belong to one card and one issuer. It reads nothing but the octets, and gives all
// findings, in the order of the rules. What a draft says by itself is for X509, CVC and G1; a draft that they cannot read gives one
// finding here.
func Card(drafts ...CardDraft) []Finding {
	c, err := readCard(drafts)
	if err != nil {
		return []Finding{{"CARD_SHAPE", Error, "gemSpec_PKI, chapters 5 and 6", err.Error()}}
	}
	return judge(cardRules, c, "")
}

// cardRules are all rules on cards.
var cardRules = []rule[*cardDrafts]{
	{"CARD_ROLE_OF_INSTITUTION", Error, "gemSpec_PKI, GS-A_4621-02, Tab_PKI_254-02, Tab_PKI_918-02", "The flag list of a role certificate is one of the institution in the card's X.509 certificates.", checkCardFlags},
	{"CARD_G1_ROLE", Error, "gemSpec_PKI, GS-A_4631, Tab_PKI_254 of 2017", "The role of generation 1 is that of the institution in the card's X.509 certificates.", checkCardG1},
	{"CARD_SAME_SUBJECT", Error, "gemSpec_PKI, Tab_PKI_238 to Tab_PKI_240", "C.HCI.AUT, ENC and OSIG of a card have one subject.", checkSameSubject},
	{"CARD_SAME_ADMISSION", Error, "gemSpec_PKI, GS-A_4901", "C.HCI.AUT, ENC and OSIG of a card have one admission.", checkSameAdmission},
	{"CARD_SAME_ICCSN", Error, "gemSpec_PKI, GS-A_4630, Tab_PKI_109", "Every number of a card in its certificates is the same.", checkSameICCSN},
	{"CARD_SAME_CVC_ISSUER", Error, "gemSpec_PKI, GS-A_4973", "One sub-CA of each generation signs all CV certificates of a card.", checkSameCVCIssuer},
}

func readCard(drafts []CardDraft) (*cardDrafts, error) {
	c := &cardDrafts{}
	for _, d := range drafts {
		if err := c.read(d); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Slot, err)
		}
	}
	return c, nil
}

func (c *cardDrafts) read(d CardDraft) error {
	if slot, ok := cvcSlots[d.Slot]; ok {
		body, err := readCVC(d.Body)
		c.cvc = append(c.cvc, cardCVC{d.Slot, slot.device, body})
		return err
	}
	if _, ok := g1Slots[d.Slot]; ok {
		message, err := readG1(d.Body)
		c.g1 = append(c.g1, cardG1{d.Slot, message})
		return err
	}
	draft, unknown := newX509Draft(X509Context{Slot: d.Slot})
	if unknown != nil {
		return errors.New(unknown.Message)
	}
	var err error
	draft.tbsCertificate, err = readTBS(d.Body)
	c.x509 = append(c.x509, cardX509{d.Slot, draft})
	return err
}

// holders gives the object identifiers of the institution in the X.509 drafts, each once: one, where all is well. A draft that names none
// gives "none". Drafts of devices do not count.
func (c *cardDrafts) holders() (oids []string) {
	for _, d := range c.x509 {
		if d.want.admission.oid != "" {
			continue
		}
		oid := "none"
		if a, ok := d.admission(); ok {
			oid = a.oid
		}
		if !slices.Contains(oids, oid) {
			oids = append(oids, oid)
		}
	}
	return oids
}

// roleOf gives what an institution's role certificates may say: nothing, where it has no row.
func roleOf(oid string) role {
	last, ok := strings.CutPrefix(oid, arc)
	if !ok {
		return role{}
	}
	return roles[last]
}

// checkCardFlags: a card that says "dentist" to a server must not say "physician" to the card of a patient.
func checkCardFlags(c *cardDrafts) string {
	for _, d := range c.cvc {
		if d.device {
			continue
		}
		holders := c.holders()
		if len(holders) == 0 {
			return fmt.Sprintf("no X.509 certificate of the card says whose role %s has", d.slot)
		}
		for _, holder := range holders {
			if !slices.Contains(roleOf(holder).flags, flagList(d.list())) {
				return fmt.Sprintf("flag list %X in %s is none of institution %s", d.list(), d.slot, holder)
			}
		}
	}
	return ""
}

func checkCardG1(c *cardDrafts) string {
	for _, d := range c.g1 {
		holders := c.holders()
		if len(holders) == 0 {
			return fmt.Sprintf("no X.509 certificate of the card says whose role %s has", d.slot)
		}
		for _, holder := range holders {
			if d.role == 0 || roleOf(holder).g1 != d.role {
				return fmt.Sprintf("role identifier %02X in %s is not that of institution %s", d.role, d.slot, holder)
			}
		}
		// A private payer has no right in generation 2 and must not have one in generation 1.
		if slices.ContainsFunc(c.cvc, func(v cardCVC) bool { return !v.device && v.list() == chat0 }) {
			return fmt.Sprintf("%s has a role, and the card's role certificate of generation 2 has no right", d.slot)
		}
	}
	return ""
}

// ofInstitution lists the drafts that must say the same of the institution. The qualified ones name a person, or in another way.
func (c *cardDrafts) ofInstitution() (list []cardX509) {
	for _, d := range c.x509 {
		if d.kind == HCIAUT || d.kind == HCIENC || d.kind == HCIOSIG {
			list = append(list, d)
		}
	}
	return list
}

func checkSameSubject(c *cardDrafts) string {
	return sameOctets(c.ofInstitution(), "subject", func(d cardX509) []byte { return d.rawSubject })
}

func checkSameAdmission(c *cardDrafts) string {
	return sameOctets(c.ofInstitution(), "admission", func(d cardX509) []byte {
		v, _ := d.find(oidAdmission)
		return v
	})
}

// sameOctets wants one value in all drafts.
func sameOctets(drafts []cardX509, what string, of func(cardX509) []byte) string {
	for _, d := range drafts {
		if !bytes.Equal(of(d), of(drafts[0])) {
			return fmt.Sprintf("%s in %s is not the one in %s", what, d.slot, drafts[0].slot)
		}
	}
	return ""
}

func checkSameICCSN(c *cardDrafts) string {
	first, from := "", ""
	for slot, number := range c.numbers {
		if from == "" {
			first, from = number, slot
		}
		if number != first {
			return fmt.Sprintf("card number in %s is %s, in %s it is %s", from, first, slot, number)
		}
	}
	return ""
}

// numbers gives every ICCSN with the slot in whose draft it stands: behind the key identifier of a CHR, behind the TSP-ID in a subject's
// serialNumber, and at the beginning of a device's common name.
func (c *cardDrafts) numbers(yield func(slot, iccsn string) bool) {
	for _, d := range c.cvc {
		if !yield(d.slot, behindKeyID(d.chr)) {
			return
		}
	}
	for _, d := range c.g1 {
		if !yield(d.slot, behindKeyID(d.chr)) {
			return
		}
	}
	for _, d := range c.x509 {
		if number, ok := d.cardNumber(); ok && !yield(d.slot, number) {
			return
		}
	}
}

func behindKeyID(chr []byte) string { return fmt.Sprintf("%x", chr[min(2, len(chr)):]) }

// cardNumber reads the ICCSN in the subject; false where there is none.
func (d cardX509) cardNumber() (string, bool) {
	for _, a := range slices.Concat(d.subject...) {
		switch {
		case d.want.admission.oid == "" && a.oid == attributeSerialNumber:
			_, number, _ := strings.Cut(a.value, ".")
			return number, true
		case d.want.admission.oid != "" && a.oid == attributeCommonName:
			number, _, _ := strings.Cut(a.value, "-")
			return number, true
		}
	}
	return "", false
}

const (
	attributeSerialNumber = "2.5.4.5"
	attributeCommonName   = "2.5.4.3"
)

// checkSameCVCIssuer: the card has room for one sub-CA certificate of each generation.
func checkSameCVCIssuer(c *cardDrafts) string {
	for _, d := range c.cvc {
		if !bytes.Equal(d.car, c.cvc[0].car) {
			return fmt.Sprintf("CAR in %s is %X, in %s it is %X", c.cvc[0].slot, c.cvc[0].car, d.slot, d.car)
		}
	}
	for _, d := range c.g1 {
		if !bytes.Equal(d.car, c.g1[0].car) {
			return fmt.Sprintf("CAR in %s is %X, in %s it is %X", c.g1[0].slot, c.g1[0].car, d.slot, d.car)
		}
	}
	return ""
}
