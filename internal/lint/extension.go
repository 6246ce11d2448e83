package lint

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

func checkDuplicates(d x509Draft) string {
	seen := map[string]bool{}
	for _, e := range d.extensions {
		if seen[e.oid] {
			return "extension " + e.oid + " occurs twice"
		}
		seen[e.oid] = true
	}
	return ""
}

func checkExtensionSet(d x509Draft) string {
	for _, e := range d.extensions {
		if !d.want.extensions.known(e.oid) {
			return "extension " + e.oid + " has no place in this certificate"
		}
	}
	for _, oid := range d.want.extensions.must {
		if _, found := d.find(oid); !found && !(oid == oidAuthorityKeyID && d.context.Issuer == nil) {
			return "extension " + oid + " is missing"
		}
	}
	return ""
}

func checkCritical(d x509Draft) string {
	for _, e := range d.extensions {
		want := e.oid == oidKeyUsage || e.oid == oidBasicConstraints
		if e.critical && !want {
			return "extension " + e.oid + " is critical"
		}
		if !e.critical && want {
			return "extension " + e.oid + " is not critical"
		}
	}
	return ""
}

func checkKeyUsage(d x509Draft) string {
	typ, ok := d.keyType()
	v, found := d.find(oidKeyUsage)
	if !ok || !found {
		return "" // SUBJECT_KEY or EXTENSION_SET speaks
	}
	for _, want := range d.want.usages[typ.Generation()] {
		if bytes.Equal(v, want) {
			return ""
		}
	}
	return fmt.Sprintf("keyUsage is not that of %s with a %s key", d.kind, typ)
}

// checkExtendedKeyUsage reads ExtKeyUsageSyntax ::= SEQUENCE OF OBJECT IDENTIFIER.
func checkExtendedKeyUsage(d x509Draft) string {
	v, ok := d.find(oidExtKeyUsage)
	if !ok {
		return ""
	}
	in := cryptobyte.String(v)
	var list cryptobyte.String
	if !in.ReadASN1(&list, tag.SEQUENCE) || !in.Empty() {
		return "extKeyUsage cannot be read"
	}
	var have []string
	for !list.Empty() {
		var oid asn1.ObjectIdentifier
		if !list.ReadASN1ObjectIdentifier(&oid) {
			return "extKeyUsage cannot be read"
		}
		have = append(have, oid.String())
	}
	slices.Sort(have)
	if want := slices.Sorted(slices.Values(d.want.purposes)); !slices.Equal(have, want) {
		return fmt.Sprintf("extKeyUsage holds %q, want %q", have, want)
	}
	return ""
}

func checkBasicConstraints(d x509Draft) string {
	if v, ok := d.find(oidBasicConstraints); ok && !bytes.Equal(v, d.want.constraints) {
		return fmt.Sprintf("basicConstraints is %x, want %x", v, d.want.constraints)
	}
	return ""
}

// checkInfoAccess reads SEQUENCE OF SEQUENCE { accessMethod OBJECT IDENTIFIER, accessLocation [6] IA5String }.
func checkInfoAccess(d x509Draft) string {
	v, ok := d.find(oidInfoAccess)
	if !ok {
		return ""
	}
	in := cryptobyte.String(v)
	var list cryptobyte.String
	if !in.ReadASN1(&list, tag.SEQUENCE) || !in.Empty() {
		return "authorityInfoAccess cannot be read"
	}
	count := map[string]int{}
	for !list.Empty() {
		var description, uri cryptobyte.String
		var method asn1.ObjectIdentifier
		if !list.ReadASN1(&description, tag.SEQUENCE) || !description.ReadASN1ObjectIdentifier(&method) ||
			!description.ReadASN1(&uri, tag.Tag(6).ContextSpecific()) || !description.Empty() {
			return "authorityInfoAccess does not hold locations by URI"
		}
		if !isHTTP(string(uri)) {
			return "authorityInfoAccess names a location without HTTP URL"
		}
		count[method.String()]++
	}
	issuers := count[idADCAIssuers]
	if count[idADOCSP] != 1 || issuers > 1 || issuers > 0 && !d.want.caIssuers || len(count) > 1+issuers {
		return "authorityInfoAccess does not hold exactly one OCSP responder"
	}
	return ""
}

func isHTTP(uri string) bool {
	return strings.HasPrefix(uri, "http://") || strings.HasPrefix(uri, "https://")
}

// checkCRLPoints reads SEQUENCE OF SEQUENCE { [0] { [0] { [6] IA5String } } }: one full name each, without reasons and cRLIssuer.
func checkCRLPoints(d x509Draft) string {
	v, ok := d.find(oidCRLPoints)
	if !ok {
		return ""
	}
	in := cryptobyte.String(v)
	var list cryptobyte.String
	if !in.ReadASN1(&list, tag.SEQUENCE) || !in.Empty() || list.Empty() {
		return "cRLDistributionPoints cannot be read"
	}
	for !list.Empty() {
		var point, name, full, uri cryptobyte.String
		if !list.ReadASN1(&point, tag.SEQUENCE) || !point.ReadASN1(&name, explicit0) || !point.Empty() ||
			!name.ReadASN1(&full, explicit0) || !name.Empty() ||
			!full.ReadASN1(&uri, tag.Tag(6).ContextSpecific()) || !full.Empty() || !isHTTP(string(uri)) {
			return "cRLDistributionPoints holds a point that is not one HTTP URL"
		}
	}
	return ""
}

// checkNoCheck wants NULL.
func checkNoCheck(d x509Draft) string {
	if v, ok := d.find(oidOCSPNoCheck); ok && !bytes.Equal(v, []byte{0x05, 0x00}) {
		return "id-pkix-ocsp-nocheck is not NULL"
	}
	return ""
}
