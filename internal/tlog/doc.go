// Package tlog is the issuance log: typed entries and the octets they put into the tree. It is pure: no clock, no database,
// no key.
//
// Every state change of the CA writes its entry in the same transaction (package ca, Store). Entries carry facts in clear and
// personal data as a salted hash.
package tlog
