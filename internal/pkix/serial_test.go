package pkix

import (
	"bytes"
	"strings"
	"testing"
)

func TestSerial(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"as a root counts", "01", "01"},
		{"top bit set", "9a9d15876e58", "9a9d15876e58"},
		{"with its sign octet", "009a9d15876e58", "9a9d15876e58"},
		{"20 octets", strings.Repeat("7f", 20), strings.Repeat("7f", 20)},
		{"19 octets and a sign octet", strings.Repeat("ff", 19), strings.Repeat("ff", 19)},
		{"capital digits", "AB", "ab"},
		{"20 octets and a sign octet", strings.Repeat("ff", 20), "error"},
		{"21 octets", strings.Repeat("01", 21), "error"},
		{"zero", "00", "error"},
		{"nothing", "", "error"},
		{"odd digits", "123", "error"},
		{"not hex", "0g", "error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := ParseSerial(tt.in)
			got := s.String()
			if err != nil {
				got = "error"
			}
			if got != tt.want {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
			if err == nil && s.IsZero() || err != nil && !s.IsZero() {
				t.Errorf("IsZero is %t with error %v", s.IsZero(), err)
			}
		})
	}
}

// Two serial numbers of the same value are the same key of a map, however they came in.
func TestSerialCompares(t *testing.T) {
	a, errA := NewSerial([]byte{0, 0x80})
	b, errB := NewSerial([]byte{0x80})
	if errA != nil || errB != nil || a != b {
		t.Errorf("got %v and %v, %v, %v, want the same", a, b, errA, errB)
	}
	if !bytes.Equal(a.Bytes(), []byte{0x80}) {
		t.Errorf("octets: got %x, want 80", a.Bytes())
	}
}
