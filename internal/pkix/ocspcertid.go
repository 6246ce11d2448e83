package pkix

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // an identifier of RFC 6960, not protection
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// CertID names a certificate in OCSP: its issuer by hashes and its serial number (RFC 6960, Section 4.1.1).
//
//	CertID ::= SEQUENCE {
//	    hashAlgorithm  AlgorithmIdentifier,
//	    issuerNameHash OCTET STRING,
//	    issuerKeyHash  OCTET STRING,
//	    serialNumber   INTEGER }
type CertID struct {
	// Raw is the whole element as it came. An answer repeats it octet for octet (GS-A_4691).
	Raw    []byte
	Issuer IssuerID
	// Serial is zero where the number cannot be one of a certificate: not positive, or longer than MaxSerialLen.
	Serial Serial
}

// IssuerID is the part of a CertID that names the issuer. It is comparable and may be the key of a map.
type IssuerID struct {
	Hash     crypto.Hash // SHA-1 or SHA-256 (GS-A_4674-01); 0 for any other, which names no issuer
	NameHash string      // over the DER of the issuer's subject name
	KeyHash  string      // over the bits of the issuer's public key, without tag, length and unused bits
}

// CertIDHashes are the hashes with which a CertID may name an issuer. Clients of the telematics infrastructure use the first.
var CertIDHashes = []crypto.Hash{crypto.SHA1, crypto.SHA256}

var certIDAlgorithms = []struct {
	hash crypto.Hash
	id   asn1.ObjectIdentifier
}{
	{crypto.SHA1, asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}},
	{crypto.SHA256, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}},
}

// maxForeignSerial bounds the content of a serial number in a request; longer ones are malformed.
const maxForeignSerial = 64

// IssuerIDOf gives the IssuerID of a certificate's subject as an issuer.
func IssuerIDOf(issuer *Certificate, hash crypto.Hash) (IssuerID, error) {
	_, bits, err := splitSPKI(issuer.RawSPKI)
	if err != nil {
		return IssuerID{}, err
	}
	sum := func(b []byte) string {
		h := hash.New()
		h.Write(b)
		return string(h.Sum(nil))
	}
	return IssuerID{Hash: hash, NameHash: sum(issuer.RawSubject), KeyHash: sum(bits)}, nil
}

// NewCertID names a certificate of an issuer, hashed with SHA-1 or SHA-256. The AlgorithmIdentifier has NULL parameters.
func NewCertID(issuer *Certificate, serial Serial, hash crypto.Hash) (CertID, error) {
	id, err := IssuerIDOf(issuer, hash)
	if err != nil {
		return CertID{}, fmt.Errorf("naming a certificate: %w", err)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, 128))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addHashAlgorithm(b, hash)
		b.AddASN1OctetString([]byte(id.NameHash))
		b.AddASN1OctetString([]byte(id.KeyHash))
		if serial.IsZero() {
			b.SetError(errors.New("no serial number"))
		}
		der.AddUnsigned(b, serial.Bytes())
	})
	raw, err := b.Bytes()
	if err != nil {
		return CertID{}, fmt.Errorf("naming a certificate: %w", err)
	}
	return CertID{Raw: raw, Issuer: id, Serial: serial}, nil
}

func addHashAlgorithm(b *cryptobyte.Builder, hash crypto.Hash) {
	for _, a := range certIDAlgorithms {
		if a.hash == hash {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(a.id)
				b.AddASN1NULL()
			})
			return
		}
	}
	b.SetError(fmt.Errorf("hash %d names nothing in OCSP", hash))
}

// readHashAlgorithm reads an AlgorithmIdentifier of a hash, with NULL parameters or without (Tab_PKI_290). A hash that is not known
// gives 0, and its parameters may be anything.
func readHashAlgorithm(s *cryptobyte.String) (crypto.Hash, error) {
	var algorithm cryptobyte.String
	var id asn1.ObjectIdentifier
	if !s.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&id) {
		return 0, errors.New("hashAlgorithm is not an AlgorithmIdentifier")
	}
	for _, a := range certIDAlgorithms {
		if !a.id.Equal(id) {
			continue
		}
		if !algorithm.Empty() && (!der.ReadNULL(&algorithm) || !algorithm.Empty()) {
			return 0, errors.New("parameters of hashAlgorithm are neither absent nor NULL")
		}
		return a.hash, nil
	}
	var parameters cryptobyte.String
	var tag cbasn1.Tag
	if !algorithm.Empty() && (!algorithm.ReadAnyASN1(&parameters, &tag) || !algorithm.Empty()) {
		return 0, errors.New("hashAlgorithm is not an AlgorithmIdentifier")
	}
	return 0, nil
}

// readCertID reads one CertID. The result aliases s.
func readCertID(s *cryptobyte.String) (id CertID, err error) {
	var raw, seq, name, key, serial cryptobyte.String
	if !s.ReadASN1Element(&raw, cbasn1.SEQUENCE) || !der.ReadOnly(raw, &seq, cbasn1.SEQUENCE) {
		return CertID{}, errors.New("certID is not a SEQUENCE")
	}
	id.Raw = raw
	if id.Issuer.Hash, err = readHashAlgorithm(&seq); err != nil {
		return CertID{}, err
	}
	if !seq.ReadASN1(&name, cbasn1.OCTET_STRING) || !seq.ReadASN1(&key, cbasn1.OCTET_STRING) {
		return CertID{}, errors.New("issuerNameHash or issuerKeyHash is not an OCTET STRING")
	}
	if h := id.Issuer.Hash; h != 0 && (len(name) != h.Size() || len(key) != h.Size()) {
		return CertID{}, fmt.Errorf("issuerNameHash and issuerKeyHash have %d and %d octets, want %d", len(name), len(key), h.Size())
	}
	id.Issuer.NameHash, id.Issuer.KeyHash = string(name), string(key)
	if !seq.ReadASN1(&serial, cbasn1.INTEGER) || !seq.Empty() || !minimal(serial) || len(serial) > maxForeignSerial {
		return CertID{}, errors.New("serialNumber is not an INTEGER at the end")
	}
	if serial[0] < 0x80 {
		id.Serial, _ = NewSerial(serial) // what cannot be a serial number stays zero: it is a question all the same
	}
	return id, nil
}

// minimal tells whether octets are the least content of an INTEGER (X.690, Section 8.3.2).
func minimal(content []byte) bool {
	switch {
	case len(content) == 0:
		return false
	case len(content) == 1:
		return true
	}
	return !(content[0] == 0 && content[1] < 0x80) && !(content[0] == 0xff && content[1] >= 0x80)
}

// Equal tells whether two CertIDs are the same octets.
func (id CertID) Equal(other CertID) bool { return bytes.Equal(id.Raw, other.Raw) }
