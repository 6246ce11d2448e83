package pkix

import "encoding/asn1"

// Attribute types of distinguished names (gemSpec_PKI, Tab_PKI_229-01; X.520).
var (
	OIDCommonName             = asn1.ObjectIdentifier{2, 5, 4, 3}
	OIDSurname                = asn1.ObjectIdentifier{2, 5, 4, 4}
	OIDSerialNumber           = asn1.ObjectIdentifier{2, 5, 4, 5}
	OIDCountryName            = asn1.ObjectIdentifier{2, 5, 4, 6}
	OIDLocalityName           = asn1.ObjectIdentifier{2, 5, 4, 7}
	OIDStateOrProvinceName    = asn1.ObjectIdentifier{2, 5, 4, 8}
	OIDStreetAddress          = asn1.ObjectIdentifier{2, 5, 4, 9}
	OIDOrganizationName       = asn1.ObjectIdentifier{2, 5, 4, 10}
	OIDOrganizationalUnitName = asn1.ObjectIdentifier{2, 5, 4, 11}
	OIDTitle                  = asn1.ObjectIdentifier{2, 5, 4, 12}
	OIDPostalCode             = asn1.ObjectIdentifier{2, 5, 4, 17}
	OIDGivenName              = asn1.ObjectIdentifier{2, 5, 4, 42}
	OIDOrganizationIdentifier = asn1.ObjectIdentifier{2, 5, 4, 97}
)

// Extensions of certificates, CRLs, OCSP requests and answers (RFC 5280, Sections 4.2 and 5.2; RFC 6960, Sections 4.2.2.2.1 and 4.4; Common
// PKI 2.0, Parts 1 and 4; X.509, Section 9.5.2.8; ETSI EN 319 412-5).
var (
	OIDSubjectKeyIdentifier   = asn1.ObjectIdentifier{2, 5, 29, 14}
	OIDKeyUsage               = asn1.ObjectIdentifier{2, 5, 29, 15}
	OIDSubjectAltName         = asn1.ObjectIdentifier{2, 5, 29, 17}
	OIDBasicConstraints       = asn1.ObjectIdentifier{2, 5, 29, 19}
	OIDCRLDistributionPoints  = asn1.ObjectIdentifier{2, 5, 29, 31}
	OIDCertificatePolicies    = asn1.ObjectIdentifier{2, 5, 29, 32}
	OIDAuthorityKeyIdentifier = asn1.ObjectIdentifier{2, 5, 29, 35}
	OIDExtendedKeyUsage       = asn1.ObjectIdentifier{2, 5, 29, 37}
	OIDAuthorityInfoAccess    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 1}
	OIDQCStatements           = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}
	OIDOCSPNoCheck            = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
	OIDAdmission              = asn1.ObjectIdentifier{1, 3, 36, 8, 3, 3}
	OIDRestriction            = asn1.ObjectIdentifier{1, 3, 36, 8, 3, 8}
	OIDAdditionalInformation  = asn1.ObjectIdentifier{1, 3, 36, 8, 3, 15}
	OIDCRLNumber              = asn1.ObjectIdentifier{2, 5, 29, 20}
	OIDIssuingDistribution    = asn1.ObjectIdentifier{2, 5, 29, 28}
	OIDExpiredCertsOnCRL      = asn1.ObjectIdentifier{2, 5, 29, 60}
	OIDOCSPNonce              = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	OIDArchiveCutoff          = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 6}
	OIDCertHash               = asn1.ObjectIdentifier{1, 3, 36, 8, 3, 13}
	OIDValidityModel          = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 8301, 3, 5}
)

// Values inside extensions.
var (
	OIDServerAuth      = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	OIDClientAuth      = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
	OIDEmailProtection = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 4}
	OIDOCSPSigning     = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 9}
	OIDAccessOCSP      = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1}
	OIDAccessCAIssuers = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 2}
	OIDQualifierCPS    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 2, 1}

	OIDValidityModelChain = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 8301, 3, 5, 1}
)

// Statements about qualified certificates, and the types in QcType (ETSI EN 319 412-5).
var (
	OIDQCCompliance      = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 1}
	OIDQCLimitValue      = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 2}
	OIDQCRetentionPeriod = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 3}
	OIDQCSSCD            = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 4}
	OIDQCPDS             = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 5}
	OIDQCType            = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6}
	OIDQCLegislation     = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 7}
	OIDQCTypeESign       = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6, 1}
	OIDQCTypeESeal       = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6, 2}
)

// OIDName gives the name of an object identifier of ti-wide use: attribute types, extensions, algorithms, curves, policies,
// certificate types and technical roles (gemSpec_OID, GS-A_4444, GS-A_4445, GS-A_4446); "" if it is none of them. The names
// of institutions and professions are data of the profiles.
func OIDName(oid asn1.ObjectIdentifier) string { return oidNames[oid.String()] }
