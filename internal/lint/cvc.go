package lint

import (
	"bytes"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/cvc"
)

// CVCContext is what the body of a CV certificate is judged against.
type CVCContext struct {
	Slot   string           // as the specification names the object, for example "C.SMC.AUTR_CVC.E256"
	Issuer *cvc.Certificate // certificate of the issuer that will sign
	ICCSN  string           // of the card, 20 digits
	Now    time.Time        // a certificate must not take effect later: cards would move their clock
}

// cvcDraft is a draft with what it is judged against.
type cvcDraft struct {
	*cvcBody
	context CVCContext
	slot    cvcSlot
}

// CVC judges a draft of a card's CV certificate of generation 2, a data object 7F4E. It gives all findings, in the order of the
// rules. Octets that cannot be read, or a slot that is not built, give one finding.
func CVC(body []byte, c CVCContext) []Finding {
	slot, ok := cvcSlots[c.Slot]
	if !ok {
		return []Finding{{"SLOT_KNOWN", Error, "gemSpec_SMC-B_ObjSys_G2.1, section 5.3", "slot " + c.Slot + " is no CVC slot"}}
	}
	b, err := readCVC(body)
	if err != nil {
		return []Finding{{"CVC_SHAPE", Error, "gemSpec_PKI, Tab_PKI_905", err.Error()}}
	}
	return judge(cvcRules, cvcDraft{b, c, slot}, "gemSpec_PKI, Tab_PKI_905")
}

// cvcRules are all rules on CV certificates of cards.
var cvcRules = []rule[cvcDraft]{
	{"CVC_CPI", Error, "gemSpec_PKI, GS-A_4987", "The profile identifier is 70.", checkCPI},
	{"CVC_CAR", Error, "gemSpec_PKI, GS-A_4990", "CAR is the issuer's CHR.", checkCAR},
	{"CVC_ISSUER_ROLE", Error, "gemKPT_PKI_TIP, TIP1-A_2167", "The issuer is a sub-CA, and signs with a key for card certificates.", checkIssuerRole},
	{"CVC_KEY_OID", Error, "gemSpec_PKI, Tab_PKI_901", "The key is identified as one on brainpoolP256r1 with SHA-256.", checkKeyOID},
	{"CVC_POINT", Error, "gemSpec_PKI, Tab_PKI_902", "The point of the key lies on its curve, in 65 octets.", checkPoint},
	{"CVC_CHR", Error, "gemSpec_PKI, GS-A_4630", "CHR is the key identifier of the slot and the ICCSN of the card.", checkCHR},
	{"CVC_FLAG_OID", Error, "gemSpec_PKI, GS-A_4997-01", "Issuer and card belong to the hierarchy oid_cvc_fl_ti.", checkFlagOID},
	{"CVC_CARD_ROLE", Error, "gemSpec_PKI, section 6.4.6", "The flag list does not make the card a CA.", checkCardRole},
	{"CVC_FLAGS_RESERVED", Error, "gemSpec_PKI, Tab_PKI_910-01", "The flag list has 7 octets and no reserved bit.", checkReserved},
	{"CVC_FLAGS_PURPOSE", Error, "gemSpec_PKI, GS-A_4624-01", "A device has exactly the flag list of its access profile, a role no right of a device.", checkPurpose},
	{"CVC_FLAGS_WITHIN_ISSUER", Error, "gemSpec_COS, (N095.900) b.10", "The card has no right that its issuer has not.", checkFlagsWithin},
	{"CVC_DATES", Error, "gemSpec_PKI, GS-A_5000", "CED and CXD are calendar dates.", checkDates},
	{"CVC_DATE_ORDER", Error, "gemSpec_COS, (N095.900) b.9", "CXD is not before CED.", checkDateOrder},
	{"CVC_FIVE_YEARS", Error, "gemSpec_Krypt, GS-A_3080", "The certificate lives five years at most, the day of CXD included.", checkCVCFiveYears},
	{"CVC_EFFECTIVE_NOW", Error, "gemSpec_COS, (N095.900) b.13", "CED is not in the future.", checkEffective},
	{"CVC_WITHIN_ISSUER", Error, "gemSpec_COS, (N095.900) b.11", "The term lies within the issuer's.", checkCVCWithinIssuer},
	{"CVC_FILE_SIZE", Error, "gemSpec_SMC-B_ObjSys_G2.1, Card-G2-A_2163-01", "The certificate has exactly the size of the card's file.", checkCVCSize},
}

