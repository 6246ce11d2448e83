package p11

import (
	"unsafe"

	"github.com/miekg/pkcs11"
)

// initWords hands a text to C_Initialize as CK_C_INITIALIZE_ARGS.pReserved, a string that ends in a zero octet. The standard leaves
// the field unused; some modules, such as that of NSS, read their parameters from it.
func initWords(text string) []pkcs11.InitializeOption {
	if text == "" {
		return nil
	}
	return []pkcs11.InitializeOption{pkcs11.InitializeWithReserved(unsafe.Pointer(unsafe.StringData(text + "\x00")))}
}
