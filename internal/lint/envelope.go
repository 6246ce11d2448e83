package lint

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"time"

	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// How many years certificates may live. For end entities the specification would allow rounding up to the end of the month;
// Siegel does not.
const (
	maxYears     = 5  // gemSpec_PKI, GS-A_4352
	maxCAYears   = 8  // gemSpec_PKI, GS-A_4351
	maxRootYears = 10 // gemSpec_PKI, GS-A_4350
)

func checkVersion(d x509Draft) string {
	if d.version != 2 {
		return fmt.Sprintf("version field is %d, want 2 (v3)", d.version)
	}
	return ""
}

func checkSerial(d x509Draft) string {
	s := d.serial
	switch {
	case len(s) == 0 || len(s) > 20:
		return fmt.Sprintf("serial number has %d octets, want 1 to 20", len(s))
	case s[0] >= 0x80 || len(bytes.Trim(s, "\x00")) == 0:
		return "serial number is not positive"
	case len(s) > 1 && s[0] == 0 && s[1] < 0x80:
		return "serial number is not encoded in the fewest octets"
	}
	return ""
}

// signatureAlgorithms are the AlgorithmIdentifiers of nonQES certificates by the issuer's key: sha256WithRSAEncryption with NULL, and
// ECDSA with the hash of the curve's length, without parameters (RFC 5758, Section 3.2).
var signatureAlgorithms = map[sigalg.KeyType][]byte{
	sigalg.R2048: sha256WithRSA,
	sigalg.R3072: sha256WithRSA,
	sigalg.E256:  ecdsaWithSHA256,
	sigalg.E384:  unhex("300a06082a8648ce3d040303"),
	sigalg.E512:  unhex("300a06082a8648ce3d040304"),
}

var (
	sha256WithRSA   = unhex("300d06092a864886f70d01010b0500")
	ecdsaWithSHA256 = unhex("300a06082a8648ce3d040302")
	// rsaPSS is id-RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 octets (gemSpec_Krypt, GS-A_4358).
	rsaPSS = unhex("304106092a864886f70d01010a3034a00f300d06096086480165030402010500" +
		"a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120")
)

func checkAlgorithm(d x509Draft) string {
	issuer, ok := d.issuerKey()
	if !ok {
		return "issuer's key is of no type that signs"
	}
	if d.isQualified() && issuer.Generation() == sigalg.RSA && bytes.Equal(d.signature, rsaPSS) {
		return ""
	}
	if !bytes.Equal(d.signature, signatureAlgorithms[issuer]) {
		return fmt.Sprintf("signature algorithm is not the one of a %s issuer", issuer)
	}
	return ""
}

// issuerKey gives the type of the key that will sign: the issuer's, or the certified one itself.
func (d x509Draft) issuerKey() (sigalg.KeyType, bool) {
	if d.context.Issuer == nil {
		return d.keyType()
	}
	t, err := sigalg.TypeOf(d.context.Issuer.PublicKey)
	return t, err == nil
}

func checkGeneration(d x509Draft) string {
	issuer, ok1 := d.issuerKey()
	key, ok2 := d.keyType()
	if !ok1 || !ok2 {
		return "" // SIGNATURE_ALGORITHM or SUBJECT_KEY speaks
	}
	if issuer.Generation() != key.Generation() {
		return fmt.Sprintf("a %s key is certified by a %s issuer", key, issuer)
	}
	return ""
}

func checkSelfSigned(d x509Draft) string {
	if d.context.Issuer == nil && d.kind != RootCA && d.kind != QESCA {
		return fmt.Sprintf("a %s certificate has no issuer", d.kind)
	}
	return ""
}

func checkIssuerName(d x509Draft) string {
	if d.context.Issuer == nil {
		if !bytes.Equal(d.issuer, d.rawSubject) {
			return "issuer of a self-signed certificate is not its subject"
		}
		return ""
	}
	if !bytes.Equal(d.issuer, d.context.Issuer.RawSubject) {
		return "issuer is not octet for octet the subject of the issuer's certificate"
	}
	return ""
}

