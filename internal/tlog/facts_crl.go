package tlog

// CRLRecordedFacts say what CRL an issuer is going to sign.
type CRLRecordedFacts struct {
	Issuer     string `json:"issuer"`
	Number     int64  `json:"number"` // cRLNumber, from 1
	Epoch      int64  `json:"epoch"`  // number of the newest change of the status that is in it; 0 before the first
	ThisUpdate string `json:"this_update"`
	NextUpdate string `json:"next_update"`
	Entries    int64  `json:"entries"`     // revoked certificates on it
	BodySHA256 string `json:"body_sha256"` // of what is signed
}

// CRLIssuedFacts say that a recorded CRL is signed and served from here on.
type CRLIssuedFacts struct {
	Issuer string `json:"issuer"`
	Number int64  `json:"number"`
	SHA256 string `json:"crl_sha256"` // of the whole CRL
}

func (f *CRLRecordedFacts) check(c *checker) {
	c.text("issuer", f.Issuer)
	c.crlNumber(f.Number)
	if f.Epoch < 0 || f.Entries < 0 {
		c.report("epoch", "it or entries is below zero")
	}
	c.instant("this_update", f.ThisUpdate)
	c.instant("next_update", f.NextUpdate)
	c.form("body_sha256", f.BodySHA256, hashForm)
}

func (f *CRLIssuedFacts) check(c *checker) {
	c.text("issuer", f.Issuer)
	c.crlNumber(f.Number)
	c.form("crl_sha256", f.SHA256, hashForm)
}

func (c *checker) crlNumber(n int64) {
	if n < 1 {
		c.report("number", "is not above zero")
	}
}
