package pkix

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

func crlHead(t testing.TB, issuer *Certificate, scheme sigalg.Scheme) CRLHead {
	t.Helper()
	subject, err := issuer.SubjectKeyID()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	head := CRLHead{Scheme: scheme, Issuer: issuer.RawSubject, ThisUpdate: now, NextUpdate: now.AddDate(0, 0, 7)}
	for _, v := range []interface{ Extension() (Extension, error) }{
		AuthorityKeyIdentifier(subject), CRLNumber(300), ExpiredCertsOnCRL(now.AddDate(-3, 0, 0)), IssuingDistributionPoint("http://crl.example/"),
	} {
		e, err := v.Extension()
		if err != nil {
			t.Fatal(err)
		}
		head.Extensions = append(head.Extensions, e)
	}
	return head
}

func serialOf(n int) Serial {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(n+1)*0x9e3779b97f4a7c15|1)
	binary.BigEndian.PutUint64(b[8:], uint64(n))
	s, _ := NewSerial(b[:])
	return s
}

// writeCRL makes a CRL of n entries.
func writeCRL(t testing.TB, head CRLHead, n int, sign func([]byte) []byte) []byte {
	t.Helper()
	w, err := NewCRLWriter(head, n)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := w.Add(serialOf(i), head.ThisUpdate.Add(-time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	tbs, err := w.TBS()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := w.Assemble(sign(tbs))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func noSignature([]byte) []byte { return bytes.Repeat([]byte{1}, 64) }

// CRLs of every length of length: none, short, and one to three octets of it.
func TestCRLRoundTrip(t *testing.T) {
	head := crlHead(t, realCertificate(t, "GEM.SMCB-CA57_TEST-ONLY"), sigalg.ECDSASHA256)
	for _, n := range []int{0, 1, 3, 4, 7, 200, 2000, 5000} {
		raw := writeCRL(t, head, n, noSignature)
		c, err := ParseCRL(raw)
		if err != nil {
			t.Fatalf("%d entries: %v", n, err)
		}
		if c.Length != n || !bytes.Equal(c.Issuer, head.Issuer) || !c.ThisUpdate.Equal(head.ThisUpdate) || !c.NextUpdate.Equal(head.NextUpdate) {
			t.Errorf("%d entries: parses to %d, %s to %s", n, c.Length, c.ThisUpdate, c.NextUpdate)
		}
		i := 0
		for e := range c.Entries() {
			if e.Serial != serialOf(i) || !e.RevokedAt.Equal(head.ThisUpdate.Add(-time.Duration(i)*time.Second)) {
				t.Fatalf("%d entries: entry %d is %+v", n, i, e)
			}
			i++
		}
		if theirs, err := x509.ParseRevocationList(raw); err != nil || len(theirs.RevokedCertificateEntries) != n || theirs.Number.Int64() != 300 {
			t.Errorf("%d entries: crypto/x509 reads %v, %v", n, theirs, err)
		}
	}
	number, _, err := Find(head.Extensions, OIDCRLNumber, ParseCRLNumber)
	point, _, err2 := Find(head.Extensions, OIDIssuingDistribution, ParseIssuingDistributionPoint)
	expired, _, err3 := Find(head.Extensions, OIDExpiredCertsOnCRL, ParseExpiredCertsOnCRL)
	if err != nil || err2 != nil || err3 != nil || number != 300 || point != "http://crl.example/" || !time.Time(expired).Equal(head.ThisUpdate.AddDate(-3, 0, 0)) {
		t.Errorf("extensions: %d %q %v, %v %v %v", number, point, time.Time(expired), err, err2, err3)
	}
}

// TestCRLMemory: the octets of a CRL are held once.
func TestCRLMemory(t *testing.T) {
	const n = 100_000
	head := crlHead(t, realCertificate(t, "GEM.SMCB-CA57_TEST-ONLY"), sigalg.ECDSASHA256)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	raw := writeCRL(t, head, n, noSignature)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > n*maxEntry+1<<20 {
		t.Errorf("a CRL of %d octets holds %d", len(raw), held)
	}
	runtime.KeepAlive(raw)
}

func TestCRLRefuses(t *testing.T) {
	head := crlHead(t, realCertificate(t, "GEM.SMCB-CA57_TEST-ONLY"), sigalg.ECDSASHA256)
	broken := head
	broken.ThisUpdate = broken.ThisUpdate.Add(time.Millisecond)
	if _, err := NewCRLWriter(broken, 0); err == nil {
		t.Error("a time with a fraction was taken")
	}
	broken = head
	broken.Issuer = nil
	if _, err := NewCRLWriter(broken, 0); err == nil {
		t.Error("a CRL without an issuer was begun")
	}
	w, err := NewCRLWriter(head, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(Serial{}, head.ThisUpdate); err == nil {
		t.Error("an entry without a serial number was taken")
	}
	if _, err := w.Assemble(noSignature(nil)); err == nil {
		t.Error("a CRL without a signed part was assembled")
	}
	if _, err := w.TBS(); err != nil {
		t.Fatal(err)
	}
	if err := w.Add(serialOf(1), head.ThisUpdate); err == nil {
		t.Error("an entry was taken after the end")
	}
	good := writeCRL(t, head, 3, noSignature)
	for n := range good {
		if _, err := ParseCRL(good[:n]); err == nil {
			t.Errorf("%d octets of %d parse", n, len(good))
		}
	}
}

// FuzzParseCRL: what parses can be read again entry by entry.
func FuzzParseCRL(f *testing.F) {
	head := crlHead(f, realCertificate(f, "GEM.SMCB-CA57_TEST-ONLY"), sigalg.ECDSASHA256)
	for _, n := range []int{0, 1, 5} {
		f.Add(writeCRL(f, head, n, noSignature))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseCRL(raw)
		if err != nil {
			return
		}
		n := 0
		for range c.Entries() {
			n++
		}
		if n != c.Length {
			t.Errorf("%d entries are read, %d were counted", n, c.Length)
		}
	})
}

// OpenSSL verifies our CRLs and finds the revoked certificate on them.
func TestOpenSSLVerifiesOurCRLs(t *testing.T) {
	needOpenSSL(t)
	for _, kind := range opensslKinds {
		t.Run(kind.name, func(t *testing.T) {
			key := newOpenSSLKey(t, kind.scheme, kind.genpkey...)
			root := issueRoot(t, key)
			card := issueCard(t, key, root)
			head := crlHead(t, root, kind.scheme)
			head.Extensions = head.Extensions[:3] // a distribution point must be the certificate's
			w, err := NewCRLWriter(head, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Add(card.Serial, head.ThisUpdate); err != nil {
				t.Fatal(err)
			}
			tbs, err := w.TBS()
			if err != nil {
				t.Fatal(err)
			}
			raw, err := w.Assemble(key.sign(t, tbs))
			if err != nil {
				t.Fatal(err)
			}
			c, err := ParseCRL(raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.CheckSignatureFrom(root); err != nil {
				t.Error(err)
			}
			file, rootFile := filepath.Join(t.TempDir(), "crl"), save(t, root)
			if err := os.WriteFile(file, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			out := openssl(t, "crl", "-inform", "DER", "-in", file, "-CAfile", rootFile, "-noout", "-text")
			for _, want := range []string{"verify OK", "X509v3 CRL Number: \n                300", strings.ToUpper(card.Serial.String())} {
				if !strings.Contains(out, want) {
					t.Errorf("openssl crl does not show %q:\n%s", want, out)
				}
			}
		})
	}
}
