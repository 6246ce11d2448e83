package lint

import (
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// commonPolicy is oid_policy_gem_or_cp.
const commonPolicy = "1.2.276.0.76.4.163"

// typePolicies are the certificate types of SMC-B certificates (gemSpec_OID, GS-A_4445).
var typePolicies = map[purpose]string{
	enc:  "1.2.276.0.76.4.76",
	aut:  "1.2.276.0.76.4.77",
	osig: "1.2.276.0.76.4.78",
}

// policy is one PolicyInformation.
type policy struct {
	oid       string
	qualified bool
}

// policies reads SEQUENCE OF SEQUENCE { policyIdentifier OBJECT IDENTIFIER, policyQualifiers SEQUENCE OPTIONAL }.
func (t *tbsCertificate) policies() (list []policy, ok bool) {
	v, found := t.find(oidPolicies)
	if !found {
		return nil, true // EXTENSION_SET speaks
	}
	in := cryptobyte.String(v)
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, tag.SEQUENCE) || !in.Empty() {
		return nil, false
	}
	for !seq.Empty() {
		var info, qualifiers cryptobyte.String
		var oid asn1.ObjectIdentifier
		var p policy
		if !seq.ReadASN1(&info, tag.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&oid) ||
			!info.ReadOptionalASN1(&qualifiers, &p.qualified, tag.SEQUENCE) || !info.Empty() {
			return nil, false
		}
		p.oid = oid.String()
		list = append(list, p)
	}
	return list, true
}

func checkCommonPolicy(d x509Draft) string {
	list, ok := d.policies()
	if !ok {
		return "certificatePolicies cannot be read"
	}
	n := 0
	for _, p := range list {
		if p.oid == commonPolicy {
			n++
		}
	}
	if n != 1 {
		return fmt.Sprintf("policy %s occurs %d times, want once", commonPolicy, n)
	}
	return ""
}

// checkTypePolicy: a relying party takes the type from this list (TUC_PKI_007), and a second one would let a certificate pass
// for what it is not.
func checkTypePolicy(d x509Draft) string {
	list, _ := d.policies()
	n := 0
	for _, p := range list {
		if !isType(p.oid) {
			continue
		}
		n++
		if p.oid != typePolicies[d.slot.purpose] {
			return fmt.Sprintf("certificate type is %s, want %s", p.oid, typePolicies[d.slot.purpose])
		}
		if p.qualified {
			return "the certificate type has qualifiers"
		}
	}
	if n != 1 {
		return fmt.Sprintf("%d certificate types, want exactly one", n)
	}
	return ""
}

// typeArcs are the last arcs of all certificate types of cards and components below 1.2.276.0.76.4 (gemSpec_OID, Tab_PKI_405).
var typeArcs = []string{"62", "66", "67", "68", "69", "70", "71", "72", "73", "74", "75", "76", "77", "78", "79", "80", "81", "82",
	"113", "155", "156", "157", "158", "165", "168", "169", "175", "202", "203", "211", "212", "213", "214", "283", "287", "300",
	"301", "321"}

// isType tells whether an OID is a certificate type of any card or component.
func isType(oid string) bool {
	arc, ok := strings.CutPrefix(oid, "1.2.276.0.76.4.")
	return ok && slices.Contains(typeArcs, arc)
}

// admission is what is inside the extension of that name.
type admission struct {
	item, telematikID string
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
	var hasAuthority, hasNumber bool
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&syntax, tag.SEQUENCE) || !in.Empty() ||
		!syntax.ReadOptionalASN1(&authority, &hasAuthority, tag.Tag(4).ContextSpecific().Constructed()) ||
		!syntax.ReadASN1(&contents, tag.SEQUENCE) || !syntax.Empty() ||
		!contents.ReadASN1(&admissions, tag.SEQUENCE) || !contents.Empty() ||
		!admissions.ReadASN1(&infos, tag.SEQUENCE) || !admissions.Empty() ||
		!infos.ReadASN1(&info, tag.SEQUENCE) || !infos.Empty() ||
		!info.ReadASN1(&items, tag.SEQUENCE) || !items.ReadASN1(&item, tag.UTF8String) || !items.Empty() ||
		!info.ReadASN1(&oids, tag.SEQUENCE) || !oids.ReadASN1ObjectIdentifier(&oid) || !oids.Empty() ||
		!info.ReadOptionalASN1(&number, &hasNumber, tag.PrintableString) || !info.Empty() {
		return admission{}, false
	}
	if hasAuthority {
		if !authority.ReadASN1(&name, tag.SEQUENCE) || !authority.Empty() {
			return admission{}, false
		}
		if _, ok := readName(name); !ok {
			return admission{}, false
		}
	}
	return admission{item: string(item), telematikID: string(number)}, true
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

func checkTelematikID(d x509Draft) string {
	v, found := d.find(oidAdmission)
	a, ok := readAdmission(v)
	if !found || !ok {
		return "" // EXTENSION_SET or ADMISSION has spoken already
	}
	if n := len(a.telematikID); n == 0 || n > 128 || !isPrintable(a.telematikID) {
		return fmt.Sprintf("registrationNumber has %d characters, want a Telematik-ID of 1 to 128 characters of PrintableString", n)
	}
	return ""
}
