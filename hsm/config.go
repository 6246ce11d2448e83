package hsm

// Config says which token to use and how. The zero value is not usable: URI is needed.
type Config struct {
	// URI names the token (RFC 7512), for example
	//
	//	pkcs11:token=siegel-1;serial=0123?module-path=/usr/lib/softhsm/libsofthsm2.so
	//
	// module-path is needed. token (the label), serial, manufacturer, model and slot-id narrow the choice of token; exactly one must
	// remain. pin-source (a file) serves where PIN is nil. pin-value is refused: a PIN does not belong into a configuration.
	URI string

	// PIN gives the user PIN. It is asked at each login, so that a PIN that was changed is picked up. Where it is nil, the URI's
	// pin-source is read.
	PIN PINSource

	// Sessions is the greatest number of sessions, and so of signatures made at the same time. 0 means twice the number of CPUs.
	// It is capped by what the token says it has (CK_TOKEN_INFO.ulMaxSessionCount).
	Sessions int

	// ReadWrite opens sessions in which the token creates key pairs. Only the ceremony program sets it.
	ReadWrite bool

	// Quirks says where the token departs from the standard. Where it is nil, the token's manufacturer and model are looked up
	// among the known ones.
	Quirks *Quirks
}
