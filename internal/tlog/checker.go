package tlog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"
)

// form is what a fact may look like: characters of an alphabet, so many of them.
type form struct {
	name     string
	alphabet string
	min, max int
}

const (
	digits   = "0123456789"
	lowerHex = "0123456789abcdef"
	upperHex = "0123456789ABCDEF"
)

// The forms of facts.
var (
	hashForm   = form{"SHA-256 hash", lowerHex, 64, 64}
	idForm     = form{"id", lowerHex, 32, 32}
	iccsnForm  = form{"ICCSN", digits, 20, 20}
	serialForm = form{"serial number", lowerHex, 2, 40} // 20 octets at most (RFC 5280, Section 4.1.2.2)
	chrForm    = form{"CHR", upperHex, 24, 24}
	dayForm    = form{"day", digits + "-", 10, 10}
	reasonForm = form{"reason", "abcdefghijklmnopqrstuvwxyz-", 1, 64}
)

// checker collects what is wrong with an entry, each with the path of the field. What a field holds is not said: an entry that is
// not as it should be may hold anything.
type checker struct {
	path string
	errs []error
}

func (c *checker) report(field, wrong string) {
	c.errs = append(c.errs, fmt.Errorf("%s%s: %s", c.path, field, wrong))
}

func (c *checker) err() error { return errors.Join(c.errs...) }

// each checks the members of a list, which must have some.
func each[T any](c *checker, list string, members []T, check func(*T)) {
	if len(members) == 0 {
		c.report(list, "is empty")
	}
	outside := c.path
	for i := range members {
		c.path = fmt.Sprintf("%s%s[%d].", outside, list, i)
		check(&members[i])
	}
	c.path = outside
}

// entry checks what all entries have.
func (c *checker) entry(e Entry, personal bool) {
	c.text("actor", e.Actor)
	hash := e.PersonalSHA256()
	switch {
	case personal && len(hash) != sha256.Size:
		c.report("personal_sha256", "is missing or not 32 octets")
	case !personal && hash != nil:
		c.report("personal_sha256", "is there, and no personal data belong to this kind")
	}
}

// text checks something that must be said.
func (c *checker) text(field, value string) {
	if value == "" {
		c.report(field, "is empty")
	}
}

func (c *checker) form(field, value string, f form) {
	if len(value) < f.min || len(value) > f.max || strings.Trim(value, f.alphabet) != "" {
		c.report(field, "is no "+f.name)
	}
}

func (c *checker) instant(field, value string) {
	if t, err := time.Parse(instantLayout, value); err != nil || t.Format(instantLayout) != value {
		c.report(field, "is no time in UTC to the millisecond")
	}
}

// attempt checks what names an attempt.
func (c *checker) attempt(order, attempt, iccsn string) {
	c.text("order_id", order)
	c.form("attempt", attempt, idForm)
	c.form("iccsn", iccsn, iccsnForm)
}

// renewal checks what names the order that made the card, which is optional.
func (c *checker) renewal(order, renews string) {
	if renews != "" && renews == order {
		c.report("renews", "is the order itself")
	}
}

// certificate checks a draft, or with its hash a certificate.
func (c *checker) certificate(f *CertificateFacts, issued bool) {
	c.text("slot", f.Slot)
	c.text("profile", f.Profile)
	c.text("issuer", f.Issuer)
	switch {
	case (f.Serial == "") == (f.CHR == ""):
		c.report("serial", "want either it or chr")
	case f.Serial != "":
		c.form("serial", f.Serial, serialForm)
	default:
		c.form("chr", f.CHR, chrForm)
	}
	c.instant("not_before", f.NotBefore)
	c.instant("not_after", f.NotAfter)
	c.form("key_sha256", f.KeySHA256, hashForm)
	c.form("body_sha256", f.BodySHA256, hashForm)
	if issued {
		c.form("certificate_sha256", f.SHA256, hashForm)
	} else if f.SHA256 != "" {
		c.report("certificate_sha256", "is there before there is a certificate")
	}
}