func checkCPI(d cvcDraft) string {
	if !bytes.Equal(d.cpi, []byte{0x70}) {
		return fmt.Sprintf("CPI is %X, want 70", d.cpi)
	}
	return ""
}

func checkCAR(d cvcDraft) string {
	if !bytes.Equal(d.car, d.context.Issuer.CHR.Bytes()) {
		return fmt.Sprintf("CAR is %X, want the issuer's %X", d.car, d.context.Issuer.CHR.Bytes())
	}
	return ""
}

// checkIssuerRole: only a sub-CA certifies cards. Bits 0 and 1 of its flag list are 10, the service indicator of its name is 1.
func checkIssuerRole(d cvcDraft) string {
	if name := d.context.Issuer.CHR.Bytes(); len(name) != 8 || name[5]>>4 != 1 || d.context.Issuer.Flags[0]>>6 != 0b10 {
		return "the issuer is not a CVC sub-CA"
	}
	return ""
}

// authSHA256 is authS_gemSpec-COS-G2_ecc-with-sha256, the identifier of a card's key on brainpoolP256r1, role and device alike.
var authSHA256 = unhex("2b2403050301")

func checkKeyOID(d cvcDraft) string {
	if !bytes.Equal(d.keyOID, authSHA256) {
		return fmt.Sprintf("identifier of the key is %X, want %X", d.keyOID, authSHA256)
	}
	return ""
}

func checkPoint(d cvcDraft) string {
	if len(d.point) != 65 {
		return fmt.Sprintf("point has %d octets, want 65", len(d.point))
	}
	if _, err := brainpool.P256r1().ParsePoint(d.point); err != nil {
		return "subject key: " + err.Error()
	}
	return ""
}

// checkCHR: the key identifier of the slot and the card's serial number. A card with another number in it is unusable.
func checkCHR(d cvcDraft) string {
	if got, want := fmt.Sprintf("%x", d.chr), d.slot.keyID+d.context.ICCSN; got != want {
		return fmt.Sprintf("CHR is %s, want %s", got, want)
	}
	return ""
}

// flagsTI is oid_cvc_fl_ti.
var flagsTI = unhex("2a8214004c048118")

func checkFlagOID(d cvcDraft) string {
	if !bytes.Equal(d.flagOID, flagsTI) || d.context.Issuer.FlagOID != cvc.FlagsTI {
		return "the flag list is not one of the hierarchy oid_cvc_fl_ti"
	}
	return ""
}

// list gives the flag list, or zero where its length is wrong, which CVC_FLAGS_RESERVED says.
func (b *cvcBody) list() (f [7]byte) {
	if len(b.flags) == len(f) {
		copy(f[:], b.flags)
	}
	return f
}

func checkCardRole(d cvcDraft) string {
	if d.list()[0]>>6 != 0 {
		return "bits 0 and 1 of the flag list say that the holder is a CA"
	}
	return ""
}

// definedTI has a one for every bit that Tab_PKI_910-01 gives a meaning, and for bits 0 and 1.
var definedTI = [7]byte{0xC0, 0xFF, 0x7B, 0xDF, 0xE1, 0xFF, 0x5F}

func checkReserved(d cvcDraft) string {
	if len(d.flags) != len(definedTI) {
		return fmt.Sprintf("flag list has %d octets, want %d", len(d.flags), len(definedTI))
	}
	for i, have := range d.list() {
		if have&^definedTI[i] != 0 {
			return fmt.Sprintf("octet %d of the flag list has reserved bits: %02X", i, have)
		}
	}
	return ""
}

