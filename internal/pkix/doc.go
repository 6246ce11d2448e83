// Package pkix encodes, assembles and parses X.509 certificates, CRLs, OCSP requests and answers, and PKCS#10 requests of the telematics
// infrastructure.
//
// It is a codec of its own because crypto/x509 can neither make nor parse a certificate with a brainpool key, and because its
// names come out in other string types than gemSpec_PKI demands. It holds no policy, no clock, no randomness and no I/O:
// values in, octets out, and the other way round. What a certificate should contain is decided by the profiles and judged by
// the lint; this package says only whether octets are DER of the shape that the specifications draw.
//
// The life of a certificate here:
//
//	TBSCertificate.Encode  →  octets that a token signs  →  Assemble  →  ParseCertificate  →  Certificate.CheckSignatureFrom
//
// Where to look:
//
//   - certificate.go: TBSCertificate, Assemble
//   - parse.go, verify.go, signed.go: Certificate, ParseCertificate, ParseTBSCertificate, signature checks
//   - name.go, attribute.go: Name, RDN, Attribute and the table of string types and lengths
//   - serial.go: Serial
//   - extension.go: Extension and lists of them
//   - keyid.go, usage.go, policy.go, location.go, altname.go, admission.go, qcstatements.go, validitymodel.go: one type per
//     extension, each with a method Extension that encodes it and a function ParseX that reads the content of extnValue
//   - publickey.go, algorithm.go: SubjectPublicKeyInfo, AlgorithmIdentifier
//   - request.go: PKCS#10
//   - ocspcertid.go, ocsprequest.go, ocspresponse.go, ocspread.go, ocspextension.go: OCSP
//   - crl.go, crlread.go: CRLs
//   - pem.go: certificates from files
//   - oid.go, oidnames.go: object identifiers and their names
//
// All parsers are strict: DER only, no trailing octets, no values that DER leaves out. Whatever parses encodes to the same
// octets again, except where an encoder enforces a limit of gemSpec_PKI that old certificates break.
//
// Errors say what was being read or written and wrap their cause. They hold no values of attributes, which may be personal.
// All functions may be called concurrently; the values are plain data and belong to the caller.
//
// Sources: RFC 5280, RFC 6960, RFC 9654, RFC 5480, RFC 3279, RFC 2986; Common PKI 2.0 (admission); gemSpec_PKI 2.14.1; gemSpec_Krypt 2.23;
// gemSpec_OID 3.25.0; ETSI EN 319 412-1 and -5.
package pkix
