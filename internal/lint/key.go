package lint

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// rsaEncryption is its AlgorithmIdentifier with NULL.
var rsaEncryption = unhex("300d06092a864886f70d0101010500")

// ecKeys are the AlgorithmIdentifiers id-ecPublicKey on a named curve.
var ecKeys = map[sigalg.KeyType][]byte{
	sigalg.E256: unhex("301406072a8648ce3d020106092b2403030208010107"),
	sigalg.E384: unhex("301406072a8648ce3d020106092b240303020801010b"),
	sigalg.E512: unhex("301406072a8648ce3d020106092b240303020801010d"),
}

// readKey splits SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING } of whole octets.
func (t *tbsCertificate) readKey() (algorithm, key []byte, ok bool) {
	in := cryptobyte.String(t.spki)
	var info, id, bits cryptobyte.String
	ok = in.ReadASN1(&info, tag.SEQUENCE) && info.ReadASN1Element(&id, tag.SEQUENCE) &&
		info.ReadASN1(&bits, tag.BIT_STRING) && info.Empty() && bits.Skip(1) && t.spki[len(t.spki)-len(bits)-1] == 0
	return id, bits, ok
}

// keyType tells the type of the certified key, and false for one that no certificate here may hold.
func (t *tbsCertificate) keyType() (sigalg.KeyType, bool) {
	algorithm, key, ok := t.readKey()
	if !ok {
		return 0, false
	}
	if bytes.Equal(algorithm, rsaEncryption) {
		n, _, ok := readRSA(key)
		size, known := map[int]sigalg.KeyType{2048: sigalg.R2048, 3072: sigalg.R3072}[n.BitLen()]
		return size, ok && known
	}
	for typ, id := range ecKeys {
		if curve, _ := typ.Curve(); bytes.Equal(algorithm, id) {
			return typ, len(key) == 1+2*curve.ByteLen() && key[0] == 4
		}
	}
	return 0, false
}

// readRSA reads RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017, Appendix A.1.1).
func readRSA(key []byte) (n, e *big.Int, ok bool) {
	in := cryptobyte.String(key)
	var pair cryptobyte.String
	n, e = new(big.Int), new(big.Int)
	ok = in.ReadASN1(&pair, tag.SEQUENCE) && in.Empty() && pair.ReadASN1Integer(n) && pair.ReadASN1Integer(e) && pair.Empty()
	return n, e, ok
}

func checkKey(d x509Draft) string {
	typ, ok := d.keyType()
	if !ok {
		return "subject key is neither an RSA key of 2048 or 3072 bits nor an uncompressed point on a brainpool curve"
	}
	if d.key != 0 && typ != d.key || !slices.Contains(d.want.keys, typ) {
		return fmt.Sprintf("subject key is of type %s, which has no place here", typ)
	}
	if typ.Generation() == sigalg.RSA {
		return checkRSA(d)
	}
	return ""
}

func checkRSA(d x509Draft) string {
	_, key, _ := d.readKey()
	n, e, _ := readRSA(key)
	if n.Sign() < 0 || n.Bit(0) == 0 {
		return "modulus is even or negative"
	}
	if e.Cmp(big.NewInt(3)) < 0 || e.Bit(0) == 0 {
		return "public exponent is even or below 3"
	}
	return ""
}

func checkOnCurve(d x509Draft) string {
	typ, ok := d.keyType()
	curve, ecc := typ.Curve()
	if !ok || !ecc {
		return "" // SUBJECT_KEY speaks, or it is no point
	}
	_, key, _ := d.readKey()
	if _, err := curve.ParsePoint(key); err != nil {
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
	if d.context.Issuer == nil {
		return "" // a root has none, which EXTENSION_SET checks
	}
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
