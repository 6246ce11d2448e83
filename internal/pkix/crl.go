package pkix

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// CRLHead is what a CRL says besides its entries. It is always version 2.
type CRLHead struct {
	Scheme     sigalg.Scheme // how the issuer will sign
	Issuer     RawName       // the issuer's own subject, octet by octet
	ThisUpdate time.Time     // whole seconds
	NextUpdate time.Time     // whole seconds; always there (RFC 5280, Section 5.1.2.5)
	Extensions []Extension   // cRLNumber and authorityKeyIdentifier at least (RFC 5280, Section 5.2)
}

// CRLWriter makes a CRL out of a head and any number of entries. It holds one copy of the octets and no more: they grow in the middle of a
// buffer that has room at both ends for what is known only later, the lengths before the entries and the signature behind them. A CRL of
// a million entries takes 43 MB. The methods are called in the order Add*, TBS, Assemble, by one goroutine.
type CRLWriter struct {
	head    CRLHead
	fields  []byte // of TBSCertList, from version to nextUpdate
	buf     []byte // room for the front, then entries, then what TBS and Assemble add
	entries int    // start of the entries in buf
	tbs     int    // start of the signed part in buf; 0 before TBS
}

const (
	maxHeader = 6       // octets of tag and length, for up to 4 GiB of content
	maxEntry  = 43      // octets of an entry without extensions: 2 + 2+MaxSerialLen + 2+17
	crlTail   = 2 << 10 // room for extensions and signature; where they need more, the buffer grows once
)

// NewCRLWriter begins a CRL for which some number of entries is expected; more or fewer are no error.
func NewCRLWriter(head CRLHead, expected int) (*CRLWriter, error) {
	if _, err := ParseName(head.Issuer); err != nil {
		return nil, fmt.Errorf("encoding CRL: issuer: %w", err)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, 512))
	b.AddASN1Int64(1) // v2
	addAlgorithm(b, head.Scheme)
	b.AddBytes(head.Issuer)
	der.AddTime(b, head.ThisUpdate)
	der.AddTime(b, head.NextUpdate)
	fields, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encoding CRL: %w", err)
	}
	front := 3*maxHeader + len(fields)
	return &CRLWriter{head: head, fields: fields, entries: front, buf: make([]byte, front, front+expected*maxEntry+crlTail)}, nil
}

// Add adds an entry without extensions: SEQUENCE { userCertificate INTEGER, revocationDate Time }. No reason is given (GS-A_5090).
func (w *CRLWriter) Add(serial Serial, at time.Time) error {
	if serial.IsZero() || w.tbs > 0 {
		return errors.New("encoding CRL: an entry without a serial number, or after the end")
	}
	var room [64]byte
	b := cryptobyte.NewFixedBuilder(room[:0])
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		der.AddUnsigned(b, serial.Bytes())
		der.AddTime(b, at)
	})
	entry, err := b.Bytes()
	if err != nil {
		return fmt.Errorf("encoding CRL: entry %s: %w", serial, err)
	}
	w.buf = append(w.buf, entry...)
	return nil
}

// TBS ends the entries and gives the DER that is signed. It aliases the writer's buffer.
//
//	TBSCertList ::= SEQUENCE {
//	    version INTEGER { v2(1) }, signature AlgorithmIdentifier, issuer Name, thisUpdate Time, nextUpdate Time,
//	    revokedCertificates SEQUENCE OF SEQUENCE { userCertificate INTEGER, revocationDate Time } OPTIONAL,  -- never empty
//	    crlExtensions [0] EXPLICIT Extensions }
func (w *CRLWriter) TBS() ([]byte, error) {
	if w.tbs > 0 {
		return nil, errors.New("encoding CRL: it has ended already")
	}
	start := w.entries
	if n := len(w.buf) - start; n > 0 {
		start = w.putHeader(start, n)
	}
	b := cryptobyte.NewBuilder(w.buf)
	b.AddASN1(der.Explicit(0), func(b *cryptobyte.Builder) { addExtensions(b, w.head.Extensions) })
	buf, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encoding CRL: %w", err)
	}
	w.buf = buf
	start -= len(w.fields)
	copy(w.buf[start:], w.fields)
	w.tbs = w.putHeader(start, len(w.buf)-start)
	return w.buf[w.tbs:], nil
}

