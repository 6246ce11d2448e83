// Package ca turns card orders into cards. It is the authority itself: it decides what is recorded, what is signed and when.
//
// The road of an order, and the only road to a key:
//
//	Plan      profiles: order × card type → slots, profiles, issuers          (pure)
//	Draft     serial numbers, then the octets that will be signed            (pure)
//	lint      rules on every draft                                           (pure)
//	Intend    Store: order, serials, drafts and entry in one transaction
//	sign      the door: every draft to its key in the token, in parallel; what comes back is verified
//	Complete  Store: card, certificates and entry in one transaction
//
// An attempt that died between Intend and Complete is abandoned: its serials stay taken, an entry says so, and the next
// attempt drafts anew. One draft is signed at most once.
//
// The package declares what it needs of a token (Key) and of a database (Store) and knows no cgo, no SQL and no gRPC.
package ca
