package tlog

// Facts are the clear part of an entry, of the type that its kind asks for: a pointer to one of the structs below. They stand in the log for
// ever, so they hold no personal data. The order of the fields is the order in the leaf; a field that comes later is optional,
// since the entries from before it stay as they are.
//
// Times are as Entry.At is written, hashes SHA-256 in 64 lower-case hex digits, attempts and sessions 32 lower-case hex digits.
type Facts interface{ check(c *checker) }

// ServerFacts say what is in force from the start of a server on.
type ServerFacts struct {
	Environment      string        `json:"environment"` // "production" or "test"
	ProfileSetSHA256 string        `json:"profile_set_sha256"`
	ConfigSHA256     string        `json:"config_sha256,omitempty"` // of the configuration file, where there is one
	Issuers          []IssuerFacts `json:"issuers"`
	LegacyExceptions []string      `json:"legacy_exceptions,omitempty"` // to the algorithm policy, that the configuration grants
	StandingSessions []string      `json:"standing_sessions,omitempty"` // what keys sign without a key session that two people opened
	OperatorsSHA256  string        `json:"operators_sha256,omitempty"`  // of the operator file, as the server encodes it
}

// OperatorsFacts say which operators a server follows from here on.
type OperatorsFacts struct {
	OperatorsSHA256 string `json:"operators_sha256"` // as in ServerFacts
	Operators       int    `json:"operators"`        // how many
}

// IssuerFacts name an issuer by its certificate.
type IssuerFacts struct {
	Name              string   `json:"name"`
	Kind              string   `json:"kind"`
	CertificateSHA256 string   `json:"certificate_sha256"` // of a root of generation 1, which has none: of the object with its key
	Profiles          []string `json:"profiles,omitempty"` // that its key may sign
}

// IssuerAddedFacts say for which certificate the name of an issuer or a root stands in this log.
type IssuerAddedFacts struct {
	Name              string `json:"name"`
	Kind              string `json:"kind"`
	CertificateSHA256 string `json:"certificate_sha256"` // as in IssuerFacts
	IssuedBy          string `json:"issued_by"`          // name of the one above; its own for a root
}

// SessionFacts say what bounds a key session.
type SessionFacts struct {
	Session    string `json:"session"`
	Issuer     string `json:"issuer"`
	Ends       string `json:"ends"`
	Signatures int64  `json:"signatures"` // at most so many
	// Approval is the request by which two people opened it; missing where a server opened it alone, in environment test.
	Approval string `json:"approval,omitempty"`
	Drawn    int64  `json:"drawn,omitempty"` // of the signatures, by the server that opened it
}

// DrawFacts say that a server took signatures off a key session, to use them without asking again.
type DrawFacts struct {
	Session    string `json:"session"`
	Issuer     string `json:"issuer"`
	Signatures int64  `json:"signatures"` // taken; below zero: given back, since the server stops
	Drawn      int64  `json:"drawn"`      // by all servers, from the beginning of the session
}

// SessionEndFacts say why a key session ended, and what was promised in it.
type SessionEndFacts struct {
	Session    string `json:"session"`
	Issuer     string `json:"issuer"`
	Reason     string `json:"reason"`     // lower-case words joined by "-"
	Signatures int64  `json:"signatures"` // that orders reserved; not more were made
}

// OrderFacts say what an attempt is going to sign.
type OrderFacts struct {
	Order    string             `json:"order_id"`
	Attempt  string             `json:"attempt"`
	ICCSN    string             `json:"iccsn"` // 20 digits
	CardType string             `json:"card_type"`
	Sector   string             `json:"sector"`
	Drafts   []CertificateFacts `json:"drafts"` // in the order of the card type; without certificate hashes
	// SameOrderAs is an earlier attempt of the order, in whose entry its personal data are. Only an entry without it has them itself.
	SameOrderAs string `json:"same_order_as,omitempty"`
	Renews      string `json:"renews,omitempty"` // order that made the card, where these are new CV certificates for it
}

// CardFacts say what was issued.
type CardFacts struct {
	Order        string             `json:"order_id"`
	Attempt      string             `json:"attempt"`
	ICCSN        string             `json:"iccsn"`
	CardType     string             `json:"card_type"`
	Sector       string             `json:"sector"`
	Certificates []CertificateFacts `json:"certificates"` // in the order of the card type
	Ended        []EndedFacts       `json:"ended_algorithms,omitempty"`
	Renews       string             `json:"renews,omitempty"` // as in OrderFacts; the certificates are then not the whole of the card
}

// EndedFacts name algorithms on a card whose last day had passed by the policy in force, and why they were used all the same.
type EndedFacts struct {
	Exception string   `json:"exception"` // of the algorithm policy: what would have to be granted in production
	LastDay   string   `json:"last_day"`  // YYYY-MM-DD
	Granted   bool     `json:"granted"`   // by the configuration; otherwise environment test tolerated it
	Slots     []string `json:"slots"`
}

