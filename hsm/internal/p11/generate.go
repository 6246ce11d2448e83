package p11

import (
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/pkcs11"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Pair says what key pair to make. Its private half is sensitive, not extractable, signs and does nothing else.
type Pair struct {
	ID    []byte         // CKA_ID of both halves
	Label string         // CKA_LABEL of both halves
	Type  sigalg.KeyType // any of sigalg
	Token bool           // stays in the token; otherwise it ends with the session
}

// Templates are what C_GenerateKeyPair is given.
type Templates struct {
	mechanism       *pkcs11.Mechanism
	public, private []*pkcs11.Attribute
}

// Templates makes them.
func (p Pair) Templates() (Templates, error) {
	a := pkcs11.NewAttribute
	t := Templates{
		public: []*pkcs11.Attribute{
			a(pkcs11.CKA_TOKEN, p.Token), a(pkcs11.CKA_PRIVATE, false), a(pkcs11.CKA_ID, p.ID), a(pkcs11.CKA_LABEL, p.Label),
			a(pkcs11.CKA_VERIFY, true), a(pkcs11.CKA_ENCRYPT, false), a(pkcs11.CKA_WRAP, false),
		},
		private: []*pkcs11.Attribute{
			a(pkcs11.CKA_TOKEN, p.Token), a(pkcs11.CKA_PRIVATE, true), a(pkcs11.CKA_ID, p.ID), a(pkcs11.CKA_LABEL, p.Label),
			a(pkcs11.CKA_SENSITIVE, true), a(pkcs11.CKA_EXTRACTABLE, false), a(pkcs11.CKA_SIGN, true),
			a(pkcs11.CKA_DECRYPT, false), a(pkcs11.CKA_UNWRAP, false), a(pkcs11.CKA_DERIVE, false), a(pkcs11.CKA_SIGN_RECOVER, false),
		},
	}
	return t, t.setType(p.Type)
}

// setType adds the mechanism and the parameters of the key.
func (t *Templates) setType(kind sigalg.KeyType) error {
	mechanism := uint(pkcs11.CKM_EC_KEY_PAIR_GEN)
	switch kind {
	case sigalg.R2048, sigalg.R3072:
		bits := map[sigalg.KeyType]int{sigalg.R2048: 2048, sigalg.R3072: 3072}[kind]
		mechanism = pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN
		t.public = append(t.public, pkcs11.NewAttribute(pkcs11.CKA_MODULUS_BITS, bits),
			pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{0x01, 0x00, 0x01})) // 65537
	default:
		params, ok := ECParams(kind)
		if !ok {
			return fmt.Errorf("no way to create a key of type %s", kind)
		}
		if kind == sigalg.Ed25519 {
			mechanism = CKM_EC_EDWARDS_KEY_PAIR_GEN
		}
		t.public = append(t.public, pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, params))
	}
	t.public, t.private = slices.Clip(t.public), slices.Clip(t.private)
	t.mechanism = pkcs11.NewMechanism(mechanism, nil)
	return nil
}

// Generate creates a key pair and gives its halves. Tokens that know no CKA_MODIFIABLE refuse the template and create nothing; they
// get it without.
func (s *Session) Generate(t Templates) (public, private pkcs11.ObjectHandle, err error) {
	fixed := pkcs11.NewAttribute(pkcs11.CKA_MODIFIABLE, false)
	public, private, err = s.generate(t.mechanism, append(t.public, fixed), append(t.private, fixed))
	if templateRefused(err) {
		return s.generate(t.mechanism, t.public, t.private)
	}
	return public, private, err
}

func (s *Session) generate(m *pkcs11.Mechanism, public, private []*pkcs11.Attribute) (pkcs11.ObjectHandle, pkcs11.ObjectHandle, error) {
	a, b, err := s.pool.mod.c.GenerateKeyPair(s.h, []*pkcs11.Mechanism{m}, public, private)
	return a, b, s.pool.failed(wrap("C_GenerateKeyPair", err))
}

// templateRefused tells whether the token took exception to an attribute, and so created nothing (PKCS #11 v3.1, Section 4.1.1).
func templateRefused(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains([]uint{
		pkcs11.CKR_ATTRIBUTE_READ_ONLY, pkcs11.CKR_ATTRIBUTE_TYPE_INVALID, pkcs11.CKR_ATTRIBUTE_VALUE_INVALID,
		pkcs11.CKR_TEMPLATE_INCONSISTENT,
	}, e.Code)
}

// Departures lists what a private key is or is not, against the template of a Pair. CKA_MODIFIABLE is not among it: not every token
// has it.
func (a Attributes) Departures(token bool) []string {
	var wrong []string
	for _, c := range []struct {
		name      string
		got, want bool
	}{
		{"CKA_TOKEN", a.Token, token}, {"CKA_PRIVATE", a.Private, true},
		{"CKA_SENSITIVE", a.Sensitive, true}, {"CKA_ALWAYS_SENSITIVE", a.AlwaysSensitive, true},
		{"CKA_EXTRACTABLE", a.Extractable, false}, {"CKA_NEVER_EXTRACTABLE", a.NeverExtractable, true},
		{"CKA_LOCAL", a.Local, true}, {"CKA_SIGN", a.Sign, true}, {"CKA_SIGN_RECOVER", a.SignRecover, false},
		{"CKA_DECRYPT", a.Decrypt, false}, {"CKA_UNWRAP", a.Unwrap, false}, {"CKA_DERIVE", a.Derive, false},
	} {
		if c.got != c.want {
			wrong = append(wrong, fmt.Sprintf("%s is %t", c.name, c.got))
		}
	}
	return wrong
}
