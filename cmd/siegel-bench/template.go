package main

import (
	"bytes"
	crand "crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/testkey"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// template is a card that siegeld has issued, after whose pattern others are made: their certificates differ in serial number or CHR, key, key
// identifier and ICCSN, and are of the same length. Their signatures are those of the pattern and so are wrong; all else about them is right.
type template struct {
	card  *ca.Card
	certs []pattern
}

// pattern is a certificate with the places of what differs.
type pattern struct {
	ca.Certificate
	body                               span // of what is signed
	spki                               []byte
	serial, key, inSPKI, keyID, iccsns []span
}

type span struct{ from, end int }

// newTemplate finds the places. CV certificates of generation 1 hide them in their signature and are refused.
func newTemplate(card *ca.Card) (*template, error) {
	t := &template{card: card}
	for i := range card.Certs {
		p, err := newPattern(card.Certs[i], card.ICCSN)
		if err != nil {
			return nil, fmt.Errorf("take the certificate in %s for a pattern: %w", card.Certs[i].Slot, err)
		}
		t.certs = append(t.certs, p)
	}
	return t, nil
}

func newPattern(c ca.Certificate, iccsn string) (p pattern, err error) {
	p.Certificate = c
	digits, err := hex.DecodeString(iccsn)
	if err != nil {
		return p, err
	}
	var body, key []byte
	if c.Format == ca.X509 {
		cert, err := pkix.ParseCertificate(c.Data)
		if err != nil {
			return p, err
		}
		body, p.spki = cert.RawTBS, cert.RawSPKI
		if key, err = keyOctets(cert.PublicKey); err != nil {
			return p, err
		}
		id, err := pkix.KeyIdentifierOfSPKI(cert.RawSPKI)
		if err != nil {
			return p, err
		}
		p.serial, p.keyID, p.iccsns = find(c.Data, c.Serial.Bytes()), find(c.Data, id), find(c.Data, []byte(iccsn))
	} else {
		cert, err := cvc.Parse(c.Data)
		if err != nil {
			return p, err
		}
		if body, err = cert.Body.Encode(); err != nil {
			return p, err
		}
		if p.spki, err = pkix.MarshalPublicKey(cert.PublicKey); err != nil {
			return p, err
		}
		key, p.iccsns = cert.PublicKey.Bytes()[1:], find(c.Data, digits)
	}
	p.key, p.inSPKI = find(c.Data, key), find(p.spki, key)
	where := find(c.Data, body)
	if len(where) != 1 || len(p.key) != 1 || len(p.inSPKI) != 1 || (len(p.serial) == 1) != (c.Format == ca.X509) {
		return p, errors.New("the places of key, serial number or signed part are not plain")
	}
	p.body = where[0]
	return p, nil
}

func keyOctets(pub any) ([]byte, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return k.N.Bytes(), nil
	case *brainpool.PublicKey:
		return k.Bytes()[1:], nil
	}
	return nil, fmt.Errorf("a key of type %T", pub)
}

// find lists where part stands in octets.
func find(octets, part []byte) (list []span) {
	for at := 0; ; {
		i := bytes.Index(octets[at:], part)
		if i < 0 {
			return list
		}
		list = append(list, span{at + i, at + i + len(part)})
		at += i + len(part)
	}
}

func put(octets []byte, where []span, part []byte) {
	for _, s := range where {
		copy(octets[s.from:s.end], part)
	}
}

// maker makes cards after a template. Not for concurrent use: each worker has its own.
type maker struct {
	*template
	rand   *rand.ChaCha8
	points *points
}

// newMaker begins in a place of the curve, and of chance, that belongs to it.
func (t *template) newMaker() *maker {
	var seed [32]byte
	crand.Read(seed[:]) // never fails
	random := rand.NewChaCha8(seed)
	spki := testkey.New(random).EC()
	return &maker{template: t, rand: random, points: pointsFrom(spki[len(spki)-65:])}
}

// made is a card with all that the store takes.
type made struct {
	intent     *ca.Intent
	completion *ca.Completion
	order      tlog.OrderFacts
	issued     tlog.CardFacts
}

