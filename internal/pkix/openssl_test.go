package pkix

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// A second opinion: OpenSSL holds the keys, signs what we encode, and judges what we assemble.

// openssl runs the program and gives its output; a failure ends the test.
func openssl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func needOpenSSL(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is not installed: install the Debian package openssl, or run make test, which does")
	}
}

// opensslKey is a throwaway key that OpenSSL made and keeps in a file.
type opensslKey struct {
	file   string
	scheme sigalg.Scheme
	pub    crypto.PublicKey
	spki   []byte
}

func newOpenSSLKey(t *testing.T, scheme sigalg.Scheme, genpkey ...string) opensslKey {
	t.Helper()
	k := opensslKey{file: filepath.Join(t.TempDir(), "key.pem"), scheme: scheme}
	openssl(t, append([]string{"genpkey", "-out", k.file}, genpkey...)...)
	block, _ := pem.Decode([]byte(openssl(t, "pkey", "-in", k.file, "-pubout")))
	if block == nil {
		t.Fatal("openssl gives no public key")
	}
	var err error
	if k.pub, err = ParsePublicKey(block.Bytes); err != nil {
		t.Fatalf("key made by openssl: %v", err)
	}
	k.spki = block.Bytes
	return k
}

// sign gives the signature as a token would: RSA big-endian, ECDSA r||s.
func (k opensslKey) sign(t *testing.T, message []byte) []byte {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), "message"), filepath.Join(t.TempDir(), "signature")
	if err := os.WriteFile(in, message, 0o600); err != nil {
		t.Fatal(err)
	}
	hash := map[crypto.Hash]string{crypto.SHA256: "-sha256", crypto.SHA384: "-sha384", crypto.SHA512: "-sha512"}[k.scheme.Hash()]
	args := []string{"dgst", hash, "-sign", k.file, "-out", out}
	if k.scheme == sigalg.RSAPSSSHA256 {
		args = append(args, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
	}
	openssl(t, append(args, in)...)
	signature, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if k.scheme.IsECDSA() {
		if signature, err = der.ParseECDSASignature(signature, k.scheme.Hash().Size()); err != nil {
			t.Fatal(err)
		}
	}
	return signature
}

