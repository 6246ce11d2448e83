package cvc

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
)

// lengthCase is a column of the tables of lengths in gemSpec_PKI, sections 6.4.5.1 and 6.4.5.3: the length octets of each object
// where issuer and subject have the same curve.
type lengthCase struct {
	kind, curve       string
	certificate, body string
	publicKey, keyOID string
	point, chr        string
	signature         string
	size              int
	sizes             [3]int // of the certificate, by the curve of the issuer
}

var lengthCases = []lengthCase{
	{"CA", "p256", "81D8", "8191", "4D", "08", "41", "08", "40", 220, [3]int{220, 252, 286}},
	{"CA", "p384", "820118", "81B1", "6D", "08", "61", "08", "60", 285, [3]int{252, 285, 318}},
	{"CA", "p512", "82015B", "81D3", "818E", "08", "8181", "08", "8180", 352, [3]int{287, 319, 352}},
	{"card", "p256", "81DA", "8193", "4B", "06", "41", "0C", "40", 222, [3]int{222, 254, 288}},
	{"card", "p384", "82011A", "81B3", "6B", "06", "61", "0C", "60", 287, [3]int{254, 287, 320}},
	{"card", "p512", "82015D", "81D5", "818C", "06", "8181", "0C", "8180", 354, [3]int{289, 321, 354}},
}

func TestLengths(t *testing.T) {
	for _, c := range lengthCases {
		t.Run(c.kind+" "+c.curve, func(t *testing.T) {
			body := lengthBody(t, c)
			for i, signature := range []int{64, 96, 128} {
				raw, err := Assemble(body, make([]byte, signature))
				if err != nil {
					t.Fatal(err)
				}
				if len(raw) != c.sizes[i] {
					t.Errorf("signature of %d: got %d octets, want %d", signature, len(raw), c.sizes[i])
				}
				if len(raw) == c.size {
					compareLengths(t, raw, c)
				}
			}
		})
	}
}

// lengthBody encodes a body of the kind and curve; what else stands in it does not matter.
func lengthBody(t *testing.T, c lengthCase) []byte {
	t.Helper()
	v := loadVectors(t)
	b := v.parse(t, "syn-subca-p256-smcb-2A").Body
	if c.kind == "card" {
		b = v.parse(t, "syn-ee-p256-smcb-device").Body
	}
	b.PublicKey = v.ecKey(t, "root-"+c.curve)
	body, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func compareLengths(t *testing.T, raw []byte, c lengthCase) {
	t.Helper()
	for _, o := range []struct{ object, want string }{
		{"7F21", c.certificate}, {"7F4E", c.body}, {"7F49", c.publicKey}, {"06", c.keyOID}, {"86", c.point}, {"5F20", c.chr},
		{"5F37", c.signature}, {"7F4C", "13"}, {"53", "07"}, {"42", "08"}, {"5F29", "01"}, {"5F25", "06"}, {"5F24", "06"},
	} {
		if got := lengthOctets(raw, o.object); got != o.want {
			t.Errorf("object %s: length got %s, want %s", o.object, got, o.want)
		}
	}
}

// lengthOctets finds the first object with a tag, at any depth, and gives its length octets.
func lengthOctets(in []byte, want string) string {
	for len(in) > 0 {
		t, value, rest, err := next(in)
		if err != nil {
			return err.Error()
		}
		if t.String() == want {
			header := in[len(want)/2 : len(in)-len(rest)-len(value)]
			return fmt.Sprintf("%X", header)
		}
		if t.constructed() {
			if found := lengthOctets(value, want); found != "" {
				return found
			}
		}
		in = rest
	}
	return ""
}

// The fields of a P256 certificate stand where gemSpec_PKI puts them, so that a card or a script may cut them out.
func TestOffsets(t *testing.T) {
	v := loadVectors(t)
	for _, test := range []struct {
		name                             string
		car, point, chr, flags, ced, cxd int
	}{
		{"syn-subca-p256-smcb-2A", 14, 37, 105, 128, 138, 147},
		{"syn-ee-p256-smcb-role-2A", 14, 35, 103, 130, 140, 149},
	} {
		c := v.parse(t, test.name)
		for _, f := range []struct {
			field  string
			offset int
			want   []byte
		}{{"CAR", test.car, c.CAR[:]}, {"point", test.point, c.PublicKey.Bytes()}, {"CHR", test.chr, c.CHR.Bytes()},
			{"flags", test.flags, c.Flags[:]}, {"CED", test.ced, c.CED.encode()}, {"CXD", test.cxd, c.CXD.encode()}} {
			if got := c.Raw[f.offset:][:len(f.want)]; !bytes.Equal(got, f.want) {
				t.Errorf("%s: %s: got %X, want %X", test.name, f.field, got, f.want)
			}
		}
	}
}

func TestLengthsMustBeShortest(t *testing.T) {
	for _, in := range []string{"538100", "53817F", "5382007F", "538200FF", "538300010000", "5380", "53", "5381", "538201", "5302AA",
		"", "5F", "5F80", "5F1E00", "7FFF2100"} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if tag, _, _, err := next(b); err == nil {
			t.Errorf("%s: read as object %s", in, tag)
		}
	}
	for n, header := range map[int]string{
		0: "5300", 0x7F: "537F", 0x80: "538180", 0xFF: "5381FF", 0x100: "53820100", 0xFFFF: "5382FFFF",
	} {
		raw := tlv(tagFlags, make([]byte, n))
		if got := fmt.Sprintf("%X", raw[:len(raw)-n]); got != header {
			t.Errorf("%d octets: got %s, want %s", n, got, header)
		}
		if tag, value, rest, err := next(raw); tag != tagFlags || len(value) != n || len(rest) != 0 || err != nil {
			t.Errorf("%d octets: read %s, %d octets, %d left, %v", n, tag, len(value), len(rest), err)
		}
	}
}

func TestAssembleRefuses(t *testing.T) {
	body := loadVectors(t).parse(t, "syn-ee-p256-smcb-device").RawBody
	for _, test := range []struct {
		name            string
		body, signature []byte
	}{
		{"no body", nil, make([]byte, 64)},
		{"value only", body[4:], make([]byte, 64)},
		{"body and more", append(bytes.Clone(body), 0), make([]byte, 64)},
		{"short signature", body, make([]byte, 63)},
		{"DER signature", body, make([]byte, 70)},
		{"no signature", body, nil},
	} {
		if raw, err := Assemble(test.body, test.signature); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: got %X, %v, want %v", test.name, raw, err, ErrSyntax)
		}
	}
}
