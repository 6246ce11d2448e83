package p11

import (
	"fmt"

	"github.com/miekg/pkcs11"
)

// mechanismNames holds the mechanisms that matter here: signatures, key generation, and the ways in which a key could leave a
// token or enter it.
var mechanismNames = map[uint]string{
	pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN: "CKM_RSA_PKCS_KEY_PAIR_GEN",
	pkcs11.CKM_RSA_PKCS:              "CKM_RSA_PKCS",
	pkcs11.CKM_RSA_9796:              "CKM_RSA_9796",
	pkcs11.CKM_RSA_X_509:             "CKM_RSA_X_509",
	pkcs11.CKM_SHA1_RSA_PKCS:         "CKM_SHA1_RSA_PKCS",
	pkcs11.CKM_RSA_PKCS_OAEP:         "CKM_RSA_PKCS_OAEP",
	pkcs11.CKM_RSA_X9_31:             "CKM_RSA_X9_31",
	pkcs11.CKM_RSA_PKCS_PSS:          "CKM_RSA_PKCS_PSS",
	pkcs11.CKM_SHA256_RSA_PKCS:       "CKM_SHA256_RSA_PKCS",
	pkcs11.CKM_SHA384_RSA_PKCS:       "CKM_SHA384_RSA_PKCS",
	pkcs11.CKM_SHA512_RSA_PKCS:       "CKM_SHA512_RSA_PKCS",
	pkcs11.CKM_SHA256_RSA_PKCS_PSS:   "CKM_SHA256_RSA_PKCS_PSS",
	pkcs11.CKM_SHA384_RSA_PKCS_PSS:   "CKM_SHA384_RSA_PKCS_PSS",
	pkcs11.CKM_SHA512_RSA_PKCS_PSS:   "CKM_SHA512_RSA_PKCS_PSS",
	pkcs11.CKM_SHA256:                "CKM_SHA256",
	pkcs11.CKM_SHA384:                "CKM_SHA384",
	pkcs11.CKM_SHA512:                "CKM_SHA512",
	pkcs11.CKM_EC_KEY_PAIR_GEN:       "CKM_EC_KEY_PAIR_GEN",
	CKM_EC_EDWARDS_KEY_PAIR_GEN:      "CKM_EC_EDWARDS_KEY_PAIR_GEN",
	pkcs11.CKM_ECDSA:                 "CKM_ECDSA",
	pkcs11.CKM_ECDSA_SHA1:            "CKM_ECDSA_SHA1",
	pkcs11.CKM_ECDSA_SHA256:          "CKM_ECDSA_SHA256",
	pkcs11.CKM_ECDSA_SHA384:          "CKM_ECDSA_SHA384",
	pkcs11.CKM_ECDSA_SHA512:          "CKM_ECDSA_SHA512",
	CKM_EDDSA:                        "CKM_EDDSA",
	pkcs11.CKM_ECDH1_DERIVE:          "CKM_ECDH1_DERIVE",
	pkcs11.CKM_AES_KEY_WRAP:          "CKM_AES_KEY_WRAP",
	pkcs11.CKM_AES_KEY_WRAP_PAD:      "CKM_AES_KEY_WRAP_PAD",
	pkcs11.CKM_RSA_AES_KEY_WRAP:      "CKM_RSA_AES_KEY_WRAP",
}

// MechanismName gives the name of a mechanism, or its number where it plays no part here.
func MechanismName(m uint) string {
	if name, ok := mechanismNames[m]; ok {
		return name
	}
	return fmt.Sprintf("CKM 0x%08X", m)
}
