package hsm

// Quirks says where a token departs from the standard. The zero value is a token that keeps to it. What can be told from the
// answer itself needs no quirk: CKA_EC_POINT is read with and without its OCTET STRING.
type Quirks struct {
	// DERSignatures: C_Sign answers an ECDSA signature as a DER SEQUENCE of r and s, not as r||s (PKCS #11 v3.1, Section 6.3.1).
	DERSignatures bool
	// SessionLimit holds return values, besides CKR_SESSION_COUNT, with which C_OpenSession says that no session is left.
	// CloudHSM has been seen to say CKR_ARGUMENTS_BAD (awsdocs/aws-cloudhsm-user-guide, issue 27).
	SessionLimit []uint
}
