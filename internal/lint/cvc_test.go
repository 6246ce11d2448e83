package lint

import (
	"slices"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
)

// The story of this file: the body of a real role certificate, one thing wrong with it at a time, and the rule that says so.

// cvcSpoils are ways to spoil the good body of cvcRole.
var cvcSpoils = []struct {
	name, rule string
	do         func(b *cvcBody, c *CVCContext)
}{
	{"profile identifier of another generation", "CVC_CPI", func(b *cvcBody, _ *CVCContext) { b.cpi = []byte{0x71} }},
	{"another issuer's name", "CVC_CAR", func(b *cvcBody, _ *CVCContext) { b.car = []byte("DEGXX\x11\x02\x23") }},
	{"issued by a card", "CVC_ISSUER_ROLE", func(_ *cvcBody, c *CVCContext) { c.Issuer.Flags[0] &= 0x3F }},
	{"identifier of a CA key", "CVC_KEY_OID", func(b *cvcBody, _ *CVCContext) { b.keyOID = unhex("2a8648ce3d040302") }},
	{"point off the curve", "CVC_POINT", func(b *cvcBody, _ *CVCContext) { b.point[64] ^= 1 }},
	{"point of 64 octets", "CVC_POINT", func(b *cvcBody, _ *CVCContext) { b.point = b.point[1:] }},
	{"key identifier of the device key", "CVC_CHR", func(b *cvcBody, _ *CVCContext) { b.chr[1] = 0x09 }},
	{"number of another card", "CVC_CHR", func(b *cvcBody, _ *CVCContext) { b.chr[11] ^= 1 }},
	{"hierarchy of card management", "CVC_FLAG_OID", func(b *cvcBody, _ *CVCContext) { b.flagOID[7] = 0x19 }},
	{"holder is a sub-CA", "CVC_CARD_ROLE", func(b *cvcBody, _ *CVCContext) { b.flags[0] |= 0x80 }},
	{"reserved bit 16", "CVC_FLAGS_RESERVED", func(b *cvcBody, _ *CVCContext) { b.flags[2] |= 0x80 }},
	{"flag list of 8 octets", "CVC_FLAGS_RESERVED", func(b *cvcBody, _ *CVCContext) { b.flags = append(b.flags, 0) }},
	{"role with a device's right", "CVC_FLAGS_PURPOSE", func(b *cvcBody, _ *CVCContext) { b.flags[6] = 0x04 }},
	{"device of a card terminal", "CVC_FLAGS_PURPOSE", func(_ *cvcBody, c *CVCContext) { c.Slot = "C.SMC.AUTD_RPS_CVC.E256" }},
	{"device with a role's rights", "CVC_FLAGS_PURPOSE", func(_ *cvcBody, c *CVCContext) { c.Slot = "C.SMC.AUTD_RPE_CVC.E256" }},
	{"right that the issuer has not", "CVC_FLAGS_WITHIN_ISSUER", func(_ *cvcBody, c *CVCContext) { c.Issuer.Flags[1] &^= 0x40 }},
	{"CED with ten months", "CVC_DATES", func(b *cvcBody, _ *CVCContext) { b.ced = []byte{2, 3, 1, 10, 0, 1} }},
	{"CXD on 31 February", "CVC_DATES", func(b *cvcBody, _ *CVCContext) { b.cxd = []byte{2, 8, 0, 2, 3, 1} }},
	{"ends before it begins", "CVC_DATE_ORDER", func(b *cvcBody, _ *CVCContext) { b.cxd = []byte{2, 3, 1, 0, 2, 6} }},
	{"five years and a day", "CVC_FIVE_YEARS", func(b *cvcBody, _ *CVCContext) { b.cxd = []byte{2, 8, 1, 0, 2, 7} }},
	{"takes effect tomorrow", "CVC_EFFECTIVE_NOW", func(b *cvcBody, c *CVCContext) { c.Now = c.Now.Add(-time.Second) }},
	{"outlives its issuer", "CVC_WITHIN_ISSUER", func(_ *cvcBody, c *CVCContext) { c.Issuer.CXD = cvc.Date{Year: 2028, Month: 10, Day: 25} }},
	{"begins before its issuer", "CVC_WITHIN_ISSUER", func(_ *cvcBody, c *CVCContext) { c.Issuer.CED = cvc.Date{Year: 2023, Month: 10, Day: 28} }},
	{"longer than its file", "CVC_FILE_SIZE", func(b *cvcBody, _ *CVCContext) { b.keyOID = append(b.keyOID, 1) }},
}

const cvcRole = "C.SMC.AUTR_CVC.E256"

// goodBodies names the files below testdata/real of a real certificate for each slot, and of its issuer. Of C.SMC.AUT_CVC.E256 none is
// at hand: it is another of the same card with the key identifier and the empty flag list.
var goodBodies = map[string]struct {
	file, issuer, iccsn string
	do                  func(b *cvcBody)
}{
	cvcRole:                   {"smcb-152725-autr", "subca-DEGXX-1-3-02-23", "80276883110000152725", nil},
	"C.SMC.AUTD_RPE_CVC.E256": {"smcb-152725-autd", "subca-DEGXX-1-3-02-23", "80276883110000152725", nil},
	"C.SMC.AUTD_RPS_CVC.E256": {"gsmc-kt-152293-autd", "subca-DEGXX-1-2-02-23", "80276883110000152293", nil},
	"C.SAK.AUTD_CVC.E256":     {"gsmc-k-15234-autd", "subca-DEGXX-1-2-02-23", "80276883110000015234", nil},
	"C.SMC.AUT_CVC.E256": {"gsmc-k-15234-autd", "subca-DEGXX-1-2-02-23", "80276883110000015234", func(b *cvcBody) {
		b.chr[1], b.flags[6] = 0x05, 0
	}},
}

// goodBody is the body of a real certificate.
func goodBody(t testing.TB, slot string) (*cvcBody, CVCContext) {
	t.Helper()
	good := goodBodies[slot]
	cert := readCVCFile(t, "testdata/real/"+good.file+".cvc")
	body, err := readCVC(cert.RawBody)
	if err != nil {
		t.Fatal(err)
	}
	if good.do != nil {
		good.do(body)
	}
	issuer := readCVCFile(t, "testdata/real/"+good.issuer+".cvc")
	return body, CVCContext{slot, issuer, good.iccsn, cert.CED.Time()}
}

// encode writes a body as readCVC reads it, whatever is wrong with it.
func (b *cvcBody) encode() []byte {
	return object([]byte{0x7F, 0x4E}, slices.Concat(
		object([]byte{0x5F, 0x29}, b.cpi),
		object([]byte{0x42}, b.car),
		object([]byte{0x7F, 0x49}, slices.Concat(object([]byte{0x06}, b.keyOID), object([]byte{0x86}, b.point))),
		object([]byte{0x5F, 0x20}, b.chr),
		object([]byte{0x7F, 0x4C}, slices.Concat(object([]byte{0x06}, b.flagOID), object([]byte{0x53}, b.flags))),
		object([]byte{0x5F, 0x25}, b.ced),
		object([]byte{0x5F, 0x24}, b.cxd),
	))
}

func object(tag, value []byte) []byte {
	length := []byte{byte(len(value))}
	if len(value) >= 0x80 {
		length = []byte{0x81, byte(len(value))}
	}
	return slices.Concat(tag, length, value)
}
