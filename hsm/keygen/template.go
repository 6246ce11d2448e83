package keygen

import (
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/pkcs11"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/internal/p11"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// maxID is more than any scheme of CKA_IDs needs; some tokens take no more.
const maxID = 64

// templates are what C_GenerateKeyPair is given.
type templates struct {
	mechanism       *pkcs11.Mechanism
	public, private []*pkcs11.Attribute
}

// templates makes them of a Spec.
func (spec Spec) templates() (templates, error) {
	if n := len(spec.ID); n == 0 || n > maxID {
		return templates{}, fmt.Errorf("CKA_ID has %d octets, want 1 to %d", n, maxID)
	}
	if spec.Label == "" {
		return templates{}, errors.New("key has no label")
	}
	a := pkcs11.NewAttribute
	t := templates{
		public: []*pkcs11.Attribute{
			a(pkcs11.CKA_TOKEN, true), a(pkcs11.CKA_PRIVATE, false), a(pkcs11.CKA_ID, spec.ID), a(pkcs11.CKA_LABEL, spec.Label),
			a(pkcs11.CKA_VERIFY, true), a(pkcs11.CKA_ENCRYPT, false), a(pkcs11.CKA_WRAP, false),
		},
		private: []*pkcs11.Attribute{
			a(pkcs11.CKA_TOKEN, true), a(pkcs11.CKA_PRIVATE, true), a(pkcs11.CKA_ID, spec.ID), a(pkcs11.CKA_LABEL, spec.Label),
			a(pkcs11.CKA_SENSITIVE, true), a(pkcs11.CKA_EXTRACTABLE, false), a(pkcs11.CKA_SIGN, true),
			a(pkcs11.CKA_DECRYPT, false), a(pkcs11.CKA_UNWRAP, false), a(pkcs11.CKA_DERIVE, false), a(pkcs11.CKA_SIGN_RECOVER, false),
		},
	}
	return t, t.setType(spec.Type)
}

// setType adds the mechanism and the parameters of the key.
func (t *templates) setType(kind sigalg.KeyType) error {
	mechanism := uint(pkcs11.CKM_EC_KEY_PAIR_GEN)
	switch kind {
	case sigalg.R2048, sigalg.R3072:
		bits := map[sigalg.KeyType]int{sigalg.R2048: 2048, sigalg.R3072: 3072}[kind]
		mechanism = pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN
		t.public = append(t.public, pkcs11.NewAttribute(pkcs11.CKA_MODULUS_BITS, bits),
			pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{0x01, 0x00, 0x01})) // 65537
	default:
		params, ok := p11.ECParams(kind)
		if !ok {
			return fmt.Errorf("no way to create a key of type %s", kind)
		}
		if kind == sigalg.Ed25519 {
			mechanism = p11.CKM_EC_EDWARDS_KEY_PAIR_GEN
		}
		t.public = append(t.public, pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, params))
	}
	t.public, t.private = slices.Clip(t.public), slices.Clip(t.private)
	t.mechanism = pkcs11.NewMechanism(mechanism, nil)
	return nil
}

// templateRefused tells whether the token took exception to an attribute, and so created nothing (PKCS #11 v3.1, Section 4.1.1).
func templateRefused(err error) bool {
	e, ok := errors.AsType[*hsm.Error](err)
	return ok && slices.Contains([]uint{
		pkcs11.CKR_ATTRIBUTE_READ_ONLY, pkcs11.CKR_ATTRIBUTE_TYPE_INVALID, pkcs11.CKR_ATTRIBUTE_VALUE_INVALID,
		pkcs11.CKR_TEMPLATE_INCONSISTENT,
	}, e.Code)
}

// departures lists what a private key is or is not, against the template. CKA_MODIFIABLE is not among it: not every token has it.
func departures(a hsm.Attributes) []string {
	var wrong []string
	for _, c := range []struct {
		name      string
		got, want bool
	}{
		{"CKA_TOKEN", a.Token, true}, {"CKA_PRIVATE", a.Private, true},
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
