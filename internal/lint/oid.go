package lint

// arc is that of gematik's object identifiers.
const arc = "1.2.276.0.76.4."

// Extensions (RFC 5280, Section 4.2; RFC 6960, Section 4.2.2.2.1; Common PKI 2.0; ETSI EN 319 412-5).
const (
	oidSubjectKeyID     = "2.5.29.14"
	oidKeyUsage         = "2.5.29.15"
	oidSubjectAltName   = "2.5.29.17"
	oidBasicConstraints = "2.5.29.19"
	oidCRLPoints        = "2.5.29.31"
	oidPolicies         = "2.5.29.32"
	oidAuthorityKeyID   = "2.5.29.35"
	oidExtKeyUsage      = "2.5.29.37"
	oidInfoAccess       = "1.3.6.1.5.5.7.1.1"
	oidQCStatements     = "1.3.6.1.5.5.7.1.3"
	oidOCSPNoCheck      = "1.3.6.1.5.5.7.48.1.5"
	oidAdmission        = "1.3.36.8.3.3"
	oidRestriction      = "1.3.36.8.3.8"
	oidValidityModel    = "1.3.6.1.4.1.8301.3.5"
)

// Purposes of extKeyUsage and methods of authorityInfoAccess.
const (
	serverAuth    = "1.3.6.1.5.5.7.3.1"
	clientAuth    = "1.3.6.1.5.5.7.3.2"
	ocspSigning   = "1.3.6.1.5.5.7.3.9"
	idADOCSP      = "1.3.6.1.5.5.7.48.1"
	idADCAIssuers = "1.3.6.1.5.5.7.48.2"
)

// Policies (gemSpec_OID, Tab_PKI_404; ETSI EN 319 411-2).
const (
	policyNaturalQSCD = "0.4.0.194112.1.2" // QCP-n-qscd
	policyLegalQSCD   = "0.4.0.194112.1.3" // QCP-l-qscd
	cpsURI            = "http://www.gematik.de/go/policies"
)

var (
	commonTI  = []string{arc + "163"} // oid_policy_gem_or_cp
	commonHBA = []string{arc + "145"} // oid_policy_hba_cp
)

// Certificate types (gemSpec_OID, Tab_PKI_405).
const (
	typeENC  = arc + "76"
	typeAUT  = arc + "77"
	typeOSIG = arc + "78"
	typeAK   = arc + "79"
	typeNK   = arc + "80"
	typeSMKT = arc + "82"
	typeSAK  = arc + "113"
)

// Statements (ETSI EN 319 412-5) and the types of qualified certificates.
const (
	qcCompliance      = "0.4.0.1862.1.1"
	qcLimitValue      = "0.4.0.1862.1.2"
	qcRetentionPeriod = "0.4.0.1862.1.3"
	qcSSCD            = "0.4.0.1862.1.4"
	qcPDS             = "0.4.0.1862.1.5"
	qcTypeStatement   = "0.4.0.1862.1.6"
	qcLegislation     = "0.4.0.1862.1.7"
	qcTypeESign       = "0.4.0.1862.1.6.1"
	qcTypeESeal       = "0.4.0.1862.1.6.2"
)

// Bits of keyUsage: bit n of the ASN.1 type is 1<<n (RFC 5280, Section 4.2.1.3).
const (
	digitalSignature uint16 = 1 << iota
	nonRepudiation
	keyEncipherment
	dataEncipherment
	keyAgreement
	keyCertSign
	cRLSign
)

// bits gives a BIT STRING of named bits in one octet, trailing zero bits left out (X.690, Section 11.2.2).
func bits(set uint16) []byte {
	var octet byte
	unused := byte(8)
	for n := range 8 {
		if set>>n&1 == 1 {
			octet |= 0x80 >> n
			unused = byte(7 - n)
		}
	}
	return []byte{0x03, 0x02, unused, octet}
}
