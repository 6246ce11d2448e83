package pkix

import (
	"bytes"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

// Whatever parses encodes to the same octets. Names that break a limit of gemSpec_PKI are the exception: their encoder objects.

func FuzzParseCertificate(f *testing.F) {
	for _, name := range realNames(f) {
		f.Add(realDER(f, name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseCertificate(raw)
		if err != nil {
			return
		}
		for _, e := range c.Extensions {
			if back, ok, err := reencode(e); ok && err == nil && !bytes.Equal(back.Value, e.Value) {
				t.Errorf("%s %x encodes as %x", OIDName(e.ID), e.Value, back.Value)
			}
		}
		if c.Subject.Check() != nil {
			return
		}
		tbs, err := again(c).Encode()
		if err != nil || !bytes.Equal(tbs, c.RawTBS) {
			t.Fatalf("signed part encodes as %x, %v, want %x", tbs, err, c.RawTBS)
		}
		whole, err := Assemble(tbs, c.Scheme, c.Signature)
		if err != nil || !bytes.Equal(whole.Raw, raw) {
			t.Errorf("assembles to %+v, %v, want %x", whole, err, raw)
		}
	})
}

func FuzzParsePublicKey(f *testing.F) {
	for _, name := range realNames(f) {
		f.Add(realCertificate(f, name).RawSPKI)
	}
	for _, k := range ecKeys {
		f.Add(unhex(f, k.header+k.point))
	}
	f.Fuzz(func(t *testing.T, spki []byte) {
		pub, err := ParsePublicKey(spki)
		if err != nil {
			return
		}
		if got, err := MarshalPublicKey(pub); err != nil || !bytes.Equal(got, spki) {
			t.Errorf("encodes as %x, %v, want %x", got, err, spki)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	for _, seed := range requestSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseRequest(raw)
		if err != nil || r.Subject.Check() != nil {
			return
		}
		info, err := (&RequestInfo{Subject: r.Subject, PublicKey: r.RawSPKI, Extensions: r.Extensions}).Encode()
		if err != nil || !bytes.Equal(info, r.RawInfo) {
			t.Fatalf("signed part encodes as %x, %v, want %x", info, err, r.RawInfo)
		}
		whole, err := AssembleRequest(info, r.Scheme, r.Signature)
		if err != nil || !bytes.Equal(whole, raw) {
			t.Errorf("assembles to %x, %v, want %x", whole, err, raw)
		}
	})
}

func FuzzParseName(f *testing.F) {
	for _, name := range realNames(f) {
		f.Add([]byte(realCertificate(f, name).RawSubject))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		name, err := ParseName(raw)
		if err != nil {
			return
		}
		if got, err := name.encode(); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("encodes as %x, %v, want %x", got, err, raw)
		}
		if _, err := name.Encode(); (err == nil) != (name.Check() == nil) {
			t.Errorf("Encode says %v, Check says %v", err, name.Check())
		}
	})
}

// Extensions travel inside certificates, but their parsers are reached by fuzzing sooner on their own.
func FuzzParseExtensions(f *testing.F) {
	for _, tt := range extensionTemplates {
		e, err := tt.value.Extension()
		if err != nil {
			f.Fatal(err)
		}
		b := cryptobyte.NewBuilder(nil)
		addExtensions(b, []Extension{e})
		f.Add(b.BytesOrPanic())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := cryptobyte.String(raw)
		list, err := readExtensions(&s)
		if err != nil || !s.Empty() {
			return
		}
		b := cryptobyte.NewBuilder(nil)
		addExtensions(b, list)
		if got, err := b.Bytes(); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("encodes as %x, %v, want %x", got, err, raw)
		}
		for _, e := range list {
			if back, ok, err := reencode(e); ok && err == nil && !bytes.Equal(back.Value, e.Value) {
				t.Errorf("%s %x encodes as %x", OIDName(e.ID), e.Value, back.Value)
			}
		}
	})
}