// Assemble puts signed part and signature, in the form of the token, together. The result is the writer's buffer.
func (w *CRLWriter) Assemble(signature []byte) ([]byte, error) {
	if w.tbs == 0 {
		return nil, errors.New("assembling CRL: there is no signed part yet")
	}
	b := cryptobyte.NewBuilder(w.buf)
	addSignature(b, w.head.Scheme, signature)
	buf, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("assembling CRL: %w", err)
	}
	w.buf = buf
	return w.buf[w.putHeader(w.tbs, len(w.buf)-w.tbs):], nil
}

// putHeader writes tag SEQUENCE and the length n in front of the octet at start, and gives where they begin.
func (w *CRLWriter) putHeader(start, n int) int {
	size := 0
	for rest := n; n >= 0x80 && rest > 0; rest >>= 8 {
		start--
		w.buf[start] = byte(rest)
		size++
	}
	start--
	if n < 0x80 {
		w.buf[start] = byte(n)
	} else {
		w.buf[start] = 0x80 | byte(size)
	}
	start--
	w.buf[start] = byte(cbasn1.SEQUENCE)
	return start
}

// CRLNumber is the extension that counts the CRLs of an issuer (RFC 5280, Section 5.2.3).
type CRLNumber int64

// Extension encodes INTEGER; non critical.
func (n CRLNumber) Extension() (Extension, error) {
	return encodeExtension(OIDCRLNumber, false, func(b *cryptobyte.Builder) {
		if n < 0 {
			b.SetError(errors.New("cRLNumber is negative"))
		}
		b.AddASN1Int64(int64(n))
	})
}

// ParseCRLNumber reads the content of extnValue. Numbers of more than 63 bits are errors.
func ParseCRLNumber(value []byte) (CRLNumber, error) {
	s := cryptobyte.String(value)
	var n int64
	if !s.ReadASN1Integer(&n) || !s.Empty() || n < 0 {
		return 0, malformed(OIDCRLNumber, "one INTEGER of at most 63 bits")
	}
	return CRLNumber(n), nil
}

// ExpiredCertsOnCRL says that a CRL keeps revoked certificates after they have expired, those that expired after the instant (X.509, Section
// 9.5.2.8; ETSI EN 319 411-2, CSS-6.3.10).
type ExpiredCertsOnCRL time.Time

// Extension encodes GeneralizedTime; non critical.
func (t ExpiredCertsOnCRL) Extension() (Extension, error) {
	return encodeExtension(OIDExpiredCertsOnCRL, false, func(b *cryptobyte.Builder) { der.AddGeneralizedTime(b, time.Time(t)) })
}

// ParseExpiredCertsOnCRL reads the content of extnValue.
func ParseExpiredCertsOnCRL(value []byte) (ExpiredCertsOnCRL, error) {
	t, err := readOnlyTime(value)
	if err != nil {
		return ExpiredCertsOnCRL{}, malformed(OIDExpiredCertsOnCRL, "one GeneralizedTime")
	}
	return ExpiredCertsOnCRL(t), nil
}

// IssuingDistributionPoint is the extension that binds a CRL to the place named in certificates (RFC 5280, Section 5.2.5): one URI.
type IssuingDistributionPoint string

// Extension encodes SEQUENCE { distributionPoint [0] EXPLICIT { fullName [0] IMPLICIT { [6] IMPLICIT IA5String } } }; critical.
func (p IssuingDistributionPoint) Extension() (Extension, error) {
	return encodeExtension(OIDIssuingDistribution, true, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addPoint(b, string(p)) })
	})
}

// ParseIssuingDistributionPoint reads the content of extnValue. Any other shape than one URI is an error.
func ParseIssuingDistributionPoint(value []byte) (IssuingDistributionPoint, error) {
	var seq cryptobyte.String
	if !der.ReadOnly(value, &seq, cbasn1.SEQUENCE) {
		return "", malformed(OIDIssuingDistribution, "a SEQUENCE")
	}
	uri, err := readPoint(&seq)
	if err != nil || !seq.Empty() {
		return "", malformed(OIDIssuingDistribution, "one URI")
	}
	return IssuingDistributionPoint(uri), nil
}
