package cvc

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/siegel-pki/siegel/internal/brainpool"
)

// These tests take a good certificate apart and put it together wrongly.

// pieces are the objects of a certificate, to be exchanged, moved or dropped.
type pieces struct {
	cpi, car, keyOID, point, chr, flagOID, flags, ced, cxd, signature []byte
}

func piecesOf(c *Certificate) pieces {
	oid, _ := c.KeyOID()
	return pieces{
		cpi:       tlv(tagCPI, []byte{profileIdentifier}),
		car:       tlv(tagCAR, c.CAR[:]),
		keyOID:    tlv(tagOID, keyOIDs[oid].der),
		point:     tlv(tagPoint, c.PublicKey.Bytes()),
		chr:       tlv(tagCHR, c.CHR.Bytes()),
		flagOID:   tlv(tagOID, flagOIDs[c.FlagOID].der),
		flags:     tlv(tagFlags, c.Flags[:]),
		ced:       tlv(tagCED, c.CED.encode()),
		cxd:       tlv(tagCXD, c.CXD.encode()),
		signature: tlv(tagSignature, c.Signature),
	}
}

func (p pieces) join() []byte {
	return tlv(tagCertificate,
		tlv(tagBody, p.cpi, p.car, tlv(tagPublicKey, p.keyOID, p.point), p.chr, tlv(tagCHAT, p.flagOID, p.flags), p.ced, p.cxd),
		p.signature)
}

func TestParseRefuses(t *testing.T) {
	v := loadVectors(t)
	good := v.parse(t, "syn-ee-p256-smcb-role-2A")
	equalOctets(t, "the pieces put together", piecesOf(good).join(), good.Raw)
	offCurve := good.PublicKey.Bytes()
	offCurve[64] ^= 1
	compressed := good.PublicKey.Bytes()
	compressed[0] = 2

	for _, test := range []struct {
		name  string
		wrong func(*pieces)
		want  error
	}{
		{"no CPI", func(p *pieces) { p.cpi = nil }, ErrSyntax},
		{"CPI of generation 1", func(p *pieces) { p.cpi = tlv(tagCPI, []byte{0x22}) }, ErrSyntax},
		{"CPI of two octets", func(p *pieces) { p.cpi = tlv(tagCPI, []byte{0x70, 0}) }, ErrSyntax},
		{"CAR before CPI", func(p *pieces) { p.cpi, p.car = p.car, p.cpi }, ErrSyntax},
		{"CED after CXD", func(p *pieces) { p.ced, p.cxd = p.cxd, p.ced }, ErrSyntax},
		{"CAR twice", func(p *pieces) { p.car = slices.Concat(p.car, p.car) }, ErrSyntax},
		{"CAR of 12 octets", func(p *pieces) { p.car = tlv(tagCAR, good.CHR.Bytes()) }, ErrSyntax},
		{"CAR without letters", func(p *pieces) { p.car = tlv(tagCAR, []byte("12345\x12\x02\x24")) }, ErrReference},
		{"CAR with a hex digit", func(p *pieces) { p.car = tlv(tagCAR, []byte("XXTST\x1A\x02\x24")) }, ErrReference},
		{"no point", func(p *pieces) { p.point = nil }, ErrSyntax},
		{"point of 64 octets", func(p *pieces) { p.point = tlv(tagPoint, offCurve[:64]) }, ErrSyntax},
		{"point compressed", func(p *pieces) { p.point = tlv(tagPoint, compressed) }, brainpool.ErrPointFormat},
		{"point off the curve", func(p *pieces) { p.point = tlv(tagPoint, offCurve) }, brainpool.ErrNotOnCurve},
		{"point of another curve", func(p *pieces) { p.point = tlv(tagPoint, v.ecKey(t, "ee-p384").Bytes()) }, ErrKeyOID},
		{"key OID of a CA", func(p *pieces) { p.keyOID = tlv(tagOID, keyOIDs[ECDSAWithSHA256].der) }, ErrKeyOID},
		{"key OID of another curve", func(p *pieces) { p.keyOID = tlv(tagOID, keyOIDs[AuthSHA384].der) }, ErrKeyOID},
		{"key OID unknown", func(p *pieces) { p.keyOID = tlv(tagOID, []byte{0x2B, 0x24, 3, 5, 3, 4}) }, ErrKeyOID},
		{"key OID empty", func(p *pieces) { p.keyOID = tlv(tagOID) }, ErrKeyOID},
		{"CHR of 10 octets", func(p *pieces) { p.chr = tlv(tagCHR, good.CHR.Bytes()[2:]) }, ErrSyntax},
		{"ICCSN with a hex digit", func(p *pieces) { p.chr[14] = 0x1A }, ErrReference},
		{"CHR of a CA", func(p *pieces) { p.chr = tlv(tagCHR, good.CAR[:]) }, ErrKeyOID},
		{"CHR and key OID of a CA", func(p *pieces) {
			p.chr, p.keyOID = tlv(tagCHR, good.CAR[:]), tlv(tagOID, keyOIDs[ECDSAWithSHA256].der)
		}, ErrKind},
		{"flags of a sub-CA", func(p *pieces) { p.flags[2] |= 0x80 }, ErrKind},
		{"flags of a root", func(p *pieces) { p.flags[2] |= 0xC0 }, ErrKind},
		{"flags with the unused role", func(p *pieces) { p.flags[2] |= 0x40 }, ErrKind},
		{"flags of 6 octets", func(p *pieces) { p.flags = tlv(tagFlags, good.Flags[:6]) }, ErrSyntax},
		{"flag OID unknown", func(p *pieces) { p.flagOID[9]++; p.flagOID[9]++ }, ErrFlagOID},
		{"no flag OID", func(p *pieces) { p.flagOID = nil }, ErrSyntax},
		{"CED of 5 octets", func(p *pieces) { p.ced = tlv(tagCED, good.CED.encode()[:5]) }, ErrSyntax},
		{"CED in packed BCD", func(p *pieces) { p.ced = tlv(tagCED, []byte{0x24, 0x01, 0x01, 0, 0, 0}) }, ErrDate},
		{"CED on 30 February", func(p *pieces) { p.ced = tlv(tagCED, []byte{2, 4, 0, 2, 3, 0}) }, ErrDate},
		{"CXD on no day", func(p *pieces) { p.cxd = tlv(tagCXD, []byte{2, 9, 0, 1, 0, 0}) }, ErrDate},
		{"term ends before it begins", func(p *pieces) { p.cxd = tlv(tagCXD, []byte{2, 3, 1, 2, 3, 1}) }, ErrDateOrder},
		{"object behind CXD", func(p *pieces) { p.cxd = append(p.cxd, 0x53, 0) }, ErrSyntax},
		{"no signature", func(p *pieces) { p.signature = nil }, ErrSyntax},
		{"signature of 65 octets", func(p *pieces) { p.signature = tlv(tagSignature, make([]byte, 65)) }, ErrSyntax},
		{"object behind the signature", func(p *pieces) { p.signature = append(p.signature, p.car...) }, ErrSyntax},
		{"length of the signature not minimal", func(p *pieces) {
			p.signature = slices.Concat([]byte{0x5F, 0x37, 0x81, 0x40}, good.Signature)
		}, ErrSyntax},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := piecesOf(good)
			test.wrong(&p)
			if _, err := Parse(p.join()); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// What Parse would not read, Encode does not write.
func TestEncodeRefuses(t *testing.T) {
	v := loadVectors(t)
	good := v.parse(t, "syn-ee-p256-smcb-role-2A").Body
	for _, test := range []struct {
		name  string
		wrong func(*Body)
		want  error
	}{
		{"nothing at all", func(b *Body) { *b = Body{} }, ErrReference},
		{"no CAR", func(b *Body) { b.CAR = Reference{} }, ErrReference},
		{"no key", func(b *Body) { b.PublicKey = nil }, ErrKeyOID},
		{"no CHR", func(b *Body) { b.CHR = CHR{} }, ErrReference},
		{"CHR of a CA", func(b *Body) { b.CHR = b.CAR.CHR() }, ErrKind},
		{"flags of a sub-CA", func(b *Body) { b.Flags[0] |= 0x80 }, ErrKind},
		{"no hierarchy", func(b *Body) { b.FlagOID = 0 }, ErrFlagOID},
		{"no CED", func(b *Body) { b.CED = Date{} }, ErrDate},
		{"CXD on 30 February", func(b *Body) { b.CXD = Date{2028, 2, 30} }, ErrDate},
		{"CXD in 2100", func(b *Body) { b.CXD = Date{2100, 1, 1} }, ErrDate},
		{"CED after CXD", func(b *Body) { b.CED, b.CXD = b.CXD, b.CED }, ErrDateOrder},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := good
			test.wrong(&b)
			if body, err := b.Encode(); !errors.Is(err, test.want) {
				t.Errorf("got %X, %v, want %v", body, err, test.want)
			}
		})
	}
}

