package pkix

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// parts are the fields of a certificate as octets, so that a test can spoil one of them.
type parts struct {
	version, serial, inner, issuer, validity, subject, spki, extensions, tail []byte
	outer, signature, end                                                     []byte
}

// goodParts are those of the psychotherapist's real certificate.
func goodParts(t testing.TB) parts {
	t.Helper()
	s := cryptobyte.String(realDER(t, "psychotherapist-AUT-E256"))
	next := func(s *cryptobyte.String) []byte {
		var e cryptobyte.String
		var tag cbasn1.Tag
		if !s.ReadAnyASN1Element(&e, &tag) {
			t.Fatal("the real certificate does not come apart")
		}
		return e
	}
	inside := func(s *cryptobyte.String) cryptobyte.String {
		var c cryptobyte.String
		if !s.ReadASN1(&c, cbasn1.SEQUENCE) {
			t.Fatal("the real certificate does not come apart")
		}
		return c
	}
	outer := inside(&s)
	tbs := inside(&outer)
	return parts{
		version: next(&tbs), serial: next(&tbs), inner: next(&tbs), issuer: next(&tbs), validity: next(&tbs),
		subject: next(&tbs), spki: next(&tbs), extensions: next(&tbs),
		outer: next(&outer), signature: next(&outer),
	}
}

func (p parts) certificate() []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, field := range [][]byte{p.version, p.serial, p.inner, p.issuer, p.validity, p.subject, p.spki, p.extensions, p.tail} {
				b.AddBytes(field)
			}
		})
		for _, field := range [][]byte{p.outer, p.signature, p.end} {
			b.AddBytes(field)
		}
	})
	return b.BytesOrPanic()
}