// CertificateFacts describe a draft or a certificate. Either Serial or CHR is set.
type CertificateFacts struct {
	Slot       string `json:"slot"`
	Profile    string `json:"profile"`
	Issuer     string `json:"issuer"`
	Serial     string `json:"serial,omitempty"` // X.509: 2 to 40 lower-case hex digits
	CHR        string `json:"chr,omitempty"`    // CV certificate: 24 upper-case hex digits
	NotBefore  string `json:"not_before"`
	NotAfter   string `json:"not_after"`
	NoTerm     bool   `json:"no_term_in_certificate,omitempty"` // CV certificate of generation 1: the two above are the card's
	KeySHA256  string `json:"key_sha256"`                       // of the subject's DER SubjectPublicKeyInfo
	BodySHA256 string `json:"body_sha256"`                      // of what is signed
	SHA256     string `json:"certificate_sha256,omitempty"`     // of the certificate: its DER, or the data object 7F21
}

// AbandonFacts say which attempt ended without a card, and why.
type AbandonFacts struct {
	Order   string `json:"order_id"`
	Attempt string `json:"attempt"`
	ICCSN   string `json:"iccsn"`
	Reason  string `json:"reason"` // a class of failure: lower-case words joined by "-"
}

func (f *ServerFacts) check(c *checker) {
	c.text("environment", f.Environment)
	c.form("profile_set_sha256", f.ProfileSetSHA256, hashForm)
	if f.ConfigSHA256 != "" {
		c.form("config_sha256", f.ConfigSHA256, hashForm)
	}
	each(c, "issuers", f.Issuers, func(i *IssuerFacts) {
		c.text("name", i.Name)
		c.text("kind", i.Kind)
		c.form("certificate_sha256", i.CertificateSHA256, hashForm)
	})
	for _, e := range f.LegacyExceptions {
		c.text("legacy_exceptions", e)
	}
	for _, s := range f.StandingSessions {
		c.text("standing_sessions", s)
	}
	if f.OperatorsSHA256 != "" {
		c.form("operators_sha256", f.OperatorsSHA256, hashForm)
	}
}

func (f *OperatorsFacts) check(c *checker) {
	c.form("operators_sha256", f.OperatorsSHA256, hashForm)
	if f.Operators < 1 {
		c.report("operators", "is less than 1")
	}
}

func (f *IssuerAddedFacts) check(c *checker) {
	c.text("name", f.Name)
	c.text("kind", f.Kind)
	c.form("certificate_sha256", f.CertificateSHA256, hashForm)
	c.text("issued_by", f.IssuedBy)
}

func (f *SessionFacts) check(c *checker) {
	c.form("session", f.Session, idForm)
	c.text("issuer", f.Issuer)
	c.instant("ends", f.Ends)
	if f.Signatures < 1 {
		c.report("signatures", "is less than 1")
	}
	if f.Approval != "" {
		c.form("approval", f.Approval, idForm)
	}
	c.drawn(f.Drawn)
	if f.Drawn > f.Signatures {
		c.report("drawn", "is more than the session has")
	}
}

func (f *DrawFacts) check(c *checker) {
	c.form("session", f.Session, idForm)
	c.text("issuer", f.Issuer)
	if f.Signatures == 0 {
		c.report("signatures", "is 0")
	}
	c.drawn(f.Drawn)
}

// drawn checks a number of signatures that were taken off a key session.
func (c *checker) drawn(n int64) {
	if n < 0 {
		c.report("drawn", "is less than 0")
	}
}

func (f *SessionEndFacts) check(c *checker) {
	c.form("session", f.Session, idForm)
	c.text("issuer", f.Issuer)
	c.form("reason", f.Reason, reasonForm)
	if f.Signatures < 0 {
		c.report("signatures", "is less than 0")
	}
}

func (f *OrderFacts) check(c *checker) {
	c.attempt(f.Order, f.Attempt, f.ICCSN)
	c.text("card_type", f.CardType)
	c.text("sector", f.Sector)
	each(c, "drafts", f.Drafts, func(d *CertificateFacts) { c.certificate(d, false) })
	c.renewal(f.Order, f.Renews)
	if f.SameOrderAs != "" {
		c.form("same_order_as", f.SameOrderAs, idForm)
		if f.SameOrderAs == f.Attempt {
			c.report("same_order_as", "is the attempt itself")
		}
	}
}

func (f *CardFacts) check(c *checker) {
	c.attempt(f.Order, f.Attempt, f.ICCSN)
	c.text("card_type", f.CardType)
	c.text("sector", f.Sector)
	each(c, "certificates", f.Certificates, func(d *CertificateFacts) { c.certificate(d, true) })
	c.renewal(f.Order, f.Renews)
	if len(f.Ended) == 0 {
		return
	}
	each(c, "ended_algorithms", f.Ended, func(e *EndedFacts) {
		c.text("exception", e.Exception)
		c.form("last_day", e.LastDay, dayForm)
		each(c, "slots", e.Slots, func(slot *string) { c.text("slot", *slot) })
	})
}

func (f *AbandonFacts) check(c *checker) {
	c.attempt(f.Order, f.Attempt, f.ICCSN)
	c.form("reason", f.Reason, reasonForm)
}