// A certificate cut short anywhere, or with octets behind it, is refused.
func TestTruncation(t *testing.T) {
	v := loadVectors(t)
	for _, name := range []string{"syn-subca-p256-smcb-2A", "syn-ee-p256-signed-by-p512", "syn-ee-p512-role-3"} {
		raw := v.named(t, name).Hex
		for n := range raw {
			if _, err := Parse(raw[:n]); !errors.Is(err, ErrSyntax) {
				t.Errorf("%s cut to %d octets: got %v, want %v", name, n, err, ErrSyntax)
			}
		}
		if _, err := Parse(append(bytes.Clone(raw), 0)); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s with an octet behind it: got %v, want %v", name, err, ErrSyntax)
		}
	}
}

// No octet of a certificate can be changed unnoticed: what Parse does not refuse, the issuer does.
func TestEveryOctetMatters(t *testing.T) {
	v := loadVectors(t)
	good, issuer := v.parse(t, "syn-ee-p256-smcb-role-2A"), v.parse(t, "syn-subca-p256-smcb-2A")
	for i := range good.Raw {
		raw := bytes.Clone(good.Raw)
		raw[i] ^= 1 << (i % 8)
		c, err := Parse(raw)
		if err == nil {
			err = c.CheckIssuedBy(issuer)
		}
		if err == nil {
			t.Errorf("octet %d changed from %02X to %02X: accepted", i, good.Raw[i], raw[i])
		}
	}
}

func TestParseKeepsNoHoldOfItsInput(t *testing.T) {
	raw := bytes.Clone(loadVectors(t).named(t, "syn-root-p256").Hex)
	c := mustParse(t, raw)
	clear(raw)
	if again := mustParse(t, c.Raw); !again.PublicKey.Equal(c.PublicKey) || !bytes.Equal(c.RawBody, again.RawBody) {
		t.Error("the certificate changed with the octets that it was read from")
	}
}
