package main

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"io"
	"time"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// describeX509 prints a certificate: the fixed fields, then the extensions in their order. Extensions whose content is not of the
// shape that the profiles know are printed in hex, with the reason.
func describeX509(w io.Writer, set *profiles.Set, c *pkix.Certificate) error {
	l := &sheet{w: w, set: set}
	l.fixed(c, c.Serial.String())
	l.field("SHA-256", fmt.Sprintf("%x", sha256.Sum256(c.Raw)))
	l.extensions(c)
	return l.err
}

// describeX509Draft prints what would be signed. Its serial number is a stand-in: the real one is drawn when the card is issued.
func describeX509Draft(w io.Writer, set *profiles.Set, draft []byte) error {
	c, err := pkix.ParseTBSCertificate(draft)
	if err != nil {
		return err
	}
	l := &sheet{w: w, set: set}
	l.fixed(c, "drawn when the card is issued")
	l.extensions(c)
	return l.err
}

// fixed prints the fields that every certificate has.
func (l *sheet) fixed(c *pkix.Certificate, serial string) {
	l.field("subject", c.Subject.String())
	l.field("issuer", c.Issuer.String())
	l.field("serial", serial)
	l.field("valid", c.NotBefore.Format(time.RFC3339)+" to "+c.NotAfter.Format(time.RFC3339))
	l.field("key", describeKey(c.PublicKey))
	l.field("signed with", c.Scheme.String())
}

func (l *sheet) extensions(c *pkix.Certificate) {
	for _, e := range c.Extensions {
		l.extension(e)
	}
}

func describeKey(pub any) string {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA, modulus of %d bits, exponent %d", k.N.BitLen(), k.E)
	case *brainpool.PublicKey:
		return "elliptic curve, " + k.Curve().Name()
	}
	return fmt.Sprintf("of type %T", pub)
}

// sheet prints lines and keeps the first error of the writer.
type sheet struct {
	w   io.Writer
	set *profiles.Set
	err error
}

// field prints one line, the values of all fields below each other.
func (l *sheet) field(name, value string) { l.line("  %-12s %s", name, value) }

// item prints a line that belongs to the extension above it.
func (l *sheet) item(format string, args ...any) { l.line("      "+format, args...) }

func (l *sheet) line(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format+"\n", args...)
	}
}

// content prints the content of an extension, or gives the reason why it cannot.
type content func(l *sheet, value []byte) error

// contents are the extensions whose content can be told in words.
var contents = map[string]content{
	pkix.OIDSubjectKeyIdentifier.String(): shown(pkix.ParseSubjectKeyIdentifier, func(l *sheet, id pkix.SubjectKeyIdentifier) {
		l.item("%x", []byte(id))
	}),
	pkix.OIDAuthorityKeyIdentifier.String(): shown(pkix.ParseAuthorityKeyIdentifier, func(l *sheet, id pkix.AuthorityKeyIdentifier) {
		l.item("%x", []byte(id))
	}),
	pkix.OIDKeyUsage.String():              shown(pkix.ParseKeyUsage, func(l *sheet, u pkix.KeyUsage) { l.item("%s", u) }),
	pkix.OIDExtendedKeyUsage.String():      shown(pkix.ParseExtendedKeyUsage, (*sheet).purposes),
	pkix.OIDBasicConstraints.String():      shown(pkix.ParseBasicConstraints, (*sheet).constraints),
	pkix.OIDCertificatePolicies.String():   shown(pkix.ParseCertificatePolicies, (*sheet).policies),
	pkix.OIDAuthorityInfoAccess.String():   shown(pkix.ParseAuthorityInfoAccess, (*sheet).access),
	pkix.OIDCRLDistributionPoints.String(): shown(pkix.ParseCRLDistributionPoints, (*sheet).points),
	pkix.OIDSubjectAltName.String():        shown(pkix.ParseSubjectAltName, (*sheet).names),
	pkix.OIDAdmission.String():             shown(pkix.ParseAdmission, (*sheet).admission),
	pkix.OIDOCSPNoCheck.String():           shown(pkix.ParseOCSPNoCheck, func(*sheet, pkix.OCSPNoCheck) {}),
	pkix.OIDQCStatements.String():          shown(pkix.ParseQCStatements, (*sheet).statements),
	pkix.OIDValidityModel.String():         shown(pkix.ParseValidityModel, (*sheet).validityModel),
}

// shown joins the parser of an extension with what prints its value.
func shown[T any](parse func([]byte) (T, error), print func(*sheet, T)) content {
	return func(l *sheet, value []byte) error {
		v, err := parse(value)
		if err == nil {
			print(l, v)
		}
		return err
	}
}

func (l *sheet) extension(e pkix.Extension) {
	critical := ""
	if e.Critical {
		critical = ", critical"
	}
	l.line("  %s%s", oid(e.ID), critical)
	show, known := contents[e.ID.String()]
	if !known {
		l.item("%x", e.Value)
		return
	}
	if err := show(l, e.Value); err != nil {
		l.item("%x", e.Value)
		l.item("(not told in words: %v)", err)
	}
}

func (l *sheet) purposes(u pkix.ExtendedKeyUsage) {
	for _, p := range u {
		l.item("%s", oid(p))
	}
}

func (l *sheet) constraints(c pkix.BasicConstraints) {
	switch {
	case !c.CA:
		l.item("end entity")
	case c.PathLen == pkix.NoPathLen:
		l.item("CA, any number of CAs below")
	default:
		l.item("CA, at most %d CAs below", c.PathLen)
	}
}

func (l *sheet) policies(list pkix.CertificatePolicies) {
	for _, p := range list {
		l.item("%s", oid(p.ID))
		if p.CPS != "" {
			l.item("  practice statement %q", p.CPS)
		}
	}
}

func (l *sheet) access(list pkix.AuthorityInfoAccess) {
	for _, d := range list {
		l.item("%s %q", oid(d.Method), d.URI)
	}
}

func (l *sheet) points(list pkix.CRLDistributionPoints) {
	for _, uri := range list {
		l.item("%q", uri)
	}
}

func (l *sheet) names(list pkix.SubjectAltName) {
	for _, n := range list {
		switch n.Form {
		case pkix.RFC822Name:
			l.item("e-mail %q", n.Value)
		case pkix.DNSName:
			l.item("DNS %q", n.Value)
		default:
			l.item("%s %q", oid(n.Type), n.Value)
		}
	}
}

// admission prints what the holder is, and whether text and object identifier belong together in gemSpec_OID (GS-A_4585).
func (l *sheet) admission(a pkix.Admission) {
	if a.Authority != nil {
		l.item("admission authority  %s", a.Authority)
	}
	l.item("profession item      %q", a.Item)
	l.item("profession OID       %s", l.profession(a))
	if a.RegistrationNumber != "" {
		l.item("registration number  %q", a.RegistrationNumber)
	}
}

func (l *sheet) profession(a pkix.Admission) string {
	i, known := l.set.Institution(a.OID.String())
	switch {
	case !known:
		return oid(a.OID)
	case i.Text != a.Item:
		return fmt.Sprintf("%s (%s, whose text in gemSpec_OID is %q)", a.OID, i.Reference, i.Text)
	}
	return fmt.Sprintf("%s (%s)", a.OID, i.Reference)
}

// oid writes an object identifier with its name.
func oid(id asn1.ObjectIdentifier) string {
	if name := pkix.OIDName(id); name != "" {
		return name + " (" + id.String() + ")"
	}
	return id.String()
}
