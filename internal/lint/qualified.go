package lint

import (
	"bytes"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// isQualified tells whether the draft belongs to the hierarchy of a qualified provider. That of an OCSP signer does if its issuer is one,
// whose certificate names a validity model (Tab_PKI_215).
func (d x509Draft) isQualified() bool {
	if d.kind == OCSPSigner && d.context.Issuer != nil {
		_, named := d.context.Issuer.Extension(pkix.OIDValidityModel)
		return named
	}
	return d.want.qcType != "" || d.kind == QESCA
}

// chainModel is SEQUENCE { id-validity-Model-chain }.
var chainModel = unhex("300c060a2b06010401c06d030501")

func checkValidityModel(d x509Draft) string {
	if v, ok := d.find(oidValidityModel); ok && !bytes.Equal(v, chainModel) {
		return "the validity model is not the chain model"
	}
	return ""
}

// statements reads QCStatements ::= SEQUENCE OF SEQUENCE { statementId OBJECT IDENTIFIER, statementInfo ANY OPTIONAL }.
func statements(v []byte) (list map[string][]byte, ok bool) {
	in := cryptobyte.String(v)
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, tag.SEQUENCE) || !in.Empty() {
		return nil, false
	}
	list = map[string][]byte{}
	for !seq.Empty() {
		var statement cryptobyte.String
		var id asn1.ObjectIdentifier
		if !seq.ReadASN1(&statement, tag.SEQUENCE) || !statement.ReadASN1ObjectIdentifier(&id) {
			return nil, false
		}
		if _, twice := list[id.String()]; twice {
			return nil, false
		}
		list[id.String()] = statement
	}
	return list, true
}

// knownStatements are those of EN 319 412-5 that gemSpec_PKI, Tab_PKI_270_1 and the regulation allow.
var knownStatements = map[string]bool{
	qcCompliance: true, qcLimitValue: true, qcRetentionPeriod: true, qcSSCD: true, qcPDS: true, qcTypeStatement: true, qcLegislation: true,
}

func checkQCStatements(d x509Draft) string {
	v, found := d.find(oidQCStatements)
	if !found {
		return ""
	}
	list, ok := statements(v)
	if !ok {
		return "qcStatements cannot be read, or hold a statement twice"
	}
	for id := range list {
		if !knownStatements[id] {
			return "statement " + id + " has no place in the certificate"
		}
	}
	if info, ok := list[qcCompliance]; !ok || len(info) > 0 {
		return "qcStatements do not say QcCompliance, without more"
	}
	if d.want.qcType == "" {
		return "" // a CA's certificate is not for a device or a type
	}
	if info, ok := list[qcSSCD]; !ok || len(info) > 0 {
		return "qcStatements do not say QcSSCD, without more"
	}
	return checkQCType(d.want.qcType, list[qcTypeStatement])
}

// checkQCType reads QcType ::= SEQUENCE OF OBJECT IDENTIFIER, which must hold the one type.
func checkQCType(want string, info []byte) string {
	in := cryptobyte.String(info)
	var types cryptobyte.String
	var typ asn1.ObjectIdentifier
	if !in.ReadASN1(&types, tag.SEQUENCE) || !in.Empty() || !types.ReadASN1ObjectIdentifier(&typ) || !types.Empty() {
		return "qcStatements do not hold QcType with one type"
	}
	if typ.String() != want {
		return fmt.Sprintf("QcType is %s, want %s", typ, want)
	}
	return ""
}
