package tlog

import (
	"cmp"
	"slices"
	"time"
)

// Statistics counts entries that are about cards, and the certificates that they name, by day. What is counted is what the facts say, so
// that every kind that names a card in the way of the others is counted by its name: see Labels. The zero value counts from nothing. It is not
// safe for concurrent use.
type Statistics struct {
	cards        map[CardCount]int64        // with Count 0
	certificates map[CertificateCount]int64 // with Count 0
}

// CardCount says how many entries of a kind there were on a day for a card type and sector.
type CardCount struct {
	Day      string // YYYY-MM-DD, of Entry.At in UTC
	Kind     Kind
	CardType string
	Sector   string
	Count    int64
}

// CertificateCount says how many certificates the entries of a kind name on a day.
type CertificateCount struct {
	Day     string
	Kind    Kind
	Sector  string
	Profile string
	Issuer  string
	Count   int64
}

// Add counts an entry. Those that name no chip are passed over. An entry about a card that was issued before may say no more than its ICCSN: card, where
// it is not nil, gives then the labels of the issuance, or nil where it does not know them.
func (s *Statistics) Add(e Entry, card func(iccsn string) (*Labels, error)) error {
	l, err := e.Labels()
	if err != nil || l.ICCSN == "" {
		return err
	}
	if l.Sector == "" && card != nil {
		issued, err := card(l.ICCSN)
		if err != nil {
			return err
		}
		if issued != nil {
			l.complete(issued)
		}
	}
	if s.cards == nil {
		s.cards, s.certificates = map[CardCount]int64{}, map[CertificateCount]int64{}
	}
	day := e.At.UTC().Format(time.DateOnly)
	s.cards[CardCount{Day: day, Kind: e.Kind, CardType: l.CardType, Sector: l.Sector}]++
	for _, c := range l.Named() {
		s.certificates[CertificateCount{Day: day, Kind: e.Kind, Sector: l.Sector, Profile: c.Profile, Issuer: c.Issuer}]++
	}
	return nil
}

// complete adds what the issuance of the card says: card type, sector, and the profiles and issuers of the certificates that are named, or of all
// where none is.
func (l *Labels) complete(issued *Labels) {
	l.CardType, l.Sector = issued.CardType, issued.Sector
	named := l.Named()
	if len(named) == 0 {
		l.Certificates = issued.Certificates
		return
	}
	for i := range named {
		for _, c := range issued.Certificates {
			if c.Slot == named[i].Slot {
				named[i] = c
			}
		}
	}
	l.Certificates, l.Drafts, l.Certificate = named, nil, nil
}

// Cards gives the counts of cards, sorted by day and then by the other fields.
func (s *Statistics) Cards() []CardCount {
	list := make([]CardCount, 0, len(s.cards))
	for c, n := range s.cards {
		c.Count = n
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b CardCount) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.CardType, b.CardType), cmp.Compare(a.Sector, b.Sector))
	})
	return list
}

// Certificates gives the counts of certificates, sorted by day and then by the other fields.
func (s *Statistics) Certificates() []CertificateCount {
	list := make([]CertificateCount, 0, len(s.certificates))
	for c, n := range s.certificates {
		c.Count = n
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b CertificateCount) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Sector, b.Sector),
			cmp.Compare(a.Profile, b.Profile), cmp.Compare(a.Issuer, b.Issuer))
	})
	return list
}
