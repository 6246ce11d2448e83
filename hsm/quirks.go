package hsm

// Quirks says where a token departs from the standard. The zero value is a token that keeps to it.
type Quirks struct {
	// DERSignatures: C_Sign answers an ECDSA signature as a DER SEQUENCE of r and s, not as r||s.
	DERSignatures bool
	// SessionLimit holds return values, besides CKR_SESSION_COUNT, with which C_OpenSession says that no session is left.
	SessionLimit []uint
	// CopyKeys: each session signs with a session copy of the key (C_CopyObject), where that is faster.
	CopyKeys bool
}
