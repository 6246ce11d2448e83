package lint

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// Ways to change a draft.

// replace gives a change that replaces an extension's value.
func replace(oid, value string) change {
	return func(t *tbsCertificate, _ *X509Context) {
		for i := range t.extensions {
			if t.extensions[i].oid == oid {
				t.extensions[i].value = unhex(value)
			}
		}
	}
}

// swap gives a change that replaces octets in an extension's value.
func swap(oid, old, new string) change {
	return func(t *tbsCertificate, _ *X509Context) {
		for i := range t.extensions {
			if e := &t.extensions[i]; e.oid == oid {
				e.value = bytes.ReplaceAll(e.value, unhex(old), unhex(new))
			}
		}
	}
}

// naming gives a change of the subject's attributes.
func naming(change func(a *attribute)) change {
	return func(t *tbsCertificate, _ *X509Context) {
		for i := range t.subject {
			for j := range t.subject[i] {
				change(&t.subject[i][j])
			}
		}
	}
}

const (
	cn = "2.5.4.3"
	o  = "2.5.4.10"
	c  = "2.5.4.6"
)

const pharmacyOID = "06072a8214004c0436"

// seq gives a SEQUENCE of the parts, all in hex.
func seq(parts ...string) string { return element(tag.SEQUENCE, unhex(strings.Join(parts, ""))) }

// element gives a value with its tag in hex.
func element(t tag.Tag, content []byte) string {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(t, func(b *cryptobyte.Builder) { b.AddBytes(content) })
	return hex.EncodeToString(b.BytesOrPanic())
}

func encodeOID(s string) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1ObjectIdentifier(parseOID(s))
	return b.BytesOrPanic()
}

// parseAttribute reads "name=value".
func parseAttribute(text string) attribute {
	name, value, _ := strings.Cut(text, "=")
	i := slices.IndexFunc(subjectAttributes, func(a subjectAttribute) bool { return a.name == name })
	return attribute{subjectAttributes[i].oid, subjectAttributes[i].tag, value}
}

// profession gives an admission with one ProfessionInfo of the parts.
func profession(parts ...string) string { return seq(seq(seq(seq(seq(parts...))))) }

func set(a *attribute, oid, value string) {
	if a.oid == oid {
		a.value = value
	}
}

func without(oid string) change {
	return func(t *tbsCertificate, _ *X509Context) {
		t.extensions = slices.DeleteFunc(t.extensions, func(e extension) bool { return e.oid == oid })
	}
}

// addingToSubject gives one more attribute, as "name=value", where A_15676 wants it: before the common name.
func addingToSubject(text string) change {
	return func(t *tbsCertificate, _ *X509Context) {
		t.subject = slices.Insert(t.subject, len(t.subject)-1, []attribute{parseAttribute(text)})
	}
}

// issuer gives a change of the issuer's certificate, which is shared and must be copied.
func issuer(do change) change {
	return func(_ *tbsCertificate, c *X509Context) {
		tbs, err := readTBS(c.Issuer.RawTBS)
		if err != nil {
			panic(err)
		}
		do(tbs, nil)
		changed := *c.Issuer
		changed.RawTBS = tbs.encode()
		c.Issuer = &changed
	}
}

func criticality(oid string, critical bool) change {
	return func(t *tbsCertificate, _ *X509Context) {
		for i := range t.extensions {
			if t.extensions[i].oid == oid {
				t.extensions[i].critical = critical
			}
		}
	}
}

func altNames(value string) change {
	return func(t *tbsCertificate, _ *X509Context) {
		t.extensions = append(t.extensions, extension{oidSubjectAltName, false, unhex(value)})
	}
}