// make makes card number n.
func (m *maker) make(n int64, at time.Time) (*made, error) {
	iccsn := fmt.Sprintf("8027600199%010d", n)
	order := fmt.Sprintf("fill-%010d", n)
	json := fmt.Appendf(nil, `{"order_id":%q,"institution":{"name":"Krankenhaus Nummer %d"}}`, order, n)
	in := &ca.Intent{Attempt: ca.AttemptID(hex.EncodeToString(m.octets(16))), OrderID: order, OrderHash: sha256.Sum256(json), OrderJSON: json,
		ICCSN: iccsn, CardType: m.card.CardType, Sector: m.card.Sector, At: at}
	out := &made{intent: in, completion: &ca.Completion{Intent: in, At: at}}
	out.order = tlog.OrderFacts{Order: order, Attempt: string(in.Attempt), ICCSN: iccsn, CardType: in.CardType, Sector: in.Sector}
	out.issued = tlog.CardFacts{Order: order, Attempt: string(in.Attempt), ICCSN: iccsn, CardType: in.CardType, Sector: in.Sector}
	for i := range m.certs {
		draft, data, err := m.certificate(&m.certs[i], iccsn)
		if err != nil {
			return nil, err
		}
		in.Drafts = append(in.Drafts, draft)
		out.completion.Certificates = append(out.completion.Certificates, data)
		f := facts(&draft, sha256.Sum256(data[m.certs[i].body.from:m.certs[i].body.end]))
		out.order.Drafts = append(out.order.Drafts, f)
		sum := sha256.Sum256(data)
		f.SHA256 = hex.EncodeToString(sum[:])
		out.issued.Certificates = append(out.issued.Certificates, f)
	}
	return out, nil
}

// bodyStandsIn is kept in place of a draft's octets, which nobody reads when the card is complete, to have a database half as large.
var bodyStandsIn = []byte("the signed part of the certificate")

func (m *maker) certificate(p *pattern, iccsn string) (ca.Draft, []byte, error) {
	d, data, spki := p.Draft, bytes.Clone(p.Data), bytes.Clone(p.spki)
	key := m.key(p.inSPKI[0].end - p.inSPKI[0].from)
	put(data, p.key, key)
	put(spki, p.inSPKI, key)
	d.Body = bodyStandsIn
	if d.Format == ca.X509 {
		number := m.octets(p.serial[0].end - p.serial[0].from)
		number[0] = number[0]&0x3f | 0x40
		put(data, p.serial, number)
		put(data, p.iccsns, []byte(iccsn))
		id, err := pkix.KeyIdentifierOfSPKI(spki)
		if err != nil {
			return d, nil, err
		}
		put(data, p.keyID, id)
		if d.Serial, err = pkix.NewSerial(number); err != nil {
			return d, nil, err
		}
	} else {
		digits, err := hex.DecodeString(iccsn)
		if err != nil {
			return d, nil, err
		}
		put(data, p.iccsns, digits)
		d.CHR = d.CHR[:len(d.CHR)-len(iccsn)] + iccsn
	}
	pub, err := pkix.ParsePublicKey(spki)
	if err != nil {
		return d, nil, err
	}
	d.KeyHash = sha256.Sum256(spki)
	d.KeyIdentity, err = pkix.KeyIdentity(pub)
	return d, data, err
}

// key gives x and y of a point, or a number that can stand for a modulus.
func (m *maker) key(size int) []byte {
	if size == 64 {
		point := make([]byte, size)
		m.points.next(point)
		return point
	}
	modulus := m.octets(size)
	modulus[0] |= 0x80
	modulus[size-1] |= 1
	return modulus
}

func (m *maker) octets(n int) []byte {
	b := make([]byte, n)
	m.rand.Read(b) // never fails
	return b
}

// facts are those of a draft, whose signed part has the given hash.
func facts(d *ca.Draft, body [32]byte) tlog.CertificateFacts {
	f := tlog.CertificateFacts{Slot: d.Slot, Profile: d.Profile, Issuer: d.Issuer, CHR: d.CHR, NotBefore: tlog.Instant(d.NotBefore),
		NotAfter: tlog.Instant(d.NotAfter), KeySHA256: hex.EncodeToString(d.KeyHash[:]), BodySHA256: hex.EncodeToString(body[:])}
	if d.Format == ca.X509 {
		f.Serial = d.Serial.String()
	}
	return f
}
