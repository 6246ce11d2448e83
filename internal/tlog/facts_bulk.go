package tlog

import "slices"

// BulkPlanFacts say what a bulk revocation is going to do. Its cards have entries of their own when they are revoked.
type BulkPlanFacts struct {
	Bulk        string         `json:"bulk"` // 32 lower-case hex digits
	RequestedAt string         `json:"requested_at"`
	Requester   string         `json:"requester"`
	Reason      string         `json:"reason"`
	Ground      string         `json:"ground"`
	Selection   SelectionFacts `json:"selection"` // of which cards the list was made
	Cards       int64          `json:"cards"`
	ListSHA256  string         `json:"list_sha256"` // over the ICCSNs in their order, each followed by a line feed
}

// SelectionFacts say which cards a list was made of: those of which everything holds that is said.
type SelectionFacts struct {
	ICCSNFrom   string `json:"iccsn_from,omitempty"`
	ICCSNUntil  string `json:"iccsn_until,omitempty"`
	CardType    string `json:"card_type,omitempty"`
	Sector      string `json:"sector,omitempty"`
	Issuer      string `json:"issuer,omitempty"`
	IssuedFrom  string `json:"issued_from,omitempty"`
	IssuedUntil string `json:"issued_until,omitempty"` // exclusive
	Listed      int64  `json:"listed,omitempty"`       // cards that were named one by one
}

// BulkStartFacts say that a bulk revocation was approved, and begins.
type BulkStartFacts struct {
	Bulk       string `json:"bulk"`
	Cards      int64  `json:"cards"`
	ListSHA256 string `json:"list_sha256"`
	Approval   string `json:"approval"`
}

// BulkHoldFacts say that a bulk revocation pauses, or goes on.
type BulkHoldFacts struct {
	Bulk string `json:"bulk"`
}

// BulkEndFacts say that a bulk revocation is through.
type BulkEndFacts struct {
	Bulk    string `json:"bulk"`
	Cards   int64  `json:"cards"`
	Revoked int64  `json:"revoked"` // of these; the others were revoked before
}

func (f *BulkPlanFacts) check(c *checker) {
	c.form("bulk", f.Bulk, idForm)
	c.request(f.RequestedAt, f.Requester, f.Reason, f.Ground)
	for field, iccsn := range map[string]string{"iccsn_from": f.Selection.ICCSNFrom, "iccsn_until": f.Selection.ICCSNUntil} {
		if iccsn != "" {
			c.form("selection."+field, iccsn, iccsnForm)
		}
	}
	for field, at := range map[string]string{"issued_from": f.Selection.IssuedFrom, "issued_until": f.Selection.IssuedUntil} {
		if at != "" {
			c.instant("selection."+field, at)
		}
	}
	if f.Selection.Listed < 0 {
		c.report("selection.listed", "is less than 0")
	}
	c.list(f.Cards, f.ListSHA256)
}

func (f *BulkStartFacts) check(c *checker) {
	c.form("bulk", f.Bulk, idForm)
	c.list(f.Cards, f.ListSHA256)
	c.form("approval", f.Approval, idForm)
}

func (f *BulkHoldFacts) check(c *checker) { c.form("bulk", f.Bulk, idForm) }

func (f *BulkEndFacts) check(c *checker) {
	c.form("bulk", f.Bulk, idForm)
	if !slices.IsSorted([]int64{0, f.Revoked, f.Cards}) || f.Cards == 0 {
		c.report("revoked", "is not between 0 and cards")
	}
}

func (c *checker) list(cards int64, hash string) {
	if cards < 1 {
		c.report("cards", "is less than 1")
	}
	c.form("list_sha256", hash, hashForm)
}
