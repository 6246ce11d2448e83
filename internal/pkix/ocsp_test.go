package pkix

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ocsp"

	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// requestParts is an OCSP request taken apart, so that each part may be bent. Empty octets leave a part out.
type requestParts struct {
	version, requestor, ids, extensions, after, signature []byte
}

func (p requestParts) der(t testing.TB) []byte {
	t.Helper()
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, part := range [][]byte{p.version, p.requestor} {
				b.AddBytes(part)
			}
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(p.ids) })
			b.AddBytes(p.extensions)
			b.AddBytes(p.after)
		})
		b.AddBytes(p.signature)
	})
	raw, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func certID(t testing.TB, hash crypto.Hash, serial string) CertID {
	t.Helper()
	number, err := ParseSerial(serial)
	if err != nil {
		t.Fatal(err)
	}
	id, err := NewCertID(realCertificate(t, "GEM.SMCB-CA57_TEST-ONLY"), number, hash)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// one wraps a CertID as an element of requestList, with what follows it.
func one(t testing.TB, id, after []byte) []byte {
	return element(t, cbasn1.SEQUENCE, append(bytes.Clone(id), after...))
}

func element(t testing.TB, tag cbasn1.Tag, content []byte) []byte {
	t.Helper()
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(content) })
	raw, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// extensionField wraps extensions in an explicit tag.
func extensionField(t testing.TB, tag uint8, list ...Extension) []byte {
	t.Helper()
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(der.Explicit(tag), func(b *cryptobyte.Builder) { addExtensions(b, list) })
	raw, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func nonce(t testing.TB, n int) Extension {
	t.Helper()
	return Extension{ID: OIDOCSPNonce, Value: element(t, cbasn1.OCTET_STRING, bytes.Repeat([]byte{7}, n))}
}

var foreign = Extension{ID: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}}

func critical(e Extension) Extension { e.Critical = true; return e }

// What a client may say, and what we understand.
func TestOCSPRequests(t *testing.T) {
	sha1, sha256 := certID(t, crypto.SHA1, "0102"), certID(t, crypto.SHA256, "ff02")
	noParameters := bytes.Replace(sha1.Raw, []byte{5, 0}, nil, 1)
	noParameters[1] -= 2
	noParameters[3] -= 2
	plain := one(t, sha1.Raw, nil)
	tests := []struct {
		name  string
		parts requestParts
		ids   int
		nonce int
	}{
		{"SHA-1", requestParts{ids: plain}, 1, 0},
		{"SHA-256", requestParts{ids: one(t, sha256.Raw, nil)}, 1, 0},
		{"parameters absent", requestParts{ids: one(t, noParameters, nil)}, 1, 0},
		{"version written out", requestParts{version: []byte{0xa0, 3, 2, 1, 0}, ids: plain}, 1, 0},
		{"requestor", requestParts{requestor: []byte{0xa1, 4, 0x82, 2, 'h', 'i'}, ids: plain}, 1, 0},
		{"nonce of 1", requestParts{ids: plain, extensions: extensionField(t, 2, nonce(t, 1))}, 1, 1},
		{"nonce of 32", requestParts{ids: plain, extensions: extensionField(t, 2, nonce(t, 32))}, 1, 32},
		{"nonce of 128", requestParts{ids: plain, extensions: extensionField(t, 2, nonce(t, 128))}, 1, 128},
		{"critical nonce", requestParts{ids: plain, extensions: extensionField(t, 2, critical(nonce(t, 8)))}, 1, 8},
		{"foreign extension", requestParts{ids: plain, extensions: extensionField(t, 2, foreign, nonce(t, 8))}, 1, 8},
		{"foreign single extension", requestParts{ids: one(t, sha1.Raw, extensionField(t, 0, foreign))}, 1, 0},
		{"two", requestParts{ids: append(bytes.Clone(plain), one(t, sha256.Raw, nil)...)}, 2, 0},
		{"ten", requestParts{ids: bytes.Repeat(plain, MaxOCSPCertificates)}, 10, 0},
		{"signed", requestParts{ids: plain, signature: []byte{0xa0, 4, 0x30, 2, 5, 0}}, 1, 0},
		{"serial number zero", requestParts{ids: one(t, withSerial(t, sha1, []byte{2, 1, 0}), nil)}, 1, 0},
		{"serial number negative", requestParts{ids: one(t, withSerial(t, sha1, []byte{2, 1, 0x80}), nil)}, 1, 0},
		{"serial number of 33 octets", requestParts{ids: one(t, withSerial(t, sha1, element(t, cbasn1.INTEGER, bytes.Repeat([]byte{1}, 33))), nil)}, 1, 0},
		{"unknown hash", requestParts{ids: one(t, withHash(t, []byte{6, 1, 42, 5, 0}), nil)}, 1, 0},
	}
	for _, tt := range tests {
		raw := tt.parts.der(t)
		r, err := ParseOCSPRequest(raw)
		if err != nil || len(r.IDs) != tt.ids || len(r.Nonce) != tt.nonce {
			t.Errorf("%s: got %+v, %v, want %d certificates and a nonce of %d", tt.name, r, err, tt.ids, tt.nonce)
			continue
		}
		for _, id := range r.IDs {
			if !bytes.Contains(raw, id.Raw) {
				t.Errorf("%s: CertID %x is not what came", tt.name, id.Raw)
			}
		}
	}
	id, err := IssuerIDOf(realCertificate(t, "GEM.SMCB-CA57_TEST-ONLY"), crypto.SHA1)
	r, err2 := ParseOCSPRequest(requestParts{ids: one(t, noParameters, nil)}.der(t))
	if err != nil || err2 != nil || r.IDs[0].Issuer != id || r.IDs[0].Serial != sha1.Serial {
		t.Errorf("CertID without parameters names %+v, %v, %v, want %+v", r.IDs[0], err, err2, id)
	}
	for _, odd := range []string{"serial number zero", "serial number negative", "serial number of 33 octets"} {
		for _, tt := range tests {
			if r, err := ParseOCSPRequest(tt.parts.der(t)); tt.name == odd && (err != nil || !r.IDs[0].Serial.IsZero()) {
				t.Errorf("%s: got %v, %v, want one that no certificate has", odd, r, err)
			}
		}
	}
}

