package lint

import (
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// policy is one PolicyInformation.
type policy struct {
	oid        string
	qualifiers []byte // complete policyQualifiers; nil for none
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
		var info cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !seq.ReadASN1(&info, tag.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&oid) {
			return nil, false
		}
		p := policy{oid: oid.String()}
		if !info.Empty() {
			var qualifiers cryptobyte.String
			if !info.ReadASN1Element(&qualifiers, tag.SEQUENCE) || !info.Empty() {
				return nil, false
			}
			p.qualifiers = qualifiers
		}
		list = append(list, p)
	}
	return list, true
}

// practiceStatement is policyQualifiers with id-qt-cps and the URI of gematik's policies.
var practiceStatement = unhex("302f302d06082b060105050702011621" +
	"687474703a2f2f7777772e67656d6174696b2e64652f676f2f706f6c6963696573")

func checkCommonPolicy(d x509Draft) string {
	list, ok := d.policies()
	if !ok {
		return "certificatePolicies cannot be read"
	}
	n := 0
	for _, p := range list {
		if !slices.Contains(d.want.policies.common, p.oid) {
			continue
		}
		n++
		if d.want.policies.cps && !slices.Equal(p.qualifiers, practiceStatement) {
			return "policy " + p.oid + " does not name the practice statement " + cpsURI
		}
	}
	if n != 1 {
		return fmt.Sprintf("policy %s occurs %d times, want once", strings.Join(d.want.policies.common, " or "), n)
	}
	return ""
}

// checkTypePolicy: a relying party takes the type from this list (TUC_PKI_007), and a second one would let a certificate pass
// for what it is not.
func checkTypePolicy(d x509Draft) string {
	list, _ := d.policies()
	want, n := d.want.policies.typ, 0
	for _, p := range list {
		if !isType(p.oid) {
			continue
		}
		n++
		if p.oid != want {
			return fmt.Sprintf("certificate type is %s, want %q", p.oid, want)
		}
		if p.qualifiers != nil {
			return "the certificate type has qualifiers"
		}
	}
	if want != "" && n != 1 {
		return fmt.Sprintf("%d certificate types, want exactly one", n)
	}
	return ""
}

func checkPolicySet(d x509Draft) string {
	list, _ := d.policies()
	want, others := d.want.policies, 0
	seen := map[string]bool{}
	for _, p := range list {
		if seen[p.oid] {
			return "policy " + p.oid + " occurs twice"
		}
		seen[p.oid] = true
		if !slices.Contains(want.common, p.oid) && !slices.Contains(want.also, p.oid) && !isType(p.oid) {
			others++
		}
	}
	if others > want.others {
		return fmt.Sprintf("%d policies that the table does not name, want %d at most", others, want.others)
	}
	for _, oid := range want.also {
		if !seen[oid] && list != nil {
			return "policy " + oid + " is missing"
		}
	}
	return ""
}

// typeArcs are the last arcs of all certificate types of cards and components below 1.2.276.0.76.4 (gemSpec_OID, Tab_PKI_405).
var typeArcs = []string{"62", "66", "67", "68", "69", "70", "71", "72", "73", "74", "75", "76", "77", "78", "79", "80", "81", "82",
	"113", "155", "156", "157", "158", "165", "168", "169", "175", "202", "203", "211", "212", "213", "214", "283", "287", "300",
	"301", "321"}

// isType tells whether an OID is a certificate type of any card or component.
func isType(oid string) bool {
	last, ok := strings.CutPrefix(oid, arc)
	return ok && slices.Contains(typeArcs, last)
}