// checkPurpose: a device certificate has exactly the list of its access profile, and a role certificate no bit of a device (the last
// octet; Tab_PKI_918-02).
func checkPurpose(d cvcDraft) string {
	f := d.list()
	if d.slot.device && f != d.slot.flags {
		return fmt.Sprintf("flag list is %X, want %X", f, d.slot.flags)
	}
	if !d.slot.device && f[6] != 0 {
		return fmt.Sprintf("flag list %X of a role certificate has rights of a device", f)
	}
	return ""
}

// checkFlagsWithin: a card would drop what the issuer has not, silently, and the holder would find out in the field.
func checkFlagsWithin(d cvcDraft) string {
	f := d.list()
	f[0] &= 0x3F
	for i := range f {
		if f[i]&^d.context.Issuer.Flags[i] != 0 {
			return fmt.Sprintf("flag list %X has rights that the issuer's %s has not", d.list(), d.context.Issuer.Flags)
		}
	}
	return ""
}

// day reads YYMMDD, one digit for each octet, as midnight UTC.
func day(b []byte) (time.Time, bool) {
	if len(b) != 6 {
		return time.Time{}, false
	}
	text := []byte("20")
	for _, digit := range b {
		text = append(text, '0'+digit)
	}
	t, err := time.Parse("20060102", string(text))
	return t, err == nil
}

func checkDates(d cvcDraft) string {
	if _, ok := day(d.ced); !ok {
		return fmt.Sprintf("CED is %X, want six digits of a calendar date", d.ced)
	}
	if _, ok := day(d.cxd); !ok {
		return fmt.Sprintf("CXD is %X, want six digits of a calendar date", d.cxd)
	}
	return ""
}

// term gives the first and the last day; false where CVC_DATES has spoken already.
func (b *cvcBody) term() (first, last time.Time, ok bool) {
	first, ok1 := day(b.ced)
	last, ok2 := day(b.cxd)
	return first, last, ok1 && ok2
}

func checkDateOrder(d cvcDraft) string {
	if first, last, ok := d.term(); ok && first.After(last) {
		return "CED is after CXD"
	}
	return ""
}

// checkCVCFiveYears: the day of CXD is part of the term, so that five years end on the day before the fifth anniversary.
func checkCVCFiveYears(d cvcDraft) string {
	if first, last, ok := d.term(); ok && !last.Before(first.AddDate(maxYears, 0, 0)) {
		return fmt.Sprintf("term from %s to %s is longer than five years", first.Format(time.DateOnly), last.Format(time.DateOnly))
	}
	return ""
}

func checkEffective(d cvcDraft) string {
	if first, _, ok := d.term(); ok && first.After(d.context.Now) {
		return fmt.Sprintf("CED %s is in the future", first.Format(time.DateOnly))
	}
	return ""
}

func checkCVCWithinIssuer(d cvcDraft) string {
	first, last, ok := d.term()
	if ok && (first.Before(d.context.Issuer.CED.Time()) || last.After(d.context.Issuer.CXD.Time())) {
		return fmt.Sprintf("term from %s to %s is not within the issuer's, %s to %s", first.Format(time.DateOnly),
			last.Format(time.DateOnly), d.context.Issuer.CED, d.context.Issuer.CXD)
	}
	return ""
}

// checkCVCSize: the file has the size of the certificate, not more. Header 7F21 81 L is 4 octets, the signature's 5F37 40 is 3.
func checkCVCSize(d cvcDraft) string {
	header, signature := 4, 3+64
	if n := len(d.context.Issuer.PublicKey.Bytes()); n != 65 {
		return fmt.Sprintf("issuer's key has a point of %d octets, want 65", n)
	}
	if size := header + len(d.raw) + signature; size != d.slot.fileSize {
		return fmt.Sprintf("certificate will have %d octets, the card file holds exactly %d", size, d.slot.fileSize)
	}
	return ""
}
