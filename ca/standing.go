package ca

import (
	"fmt"
	"slices"
	"strings"
)

// Purpose names what a key signs outside a key session that two people open.
type Purpose string

// The purposes. Certificates of cards are none of them, and never will be.
const (
	ForLog  Purpose = "log"  // checkpoints, with the key of the log
	ForOCSP Purpose = "ocsp" // answers about status, with the keys of OCSP signers
	ForCRL  Purpose = "crl"  // revocation lists, with the keys of issuers
)

// Purposes lists all purposes.
func Purposes() []Purpose { return []Purpose{ForLog, ForOCSP, ForCRL} }

// Standing is the standing key session: for these purposes keys sign as long as the server runs, because what they sign follows from what is
// recorded and must go out day and night. The configuration names them, and each start of a server records them in the log.
type Standing []Purpose

// MaySign says why a key may not sign for a purpose; nil where it may. The door asks it before every such signature.
func (s Standing) MaySign(p Purpose) error {
	if slices.Contains(s, p) {
		return nil
	}
	return fmt.Errorf("the configuration names no standing key session for %q: add it to standing_sessions", p)
}

// check looks at the names.
func (s Standing) check() error {
	for i, p := range s {
		if !slices.Contains(Purposes(), p) || slices.Contains(s[:i], p) {
			return fmt.Errorf("standing key sessions are %q: want each of %q at most once", strings.Join(s.names(), ", "), Purposes())
		}
	}
	return nil
}

func (s Standing) names() []string {
	var names []string
	for _, p := range s {
		names = append(names, string(p))
	}
	return names
}
