// Package brainpool decodes public keys on the curves brainpoolP256r1, brainpoolP384r1 and brainpoolP512r1 (RFC 5639) and verifies
// ECDSA signatures (FIPS 186-5, Section 6.4.2), fast and without assembly.
//
// It is for public data only. Every routine takes a time that depends on its input; nothing in here may ever touch a private
// key or a nonce. That is why there is no signing, no key generation and no scalar multiplication in its interface: the keys
// of this project stay in the token.
//
// # Use
//
// [Curve.ParsePoint] turns the octets of a certificate or request into a [PublicKey] and refuses what is not a point of the
// curve (GS-A_5518). [PublicKey.Verify] checks a signature. For a key that checks many, such as an issuer's, [NewVerifier]
// makes a table once and is then about four times as fast.
//
// # Map
//
//	curve.go      the three curves, and decoding a point
//	key.go        PublicKey
//	verifier.go   Verifier
//	params.go     the numbers of RFC 5639
//	group.go      one curve as arithmetic: the twisted form, points in and out
//	ecdsa.go      the equation of ECDSA, over the group
//	point.go      doubling and adding points
//	comb.go       tables for a fixed point, and the digits that read them
//	naf.go        digits and table for a point that is used once
//	modulus.go    arithmetic modulo p or q, in Montgomery form
//	inverse.go    inverses modulo p or q
//	limbs4.go     the inner loops for 256 bits; limbs6.go and limbs8.go for 384 and 512 bits
//
// The arithmetic is generic over the size of a number (four, six or eight 64-bit limbs), so the compiler makes three copies of
// one text. Only the inner loops are written out per size, because Go keeps a carry in a register only in straight-line code.
//
// # How it is fast
//
// A signature is checked on the twisted curve brainpoolPxxxt1, which is isomorphic to brainpoolPxxxr1 and has a = -3, so that
// doubling is cheaper (RFC 5639, Section 3, "Requirements"). Signatures do not notice: only the x-coordinate of one point is
// looked at, and the isomorphism multiplies it by a constant.
//
// u1·G is read from a signed comb (Lim and Lee, CRYPTO '94), built on first use of the curve: 32 KiB of memory for 256
// bits, 48 KiB for 384, 64 KiB for 512. u2·Q is computed from its non-adjacent form, sharing one chain of doublings with
// u1·G; or from a comb of Q in a Verifier. No coordinate is divided out at the end: r is multiplied up instead.
package brainpool