// withSerial gives a CertID whose last element is another one.
func withSerial(t testing.TB, id CertID, serial []byte) []byte {
	t.Helper()
	var seq, algorithm, name, key cryptobyte.String
	s := cryptobyte.String(id.Raw)
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!seq.ReadASN1Element(&name, cbasn1.OCTET_STRING) || !seq.ReadASN1Element(&key, cbasn1.OCTET_STRING) {
		t.Fatal("the test's CertID is malformed")
	}
	return element(t, cbasn1.SEQUENCE, bytes.Join([][]byte{algorithm, name, key, serial}, nil))
}

// withHash gives a CertID with another AlgorithmIdentifier.
func withHash(t testing.TB, algorithm []byte) []byte {
	t.Helper()
	return element(t, cbasn1.SEQUENCE, bytes.Join([][]byte{element(t, cbasn1.SEQUENCE, algorithm), {4, 1, 1}, {4, 1, 2}, {2, 1, 1}}, nil))
}

// badOCSPRequests are requests with one fault each, by name: those made by hand, and those that a rule makes of good ones.
func badOCSPRequests(t testing.TB) map[string][]byte {
	sha1 := certID(t, crypto.SHA1, "0102")
	plain := one(t, sha1.Raw, nil)
	bad := map[string][]byte{
		"empty":                      nil,
		"a text":                     []byte("GET / HTTP/1.1"),
		"only a header":              {0x30, 0x80},
		"indefinite length":          {0x30, 0x80, 0x30, 0x00, 0x00, 0x00},
		"too long":                   make([]byte, MaxOCSPRequestLen+1),
		"no request":                 requestParts{}.der(t),
		"version 2":                  requestParts{version: []byte{0xa0, 3, 2, 1, 1}, ids: plain}.der(t),
		"version twice":              requestParts{version: []byte{0xa0, 6, 2, 1, 0, 2, 1, 0}, ids: plain}.der(t),
		"two requestors":             requestParts{requestor: []byte{0xa1, 6, 0x82, 1, 'a', 0x82, 1, 'b'}, ids: plain}.der(t),
		"empty requestor":            requestParts{requestor: []byte{0xa1, 0}, ids: plain}.der(t),
		"eleven":                     requestParts{ids: bytes.Repeat(plain, MaxOCSPCertificates+1)}.der(t),
		"nonce of 0":                 requestParts{ids: plain, extensions: extensionField(t, 2, nonce(t, 0))}.der(t),
		"nonce of 129":               requestParts{ids: plain, extensions: extensionField(t, 2, nonce(t, 129))}.der(t),
		"bare nonce":                 requestParts{ids: plain, extensions: extensionField(t, 2, Extension{ID: OIDOCSPNonce, Value: []byte{1, 2, 3, 4}})}.der(t),
		"nonce with more":            requestParts{ids: plain, extensions: extensionField(t, 2, Extension{ID: OIDOCSPNonce, Value: []byte{4, 1, 2, 3}})}.der(t),
		"two nonces":                 requestParts{ids: plain, extensions: element(t, der.Explicit(2), element(t, cbasn1.SEQUENCE, bytes.Repeat(encoded(t, nonce(t, 4)), 2)))}.der(t),
		"no extension in the list":   requestParts{ids: plain, extensions: []byte{0xa2, 2, 0x30, 0}}.der(t),
		"critical foreign extension": requestParts{ids: plain, extensions: extensionField(t, 2, critical(foreign))}.der(t),
		"critical single extension":  requestParts{ids: one(t, sha1.Raw, extensionField(t, 0, critical(foreign)))}.der(t),
		"extensions twice":           requestParts{ids: plain, extensions: bytes.Repeat(extensionField(t, 2, foreign), 2)}.der(t),
		"more after the extensions":  requestParts{ids: plain, after: []byte{5, 0}}.der(t),
		"more after a request":       requestParts{ids: one(t, sha1.Raw, []byte{5, 0})}.der(t),
		"signature of a wrong type":  requestParts{ids: plain, signature: []byte{0xa0, 2, 5, 0}}.der(t),
		"empty signature":            requestParts{ids: plain, signature: []byte{0xa0, 0}}.der(t),
		"two signatures":             requestParts{ids: plain, signature: bytes.Repeat([]byte{0xa0, 2, 0x30, 0}, 2)}.der(t),
		"more after the request":     append(requestParts{ids: plain}.der(t), 0),
		"hash with other parameters": requestParts{ids: one(t, withHash(t, append(oidOf(t, crypto.SHA1), 2, 1, 1)), nil)}.der(t),
		"hash of a wrong length":     requestParts{ids: one(t, withHash(t, append(oidOf(t, crypto.SHA1), 5, 0)), nil)}.der(t),
		"hash without a name":        requestParts{ids: one(t, withHash(t, []byte{5, 0}), nil)}.der(t),
		"serial number empty":        requestParts{ids: one(t, withSerial(t, sha1, []byte{2, 0}), nil)}.der(t),
		"serial number with zeros":   requestParts{ids: one(t, withSerial(t, sha1, []byte{2, 2, 0, 1}), nil)}.der(t),
		"serial number with ones":    requestParts{ids: one(t, withSerial(t, sha1, []byte{2, 2, 0xff, 0x80}), nil)}.der(t),
		"serial number of 65 octets": requestParts{ids: one(t, withSerial(t, sha1, element(t, cbasn1.INTEGER, bytes.Repeat([]byte{1}, 65))), nil)}.der(t),
		"serial number as text":      requestParts{ids: one(t, withSerial(t, sha1, []byte{0x0c, 1, '1'}), nil)}.der(t),
		"no serial number":           requestParts{ids: one(t, withSerial(t, sha1, nil), nil)}.der(t),
		"two serial numbers":         requestParts{ids: one(t, withSerial(t, sha1, []byte{2, 1, 1, 2, 1, 1}), nil)}.der(t),
		"a certificate":              realDER(t, "GEM.SMCB-CA57_TEST-ONLY"),
	}
	whole := requestParts{ids: one(t, sha1.Raw, extensionField(t, 0, foreign)), extensions: extensionField(t, 2, nonce(t, 32))}.der(t)
	for n := range whole {
		bad["cut at "+number(n)] = whole[:n]
	}
	for _, at := range tagsAndLengths(t, whole) {
		for _, by := range []byte{0x01, 0x40, 0x80} { // a wrong tag, or a wrong length
			bent := bytes.Clone(whole)
			bent[at] ^= by
			bad["octet "+number(at)+" bent by "+number(int(by))] = bent
		}
	}
	return bad
}

