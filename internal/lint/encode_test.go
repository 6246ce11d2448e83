package lint

import (
	"encoding/asn1"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// encode writes a draft as readTBS reads it, whatever is wrong with it.
func (t *tbsCertificate) encode() []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit0, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(t.version)) })
		b.AddASN1(tag.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(t.serial) })
		b.AddBytes(t.signature)
		b.AddBytes(t.issuer)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, i := range []instant{t.notBefore, t.notAfter} {
				b.AddASN1(i.tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(i.text)) })
			}
		})
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, rdn := range t.subject {
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { addAttributes(b, rdn) })
			}
		})
		b.AddBytes(t.spki)
		b.AddASN1(explicit3, func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { addExtensions(b, t.extensions) })
		})
	})
	return b.BytesOrPanic()
}

func addAttributes(b *cryptobyte.Builder, rdn []attribute) {
	for _, a := range rdn {
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(parseOID(a.oid))
			b.AddASN1(a.tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.value)) })
		})
	}
}

func addExtensions(b *cryptobyte.Builder, list []extension) {
	for _, e := range list {
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(parseOID(e.oid))
			if e.critical {
				b.AddASN1Boolean(true)
			}
			b.AddASN1OctetString(e.value)
		})
	}
}

func parseOID(s string) asn1.ObjectIdentifier {
	var oid asn1.ObjectIdentifier
	for arc := range strings.SplitSeq(s, ".") {
		n, err := strconv.Atoi(arc)
		if err != nil {
			panic(err)
		}
		oid = append(oid, n)
	}
	return oid
}
