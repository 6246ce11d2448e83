package lint

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"time"

	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// maxYears is how long a certificate may live (gemSpec_PKI, GS-A_4352). The specification would allow rounding up to the end
// of the month; Siegel does not.
const maxYears = 5

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

// The AlgorithmIdentifiers of nonQES certificates: sha256WithRSAEncryption with NULL, and ecdsa-with-SHA256 without parameters.
var (
	sha256WithRSA   = unhex("300d06092a864886f70d01010b0500")
	ecdsaWithSHA256 = unhex("300a06082a8648ce3d040302")
)

func checkAlgorithm(d x509Draft) string {
	want := map[sigalg.KeyType][]byte{sigalg.R2048: sha256WithRSA, sigalg.R3072: sha256WithRSA, sigalg.E256: ecdsaWithSHA256}
	issuer, err := sigalg.TypeOf(d.context.Issuer.PublicKey)
	if err != nil {
		return "issuer's key: " + err.Error()
	}
	if !bytes.Equal(d.signature, want[issuer]) {
		return fmt.Sprintf("signature algorithm is not the one of a %s issuer", issuer)
	}
	return ""
}

func checkGeneration(d x509Draft) string {
	issuer, err := sigalg.TypeOf(d.context.Issuer.PublicKey)
	if err != nil {
		return "issuer's key: " + err.Error()
	}
	if issuer.Generation() != d.slot.key.Generation() {
		return fmt.Sprintf("a %s key is certified by a %s issuer", d.slot.key, issuer)
	}
	return ""
}

func checkIssuerName(d x509Draft) string {
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

// checkFiveYears counts both ends as part of the validity (RFC 5280, Section 4.1.2.5), so that five years end one second before
// the fifth anniversary.
func checkFiveYears(d x509Draft) string {
	if from, to, ok := d.term(); ok && !to.Before(from.AddDate(maxYears, 0, 0)) {
		return fmt.Sprintf("validity from %s to %s is longer than five years", from.Format(time.DateTime), to.Format(time.DateTime))
	}
	return ""
}

func checkWithinIssuer(d x509Draft) string {
	from, to, ok := d.term()
	if ok && (from.Before(d.context.Issuer.NotBefore) || to.After(d.context.Issuer.NotAfter)) {
		return fmt.Sprintf("validity from %s to %s is not within the issuer's", from.Format(time.DateTime), to.Format(time.DateTime))
	}
	return ""
}

// checkSize reckons the longest certificate that the draft can become: SEQUENCE header 4, algorithm, BIT STRING header and
// unused-bits octet, and the signature: the length of the modulus for RSA, at most 72 octets for a 256-bit curve.
func checkSize(d x509Draft) string {
	signature := 3 + 72
	if t, err := sigalg.TypeOf(d.context.Issuer.PublicKey); err == nil && t.Generation() == sigalg.RSA {
		signature = 5 + map[sigalg.KeyType]int{sigalg.R2048: 256, sigalg.R3072: 384}[t]
	}
	if size := 4 + len(d.raw) + len(d.signature) + signature; size > d.slot.fileSize {
		return fmt.Sprintf("certificate may have %d octets, the card file holds %d", size, d.slot.fileSize)
	}
	return ""
}

// unhex decodes a constant of this package.
func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic("lint: bad constant " + s)
	}
	return b
}