func number(n int) string {
	return string(rune('0'+n/100)) + string(rune('0'+n/10%10)) + string(rune('0'+n%10))
}

func encoded(t testing.TB, e Extension) []byte {
	t.Helper()
	raw, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func oidOf(t testing.TB, hash crypto.Hash) []byte {
	t.Helper()
	for _, a := range certIDAlgorithms {
		if a.hash == hash {
			raw, err := asn1.Marshal(a.id)
			if err != nil {
				t.Fatal(err)
			}
			return raw
		}
	}
	t.Fatal("no such hash")
	return nil
}

// tagsAndLengths gives the places of the octets of tags and lengths of constructed values and of what the parser reads in them.
func tagsAndLengths(t testing.TB, raw []byte) (places []int) {
	t.Helper()
	var walk func(start int, content []byte)
	walk = func(start int, content []byte) {
		for len(content) > 0 {
			s := cryptobyte.String(content)
			var all, body cryptobyte.String
			var tag cbasn1.Tag
			if !s.ReadAnyASN1Element(&all, &tag) {
				t.Fatal("the test's request is malformed")
			}
			inner := all
			if !inner.ReadAnyASN1(&body, &tag) {
				t.Fatal("the test's request is malformed")
			}
			header := len(all) - len(body)
			for i := range header {
				places = append(places, start+i)
			}
			if tag&0x20 != 0 {
				walk(start+header, body)
			}
			start += len(all)
			content = content[len(all):]
		}
	}
	walk(0, raw)
	return places
}

// At least 300 malformed requests are refused, and none is mistaken for a good one.
func TestBadOCSPRequests(t *testing.T) {
	bad := badOCSPRequests(t)
	refused := 0
	for name, raw := range bad {
		if r, err := ParseOCSPRequest(raw); err == nil {
			// A bent octet may turn a field into another one that is legal, such as a tag of a value that nobody reads.
			if !strings.HasPrefix(name, "octet") {
				t.Errorf("%s is taken as %+v", name, r)
			}
			continue
		}
		refused++
	}
	if refused < 300 {
		t.Errorf("%d malformed requests of %d were refused, want at least 300", refused, len(bad))
	}
}

// FuzzParseOCSPRequest: what parses has CertIDs that lie in the request octet for octet, and asks the same when it is encoded again.
func FuzzParseOCSPRequest(f *testing.F) {
	for _, raw := range badOCSPRequests(f) {
		if len(raw) < 1000 {
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseOCSPRequest(raw)
		if err != nil {
			return
		}
		if len(r.IDs) == 0 || len(r.IDs) > MaxOCSPCertificates || len(r.Nonce) > MaxNonceLen || r.Nonce != nil && len(r.Nonce) == 0 {
			t.Fatalf("parses to %d certificates and a nonce of %d", len(r.IDs), len(r.Nonce))
		}
		again, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseOCSPRequest(again)
		if err != nil || len(back.IDs) != len(r.IDs) || !bytes.Equal(back.Nonce, r.Nonce) {
			t.Fatalf("encodes as %x, which parses to %v, %v", again, back, err)
		}
		for i, id := range back.IDs {
			if !id.Equal(r.IDs[i]) || !bytes.Contains(raw, id.Raw) || id.Serial != r.IDs[i].Serial || id.Issuer != r.IDs[i].Issuer {
				t.Errorf("CertID %x becomes %x", r.IDs[i].Raw, id.Raw)
			}
		}
	})
}

var producedAt = time.Date(2026, 3, 2, 9, 30, 15, 0, time.UTC)

// sampleResponse is an answer with everything in it.
func sampleResponse(t testing.TB, signer *Certificate) *OCSPResponseData {
	t.Helper()
	keyHash, err := KeyIdentifierOfSPKI(signer.RawSPKI)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := CertHash{1, 2, 3}.Extension()
	if err != nil {
		t.Fatal(err)
	}
	cutoff, err := ArchiveCutoff(producedAt.AddDate(-5, 0, 0)).Extension()
	if err != nil {
		t.Fatal(err)
	}
	return &OCSPResponseData{
		ResponderKeyHash: keyHash, ProducedAt: producedAt, Nonce: bytes.Repeat([]byte{9}, 16),
		Responses: []SingleResponse{
			{ID: certID(t, crypto.SHA1, "0102"), Status: StatusGood, Reason: NoReason, ThisUpdate: producedAt, Extensions: []Extension{hash, cutoff}},
			{ID: certID(t, crypto.SHA256, "0103"), Status: StatusRevoked, RevokedAt: producedAt.Add(-time.Hour), Reason: NoReason, ThisUpdate: producedAt, Extensions: []Extension{hash}},
			{ID: certID(t, crypto.SHA1, "0104"), Status: StatusUnknown, Reason: NoReason, ThisUpdate: producedAt, NextUpdate: producedAt.Add(time.Hour)},
			{ID: certID(t, crypto.SHA1, "0105"), Status: StatusRevoked, RevokedAt: producedAt, Reason: 4, ThisUpdate: producedAt},
		},
	}
}

// assembled is the sample with a signature that nobody made.
func assembled(t testing.TB) []byte {
	t.Helper()
	signer := realCertificate(t, "GEM.SMCB-CA57_TEST-ONLY")
	tbs, err := sampleResponse(t, signer).Encode()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := AssembleOCSPResponse(tbs, sigalg.ECDSASHA256, bytes.Repeat([]byte{1}, 64), signer)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestOCSPResponseRoundTrip(t *testing.T) {
	signer := realCertificate(t, "GEM.SMCB-CA57_TEST-ONLY")
	want := sampleResponse(t, signer)
	r, err := ParseOCSPResponse(assembled(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Certificates) != 1 || !bytes.Equal(r.Certificates[0].Raw, signer.Raw) || !bytes.Equal(r.Nonce, want.Nonce) ||
		!r.ProducedAt.Equal(producedAt) || !bytes.Equal(r.ResponderKeyHash, want.ResponderKeyHash) || len(r.Responses) != 4 {
		t.Fatalf("parses to %+v", r)
	}
	for i, got := range r.Responses {
		w := want.Responses[i]
		if !got.ID.Equal(w.ID) || got.Status != w.Status || !got.RevokedAt.Equal(w.RevokedAt) || got.Reason != w.Reason ||
			!got.ThisUpdate.Equal(w.ThisUpdate) || !got.NextUpdate.Equal(w.NextUpdate) || len(got.Extensions) != len(w.Extensions) {
			t.Errorf("answer %d parses to %+v, want %+v", i, got, w)
		}
	}
	hash, ok, err := Find(r.Responses[0].Extensions, OIDCertHash, ParseCertHash)
	if !ok || err != nil || hash != (CertHash{1, 2, 3}) {
		t.Errorf("certHash %x, %t, %v", hash, ok, err)
	}
	cutoff, ok, err := Find(r.Responses[0].Extensions, OIDArchiveCutoff, ParseArchiveCutoff)
	if !ok || err != nil || !time.Time(cutoff).Equal(producedAt.AddDate(-5, 0, 0)) {
		t.Errorf("archive cutoff %v, %t, %v", time.Time(cutoff), ok, err)
	}
	if err := r.CheckSignature(signer.PublicKey); !errors.Is(err, sigalg.ErrSignature) {
		t.Errorf("a signature that nobody made: %v", err)
	}
}

func TestOCSPErrors(t *testing.T) {
	for _, e := range []OCSPError{OCSPMalformedRequest, OCSPInternalError, OCSPTryLater, OCSPUnauthorized} {
		_, err := ParseOCSPResponse(e.Encode())
		var got OCSPError
		if !errors.As(err, &got) || got != e {
			t.Errorf("%s parses to %v", e, err)
		}
		var theirs ocsp.ResponseError
		if _, err := ocsp.ParseResponse(e.Encode(), nil); !errors.As(err, &theirs) || int(theirs.Status) != int(e) {
			t.Errorf("%s: x/crypto/ocsp says %v", e, err)
		}
	}
}

// FuzzParseOCSPResponse: no answer makes the parser panic, and the signed part of what parses is DER that we would write.
func FuzzParseOCSPResponse(f *testing.F) {
	f.Add(assembled(f))
	f.Add(OCSPTryLater.Encode())
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseOCSPResponse(raw)
		if err != nil || r.ResponderName != nil {
			return
		}
		data := r.OCSPResponseData
		for _, one := range data.Responses {
			if one.Reason > 127 {
				return
			}
		}
		if tbs, err := data.Encode(); err == nil && len(tbs) == len(r.RawTBS) && !bytes.Equal(tbs, r.RawTBS) {
			t.Errorf("signed part encodes as %x, want %x", tbs, r.RawTBS)
		}
	})
}

// OpenSSL and golang.org/x/crypto/ocsp, two other people's programs, ask and read.
func TestOpenSSLReadsOurAnswers(t *testing.T) {
	needOpenSSL(t)
	for _, kind := range opensslKinds {
		t.Run(kind.name, func(t *testing.T) {
			key := newOpenSSLKey(t, kind.scheme, kind.genpkey...)
			root := issueRoot(t, key)
			card := issueCard(t, key, root)
			rootFile, cardFile := save(t, root), save(t, card)
			dir := t.TempDir()
			for _, hash := range []string{"-sha1", "-sha256"} {
				for _, option := range []string{"-nonce", "-no_nonce"} {
					reqFile, respFile := filepath.Join(dir, "req"), filepath.Join(dir, "resp")
					openssl(t, "ocsp", hash, option, "-issuer", rootFile, "-cert", cardFile, "-reqout", reqFile)
					raw, err := os.ReadFile(reqFile)
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(respFile, answerWith(t, key, root, card, raw), 0o600); err != nil {
						t.Fatal(err)
					}
					out := openssl(t, "ocsp", "-reqin", reqFile, "-respin", respFile, "-issuer", rootFile, "-CAfile", rootFile, "-resp_text")
					if !strings.Contains(out, "Response verify OK") || !strings.Contains(out, "Cert Status: good") || strings.Contains(out, "WARNING") && option == "-nonce" {
						t.Errorf("openssl ocsp %s %s says %s", hash, option, out)
					}
				}
			}
		})
	}
}

// answerWith answers a request with good, signed by the root itself.
func answerWith(t *testing.T, key opensslKey, root, card *Certificate, raw []byte) []byte {
	t.Helper()
	req, err := ParseOCSPRequest(raw)
	if err != nil {
		t.Fatalf("request of openssl: %v", err)
	}
	id, err := IssuerIDOf(root, req.IDs[0].Issuer.Hash)
	if err != nil || len(req.IDs) != 1 || req.IDs[0].Issuer != id || req.IDs[0].Serial != card.Serial {
		t.Fatalf("openssl asks for %+v, %v", req.IDs, err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	hash, err := CertHash{}.Extension()
	if err != nil {
		t.Fatal(err)
	}
	keyHash, err := KeyIdentifierOfSPKI(root.RawSPKI)
	if err != nil {
		t.Fatal(err)
	}
	data := OCSPResponseData{ResponderKeyHash: keyHash, ProducedAt: now, Nonce: req.Nonce, Responses: []SingleResponse{
		{ID: req.IDs[0], Status: StatusGood, Reason: NoReason, ThisUpdate: now, Extensions: []Extension{hash}}}}
	tbs, err := data.Encode()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := AssembleOCSPResponse(tbs, key.scheme, key.sign(t, tbs), root)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseOCSPResponse(answer)
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.CheckSignature(root.PublicKey); err != nil {
		t.Error(err)
	}
	if key.scheme == sigalg.RSAPKCS1SHA256 {
		if theirs, err := ocsp.ParseResponse(answer, nil); err != nil || theirs.Status != ocsp.Good {
			t.Errorf("x/crypto/ocsp reads %+v, %v", theirs, err)
		}
	}
	return answer
}
