package pinshare

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func split(t testing.TB, pin string) (a, b Share) {
	t.Helper()
	a, b, err := Split([]byte(pin))
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

// TestJoin joins shares in both orders, as they are written and read.
func TestJoin(t *testing.T) {
	for n := 1; n <= MaxPIN; n++ {
		pin := strings.Repeat("7", n)
		a, b := split(t, pin)
		for _, pair := range [][2]Share{{a, b}, {b, a}} {
			var read [2]Share
			for i, s := range pair {
				text := s.Text()
				if i == 1 {
					text = " " + strings.ToLower(strings.ReplaceAll(text, "-", " ")) + "\n"
				}
				var err error
				if read[i], err = Parse([]byte(text)); err != nil {
					t.Fatalf("%d octets: %v", n, err)
				}
			}
			if got, err := Join(read[0], read[1]); err != nil || string(got) != pin {
				t.Errorf("%d octets: got %q, %v", n, got, err)
			}
		}
	}
	for _, pin := range []string{"", strings.Repeat("7", MaxPIN+1)} {
		if _, _, err := Split([]byte(pin)); err == nil {
			t.Errorf("a PIN of %d octets was split", len(pin))
		}
	}
}

// TestSharesThatDoNotBelongTogether are told before any PIN is sent.
func TestSharesThatDoNotBelongTogether(t *testing.T) {
	a, b := split(t, "1234")
	c, d := split(t, "1234")
	forged := b
	copy(forged.split(), d.split()) // as if the random splits were the same
	for _, c := range []struct {
		name string
		a, b Share
		want error
	}{
		{"the same share twice", a, a, ErrSame},
		{"first shares of two splits", a, c, ErrSame},
		{"shares of two splits", a, d, ErrSplit},
		{"shares of two splits of one name", c, forged, ErrCheck},
	} {
		if pin, err := Join(c.a, c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: got %q, %v, want %v", c.name, pin, err, c.want)
		}
	}
}

// TestOneShareSaysNothing: every PIN fits to a share. For the share that one operator holds and any PIN, there is another share with
// which it makes that PIN, and it is as likely as the real one.
func TestOneShareSaysNothing(t *testing.T) {
	mine, _ := split(t, "the real PIN")
	for _, pin := range []string{"0000", "another PIN", strings.Repeat("x", MaxPIN)} {
		a, b := split(t, pin)
		var other Share // so that mine ⊕ other = a ⊕ b
		other.raw[0] = 3 - mine.raw[0]
		copy(other.split(), mine.split())
		for i := range other.pad() {
			other.pad()[i] = mine.pad()[i] ^ a.pad()[i] ^ b.pad()[i]
		}
		if got, err := Join(mine, other); err != nil || string(got) != pin {
			t.Errorf("got %q, %v, want %q", got, err, pin)
		}
	}
}

// TestSlipsOfThePen finds every wrong sign.
func TestSlipsOfThePen(t *testing.T) {
	a, _ := split(t, "1234")
	text := a.Text()
	for i := range text {
		wrong := []byte(text)
		if wrong[i] == '-' {
			continue
		}
		for wrong[i] == text[i] {
			wrong[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(int(wrong[i])*7+i)%32]
			if wrong[i] == text[i] {
				wrong[i] = "AB"[i%2]
				if wrong[i] == text[i] {
					wrong[i] = 'C'
				}
			}
		}
		if _, err := Parse(wrong); err == nil {
			t.Errorf("sign %d: a wrong one was not found", i)
		}
	}
}

// TestShareIsNotShown prints a share in every way.
func TestShareIsNotShown(t *testing.T) {
	a, _ := split(t, "31415926")
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		fmt.Fprintf(&out, verb+"\n", a)
	}
	fmt.Fprintln(&out, struct{ S Share }{a})
	if strings.Contains(out.String(), fmt.Sprintf("%x", a.pad()[:4])) || !strings.Contains(out.String(), "[share 1 of ") {
		t.Errorf("got %s", out.String())
	}
}

// FuzzParse reads what a person may type. What it takes is written again as it was.
func FuzzParse(f *testing.F) {
	a, b := split(f, "1234")
	f.Add([]byte(a.Text()))
	f.Add([]byte(strings.ToLower(b.Text())))
	f.Add([]byte("AAAA-BBBB"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse([]byte(s.Text()))
		if err != nil || again != s {
			t.Errorf("%q does not read as it was written: %v", s.Text(), err)
		}
	})
}
