package p11

import "github.com/miekg/pkcs11"

// Attributes are what the token says about a private key. An attribute that it does not have is false, except that
// CKA_EXTRACTABLE is true then: what is not known to stay may leave.
type Attributes struct {
	Label            string // CKA_LABEL
	Token            bool   // CKA_TOKEN: outlives the session
	Private          bool   // CKA_PRIVATE: seen only after login
	Sensitive        bool   // CKA_SENSITIVE: its value is not shown
	AlwaysSensitive  bool   // CKA_ALWAYS_SENSITIVE: and never was
	Extractable      bool   // CKA_EXTRACTABLE: may be wrapped and leave the token
	NeverExtractable bool   // CKA_NEVER_EXTRACTABLE: and never could
	Local            bool   // CKA_LOCAL: made in the token
	Modifiable       bool   // CKA_MODIFIABLE: its attributes may be changed
	Sign             bool   // CKA_SIGN
	SignRecover      bool   // CKA_SIGN_RECOVER
	Decrypt          bool   // CKA_DECRYPT
	Unwrap           bool   // CKA_UNWRAP
	Derive           bool   // CKA_DERIVE
}

// Attributes reads the attributes of the private key whose CKA_ID is id.
func (s *Session) Attributes(id []byte) (Attributes, error) {
	h, err := s.One(pkcs11.CKO_PRIVATE_KEY, id)
	if err != nil {
		return Attributes{}, err
	}
	s.pool.remember(id)
	return s.AttributesOf(h)
}

// AttributesOf reads the attributes of a private key.
func (s *Session) AttributesOf(h pkcs11.ObjectHandle) (Attributes, error) {
	var a Attributes
	label, _, err := s.Value(h, pkcs11.CKA_LABEL)
	if err != nil {
		return Attributes{}, err
	}
	a.Label = string(label)
	for _, f := range []struct {
		attribute uint
		into      *bool
	}{
		{pkcs11.CKA_TOKEN, &a.Token}, {pkcs11.CKA_PRIVATE, &a.Private},
		{pkcs11.CKA_SENSITIVE, &a.Sensitive}, {pkcs11.CKA_ALWAYS_SENSITIVE, &a.AlwaysSensitive},
		{pkcs11.CKA_EXTRACTABLE, &a.Extractable}, {pkcs11.CKA_NEVER_EXTRACTABLE, &a.NeverExtractable},
		{pkcs11.CKA_LOCAL, &a.Local}, {pkcs11.CKA_MODIFIABLE, &a.Modifiable},
		{pkcs11.CKA_SIGN, &a.Sign}, {pkcs11.CKA_SIGN_RECOVER, &a.SignRecover}, {pkcs11.CKA_DECRYPT, &a.Decrypt}, {pkcs11.CKA_UNWRAP, &a.Unwrap}, {pkcs11.CKA_DERIVE, &a.Derive},
	} {
		v, ok, err := s.Value(h, f.attribute)
		if err != nil {
			return Attributes{}, err
		}
		*f.into = len(v) == 1 && v[0] != 0 || !ok && f.attribute == pkcs11.CKA_EXTRACTABLE
	}
	return a, nil
}
