// Package ceremony is a key ceremony on paper: the reviewed file that says what will be done, the journal of what was done, and the record
// that people sign. It knows no token; the program siegel-ceremony does what the file says, step by step, and writes the journal.
//
//	file.go       the ceremony file, every key documented at its field
//	read.go       strict reading, with line numbers; check.go, checkkeys.go: what must hold in it
//	steps.go      the file as a list of steps
//	journal.go    what happened, durable and in order; facts.go: what each step leaves for the record
//	request.go    certificate requests: PKCS#10 for X.509 and for CV certificates
//	returned.go   checks of the certificates that come back; returnedcvc.go for CV certificates
//	record.go     the record as a document; markdown.go and html.go write it
//
// What holds:
//
//   - The file that people reviewed is the file that is executed: its SHA-256 is confirmed before the first step, stands in the journal
//     and in the record, and a journal belongs to one file.
//   - Each step is in the journal before it begins and after it has ended. A step that was interrupted is looked for in the token and on the
//     disk before it is done again, and what nobody began is not touched.
//
// Sources: ETSI EN 319 411-1, Section 6.5.1; gemRL_TSL_SP_CP (GS-A_4285 to GS-A_4313); gemSpec_PKI 2.14.1; gemSpec_CVC_TSP, of which the titles
// of the requirements are known here and the texts are not: request.go says what follows.
package ceremony
