package lint

import (
	"bytes"
	"encoding/asn1"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// tbsCertificate is a TBSCertificate as it stands in the octets. Fields whose form a rule judges are kept as they were found.
type tbsCertificate struct {
	raw        []byte
	beforeKey  []byte // content up to spki
	afterKey   []byte // content after it
	version    int
	serial     []byte // content of the INTEGER
	signature  []byte // AlgorithmIdentifier, complete
	issuer     []byte // Name, complete
	notBefore  instant
	notAfter   instant
	rawSubject []byte        // Name, complete
	subject    [][]attribute // RDNs in their order
	spki       []byte        // complete
	extensions []extension   // in their order
}

// instant is a Time with the tag that it has.
type instant struct {
	tag  tag.Tag
	text string
}

type attribute struct {
	oid   string
	tag   tag.Tag
	value string
}

type extension struct {
	oid      string
	critical bool
	value    []byte // content of extnValue
}

var errShape = errors.New("octets are not a TBSCertificate of version 3")

// context-specific tags as in the grammar below.
var (
	explicit0 = tag.Tag(0).ContextSpecific().Constructed()
	explicit3 = tag.Tag(3).ContextSpecific().Constructed()
)

// readTBS reads
//
//	TBSCertificate ::= SEQUENCE {
//	    version          [0] EXPLICIT INTEGER,
//	    serialNumber     INTEGER,
//	    signature        AlgorithmIdentifier,
//	    issuer           Name,
//	    validity         SEQUENCE { notBefore Time, notAfter Time },
//	    subject          Name,
//	    subjectPublicKeyInfo SEQUENCE,
//	    extensions       [3] EXPLICIT SEQUENCE OF Extension }
//
// and nothing after it. Unique identifiers have no place in the profiles (gemSpec_PKI, Tab_PKI_238).
func readTBS(raw []byte) (*tbsCertificate, error) {
	t := &tbsCertificate{raw: raw}
	in := cryptobyte.String(raw)
	var body, version, serial, signature, issuer, validity, name, subject, spki, wrapped, extensions cryptobyte.String
	if !in.ReadASN1(&body, tag.SEQUENCE) || !in.Empty() {
		return nil, errShape
	}
	content := body
	if !body.ReadASN1(&version, explicit0) || !version.ReadASN1Integer(&t.version) || !version.Empty() ||
		!body.ReadASN1(&serial, tag.INTEGER) ||
		!body.ReadASN1Element(&signature, tag.SEQUENCE) ||
		!body.ReadASN1Element(&issuer, tag.SEQUENCE) ||
		!body.ReadASN1(&validity, tag.SEQUENCE) ||
		!readInstant(&validity, &t.notBefore) || !readInstant(&validity, &t.notAfter) || !validity.Empty() ||
		!body.ReadASN1Element(&name, tag.SEQUENCE) ||
		!t.readKeyElement(content, &body, &spki) ||
		!body.ReadASN1(&wrapped, explicit3) || !body.Empty() ||
		!wrapped.ReadASN1(&extensions, tag.SEQUENCE) || !wrapped.Empty() {
		return nil, errShape
	}
	t.serial, t.signature, t.issuer, t.spki, t.rawSubject = serial, signature, issuer, spki, name
	if !name.ReadASN1(&subject, tag.SEQUENCE) {
		return nil, errShape
	}
	var ok bool
	if t.subject, ok = readName(subject); !ok {
		return nil, errors.New("subject is not a Name")
	}
	if t.extensions, ok = readExtensions(extensions); !ok {
		return nil, errors.New("extensions are not a SEQUENCE OF Extension in DER")
	}
	return t, nil
}

// readKeyElement reads subjectPublicKeyInfo and keeps what stands before and after it.
func (t *tbsCertificate) readKeyElement(content cryptobyte.String, body, spki *cryptobyte.String) bool {
	t.beforeKey = content[:len(content)-len(*body)]
	ok := body.ReadASN1Element(spki, tag.SEQUENCE)
	t.afterKey = *body
	return ok
}

func readInstant(in *cryptobyte.String, out *instant) bool {
	var text cryptobyte.String
	ok := in.ReadAnyASN1(&text, &out.tag)
	out.text = string(text)
	return ok
}

// readName reads the content of Name ::= SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value ANY }.
func readName(in cryptobyte.String) (rdns [][]attribute, ok bool) {
	for !in.Empty() {
		var set cryptobyte.String
		if !in.ReadASN1(&set, tag.SET) || set.Empty() {
			return nil, false
		}
		var rdn []attribute
		for !set.Empty() {
			var pair, value cryptobyte.String
			var oid asn1.ObjectIdentifier
			var a attribute
			if !set.ReadASN1(&pair, tag.SEQUENCE) || !pair.ReadASN1ObjectIdentifier(&oid) ||
				!pair.ReadAnyASN1(&value, &a.tag) || !pair.Empty() {
				return nil, false
			}
			a.oid, a.value = oid.String(), string(value)
			rdn = append(rdn, a)
		}
		rdns = append(rdns, rdn)
	}
	return rdns, true
}

// readExtensions reads SEQUENCE OF SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }.
// DER leaves FALSE out and writes TRUE as FF.
func readExtensions(in cryptobyte.String) (list []extension, ok bool) {
	for !in.Empty() {
		var ext, flag, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		var flagged bool
		if !in.ReadASN1(&ext, tag.SEQUENCE) || !ext.ReadASN1ObjectIdentifier(&oid) ||
			!ext.ReadOptionalASN1(&flag, &flagged, tag.BOOLEAN) ||
			!ext.ReadASN1(&value, tag.OCTET_STRING) || !ext.Empty() {
			return nil, false
		}
		if flagged && !bytes.Equal(flag, []byte{0xFF}) {
			return nil, false
		}
		list = append(list, extension{oid.String(), flagged, value})
	}
	return list, true
}

// has tells whether an extension is there.
func (t *tbsCertificate) has(oid string) bool {
	_, found := t.find(oid)
	return found
}

// find gives an extension's value, and false where it is absent.
func (t *tbsCertificate) find(oid string) ([]byte, bool) {
	for _, e := range t.extensions {
		if e.oid == oid {
			return e.value, true
		}
	}
	return nil, false
}
