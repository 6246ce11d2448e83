package der_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/siegel-pki/siegel/internal/der"
)

// build gives the hex of what add writes, or "error".
func build(add func(b *cryptobyte.Builder)) string {
	b := cryptobyte.NewBuilder(nil)
	add(b)
	out, err := b.Bytes()
	if err != nil {
		return "error"
	}
	return hex.EncodeToString(out)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("bad hex in test: %v", err)
	}
	return b
}

func TestParseOID(t *testing.T) {
	for _, text := range []string{"1.2.276.0.76.4.77", "0.39", "2.999.1", "2.5.4.3", "1.3.2147483647"} {
		oid, err := der.ParseOID(text)
		if err != nil || oid.String() != text {
			t.Errorf("ParseOID(%q) = %v, %v, want it back", text, oid, err)
			continue
		}
		if got := build(func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid) }); got == "error" {
			t.Errorf("ParseOID(%q) gives an identifier that cannot be encoded", text)
		}
	}
	for _, text := range []string{"", "1", "1.", ".1", "3.1", "1.40", "0.40", "1.2.-3", "1.02", "1.2.+3", "1.2 .3", "1.2.2147483648", "2.2147483647", "1.2.x"} {
		if oid, err := der.ParseOID(text); err == nil {
			t.Errorf("ParseOID(%q) = %v, want an error", text, oid)
		}
	}
}

func TestStrings(t *testing.T) {
	tests := []struct {
		kind  der.StringType
		value string
		want  string // hex, or "error"
	}{
		{der.UTF8String, "Ärztin", "0c07c384727a74696e"},
		{der.UTF8String, "\xff", "error"},
		{der.PrintableString, "AZaz09 '()+,-./:=?", "1312415a617a3039202728292b2c2d2e2f3a3d3f"},
		{der.PrintableString, "a*b", "error"},
		{der.PrintableString, "a@b", "error"},
		{der.PrintableString, "a&b", "error"},
		{der.PrintableString, "a_b", "error"},
		{der.PrintableString, "ä", "error"},
		{der.IA5String, "a@b_*&", "1606614062" + "5f2a26"},
		{der.IA5String, "ä", "error"},
		{der.StringType(20), "a", "error"}, // TeletexString
	}
	for _, tt := range tests {
		got := build(func(b *cryptobyte.Builder) { der.AddString(b, tt.kind, tt.value) })
		if got != tt.want {
			t.Errorf("%s %q: got %s, want %s", tt.kind, tt.value, got, tt.want)
		}
		if tt.want == "error" {
			continue
		}
		s := cryptobyte.String(unhex(t, tt.want))
		var kind der.StringType
		var value string
		if err := der.ReadString(&s, &kind, &value); err != nil || kind != tt.kind || value != tt.value {
			t.Errorf("reading %s: got %s %q, %v, want %s %q", tt.want, kind, value, err, tt.kind, tt.value)
		}
	}
	for name, in := range map[string]string{
		"TeletexString": "140161", "broken UTF-8": "0c01ff", "star in PrintableString": "13012a",
		"eighth bit in IA5String": "1601c3", "truncated": "0c0261", "empty input": "", "INTEGER": "020101",
	} {
		s := cryptobyte.String(unhex(t, in))
		var kind der.StringType
		var value string
		if err := der.ReadString(&s, &kind, &value); err == nil {
			t.Errorf("%s: read as %s %q, want an error", name, kind, value)
		}
	}
}

func TestTimes(t *testing.T) {
	berlin := time.FixedZone("CEST", 2*60*60)
	tests := []struct {
		time time.Time
		want string // tag in hex and text, or "error"
	}{
		{time.Date(2025, 7, 21, 0, 0, 0, 0, time.UTC), "17 250721000000Z"},
		{time.Date(2022, 9, 30, 0, 0, 0, 0, berlin), "17 220929220000Z"},
		{time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC), "17 500101000000Z"},
		{time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC), "17 491231235959Z"},
		{time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC), "18 20500101000000Z"},
		{time.Date(1949, 12, 31, 23, 59, 59, 0, time.UTC), "18 19491231235959Z"},
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "18 99991231235959Z"},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "error"},
		{time.Date(2025, 1, 1, 0, 0, 0, 1, time.UTC), "error"},
	}
	for _, tt := range tests {
		got := build(func(b *cryptobyte.Builder) { der.AddTime(b, tt.time) })
		if got != "error" {
			raw := unhex(t, got)
			s := cryptobyte.String(raw)
			back, err := der.ReadTime(&s)
			if err != nil || !back.Equal(tt.time) {
				t.Errorf("%v: reads back as %v, %v", tt.time, back, err)
			}
			got = got[:2] + " " + string(raw[2:])
		}
		if got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.time, got, tt.want)
		}
	}
}

func TestReadTimeRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"UTCTime without seconds":           "\x17\x0b2507210000Z",
		"UTCTime with offset":               "\x17\x11250721000000+0200",
		"UTCTime with fraction":             "\x17\x0f250721000000.5Z",
		"UTCTime with a negative year":      "\x17\x0d-91118225959Z",
		"UTCTime with a 13th month":         "\x17\x0d251321000000Z",
		"UTCTime on 30 February":            "\x17\x0d250230000000Z",
		"GeneralizedTime of 2049":           "\x18\x0f20491231235959Z",
		"GeneralizedTime of 1950":           "\x18\x0f19500101000000Z",
		"GeneralizedTime with fraction":     "\x18\x1120500101000000.5Z",
		"GeneralizedTime in local time":     "\x18\x0e20500101000000",
		"four-digit year in UTCTime":        "\x17\x0f20250721000000Z",
		"a string":                          "\x0c\x0d250721000000Z",
		"nothing":                           "",
		"UTCTime of length nought":          "\x17\x00",
		"UTCTime longer than what is there": "\x17\x0d2507210000",
	} {
		s := cryptobyte.String(in)
		if got, err := der.ReadTime(&s); err == nil {
			t.Errorf("%s: read as %v, want an error", name, got)
		}
	}
}

func TestUnsigned(t *testing.T) {
	for in, want := range map[string]string{
		"":         "020100",
		"00":       "020100",
		"01":       "020101",
		"7f":       "02017f",
		"80":       "02020080",
		"00000180": "02020180",
	} {
		raw := unhex(t, in)
		got := build(func(b *cryptobyte.Builder) { der.AddUnsigned(b, raw) })
		if got != want {
			t.Errorf("AddUnsigned(%q): got %s, want %s", in, got, want)
		}
		s := cryptobyte.String(unhex(t, want))
		back, err := der.ReadUnsigned(&s, 2)
		if err != nil || !bytes.Equal(back, bytes.TrimLeft(raw, "\x00")) {
			t.Errorf("ReadUnsigned(%s): got %x, %v, want %s", want, back, err, in)
		}
	}
	for name, in := range map[string]string{
		"negative": "0201ff", "needless zero": "02020001", "no content": "0200", "three octets": "0203010000",
		"another tag": "0a0101", "length not in least form": "02810101", "truncated": "020201",
	} {
		s := cryptobyte.String(unhex(t, in))
		if got, err := der.ReadUnsigned(&s, 2); err == nil {
			t.Errorf("%s: read as %x, want an error", name, got)
		}
	}
}

func TestNamedBits(t *testing.T) {
	// Sets and encodings of keyUsage as real certificates have them, and the edges around the second octet.
	for set, want := range map[uint16]string{
		0x0000: "030100",
		0x0001: "03020780",
		0x0005: "030205a0",
		0x0002: "03020640",
		0x000c: "03020430",
		0x0010: "03020308",
		0x0060: "03020106",
		0x0080: "03020001",
		0x0100: "0303070080",
		0x8000: "0303000001",
		0xffff: "030300ffff",
	} {
		if got := build(func(b *cryptobyte.Builder) { der.AddNamedBits(b, set) }); got != want {
			t.Errorf("set %#04x: got %s, want %s", set, got, want)
		}
		s := cryptobyte.String(unhex(t, want))
		var back uint16
		if !der.ReadNamedBits(&s, &back) || back != set || !s.Empty() {
			t.Errorf("%s: read as %#04x, want %#04x", want, back, set)
		}
	}
	for name, in := range map[string]string{
		"trailing zero bit kept":     "03020680",
		"trailing zero octet":        "0303078000",
		"trailing zero octet, empty": "03020000",
		"unused bits of nothing":     "030107",
		"eight unused bits":          "03020880",
		"unused bit set":             "030207c0",
		"three octets":               "030400000001",
		"no unused count":            "0300",
		"another tag":                "04020780",
	} {
		s := cryptobyte.String(unhex(t, in))
		var set uint16
		if der.ReadNamedBits(&s, &set) {
			t.Errorf("%s: read as %#04x, want failure", name, set)
		}
	}
}