// issue makes a certificate that k signs.
func (k opensslKey) issue(t *testing.T, tbs *TBSCertificate) *Certificate {
	t.Helper()
	tbs.Scheme = k.scheme
	octets, err := tbs.Encode()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Assemble(octets, k.scheme, k.sign(t, octets))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func extensions(t *testing.T, values ...encoder) []Extension {
	t.Helper()
	var list []Extension
	for _, v := range values {
		e, err := v.Extension()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

func save(t *testing.T, c *Certificate) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "certificate.pem")
	if err := os.WriteFile(file, c.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

var brainpoolP256 = []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"}

// opensslKinds are the schemes that sign certificates, each with its kind of key.
var opensslKinds = []struct {
	name    string
	scheme  sigalg.Scheme
	genpkey []string
}{
	{"RSA", sigalg.RSAPKCS1SHA256, []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}},
	{"RSA-PSS", sigalg.RSAPSSSHA256, []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}},
	{"brainpoolP256r1", sigalg.ECDSASHA256, brainpoolP256},
	{"brainpoolP384r1", sigalg.ECDSASHA384, []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP384r1"}},
	{"brainpoolP512r1", sigalg.ECDSASHA512, []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP512r1"}},
	{"P-256", sigalg.ECDSASHA256, []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}},
}

// A root, and a card certificate with every extension below it: OpenSSL verifies the chain and reads out what we put in.
func TestOpenSSLVerifiesOurCertificates(t *testing.T) {
	needOpenSSL(t)
	for _, kind := range opensslKinds {
		t.Run(kind.name, func(t *testing.T) {
			key := newOpenSSLKey(t, kind.scheme, kind.genpkey...)
			root := issueRoot(t, key)
			card := issueCard(t, key, root)
			for _, c := range []*Certificate{root, card} {
				if err := c.CheckSignatureFrom(root); err != nil {
					t.Errorf("we do not verify %s: %v", c.Subject, err)
				}
			}
			rootFile, cardFile := save(t, root), save(t, card)
			if out := openssl(t, "verify", "-x509_strict", "-check_ss_sig", "-CAfile", rootFile, cardFile); !strings.Contains(out, ": OK") {
				t.Errorf("openssl verify: %s", out)
			}
			text := openssl(t, "x509", "-in", cardFile, "-noout", "-text", "-nameopt", "oneline,utf8,-esc_msb")
			for _, want := range []string{
				"Version: 3 (0x2)", "Serial Number:\n            fe:fe:fe:fe:fe:fe:fe:fe:fe:fe:fe:fe:fe:fe:fe:fe\n",
				"Subject: C = DE, O = Müller GmbH, serialNumber = 16.80276001011699802057, CN = Zahnarztpraxis Müller TEST-ONLY",
				"Not Before: Jul 21 00:00:00 2025 GMT", "Not After : Dec 31 23:59:59 2050 GMT",
				"X509v3 Key Usage: critical\n                Digital Signature\n",
				"X509v3 Basic Constraints: critical\n                CA:FALSE\n",
				"TLS Web Client Authentication", "Policy: 1.2.276.0.76.4.163", "CPS: http://www.gematik.de/go/policies",
				"OCSP - URI:http://ocsp.example/", "CA Issuers - URI:http://ca.example/", "URI:http://crl.example/",
				"email:praxis@example.org", "DNS:konnektor.konlan", "othername: organizationName:",
				"Profession OIDs:", "1.2.276.0.76.4.51", "registrationNumber: 2-2.30.1.16.290457", "DirName:C = DE, O = KZV Berlin",
				"OCSP No Check",
			} {
				if !strings.Contains(text, want) {
					t.Errorf("openssl x509 -text does not show %q:\n%s", want, text)
				}
			}
		})
	}
}

func issueRoot(t *testing.T, key opensslKey) *Certificate {
	t.Helper()
	name := Name{Single(OIDCountryName, "DE"), Single(OIDOrganizationName, "gematik GmbH NOT-VALID"), Single(OIDCommonName, "GEM.RCA9999 TEST-ONLY")}
	raw, err := name.Encode()
	if err != nil {
		t.Fatal(err)
	}
	id, err := KeyIdentifier(key.pub)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := ParseSerial("01")
	if err != nil {
		t.Fatal(err)
	}
	return key.issue(t, &TBSCertificate{
		Serial: serial, Issuer: raw, Subject: name, PublicKey: key.spki,
		NotBefore:  time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:   time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC),
		Extensions: extensions(t, id, BasicConstraints{CA: true, PathLen: NoPathLen}, KeyCertSign|CRLSign),
	})
}

func issueCard(t *testing.T, issuer opensslKey, root *Certificate) *Certificate {
	t.Helper()
	card := newOpenSSLKey(t, sigalg.ECDSASHA256, brainpoolP256...)
	own, err := KeyIdentifier(card.pub)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := root.SubjectKeyID()
	if err != nil {
		t.Fatal(err)
	}
	serial, err := NewSerial(bytes.Repeat([]byte{0xfe}, 16))
	if err != nil {
		t.Fatal(err)
	}
	return issuer.issue(t, &TBSCertificate{
		Serial: serial, Issuer: root.RawSubject, PublicKey: card.spki,
		NotBefore: time.Date(2025, 7, 21, 0, 0, 0, 0, time.UTC),
		NotAfter:  time.Date(2050, 12, 31, 23, 59, 59, 0, time.UTC), // GeneralizedTime
		Subject: Name{
			Single(OIDCountryName, "DE"), Single(OIDOrganizationName, "Müller GmbH"),
			Single(OIDSerialNumber, "16.80276001011699802057"), Single(OIDCommonName, "Zahnarztpraxis Müller TEST-ONLY"),
		},
		Extensions: extensions(t, own, AuthorityKeyIdentifier(authority), DigitalSignature, BasicConstraints{},
			ExtendedKeyUsage{OIDClientAuth},
			CertificatePolicies{{ID: ti(163), CPS: "http://www.gematik.de/go/policies"}, {ID: ti(77)}},
			AuthorityInfoAccess{{OIDAccessOCSP, "http://ocsp.example/"}, {OIDAccessCAIssuers, "http://ca.example/"}},
			CRLDistributionPoints{"http://crl.example/"},
			SubjectAltName{{Form: RFC822Name, Value: "praxis@example.org"}, {Form: DNSName, Value: "konnektor.konlan"},
				{Form: OtherName, Type: OIDOrganizationName, Value: "Müller GmbH"}},
			dentalAdmission, OCSPNoCheck{}),
	})
}

// OpenSSL reads our requests and agrees that they are signed with their own key; we agree about its requests.
func TestOpenSSLVerifiesOurRequests(t *testing.T) {
	needOpenSSL(t)
	for _, kind := range opensslKinds {
		t.Run(kind.name, func(t *testing.T) {
			key := newOpenSSLKey(t, kind.scheme, kind.genpkey...)
			info := encodeRequest(t, key.pub, caExtensions(t))
			raw, err := AssembleRequest(info, kind.scheme, key.sign(t, info))
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "request.der")
			if err := os.WriteFile(file, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			out := openssl(t, "req", "-inform", "DER", "-in", file, "-verify", "-noout", "-text", "-nameopt", "oneline")
			for _, want := range []string{"verify OK", "CN = GEM.SMCB-CA9999 TEST-ONLY", "CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign"} {
				if !strings.Contains(out, want) {
					t.Errorf("openssl req -verify does not show %q:\n%s", want, out)
				}
			}
			theirs := filepath.Join(t.TempDir(), "theirs.der")
			openssl(t, "req", "-new", "-utf8", "-config", os.DevNull, "-key", key.file, "-outform", "DER", "-out", theirs,
				"-subj", "/C=DE/O=gematik GmbH NOT-VALID/CN=GEM.SMCB-CA9999 TEST-ONLY", "-addext", "keyUsage=critical,keyCertSign")
			if raw, err = os.ReadFile(theirs); err != nil {
				t.Fatal(err)
			}
			r, err := ParseRequest(raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.CheckSignature(); err != nil {
				t.Error(err)
			}
			if usage, ok, err := Find(r.Extensions, OIDKeyUsage, ParseKeyUsage); !ok || err != nil || usage != KeyCertSign {
				t.Errorf("key usage: got %s, %t, %v, want keyCertSign", usage, ok, err)
			}
		})
	}
}

// asn1parseLine is a line of openssl asn1parse: offset, header length, content length.
var asn1parseLine = regexp.MustCompile(`(?m)^ *(\d+):d=\d+ +hl=\d l= *(\d+) `)

// OpenSSL finds every value of a certificate where our listing shows it.
func TestOpenSSLAgreesWithListing(t *testing.T) {
	needOpenSSL(t)
	for _, name := range realNames(t) {
		ours := map[string]bool{}
		for _, line := range strings.Split(listing(t, realDER(t, name)), "\n") {
			if fields := strings.Fields(line); len(fields) > 1 {
				ours[fields[0]] = true
			}
		}
		theirs := asn1parseLine.FindAllStringSubmatch(openssl(t, "asn1parse", "-in", filepath.Join("testdata", name+".pem")), -1)
		if len(theirs) < 50 {
			t.Errorf("%s: openssl lists %d values", name, len(theirs))
		}
		for _, value := range theirs {
			if !ours[value[1]] {
				t.Errorf("%s: openssl finds a value at %s, we do not", name, value[1])
			}
		}
	}
}