// utcTime is the only form that certificates until 2049 may have: seconds, and Z.
const utcTime = "060102150405Z"

// parse reads the instant, and says whether it has the form utcTime.
func (i instant) parse() (time.Time, bool) {
	t, err := time.Parse(utcTime, i.text)
	// A year of two digits is 1950 to 2049 (RFC 5280, Section 4.1.2.5.1); package time splits at 1969.
	if t.Year() > 2049 {
		t = t.AddDate(-100, 0, 0)
	}
	if t.Year() < 1950 {
		t = t.AddDate(100, 0, 0)
	}
	return t, err == nil && i.tag == tag.UTCTime && t.Format(utcTime) == i.text
}

func checkTimeForm(d x509Draft) string {
	if _, ok := d.notBefore.parse(); !ok {
		return "notBefore is not a UTCTime with seconds and Z"
	}
	if _, ok := d.notAfter.parse(); !ok {
		return "notAfter is not a UTCTime with seconds and Z"
	}
	return ""
}

// term gives the validity; false where checkTimeForm has spoken already.
func (d x509Draft) term() (from, to time.Time, ok bool) {
	from, ok1 := d.notBefore.parse()
	to, ok2 := d.notAfter.parse()
	return from, to, ok1 && ok2
}

func checkTimeOrder(d x509Draft) string {
	if from, to, ok := d.term(); ok && !from.Before(to) {
		return "notAfter is not after notBefore"
	}
	return ""
}

func checkFiveYears(d x509Draft) string {
	if d.want.isCA() {
		return ""
	}
	return d.longerThan(maxYears)
}

func checkCATerm(d x509Draft) string {
	if !d.want.isCA() || d.kind == RootCA {
		return ""
	}
	return d.longerThan(maxCAYears)
}

func checkRootTerm(d x509Draft) string {
	if d.kind != RootCA {
		return ""
	}
	return d.longerThan(maxRootYears)
}

// longerThan counts both ends as part of the validity (RFC 5280, Section 4.1.2.5), so that five years end one second before the fifth
// anniversary.
func (d x509Draft) longerThan(years int) string {
	if from, to, ok := d.term(); ok && !to.Before(from.AddDate(years, 0, 0)) {
		return fmt.Sprintf("validity from %s to %s is longer than %d years", from.Format(time.DateTime), to.Format(time.DateTime), years)
	}
	return ""
}

func checkWithinIssuer(d x509Draft) string {
	issuer := d.context.Issuer
	from, to, ok := d.term()
	if ok && issuer != nil && (from.Before(issuer.NotBefore) || to.After(issuer.NotAfter)) {
		return fmt.Sprintf("validity from %s to %s is not within the issuer's", from.Format(time.DateTime), to.Format(time.DateTime))
	}
	return ""
}

// checkSize reckons the longest certificate that the draft can become: SEQUENCE header 4, algorithm, BIT STRING header and
// unused-bits octet, and the signature.
func checkSize(d x509Draft) string {
	issuer, ok := d.issuerKey()
	if !ok || d.fileSize == 0 {
		return "" // SIGNATURE_ALGORITHM speaks, or there is no file
	}
	if size := 4 + len(d.raw) + len(d.signature) + longestSignature[issuer]; size > d.fileSize {
		return fmt.Sprintf("certificate may have %d octets, the card file holds %d", size, d.fileSize)
	}
	return ""
}

// longestSignature is the BIT STRING of a signature in octets: for RSA the length of the modulus, for ECDSA two INTEGERs with a
// leading zero each.
var longestSignature = map[sigalg.KeyType]int{
	sigalg.R2048: 5 + 256,
	sigalg.R3072: 5 + 384,
	sigalg.E256:  3 + 2 + 2*(3+32),
	sigalg.E384:  3 + 2 + 2*(3+48),
	sigalg.E512:  4 + 3 + 2*(3+64),
}

// unhex decodes a constant of this package.
func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic("lint: bad constant " + s)
	}
	return b
}
