package lint

import (
	"encoding/asn1"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// The forms of GeneralName that Tab_PKI_228 permits.
var (
	formOther = explicit0
	formMail  = tag.Tag(1).ContextSpecific()
	formDNS   = tag.Tag(2).ContextSpecific()
)

// altName is one GeneralName.
type altName struct {
	form  tag.Tag
	value string // of a mail address or host name
}

// altNames reads SEQUENCE OF GeneralName in the permitted forms: rfc822Name [1], dNSName [2] and otherName [0] SEQUENCE { OID,
// [0] EXPLICIT UTF8String }.
func (t *tbsCertificate) altNames() (names []altName, ok bool) {
	v, found := t.find(oidSubjectAltName)
	if !found {
		return nil, true
	}
	in := cryptobyte.String(v)
	var list cryptobyte.String
	if !in.ReadASN1(&list, tag.SEQUENCE) || !in.Empty() || list.Empty() {
		return nil, false
	}
	for !list.Empty() {
		var content cryptobyte.String
		var n altName
		if !list.ReadAnyASN1(&content, &n.form) || !isAltName(n.form, content) {
			return nil, false
		}
		n.value = string(content)
		names = append(names, n)
	}
	return names, true
}

func isAltName(form tag.Tag, content cryptobyte.String) bool {
	switch form {
	case formMail, formDNS:
		return !content.Empty() && !strings.ContainsFunc(string(content), func(r rune) bool { return r > 0x7E || r < 0x20 })
	case formOther:
		var typ asn1.ObjectIdentifier
		var wrapped, text cryptobyte.String
		return content.ReadASN1ObjectIdentifier(&typ) && content.ReadASN1(&wrapped, explicit0) && content.Empty() &&
			wrapped.ReadASN1(&text, tag.UTF8String) && wrapped.Empty() && !text.Empty()
	}
	return false
}

func checkAltName(d x509Draft) string {
	if _, ok := d.altNames(); !ok {
		return "subjectAltName holds another form than rfc822Name, dNSName or otherName with a UTF8String"
	}
	return ""
}

func checkAltNameForms(d x509Draft) string {
	names, ok := d.altNames()
	if !ok || names == nil {
		return "" // SUBJECT_ALT_NAME or EXTENSION_SET speaks
	}
	want, count := d.want.altNames, map[tag.Tag]int{}
	for _, n := range names {
		count[n.form]++
		if n.form == formDNS && n.value != want.host {
			return "subjectAltName holds a host name that has no place in it"
		}
	}
	switch {
	case count[formMail] > 1 || count[formMail] > 0 && !want.mail:
		return "subjectAltName holds a mail address too many"
	case count[formOther] > 0 && !want.other:
		return "subjectAltName holds an otherName, which has no place in it"
	case want.host != "" && count[formDNS] != 1:
		return "subjectAltName does not hold the host name " + want.host + " once"
	}
	return ""
}
