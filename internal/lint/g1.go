package lint

import (
	"bytes"
	"fmt"

	"github.com/siegel-pki/siegel/internal/cvc"
)

// G1Context is what the message of a CV certificate of generation 1 is judged against.
type G1Context struct {
	Slot   string    // as the specification names the object: "C.SMC.AUTR_CVC.R2048"
	Issuer *cvc.G1CA // key of the issuer that will sign
	ICCSN  string    // of the card, 20 digits
}

// g1Slot is what the specifications fix for a CV certificate of generation 1 by its place on the card.
type g1Slot struct {
	keyID    string // first two octets of the CHR, in hex
	roles    []byte // role identifiers that institutions have (gemSpec_PKI of 2017, Tab_PKI_254)
	fileSize int
}

// g1Slots: the file of the MF (gemSpec_SMC-B_ObjSys_G2.1 4.2.0, Card-G2-A_2162 with 3388).
var g1Slots = map[string]g1Slot{
	"C.SMC.AUTR_CVC.R2048": {"0010", []byte{2, 3, 4, 7, 8}, 341},
}

// g1Draft is a message of generation 1 as it stands in the octets, with what it is judged against.
type g1Draft struct {
	raw                                           []byte
	cpi, modulus, exponent, oid, prefix, chr, car []byte
	role                                          byte
	context                                       G1Context
	slot                                          g1Slot
}

// G1 judges a draft of a card's CV certificate of generation 1: the row of fields without tags that the signature covers. It gives
// all findings, in the order of the rules. Another length, or a slot that is not built, gives one finding. That the certificate
// carries no dates is no finding: no rule can be held to them.
func G1(message []byte, c G1Context) []Finding {
	slot, ok := g1Slots[c.Slot]
	if !ok {
		return []Finding{{"SLOT_KNOWN", Error, "gemSpec_SMC-B_ObjSys_G2.1, section 5.3", "slot " + c.Slot + " is no slot of generation 1"}}
	}
	d, err := readG1(message)
	if err != nil {
		return []Finding{{"G1_SHAPE", Error, g1Source, err.Error()}}
	}
	d.context, d.slot = c, slot
	return judge(g1Rules, d, g1Source)
}

// readG1 reads the fields, which have no tags and one length each.
func readG1(message []byte) (d g1Draft, err error) {
	const want = 1 + 256 + 4 + 6 + 7 + 12 + 8
	if len(message) != want {
		return d, fmt.Errorf("message has %d octets, want %d", len(message), want)
	}
	d.raw = message
	rest := message
	take := func(n int) (field []byte) {
		field, rest = rest[:n], rest[n:]
		return field
	}
	d.cpi, d.modulus, d.exponent, d.oid = take(1), take(256), take(4), take(6)
	d.prefix, d.role = take(6), take(1)[0]
	d.chr, d.car = take(12), take(8)
	return d, nil
}

const g1Source = "gemSpec_COS 3.11.0, A_13704 to A_13711"

// g1Rules are all rules on CV certificates of generation 1.
var g1Rules = []rule[g1Draft]{
	{"G1_CPI", Error, "gemSpec_COS 3.11.0, A_13704", "The profile identifier is 22, that of a card.", checkG1CPI},
	{"G1_MODULUS", Error, "gemSpec_COS 3.11.0, (G2_N002.100)", "The modulus has 2048 bits exactly and is odd.", checkG1Modulus},
	{"G1_EXPONENT", Error, "gemSpec_COS 3.11.0, A_13704", "The exponent is 65537, in four octets.", checkG1Exponent},
	{"G1_KEY_OID", Error, "gemSpec_PKI, GS-A_4633", "The key is identified as one for mutual authentication with SHA-256.", checkG1OID},
	{"G1_CHA", Error, "gemSpec_PKI, GS-A_4631", "The authorisation is that of an institution.", checkG1CHA},
	{"G1_CHR", Error, "gemSpec_PKI, GS-A_4630", "CHR is the key identifier of the slot and the ICCSN of the card.", checkG1CHR},
	{"G1_CAR", Error, "gemSpec_PKI, GS-A_4627", "CAR is the issuer's CHR.", checkG1CAR},
	{"G1_ISSUER_ROLE", Error, "gemKPT_PKI_TIP, TIP1-A_2167", "The issuer is a sub-CA.", checkG1IssuerRole},
	{"G1_FOREIGN_KEY", Error, "gemRL_TSL_SP_CP, GS-A_4906", "The key is not its issuer's.", checkG1ForeignKey},
	{"G1_FILE_SIZE", Error, "gemSpec_SMC-B_ObjSys_G2.1 4.2.0, Card-G2-A_2162", "The certificate has exactly the size of the card's file.", checkG1Size},
}

func checkG1CPI(d g1Draft) string { return wantOctets("CPI", d.cpi, []byte{0x22}) }

func checkG1Modulus(d g1Draft) string {
	if d.modulus[0]&0x80 == 0 || d.modulus[255]&1 == 0 {
		return "modulus is not an odd number of 2048 bits"
	}
	return ""
}

func checkG1Exponent(d g1Draft) string { return wantOctets("exponent", d.exponent, []byte{0, 1, 0, 1}) }

// authG1 is authS_ISO9796-2Withrsa_sha256_mutual, 1.3.36.3.5.2.4.
var authG1 = unhex("2b2403050204")

func checkG1OID(d g1Draft) string { return wantOctets("identifier of the key", d.oid, authG1) }

// chaPrefix stands before the role identifier in every CHA.
var chaPrefix = unhex("d27600004000")

func checkG1CHA(d g1Draft) string {
	if !bytes.Contains(d.slot.roles, []byte{d.role}) {
		return fmt.Sprintf("role identifier %02X is none of an institution: %X", d.role, d.slot.roles)
	}
	return wantOctets("application in the CHA", d.prefix, chaPrefix)
}

func checkG1CHR(d g1Draft) string {
	if got, want := fmt.Sprintf("%x", d.chr), d.slot.keyID+d.context.ICCSN; got != want {
		return fmt.Sprintf("CHR is %s, want %s", got, want)
	}
	return ""
}

func checkG1CAR(d g1Draft) string { return wantOctets("CAR", d.car, d.context.Issuer.CHR.Bytes()) }

func checkG1IssuerRole(d g1Draft) string {
	if i := d.context.Issuer; len(i.CHR.Bytes()) != 8 || bytes.Equal(i.CHR.Bytes(), i.CAR[:]) {
		return "the issuer is not a CVC sub-CA"
	}
	return ""
}

func checkG1ForeignKey(d g1Draft) string {
	if bytes.Equal(d.modulus, d.context.Issuer.PublicKey.N.Bytes()) {
		return "the certified key is the issuer's"
	}
	return ""
}

// checkG1Size: the file holds 7F21 82 L, 5F37 82 0100 with 256 octets and 5F38 L with what the signature cannot carry: the message
// without its first 222 octets.
func checkG1Size(d g1Draft) string {
	if n := d.context.Issuer.PublicKey.N.BitLen(); n != 2048 {
		return fmt.Sprintf("issuer's key has %d bits, want 2048", n)
	}
	if size := 5 + 5 + 256 + 3 + len(d.raw) - 222; size != d.slot.fileSize {
		return fmt.Sprintf("certificate will have %d octets, the card file holds exactly %d", size, d.slot.fileSize)
	}
	return ""
}

func wantOctets(what string, got, want []byte) string {
	if !bytes.Equal(got, want) {
		return fmt.Sprintf("%s is %X, want %X", what, got, want)
	}
	return ""
}