func TestCertificatesRefused(t *testing.T) {
	const rsaAlgorithm = "300d06092a864886f70d01010b0500"
	subjectKeyID := "30150603551d0e" + "040e" + "040c" + strings.Repeat("11", 12)
	tests := []struct {
		name  string
		spoil func(p *parts)
		want  string // part of the error
	}{
		{"version 1 written out", func(p *parts) { p.version = unhex(t, "a003020100") }, "version"},
		{"version 1 left out", func(p *parts) { p.version = nil }, "version"},
		{"version 2", func(p *parts) { p.version = unhex(t, "a003020101") }, "version"},
		{"version 4", func(p *parts) { p.version = unhex(t, "a003020103") }, "version"},
		{"version twice", func(p *parts) { p.version = unhex(t, "a006020102020102") }, "version"},
		{"version not in least form", func(p *parts) { p.version = unhex(t, "a00402020002") }, "version"},
		{"negative serial number", func(p *parts) { p.serial = unhex(t, "020181") }, "negative"},
		{"serial number zero", func(p *parts) { p.serial = unhex(t, "020100") }, "not positive"},
		{"serial number without octets", func(p *parts) { p.serial = unhex(t, "0200") }, "serialNumber"},
		{"serial number of 21 octets", func(p *parts) { p.serial = unhex(t, "0215"+strings.Repeat("01", 21)) }, "21 octets"},
		{"serial number of 20 octets and a sign octet", func(p *parts) { p.serial = unhex(t, "021500"+strings.Repeat("ff", 20)) }, "21 octets"},
		{"serial number not in least form", func(p *parts) { p.serial = unhex(t, "02020001") }, "leading zero"},
		{"algorithms differ", func(p *parts) { p.inner = unhex(t, rsaAlgorithm) }, "signatureAlgorithm says"},
		{"algorithms differ, outside", func(p *parts) { p.outer = unhex(t, rsaAlgorithm) }, "signatureAlgorithm says"},
		{"algorithm inside unknown", func(p *parts) { p.inner = unhex(t, "300906072a8648ce3d0401") }, "signature:"},
		{"no algorithm inside", func(p *parts) { p.inner = nil }, "signature:"},
		{"no validity", func(p *parts) { p.validity = nil }, "notBefore"},
		{"no key", func(p *parts) { p.spki = nil }, "public key"},
		{"hashes differ", func(p *parts) { p.outer = unhex(t, "300a06082a8648ce3d040303") }, "signatureAlgorithm says"},
		{"ECDSA with NULL parameters", func(p *parts) {
			p.inner = unhex(t, "300c06082a8648ce3d0403020500")
			p.outer = p.inner
		}, "not supported"},
		{"RSA without parameters", func(p *parts) {
			p.inner = unhex(t, "300b06092a864886f70d01010b")
			p.outer = p.inner
		}, "not supported"},
		{"ecdsa-with-SHA1", func(p *parts) {
			p.inner = unhex(t, "300906072a8648ce3d0401")
			p.outer = p.inner
		}, "not supported"},
		{"issuer is a SET", func(p *parts) { p.issuer = unhex(t, "3100") }, "issuer"},
		{"subject with an empty RDN", func(p *parts) { p.subject = unhex(t, "30023100") }, "subject"},
		{"one time", func(p *parts) { p.validity = unhex(t, "300f170d"+hex.EncodeToString([]byte("250721000000Z"))) }, "notAfter"},
		{"three times", func(p *parts) {
			p.validity = unhex(t, "302d"+strings.Repeat("170d"+hex.EncodeToString([]byte("250721000000Z")), 3))
		}, "validity"},
		{"time with an offset", func(p *parts) {
			p.validity = unhex(t, "3022"+"1711"+hex.EncodeToString([]byte("250721000000+0200"))+"170d"+hex.EncodeToString([]byte("300721000000Z")))
		}, "notBefore"},
		{"point off the curve", func(p *parts) { p.spki[len(p.spki)-1] ^= 1 }, "public key"},
		{"unique identifier", func(p *parts) { p.spki = append(bytes.Clone(p.spki), 0x81, 0x02, 0x00, 0x01) }, "neither extensions"},
		{"empty list of extensions", func(p *parts) { p.extensions = unhex(t, "a3023000") }, "extensions"},
		{"two lists of extensions", func(p *parts) {
			p.extensions = unhex(t, wrap("a3", strings.Repeat(wrap("30", subjectKeyID), 2)))
		}, "one SEQUENCE"},
		{"extension twice", func(p *parts) { p.extensions = unhex(t, wrap("a3", wrap("30", subjectKeyID+subjectKeyID))) }, "twice"},
		{"extension with FALSE written out", func(p *parts) {
			p.extensions = unhex(t, "a30e300c300a0603551d13"+"010100"+"0400"+"")
		}, "extension 1"},
		{"extension without a value", func(p *parts) { p.extensions = unhex(t, "a3093007"+"30050603551d0e") }, "extension 1"},
		{"field after the extensions", func(p *parts) { p.tail = unhex(t, "0500") }, "at its end"},
		{"signature with unused bits", func(p *parts) { p.signature[2] = 1 }, "signatureValue"},
		{"signature empty", func(p *parts) { p.signature = unhex(t, "030100") }, "signatureValue"},
		{"signature is not r and s", func(p *parts) { p.signature = unhex(t, "03020001") }, "signatureValue"},
		{"field after the signature", func(p *parts) { p.end = unhex(t, "0500") }, "signatureValue"},
	}
	if _, err := ParseCertificate(goodParts(t).certificate()); err != nil {
		t.Fatalf("the certificate that the tests spoil does not parse: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := goodParts(t)
			tt.spoil(&p)
			_, err := ParseCertificate(p.certificate())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// A caller can tell a point off the curve from a malformed one, through the whole certificate.
func TestPointOffCurveInCertificate(t *testing.T) {
	p := goodParts(t)
	p.spki[len(p.spki)-1] ^= 1
	if _, err := ParseCertificate(p.certificate()); !errors.Is(err, brainpool.ErrNotOnCurve) {
		t.Errorf("changed point: got %v, want %v", err, brainpool.ErrNotOnCurve)
	}
	p = goodParts(t)
	p.spki[len(p.spki)-65] = 2 // compressed form in the length of the uncompressed one
	if _, err := ParseCertificate(p.certificate()); !errors.Is(err, brainpool.ErrPointFormat) {
		t.Errorf("changed form: got %v, want %v", err, brainpool.ErrPointFormat)
	}
}

// Cut off at any octet, or with an octet more, a certificate is an error and never a panic.
func TestTruncatedCertificates(t *testing.T) {
	for _, name := range []string{"psychotherapist-AUT-E256", "80276001011699900861-C_SMCB_AUT_R2048_X509"} {
		raw := realDER(t, name)
		c := realCertificate(t, name)
		for n := range raw {
			if _, err := ParseCertificate(raw[:n]); err == nil {
				t.Errorf("%s cut to %d of %d octets parses", name, n, len(raw))
			}
		}
		for n := range c.RawTBS {
			if _, err := ParseTBSCertificate(c.RawTBS[:n]); err == nil {
				t.Errorf("signed part of %s cut to %d octets parses", name, n)
			}
		}
		if _, err := ParseCertificate(append(bytes.Clone(raw), 0)); err == nil {
			t.Errorf("%s with a trailing octet parses", name)
		}
	}
}

// The length of the whole in other forms than the shortest is not DER.
func TestCertificateLengthForms(t *testing.T) {
	raw := realDER(t, "psychotherapist-AUT-E256") // 30 82 xx xx
	for name, header := range map[string][]byte{
		"three octets of length": {0x30, 0x83, 0, raw[2], raw[3]},
		"indefinite":             {0x30, 0x80},
		"another class":          {0x70, 0x82, raw[2], raw[3]},
		"high tag number":        {0x3f, 0x10, 0x82, raw[2], raw[3]},
	} {
		in := append(header, raw[4:]...)
		if name == "indefinite" {
			in = append(in, 0, 0)
		}
		if _, err := ParseCertificate(in); err == nil {
			t.Errorf("%s: parses", name)
		}
	}
}

// Inputs of Encode and Assemble that must not become a certificate.
func TestCertificatesRefusedToEncode(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(t *TBSCertificate)
		want  string
	}{
		{"no serial number", func(c *TBSCertificate) { c.Serial = Serial{} }, "serial"},
		{"no scheme", func(c *TBSCertificate) { c.Scheme = 0 }, "does not sign certificates"},
		{"scheme of CV certificates", func(c *TBSCertificate) { c.Scheme = sigalg.ISO9796SHA256 }, "does not sign certificates"},
		{"no issuer", func(c *TBSCertificate) { c.Issuer = nil }, "issuer"},
		{"issuer with a trailing octet", func(c *TBSCertificate) { c.Issuer = append(bytes.Clone(c.Issuer), 0) }, "issuer"},
		{"half a second", func(c *TBSCertificate) { c.NotAfter = c.NotAfter.Add(time.Second / 2) }, "fraction"},
		{"year 10000", func(c *TBSCertificate) { c.NotAfter = c.NotAfter.AddDate(9000, 0, 0) }, "year"},
		{"subject too long", func(c *TBSCertificate) { c.Subject = Name{Single(OIDCommonName, strings.Repeat("a", 65))} }, "subject: attribute CN"},
		{"no key", func(c *TBSCertificate) { c.PublicKey = nil }, "public key"},
		{"key with a trailing octet", func(c *TBSCertificate) { c.PublicKey = append(bytes.Clone(c.PublicKey), 0) }, "public key"},
		{"extension twice", func(c *TBSCertificate) { c.Extensions = append(c.Extensions, c.Extensions[0]) }, "twice"},
		{"extension without an OID", func(c *TBSCertificate) { c.Extensions = []Extension{{}} }, "encoding certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := again(realCertificate(t, "psychotherapist-AUT-E256"))
			tt.spoil(c)
			tbs, err := c.Encode()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %x, %v, want an error with %q", tbs, err, tt.want)
			}
		})
	}
}

