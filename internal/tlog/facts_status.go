package tlog

// The facts of changes of the status. The entry's time is that of effect. Requesters, reasons and grounds are words of
// profiles/revocation.yaml; what a request refers to, and who a person is, are personal data and stand beside the facts.

// ActivationFacts say that the holder has the card.
type ActivationFacts struct {
	ICCSN       string `json:"iccsn"`
	RequestedAt string `json:"requested_at"` // when the desk was told
}

// CardRevocationFacts say that a card is revoked, and with it all of its X.509 certificates.
type CardRevocationFacts struct {
	ICCSN       string `json:"iccsn"`
	RequestedAt string `json:"requested_at"` // when the request was accepted
	Requester   string `json:"requester"`
	Reason      string `json:"reason"`
	Ground      string `json:"ground"` // on which the requester is entitled to the reason
	// Certificates are those of the card, in the order of the card type, those included that were revoked alone before.
	Certificates []RevokedFacts `json:"certificates"`
	Bulk         string         `json:"bulk,omitempty"` // bulk revocation that the card is a part of, whose entries say what it refers to
}

// RevokedFacts name a certificate.
type RevokedFacts struct {
	Slot   string `json:"slot"`
	Issuer string `json:"issuer"`
	Serial string `json:"serial"` // as in CertificateFacts
}

// CertificateRevocationFacts say that one certificate of a card is revoked alone.
type CertificateRevocationFacts struct {
	ICCSN       string       `json:"iccsn"`
	RequestedAt string       `json:"requested_at"`
	Requester   string       `json:"requester"`
	Reason      string       `json:"reason"`
	Ground      string       `json:"ground"`
	Certificate RevokedFacts `json:"certificate"`
}

// isNoBulk tells whether a reference goes with the facts. The cards of a bulk revocation share that of its plan.
func isNoBulk(facts Facts) bool { return facts.(*CardRevocationFacts).Bulk == "" }

func (f *ActivationFacts) check(c *checker) {
	c.form("iccsn", f.ICCSN, iccsnForm)
	c.instant("requested_at", f.RequestedAt)
}

func (f *CardRevocationFacts) check(c *checker) {
	c.form("iccsn", f.ICCSN, iccsnForm)
	c.request(f.RequestedAt, f.Requester, f.Reason, f.Ground)
	each(c, "certificates", f.Certificates, c.revoked)
	if f.Bulk != "" {
		c.form("bulk", f.Bulk, idForm)
	}
}

func (f *CertificateRevocationFacts) check(c *checker) {
	c.form("iccsn", f.ICCSN, iccsnForm)
	c.request(f.RequestedAt, f.Requester, f.Reason, f.Ground)
	c.revoked(&f.Certificate)
}

func (c *checker) request(at, requester, reason, ground string) {
	c.instant("requested_at", at)
	c.form("requester", requester, reasonForm)
	c.form("reason", reason, reasonForm)
	c.form("ground", ground, reasonForm)
}

func (c *checker) revoked(f *RevokedFacts) {
	c.text("slot", f.Slot)
	c.text("issuer", f.Issuer)
	c.form("serial", f.Serial, serialForm)
}
