package lint

import (
	"encoding/asn1"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// admission is what is inside the extension of that name.
type admission struct {
	hasAuthority bool
	item, oid    string
	hasNumber    bool
	number       string
}

// readAdmission reads the one shape that gemSpec_PKI allows (Tab_PKI_226):
//
//	AdmissionSyntax ::= SEQUENCE {
//	    admissionAuthority   [4] EXPLICIT Name OPTIONAL,
//	    contentsOfAdmissions SEQUENCE { SEQUENCE { professionInfos SEQUENCE { ProfessionInfo } } } }
//	ProfessionInfo ::= SEQUENCE {
//	    professionItems    SEQUENCE { UTF8String },
//	    professionOIDs     SEQUENCE { OBJECT IDENTIFIER },
//	    registrationNumber PrintableString OPTIONAL }
func readAdmission(v []byte) (a admission, ok bool) {
	in := cryptobyte.String(v)
	var syntax, authority, name, contents, admissions, infos, info, items, item, oids, number cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&syntax, tag.SEQUENCE) || !in.Empty() ||
		!syntax.ReadOptionalASN1(&authority, &a.hasAuthority, tag.Tag(4).ContextSpecific().Constructed()) ||
		!syntax.ReadASN1(&contents, tag.SEQUENCE) || !syntax.Empty() ||
		!contents.ReadASN1(&admissions, tag.SEQUENCE) || !contents.Empty() ||
		!admissions.ReadASN1(&infos, tag.SEQUENCE) || !admissions.Empty() ||
		!infos.ReadASN1(&info, tag.SEQUENCE) || !infos.Empty() ||
		!info.ReadASN1(&items, tag.SEQUENCE) || !items.ReadASN1(&item, tag.UTF8String) || !items.Empty() ||
		!info.ReadASN1(&oids, tag.SEQUENCE) || !oids.ReadASN1ObjectIdentifier(&oid) || !oids.Empty() ||
		!info.ReadOptionalASN1(&number, &a.hasNumber, tag.PrintableString) || !info.Empty() {
		return admission{}, false
	}
	if a.hasAuthority {
		if !authority.ReadASN1(&name, tag.SEQUENCE) || !authority.Empty() {
			return admission{}, false
		}
		if _, ok := readName(name); !ok {
			return admission{}, false
		}
	}
	a.item, a.oid, a.number = string(item), oid.String(), string(number)
	return a, true
}

// admission reads the draft's admission; false where there is none, or one that rule ADMISSION does not like.
func (d x509Draft) admission() (admission, bool) {
	v, found := d.find(oidAdmission)
	if !found {
		return admission{}, false
	}
	return readAdmission(v)
}

func checkAdmission(d x509Draft) string {
	v, found := d.find(oidAdmission)
	if !found {
		return ""
	}
	a, ok := readAdmission(v)
	if !ok {
		return "admission does not have the one shape that is used: one text, one OID, one number"
	}
	if n := utf8.RuneCountInString(a.item); n == 0 || n > 128 || !utf8.ValidString(a.item) {
		return fmt.Sprintf("professionItem has %d characters, want 1 to 128", n)
	}
	return ""
}

func checkRole(d x509Draft) string {
	a, ok := d.admission()
	if !ok {
		return ""
	}
	if want := d.want.admission; want.oid != "" {
		if a.oid != want.oid || a.item != want.item {
			return fmt.Sprintf("admission names the role %s %q, want %s %q", a.oid, a.item, want.oid, want.item)
		}
		return ""
	}
	last, ok := strings.CutPrefix(a.oid, arc)
	item := institutions[last]
	if !ok || item == "" {
		return "role " + a.oid + " is none of an institution"
	}
	if a.item != item {
		return fmt.Sprintf("role %s has the text %q, want %q", a.oid, a.item, item)
	}
	return ""
}

func checkAuthority(d x509Draft) string {
	a, ok := d.admission()
	if ok && a.hasAuthority && d.want.admission.authority == never {
		return "admission names an authority, which has no place in it"
	}
	return ""
}

func checkTelematikID(d x509Draft) string {
	a, ok := d.admission()
	if !ok {
		return ""
	}
	switch want := d.want.admission.number; {
	case a.hasNumber && want == never:
		return "admission has a registrationNumber, which has no place in it"
	case !a.hasNumber && want == always:
		return "admission has no registrationNumber"
	case a.hasNumber && (a.number == "" || len(a.number) > 128 || !isPrintable(a.number)):
		return fmt.Sprintf("registrationNumber has %d characters, want a Telematik-ID of 1 to 128 characters of PrintableString", len(a.number))
	}
	return ""
}
