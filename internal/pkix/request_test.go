package pkix

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// requestSubject is that of a sub-CA (gemSpec_PKI, Tab_PKI_212).
var requestSubject = Name{
	Single(OIDCountryName, "DE"),
	Single(OIDOrganizationName, "gematik GmbH NOT-VALID"),
	Single(OIDOrganizationalUnitName, "Institution des Gesundheitswesens-CA der Telematikinfrastruktur"),
	Single(OIDCommonName, "GEM.SMCB-CA9999 TEST-ONLY"),
}

func caExtensions(t testing.TB) []Extension {
	t.Helper()
	usage, err := (KeyCertSign | CRLSign).Extension()
	if err != nil {
		t.Fatal(err)
	}
	constraints, err := BasicConstraints{CA: true}.Extension()
	if err != nil {
		t.Fatal(err)
	}
	return []Extension{usage, constraints}
}

func encodeRequest(t testing.TB, pub crypto.PublicKey, list []Extension) []byte {
	t.Helper()
	spki, err := MarshalPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	info, err := (&RequestInfo{Subject: requestSubject, PublicKey: spki, Extensions: list}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// signRSA makes a request with a throwaway key.
func signRSA(t testing.TB, key *rsa.PrivateKey, list []Extension) []byte {
	t.Helper()
	info := encodeRequest(t, &key.PublicKey, list)
	digest := sha256.Sum256(info)
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	raw, err := AssembleRequest(info, sigalg.RSAPKCS1SHA256, signature)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// signP256 makes a request with a throwaway key, as an operator's TLS key is requested for.
func signP256(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	info := encodeRequest(t, &key.PublicKey, nil)
	digest := sha256.Sum256(info)
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	raw, err := AssembleRequest(info, sigalg.ECDSASHA256, signature)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// requestSeeds are the requests in testdata, made once by openssl for brainpool and RSA keys.
func requestSeeds(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.csr")
	if err != nil || len(files) != 2 {
		t.Fatalf("%d requests in testdata, %v, want 2", len(files), err)
	}
	var seeds [][]byte
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, raw)
	}
	return seeds
}

// Requests that we make are read by crypto/x509, with the same content and a good signature.
func TestRequestsAgreeWithStandardLibrary(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{
		"RSA":                signRSA(t, rsaKey, nil),
		"RSA and extensions": signRSA(t, rsaKey, caExtensions(t)),
		"P-256":              signP256(t, ecKey),
	} {
		theirs, err := x509.ParseCertificateRequest(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := theirs.CheckSignature(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		ours, err := ParseRequest(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := ours.CheckSignature(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(ours.RawSubject, theirs.RawSubject) || !bytes.Equal(ours.RawSPKI, theirs.RawSubjectPublicKeyInfo) ||
			len(ours.Extensions) != len(theirs.Extensions) {
			t.Errorf("%s: we read subject %x, key %x, %d extensions; crypto/x509 %x, %x, %d", name,
				ours.RawSubject, ours.RawSPKI, len(ours.Extensions), theirs.RawSubject, theirs.RawSubjectPublicKeyInfo, len(theirs.Extensions))
		}
		if ours.Subject.String() != requestSubject.String() {
			t.Errorf("%s: subject %s, want %s", name, ours.Subject, requestSubject)
		}
	}
}

// A request signed with another key than it is for reads, but does not check.
func TestRequestOfAnotherKey(t *testing.T) {
	for i, raw := range requestSeeds(t) {
		raw = bytes.Clone(raw)
		raw[len(raw)-1] ^= 1
		r, err := ParseRequest(raw)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if err := r.CheckSignature(); !errors.Is(err, sigalg.ErrSignature) {
			t.Errorf("request %d: got %v, want %v", i, err, sigalg.ErrSignature)
		}
	}
}

func TestRequestsTruncated(t *testing.T) {
	for i, raw := range requestSeeds(t) {
		for n := range raw {
			if _, err := ParseRequest(raw[:n]); err == nil {
				t.Errorf("request %d cut to %d of %d octets parses", i, n, len(raw))
			}
		}
		if _, err := ParseRequest(append(bytes.Clone(raw), 0)); err == nil {
			t.Errorf("request %d with a trailing octet parses", i)
		}
	}
}

// Signed parts that are not those of a request we can honour.
func TestRequestsRefused(t *testing.T) {
	spki := realCertificate(t, "psychotherapist-AUT-E256").RawSPKI
	attribute := func(oid, values string) string { return wrap("30", oid+wrap("31", values)) }
	const request, challenge = "06092a864886f70d01090e", "06092a864886f70d010907"
	list := wrap("30", wrap("30", "0603551d0e"+"0400"))
	for _, tt := range []struct{ name, version, attributes, want string }{
		{"good, without attributes", "020100", "a000", ""},
		{"good, with extensions", "020100", wrap("a0", attribute(request, list)), ""},
		{"version 2", "020101", "a000", "version"},
		{"no version", "", "a000", "version"},
		{"attributes left out", "020100", "", "attributes"},
		{"something after the attributes", "020100", "a0000500", "attributes"},
		{"challenge password", "020100", wrap("a0", attribute(challenge, "0c0161")), "not supported"},
		{"two attributes", "020100", wrap("a0", strings.Repeat(attribute(request, list), 2)), "appears a second time"},
		{"two values", "020100", wrap("a0", attribute(request, list+list)), "more than one value"},
		{"no value", "020100", wrap("a0", attribute(request, "")), "no SEQUENCE"},
		{"extension twice", "020100", wrap("a0", attribute(request, wrap("30", strings.Repeat(wrap("30", "0603551d0e"+"0400"), 2)))), "twice"},
		{"not an attribute", "020100", "a0020500", "malformed attribute"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			subject := "300d310b3009060355040613024445"
			body := append(unhex(t, tt.version+subject), spki...)
			body = append(body, unhex(t, tt.attributes)...)
			info := append(unhex(t, "30"+length(strings.Repeat("00", len(body)))), body...)
			raw, err := AssembleRequest(info, sigalg.ECDSASHA256, bytes.Repeat([]byte{1}, 64))
			if err != nil {
				t.Fatal(err)
			}
			_, err = ParseRequest(raw)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
	if raw, err := (&RequestInfo{Subject: requestSubject}).Encode(); err == nil {
		t.Errorf("a request without a key encodes as %x", raw)
	}
	if raw, err := AssembleRequest([]byte("x"), sigalg.ECDSASHA256, bytes.Repeat([]byte{1}, 64)); err == nil {
		t.Errorf("a request around no SEQUENCE assembles to %x", raw)
	}
}

// TestRequestAttributes: attributes that are not known here are written in the order of SET OF, and read by a caller who asks for them.
// OpenSSL reads them too.
func TestRequestAttributes(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := MarshalPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	attributes := []RequestAttribute{
		{asn1.ObjectIdentifier{2, 999, 2}, []byte{0x04, 0x02, 0x80, 0xff}},
		{asn1.ObjectIdentifier{2, 999, 1}, []byte{0x0c, 0x01, 'x'}},
	}
	r := &RequestInfo{Subject: requestSubject, PublicKey: spki, Extensions: caExtensions(t), Attributes: attributes}
	info, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(info)
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	raw, err := AssembleRequest(info, sigalg.RSAPKCS1SHA256, signature)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseRequest(raw); err == nil || !strings.Contains(err.Error(), "2.999.1 is not supported") {
		t.Errorf("ParseRequest: %v, want a refusal of the first attribute", err)
	}
	got, err := ParseRequestWithAttributes(raw)
	if err != nil || len(got.Extensions) != 2 || len(got.Attributes) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if a := got.Attributes[0]; !a.ID.Equal(attributes[1].ID) || !bytes.Equal(a.Value, attributes[1].Value) {
		t.Errorf("the first attribute is %+v, want %+v", a, attributes[1])
	}
	file := filepath.Join(t.TempDir(), "request.der")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("openssl", "req", "-inform", "DER", "-in", file, "-noout", "-verify", "-text").CombinedOutput(); err != nil || !strings.Contains(string(out), "2.999.1") {
		t.Errorf("openssl req: %v\n%s", err, out)
	}
	r.Attributes[0].Value = []byte{0x04, 0x02, 0x80}
	if _, err := r.Encode(); err == nil {
		t.Error("a value that is no DER element was encoded")
	}
}
