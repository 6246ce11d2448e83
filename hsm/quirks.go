package hsm

// Quirks says where a token departs from the standard, or is better used in another way. The zero value is a token that keeps to
// the standard. What can be told from the answer itself needs no quirk: CKA_EC_POINT is read with and without its OCTET STRING.
type Quirks struct {
	// DERSignatures: C_Sign answers an ECDSA signature as a DER SEQUENCE of r and s, not as r||s (PKCS #11 v3.1, Section 6.3.1).
	DERSignatures bool
	// SessionLimit holds return values, besides CKR_SESSION_COUNT, with which C_OpenSession says that no session is left. CloudHSM
	// has been seen to say CKR_ARGUMENTS_BAD (awsdocs/aws-cloudhsm-user-guide, issue 27).
	SessionLimit []uint
	// CopyKeys: each session signs with a session copy of the key (C_CopyObject), where that is faster.
	CopyKeys bool
}
