package lint

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The story of this file: the drafts of one card, one of them at odds with the others, and the rule that says so.

// cardSpoils are ways to spoil the good card.
var cardSpoils = []struct {
	name, rule string
	do         func(c *cardDrafts)
}{
	{"dentist's rights on a hospital's card", "CARD_ROLE_OF_INSTITUTION", func(c *cardDrafts) { c.cvc[0].flags = chat2ZA[:] }},
	{"no rights", "CARD_ROLE_OF_INSTITUTION", func(c *cardDrafts) { c.cvc[0].flags = chat0[:] }},
	{"physician's rights on a dentist's card", "CARD_ROLE_OF_INSTITUTION", func(c *cardDrafts) { c.nameInstitution("51") }},
	{"role of an organisation", "CARD_ROLE_OF_INSTITUTION", func(c *cardDrafts) { c.nameInstitution("58") }},
	{"role of nobody", "CARD_ROLE_OF_INSTITUTION", func(c *cardDrafts) { c.x509 = nil }},
	{"one certificate names another institution", "CARD_ROLE_OF_INSTITUTION", func(c *cardDrafts) {
		swap(oidAdmission, "06072a8214004c0437", "06072a8214004c0434")(c.x509[2].tbsCertificate, nil)
	}},
	{"physician of generation 1", "CARD_G1_ROLE", func(c *cardDrafts) { c.g1[0].role = 2 }},
	{"profession that generation 1 does not know", "CARD_G1_ROLE", func(c *cardDrafts) { c.nameInstitution("245") }},
	{"private payer of generation 1", "CARD_G1_ROLE", func(c *cardDrafts) {
		c.nameInstitution("59")
		c.cvc[0].flags, c.g1[0].role = chat0[:], 8
	}},
	{"role of nobody in generation 1", "CARD_G1_ROLE", func(c *cardDrafts) { c.x509, c.cvc = nil, c.cvc[1:] }},
	{"another name", "CARD_SAME_SUBJECT", func(c *cardDrafts) {
		naming(func(a *attribute) { set(a, cn, "Krankenhausapotheke Am Wald TEST-ONLY") })(c.x509[1].tbsCertificate, nil)
	}},
	{"another Telematik-ID", "CARD_SAME_ADMISSION", func(c *cardDrafts) {
		swap(oidAdmission, "2d3031", "2d3032")(c.x509[5].tbsCertificate, nil)
	}},
	{"no admission", "CARD_SAME_ADMISSION", func(c *cardDrafts) { without(oidAdmission)(c.x509[0].tbsCertificate, nil) }},
	{"device of another card", "CARD_SAME_ICCSN", func(c *cardDrafts) { c.cvc[1].chr[11] ^= 1 }},
	{"generation 1 of another card", "CARD_SAME_ICCSN", func(c *cardDrafts) { c.g1[0].chr[11] ^= 1 }},
	{"serialNumber of another card", "CARD_SAME_ICCSN", func(c *cardDrafts) {
		naming(func(a *attribute) { set(a, attributeSerialNumber, "16.80276001011699900862") })(c.x509[3].tbsCertificate, nil)
	}},
	{"sub-CA of its own for the device", "CARD_SAME_CVC_ISSUER", func(c *cardDrafts) { c.cvc[1].car = []byte("DEGXX\x11\x02\x23") }},
}

// nameInstitution gives the card to another institution, in all its X.509 certificates.
func (c *cardDrafts) nameInstitution(last string) {
	for _, d := range c.x509 {
		swap(oidAdmission, "06072a8214004c0437", objectID(arc+last))(d.tbsCertificate, nil)
		// An identifier of another length moves what is around it.
		v, _ := d.find(oidAdmission)
		if _, ok := readAdmission(v); !ok {
			replace(oidAdmission, profession(seq(utf8String(institutions[last])), seq(objectID(arc+last)), printable("5-2-KH-APO-Waldesrand-01")))(d.tbsCertificate, nil)
		}
	}
}

const goodCardName = "card-of-a-hospital-pharmacy"

// goodCard is a real card's six X.509 certificates. Its CV certificates are not at hand: those of another card, and of an HBA for
// generation 1, take its number and its role.
func goodCard(t testing.TB) *cardDrafts {
	t.Helper()
	const iccsn = "80276001011699900861"
	var drafts []CardDraft
	for _, slot := range []string{"AUT.R2048", "ENC.R2048", "OSIG.R2048", "AUT.E256", "ENC.E256", "OSIG.E256"} {
		name, key, _ := strings.Cut(slot, ".")
		cert := readX509(t, "testdata/real/"+iccsn+"-C_SMCB_"+name+"_"+key+"_X509.pem")
		drafts = append(drafts, CardDraft{"C.HCI." + slot, cert.RawTBS})
	}
	for _, slot := range []string{cvcRole, "C.SMC.AUTD_RPE_CVC.E256"} {
		body, _ := goodBody(t, slot)
		drafts = append(drafts, CardDraft{slot, body.encode()})
	}
	message, _ := goodMessage(t)
	c, err := readCard(append(drafts, CardDraft{g1Role, bytes.Clone(message)}))
	if err != nil {
		t.Fatal(err)
	}
	for _, chr := range [][]byte{c.cvc[0].chr, c.cvc[1].chr, c.g1[0].chr} {
		copy(chr[2:], unhex(iccsn))
	}
	c.cvc[0].flags, c.g1[0].role = chat2A[:], 3
	return c
}