func TestAssembleRefuses(t *testing.T) {
	c := realCertificate(t, "psychotherapist-AUT-E256")
	for _, tt := range []struct {
		name      string
		tbs       []byte
		scheme    sigalg.Scheme
		signature []byte
	}{
		{"another scheme than inside", c.RawTBS, sigalg.RSAPKCS1SHA256, c.Signature},
		{"another hash than inside", c.RawTBS, sigalg.ECDSASHA384, c.Signature},
		{"no signature", c.RawTBS, c.Scheme, nil},
		{"half a signature", c.RawTBS, c.Scheme, c.Signature[:63]},
		{"no signed part", nil, c.Scheme, c.Signature},
		{"a whole certificate as signed part", c.Raw, c.Scheme, c.Signature},
	} {
		if c, err := Assemble(tt.tbs, tt.scheme, tt.signature); err == nil {
			t.Errorf("%s: assembles to %x, want an error", tt.name, c.Raw)
		}
	}
}

// A certificate without extensions leaves the field out and reads back.
func TestCertificateWithoutExtensions(t *testing.T) {
	c := again(realCertificate(t, "psychotherapist-AUT-E256"))
	c.Extensions = nil
	tbs, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseTBSCertificate(tbs)
	if err != nil || len(back.Extensions) != 0 {
		t.Errorf("reads back with %d extensions, %v", len(back.Extensions), err)
	}
	if _, err := back.SubjectKeyID(); err == nil {
		t.Error("a subject key identifier is found that is not there")
	}
}
