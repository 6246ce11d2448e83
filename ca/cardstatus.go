package ca

import "time"

// CardChange is a change of the status of a card or of one of its certificates, as a store keeps it.
type CardChange struct {
	Certificate CertificateID // that is revoked alone; zero for the card
	EntryID     int64
	Activation  *Activation // one of the two
	Revocation  *Revocation
}

// NewCardStatus derives the status of a card: its X.509 certificates as they were issued, and its changes in the order of their epochs.
func NewCardStatus(iccsn string, issuedEntry int64, certificates []CertificateStatus, changes []CardChange) *CardStatus {
	s := &CardStatus{ICCSN: iccsn, State: Issued, EntryID: issuedEntry, Certificates: certificates}
	for _, c := range changes {
		switch {
		case c.Certificate != (CertificateID{}):
			s.revokeAlone(c.Certificate, c.Revocation)
			continue
		case c.Activation != nil:
			s.State, s.Activation = Active, c.Activation
		default:
			s.State, s.Revocation = Revoked, c.Revocation
		}
		s.EntryID = c.EntryID
	}
	for i := range s.Certificates {
		c := &s.Certificates[i]
		if c.Revocation == nil {
			c.Revocation = s.Revocation
		}
		var activatedAt time.Time
		if s.Activation != nil {
			activatedAt = s.Activation.At
		}
		c.Derive(activatedAt)
	}
	return s
}

func (s *CardStatus) revokeAlone(id CertificateID, r *Revocation) {
	for i := range s.Certificates {
		if c := &s.Certificates[i]; c.CertificateID == id {
			c.Revocation, c.Alone = r, true
		}
	}
}

// Derive sets ActivatedAt, and the state that follows from it and from Revocation. The certificate is issued.
func (c *CertificateStatus) Derive(activatedAt time.Time) {
	c.ActivatedAt = activatedAt
	c.State = StateOf(!activatedAt.IsZero(), c.Revocation != nil)
}

// StateOf gives the state of a certificate that is issued. One that is revoked need not have been active.
func StateOf(activated, revoked bool) State {
	switch {
	case revoked:
		return Revoked
	case activated:
		return Active
	}
	return Issued
}

// Repeats tells whether a request to revoke says what is revoked already: for the same requester and reason.
func (r *Revocation) Repeats(before *Revocation) bool {
	return r.Requester == before.Requester && r.Reason == before.Reason
}

// JoinStatusChanges puts the certificates of neighbours of one epoch together.
func JoinStatusChanges(rows []StatusChange) (changes []StatusChange) {
	for _, row := range rows {
		if n := len(changes); n > 0 && changes[n-1].Epoch == row.Epoch {
			changes[n-1].Certificates = append(changes[n-1].Certificates, row.Certificates...)
			continue
		}
		changes = append(changes, row)
	}
	return changes
}

// JoinBulkCards puts the certificates of neighbours of one place together.
func JoinBulkCards(rows []BulkCard) (cards []BulkCard) {
	for _, row := range rows {
		if n := len(cards); n > 0 && cards[n-1].Place == row.Place {
			cards[n-1].Certificates = append(cards[n-1].Certificates, row.Certificates...)
			continue
		}
		cards = append(cards, row)
	}
	return cards
}
