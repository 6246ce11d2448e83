package ca_test

import (
	"bytes"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// The bounds of time within which serial numbers are drawn, and what their first four octets are there.
var serialTimes = []struct {
	at    string
	first [4]byte
}{
	{"1971-01-24T08:40:32Z", [4]byte{0x01, 0, 0, 0}},
	{"2026-03-02T09:00:00Z", [4]byte{0x34, 0xd2, 0xa8, 0xc8}},
	{"2026-03-02T09:00:01.999Z", [4]byte{0x34, 0xd2, 0xa8, 0xc8}},
	{"2026-03-02T09:00:02Z", [4]byte{0x34, 0xd2, 0xa8, 0xc9}},
	{"2038-01-19T03:14:07Z", [4]byte{0x3f, 0xff, 0xff, 0xff}},
	{"2038-01-19T03:14:08Z", [4]byte{0x40, 0, 0, 0}},
	{"2050-01-01T00:00:00+01:00", [4]byte{0x4b, 0x3d, 0x33, 0xf8}},
	{"2106-02-07T06:28:15Z", [4]byte{0x7f, 0xff, 0xff, 0xff}},
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	return must(time.Parse(time.RFC3339, text))
}

// TestSerialNumbersBeginWithTheTime and have the same length at each, which a plan without them has counted on; and later ones are
// greater, however the random part falls.
func TestSerialNumbersBeginWithTheTime(t *testing.T) {
	var last [4]byte
	var greatest []byte
	for _, c := range serialTimes {
		var high []byte
		for range 100 {
			b := must(ca.DrawSerial(instant(t, c.at))).Bytes()
			if len(b) != 16 || [4]byte(b) != c.first {
				t.Fatalf("at %s: %x, want 16 octets that begin with %x", c.at, b, c.first)
			}
			var der cryptobyte.Builder
			der.AddASN1(2, func(b2 *cryptobyte.Builder) { b2.AddBytes(b) })
			in, parsed := cryptobyte.String(der.BytesOrPanic()), []byte(nil)
			if !in.ReadASN1Integer(&parsed) || !bytes.Equal(parsed, b) {
				t.Fatalf("at %s: %x is not the content of a positive INTEGER in the fewest octets", c.at, b)
			}
			if c.first != last && bytes.Compare(b, greatest) <= 0 {
				t.Fatalf("at %s: %x is not greater than %x, drawn earlier", c.at, b, greatest)
			}
			if bytes.Compare(b, high) > 0 {
				high = b
			}
		}
		last, greatest = c.first, high
	}
	if n := len(must(pkix.NewSerial(greatest)).Bytes()); n != 16 {
		t.Errorf("the last has %d octets, want 16", n)
	}
}

// TestSerialNumbersNeedAClock that shows a time in which they are positive and of one length.
func TestSerialNumbersNeedAClock(t *testing.T) {
	for _, at := range []string{"1970-01-01T00:00:00Z", "1971-01-24T08:40:31Z", "2106-02-07T06:28:16Z", "1900-01-01T00:00:00Z", "9999-12-31T23:59:59Z"} {
		if s, err := ca.DrawSerial(instant(t, at)); err == nil || !s.IsZero() {
			t.Errorf("at %s: %s, %v, want an error", at, s, err)
		}
	}
}

// TestSerialNumbersAreRandom within one instant: no two are the same, and each bit after the time is set about half the time.
func TestSerialNumbersAreRandom(t *testing.T) {
	const draws = 4096 // deviation of a count: half its root, 32
	var set [96]int
	seen := map[pkix.Serial]bool{}
	for range draws {
		s := must(ca.DrawSerial(dayOfIssue))
		if seen[s] {
			t.Fatalf("%s was drawn twice", s)
		}
		seen[s] = true
		for i := range set {
			set[i] += int(s.Bytes()[4+i/8] >> (7 - i%8) & 1)
		}
	}
	for i, n := range set {
		if n < draws/2-8*32 || n > draws/2+8*32 { // once in some 10^13 runs
			t.Errorf("bit %d after the time is set in %d of %d draws", i, n, draws)
		}
	}
}
