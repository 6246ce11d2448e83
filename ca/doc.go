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
// What holds at every moment, whatever fails:
//
//   - A key has signed nothing that the store did not hold as a draft before.
//   - A draft is signed at most once. An attempt that died between Intend and Complete is abandoned: its serial numbers stay taken,
//     an entry says so, and the next attempt drafts anew.
//   - A card is complete, with its entry, or it is invisible. Its answer is what the store reads back, so it is the same every time.
//   - An order that is refused leaves nothing behind.
//
// A draft of a CV certificate holds nothing drawn at random, so that those of two attempts of one day are the same octets. They
// are two drafts, of which one at most ends in a card.
//
// The log runs beside the road: a Sequencer gives entries their places, some milliseconds after they were recorded, and signs the head of
// the tree that they make.
//
// The package declares what it needs of a token (Key) and of a database (Store) and knows no cgo, no SQL and no gRPC.
//
// Where to look:
//
//	authority.go   Config, New, Start, Close; what is known of cards
//	issue.go       Issue: the road, and what each failure on it means
//	canonical.go   what makes two orders the same
//	draft.go       plan, drafts and lint; the dry run
//	serial.go      serial numbers
//	sign.go        the door
//	turns.go       who signs when: as many at a time as the token has sessions, urgent orders first
//	session.go     key sessions, without which the door does not open: how signatures are drawn and promised
//	opensession.go how sessions begin and end; standing.go what needs none; watch.go keeping up with other servers and the clock
//	approval.go    acts that need two people; decision.go those that stay in force; roles.go
//	flight.go      calls with the same order share one run
//	issuers.go     what the database and the configuration must agree on
//	entries.go     what the log says
//	responder.go   answers about status; statuscache.go, statusreads.go: what is kept, what is read together; signstatus.go: their door
//	crl.go         CRLs; signcrl.go: their door
//	policy.go      what another algorithm policy would mean
//	renewal.go     what an order that renews must share with the card
//	lifecycle.go   activation and revocation; cardstatus.go what follows from them
//	sequencer.go   the order of the log, its tree and its checkpoints
//	logreader.go, export.go   the log for auditors
//	errors.go      the kinds of errors and what a caller does about them
//	store.go, logstore.go, exportstore.go, statusstore.go, approvalstore.go, sessionstore.go, review.go, key.go
package ca