func TestDefaultFalse(t *testing.T) {
	for in, want := range map[string]string{"": "false", "0101ff": "true", "010100": "error", "010101": "error", "0101": "error"} {
		s := cryptobyte.String(unhex(t, in))
		var v bool
		got := "error"
		if der.ReadTrue(&s, &v) {
			got = map[bool]string{true: "true", false: "false"}[v]
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	if got := build(func(b *cryptobyte.Builder) { der.AddTrue(b, false) }); got != "" {
		t.Errorf("FALSE is encoded as %s, want nothing", got)
	}
}

func TestECDSASignature(t *testing.T) {
	tests := []struct{ name, rs, want string }{
		{"both short", "01 02", "3006 020101 020102"},
		{"sign octet for r", "80 7f", "3007 02020080 02017f"},
		{"leading zeros go", "0001 0080", "3007 020101 02020080"},
		{"zero r is a number too", "00 01", "3006 020100 020101"},
		{"odd length", "010203", "error"},
		{"nothing", "", "error"},
		{"longer than the longest curve", strings.Repeat("01", 130), "error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rs := unhex(t, tt.rs)
			got := build(func(b *cryptobyte.Builder) { der.AddECDSASignature(b, rs) })
			if want := strings.ReplaceAll(tt.want, " ", ""); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
			if got == "error" {
				return
			}
			back, err := der.ParseECDSASignature(unhex(t, got), len(rs)/2)
			if err != nil || !bytes.Equal(back, rs) {
				t.Errorf("reads back as %x, %v, want %x", back, err, rs)
			}
		})
	}
}

func TestParseECDSASignatureRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"negative r":      "3006 0201ff 020101",
		"needless zero":   "3007 02020001 020101",
		"third number":    "3009 020101 020101 020101",
		"trailing octet":  "3006 020101 020101 00",
		"s missing":       "3003 020101",
		"number too long": "3008 0203010000 020101",
		"not a SEQUENCE":  "3106 020101 020101",
		"length in BER":   "308106 020101 020101",
		"indefinite":      "3080 020101 020101 0000",
		"nothing":         "",
		"only its header": "30",
		"s is no INTEGER": "3006 020101 030101",
	} {
		if got, err := der.ParseECDSASignature(unhex(t, in), 2); err == nil {
			t.Errorf("%s: read as %x, want an error", name, got)
		}
	}
}

func FuzzParseECDSASignature(f *testing.F) {
	f.Add([]byte("\x30\x06\x02\x01\x01\x02\x01\x02"))
	f.Add([]byte("\x30\x07\x02\x02\x00\x80\x02\x01\x7f"))
	f.Fuzz(func(t *testing.T, sig []byte) {
		rs, err := der.ParseECDSASignature(sig, der.MaxOrderLen)
		if err != nil {
			return
		}
		if got := build(func(b *cryptobyte.Builder) { der.AddECDSASignature(b, rs) }); got != hex.EncodeToString(sig) {
			t.Errorf("%x encodes again as %s", sig, got)
		}
	})
}

func FuzzParseOID(f *testing.F) {
	f.Add("1.2.276.0.76.4.77")
	f.Add("2.999")
	f.Fuzz(func(t *testing.T, text string) {
		oid, err := der.ParseOID(text)
		if err != nil {
			return
		}
		if oid.String() != text {
			t.Errorf("%q reads as %s", text, oid)
		}
		s := cryptobyte.String(unhex(t, build(func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid) })))
		var back asn1.ObjectIdentifier
		if !s.ReadASN1ObjectIdentifier(&back) || !back.Equal(oid) {
			t.Errorf("%q encodes to what reads as %s", text, back)
		}
	})
}