// encode writes the drafts again, whatever is wrong with them.
func (c *cardDrafts) encode() (drafts []CardDraft) {
	for _, d := range c.x509 {
		drafts = append(drafts, CardDraft{d.slot, d.tbsCertificate.encode()})
	}
	for _, d := range c.cvc {
		drafts = append(drafts, CardDraft{d.slot, d.cvcBody.encode()})
	}
	for _, d := range c.g1 {
		drafts = append(drafts, CardDraft{d.slot, slices.Concat(d.cpi, d.modulus, d.exponent, d.oid, d.prefix, []byte{d.role}, d.chr, d.car)})
	}
	return drafts
}

// cardExample judges a card and describes it. Its octets are those of all drafts in a row.
func cardExample(t *testing.T, file string, c *cardDrafts) example {
	t.Helper()
	drafts := c.encode()
	e := example{file: file, ending: "drafts", findings: Card(drafts...), text: "Judged as  the drafts of one card\n"}
	for _, d := range drafts {
		e.octets = append(e.octets, d.Body...)
	}
	e.text += cardListing(t, drafts)
	return e
}

func cardListing(t *testing.T, drafts []CardDraft) string {
	t.Helper()
	var b strings.Builder
	for _, d := range drafts {
		fmt.Fprintf(&b, "\n%s\n", d.Slot)
		switch {
		case cvcSlots[d.Slot].fileSize > 0:
			b.WriteString(annotation(d.Body))
		case g1Slots[d.Slot].fileSize > 0:
			b.WriteString(messageListing(d.Body))
		default:
			b.WriteString(listing(t, d.Body))
		}
	}
	return b.String()
}

func TestGoodCardPasses(t *testing.T) {
	e := cardExample(t, "pass/"+goodCardName, goodCard(t))
	e.check(t)
	if len(e.findings) > 0 {
		t.Errorf("got %v, want no findings", e.findings)
	}
}

func TestEveryCardRuleFindsItsFault(t *testing.T) {
	before := cardListing(t, goodCard(t).encode())
	for _, s := range cardSpoils {
		t.Run(s.rule+"/"+s.name, func(t *testing.T) {
			c := goodCard(t)
			s.do(c)
			e := cardExample(t, "fail/"+s.rule+"/"+fileName(s.name), c)
			e.text = header(s.name, "a card", "Judged as  the drafts of one card\n", e.findings) + difference(before, cardListing(t, c.encode()))
			e.check(t)
			e.wantFinding(t, s.rule)
		})
	}
}

// TestCardUnreadable: a draft that is none gives one finding, and so does a slot that is none.
func TestCardUnreadable(t *testing.T) {
	for _, slot := range []string{"C.HCI.AUT.E256", cvcRole, g1Role, "C.HCI.AUT.E521"} {
		findings := Card(CardDraft{slot, []byte{0x30}})
		if len(findings) != 1 || findings[0].Rule != "CARD_SHAPE" || findings[0].Level != Error || !strings.HasPrefix(findings[0].Message, slot+": ") {
			t.Errorf("%s: got %v, want one error CARD_SHAPE that names it", slot, findings)
		}
	}
}

// TestGoldenCardsPass: the cards that the profiles make, of every card type and sector, hold together.
func TestGoldenCardsPass(t *testing.T) {
	folders, err := filepath.Glob(profilesData + "golden/*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		files, _ := filepath.Glob(folder + "/*.der")
		var drafts []CardDraft
		for _, file := range files {
			octets, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			drafts = append(drafts, CardDraft{strings.TrimSuffix(filepath.Base(file), ".der"), octets})
		}
		for _, f := range Card(drafts...) {
			t.Errorf("%s: %v", folder, f)
		}
	}
	if len(folders) < 30 {
		t.Errorf("only %d cards", len(folders))
	}
}

// TestRolesAreOfInstitutions: a row that no institution has would never be read.
func TestRolesAreOfInstitutions(t *testing.T) {
	for last := range roles {
		if institutions[last] == "" {
			t.Errorf("there is no institution %s%s", arc, last)
		}
	}
}
