package relying

import (
	"github.com/siegel-pki/siegel/internal/pkix"
)

// checkQualified: the issuer says that the certificate is qualified and its key in a secure device. A type that is not stated means a
// signature (ETSI EN 319 412-5, Section 4.2.3).
func checkQualified(x *examination) error {
	if x.need.Qualified == "" {
		return nil
	}
	statements, ok, err := pkix.Find(x.certificate.Extensions, pkix.OIDQCStatements, pkix.ParseQCStatements)
	if err != nil || !ok {
		return refuse(QCStatement, "qcStatements are missing or cannot be read: %v", err)
	}
	if !statements.Compliant() || !statements.OnDevice() {
		return refuse(QCStatement, "the statements do not say both: qualified, and in a secure device")
	}
	typ := needs["C.HCI.QES"].Qualified
	if types := statements.Types(); types != nil {
		if len(types) != 1 {
			return refuse(QCStatement, "QcType has %d types", len(types))
		}
		typ = types[0].String()
	}
	if typ != x.need.Qualified {
		return refuse(QCStatement, "QcType is %s, needed is %s", typ, x.need.Qualified)
	}
	return nil
}
