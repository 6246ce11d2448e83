package der_test

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/der"
)

func names(oid asn1.ObjectIdentifier) string {
	return map[string]string{"2.5.29.15": "keyUsage"}[oid.String()]
}

func TestDump(t *testing.T) {
	for _, tt := range []struct{ name, hex, want string }{
		{"an extension", "300e 0603551d0f 0101ff 0404 030205a0", `
    0 300e  SEQUENCE (14)
    2   0603 551d0f  OID 2.5.29.15 = keyUsage
    7   0101 ff  BOOLEAN TRUE
   10   0404  OCTET STRING (4) wrapping:
   12     0302 05a0  BIT STRING
`},
		{"a string in a string is opened once", "0406 0404 04020000", `
    0 0406  OCTET STRING (6) wrapping:
    2   0404 04020000  OCTET STRING
`},
		{"a BIT STRING of DER", "030600 3003 020105", `
    0 0306 00  BIT STRING (6) wrapping:
    3   3003  SEQUENCE (3)
    5     0201 05  INTEGER 0x05
`},
		{"strings", "3013 0c03c3a441 130141 160141 a0020500 8602613a", `
    0 3013  SEQUENCE (19)
    2   0c03 c3a441  UTF8String "äA"
    7   1301 41  PrintableString "A"
   10   1601 41  IA5String "A"
   13   a002  [0] CONSTRUCTED (2)
   15     0500  NULL
   17   8602 613a  [6] PRIMITIVE "a:"
`},
		{"control characters do not reach the terminal", "0c04 1b5b324a", `
    0 0c04 1b5b324a  UTF8String "\x1b[2J"
`},
		{"other tags", "4401aa c20100 0a0101 0101aa 0600 1e0100", `
    0 4401 aa  [APPLICATION 4] PRIMITIVE
    3 c201 00  [PRIVATE 2] PRIMITIVE
    6 0a01 01  ENUMERATED
    9 0101 aa  BOOLEAN
   12 0600  OID (malformed)
   14 1e01 00  [UNIVERSAL 30] PRIMITIVE
`},
		{"a long value", "0422" + strings.Repeat("ab", 34), `
    0 0422  OCTET STRING (34)
          ` + strings.Repeat("ab", 32) + `
          abab
`},
		{"nothing", "", "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := der.Dump(&got, unhex(t, tt.hex), names); err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimPrefix(tt.want, "\n"); got.String() != want {
				t.Errorf("got\n%swant\n%s", got.String(), want)
			}
		})
	}
}

// A listing of malformed input ends where it is malformed, and says where that is.
func TestDumpMalformed(t *testing.T) {
	for _, tt := range []struct{ name, hex, want string }{
		{"cut off", "30050201", "offset 0"},
		{"inner length too long", "3003 020501", "offset 2"},
		{"indefinite length", "3080 0000", "offset 0"},
		{"high tag number", "7f2101 00", "offset 0"},
		{"length in BER", "3003 0201 05 3081020500", "offset 5"},
		{"second value cut off", "0500 05", "offset 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := der.Dump(&bytes.Buffer{}, unhex(t, tt.hex), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want+":") {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
	var deep []byte
	for range 100 {
		header := []byte{0x30, byte(len(deep))}
		if len(deep) >= 0x80 {
			header = []byte{0x30, 0x81, byte(len(deep))}
		}
		deep = append(header, deep...)
	}
	if err := der.Dump(&bytes.Buffer{}, deep, nil); err == nil || !strings.Contains(err.Error(), "deeper") {
		t.Errorf("100 levels: got %v, want an error", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestDumpToBrokenWriter(t *testing.T) {
	broken := errors.New("no space left")
	if err := der.Dump(brokenWriter{broken}, []byte{5, 0}, nil); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func FuzzDump(f *testing.F) {
	f.Add([]byte("\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x05\xa0"))
	f.Add([]byte("\x30\x80\x00\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var text bytes.Buffer
		// A listing without error holds two digits for each octet at least.
		if err := der.Dump(&text, raw, nil); err == nil && text.Len() < 2*len(raw) {
			t.Errorf("%x: listing of %d characters: %s", raw, text.Len(), text.Bytes())
		}
	})
}
