package cvc

import (
	"bytes"
	"io"
	"testing"
)

// FuzzParse: whatever Parse accepts, Encode and Assemble make again.
func FuzzParse(f *testing.F) {
	v := loadVectors(f)
	for _, part := range [][]vector{v.Synthetic, v.Negative, v.RealG2[:12]} {
		for _, e := range part {
			f.Add([]byte(e.Hex))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Parse(raw)
		if err != nil {
			return
		}
		body, err := c.Encode()
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		again, err := Assemble(body, c.Signature)
		if err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("Assemble: %v\n got %X\nwant %X", err, again, raw)
		}
	})
}

// FuzzParseG1: whatever ParseG1 accepts has the fields that its octets end with, and a message that opens is made again from
// what was read.
func FuzzParseG1(f *testing.F) {
	v := loadVectors(f)
	issuer, _ := v.rsaKey(f, "g1-ca")
	for _, part := range [][]vector{v.Synthetic, v.RealG1} {
		for _, e := range part {
			f.Add([]byte(e.Hex))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseG1(raw)
		if err != nil {
			return
		}
		if !bytes.HasSuffix(raw, append(c.CHR.Bytes(), c.CAR[:]...)) {
			t.Fatalf("%X does not end with CHR %s and CAR %s", raw, c.CHR, c.CAR)
		}
		if again := tlv(tagCertificate, tlv(tagSignature, c.Signature), tlv(tagRest, c.Rest)); !bytes.Equal(again, raw) {
			t.Fatalf("got %X, want %X", again, raw)
		}
		b, err := c.Open(issuer)
		if err != nil {
			return
		}
		message, err := b.Message()
		if err != nil || !bytes.Equal(message[g1Recoverable:], c.Rest) {
			t.Fatalf("Message: %v\n got %X\nwant ..%X", err, message, c.Rest)
		}
	})
}

// FuzzG1Message: whatever is read as a message is written again.
func FuzzG1Message(f *testing.F) {
	v := loadVectors(f)
	for _, part := range [][]vector{v.Synthetic, v.RealG1} {
		for _, e := range part {
			f.Add([]byte(e.Decoded.Message))
		}
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		b, err := ParseG1Message(m)
		if err != nil {
			return
		}
		if again, err := b.Message(); err != nil || !bytes.Equal(again, m) {
			t.Fatalf("Message: %v\n got %X\nwant %X", err, again, m)
		}
	})
}

// FuzzAnnotate: the listing copes with anything, and says of everything that is not a certificate that it is none.
func FuzzAnnotate(f *testing.F) {
	v := loadVectors(f)
	for _, part := range [][]vector{v.Synthetic, v.Negative, v.RealG1} {
		for _, e := range part {
			f.Add([]byte(e.Hex))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, err := Parse(raw)
		_, errG1 := ParseG1(raw)
		_, errRoot := ParseG1Root(raw)
		if got, want := Annotate(io.Discard, raw) == nil, err == nil || errG1 == nil || errRoot == nil; got != want {
			t.Fatalf("Annotate of %X: certificate %t, want %t", raw, got, want)
		}
	})
}
