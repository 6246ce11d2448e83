package lint

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// The AlgorithmIdentifiers of card keys: rsaEncryption with NULL, and id-ecPublicKey on brainpoolP256r1.
var (
	rsaEncryption = unhex("300d06092a864886f70d0101010500")
	ecBrainpool   = unhex("301406072a8648ce3d020106092b2403030208010107")
)

// readKey splits SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING } of whole octets.
func (t *tbsCertificate) readKey() (algorithm, key []byte, ok bool) {
	in := cryptobyte.String(t.spki)
	var info, id, bits cryptobyte.String
	ok = in.ReadASN1(&info, tag.SEQUENCE) && info.ReadASN1Element(&id, tag.SEQUENCE) &&
		info.ReadASN1(&bits, tag.BIT_STRING) && info.Empty() && bits.Skip(1) && t.spki[len(t.spki)-len(bits)-1] == 0
	return id, bits, ok
}

func checkKey(d x509Draft) string {
	algorithm, key, ok := d.readKey()
	if !ok {
		return "subjectPublicKeyInfo cannot be read"
	}
	if d.slot.key == sigalg.E256 {
		if !bytes.Equal(algorithm, ecBrainpool) || len(key) != 65 || key[0] != 4 {
			return "subject key is not an uncompressed point on brainpoolP256r1"
		}
		return ""
	}
	in := cryptobyte.String(key)
	var pair cryptobyte.String
	n, e := new(big.Int), new(big.Int)
	if !bytes.Equal(algorithm, rsaEncryption) || !in.ReadASN1(&pair, tag.SEQUENCE) || !in.Empty() ||
		!pair.ReadASN1Integer(n) || !pair.ReadASN1Integer(e) || !pair.Empty() {
		return "subject key is not an rsaEncryption key"
	}
	if n.Sign() < 0 || n.BitLen() != 2048 || n.Bit(0) == 0 {
		return fmt.Sprintf("modulus has %d bits, want 2048, odd", n.BitLen())
	}
	if e.Cmp(big.NewInt(3)) < 0 || e.Bit(0) == 0 {
		return "public exponent is even or below 3"
	}
	return ""
}

func checkOnCurve(d x509Draft) string {
	_, key, ok := d.readKey()
	if d.slot.key != sigalg.E256 || !ok || len(key) != 65 {
		return "" // not this rule's matter, or SUBJECT_KEY has spoken already
	}
	if _, err := brainpool.P256r1().ParsePoint(key); err != nil {
		return "subject key: " + err.Error()
	}
	return ""
}

// checkSubjectKeyID wants method (1): SHA-1 over the key without the octet of unused bits.
func checkSubjectKeyID(d x509Draft) string {
	_, key, _ := d.readKey()
	sum := sha1.Sum(key)
	if id, ok := d.find(oidSubjectKeyID); ok && !bytes.Equal(id, append([]byte{0x04, 20}, sum[:]...)) {
		return "subjectKeyIdentifier is not the SHA-1 of the subject key"
	}
	return ""
}

func checkAuthorityKeyID(d x509Draft) string {
	issuer, err := d.context.Issuer.SubjectKeyID()
	if err != nil {
		return "issuer: " + err.Error()
	}
	n := byte(len(issuer))
	want := append([]byte{0x30, n + 2, 0x80, n}, issuer...)
	if id, ok := d.find(oidAuthorityKeyID); ok && !bytes.Equal(id, want) {
		return "authorityKeyIdentifier is not the issuer's subjectKeyIdentifier"
	}
	return ""
}
