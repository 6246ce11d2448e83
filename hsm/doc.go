// Package hsm signs with keys that stay in a PKCS#11 token.
//
// Open loads the module of a token, logs in and gives a Token. Token.Key finds a key pair by its CKA_ID, checks that the
// private half cannot leave the token, and gives a Key. Key.Sign hashes in software and lets the token do the private operation.
//
//	config.go     where a token is: RFC 7512 URI
//	pin.go        where its PIN comes from
//	latch.go      the note of a refused PIN, which outlives the process
//	token.go      Open, Token, Info
//	tokens.go     several tokens with the same keys; member.go: one of them; sharedkey.go: a key in all of them
//	key.go        Key: find, check, sign
//	scheme.go     signature schemes of this project → mechanisms of PKCS#11
//	quirks.go     which family of tokens it is (package quirks: where they depart from the standard, as data)
//	examine.go    what a token can and cannot do for the profiles
//	measure.go    the raw signature rate of a token, to hold a service against
//	internal/p11  modules, sessions, login, healing: everything that speaks PKCS#11
//	keygen        creates key pairs; only the ceremony program imports it
//	softhsm       a throwaway token for tests, demo and quick start
//
// What holds at any time:
//
//   - A module is loaded once per process, and there is one login per process and token, however many Tokens are open.
//   - A wrong PIN is sent to a token once. Tokens lock themselves after a few wrong PINs.
//   - Sessions are read-only unless Config.ReadWrite is set: in a read-only session a token refuses to create token objects.
//   - Private keys that are extractable, or not sensitive, or must not sign, are refused.
//   - Sign calls C_Sign at most once. It begins again on a fresh session only as long as it has not called it.
//
// Whatever the state of the token, a call returns when its context ends, with one exception: a C_ function that is running
// cannot be interrupted, so that a call in it waits for the token.
//
// Sources: PKCS #11 Specification Version 3.1; PKCS #11 Cryptographic Token Interface Base Specification 2.40; RFC 7512.
package hsm
