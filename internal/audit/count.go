package audit

import (
	"fmt"
	"io/fs"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// Count counts the entries of an export that a filter lets pass. It verifies nothing. What entries say of cards that were issued before is completed
// from the issuances in the export, as far as they are in it: it remembers one line of 20 digits for each card and reads the entries once.
func Count(folder fs.FS, filter tlog.Filter) (*tlog.Statistics, error) {
	in, err := openLines(folder, EntriesFile)
	if err != nil {
		return nil, err
	}
	defer in.close()
	if in.scan == nil {
		return nil, fmt.Errorf("there is no %s", EntriesFile)
	}
	stats, cards := &tlog.Statistics{}, newCardLabels()
	for line, more := in.next(); more; line, more = in.next() {
		index, leaf, err := parseEntry(line)
		if err != nil {
			return nil, fmt.Errorf("line %d of %s: %w", in.number, in.name, err)
		}
		e, err := tlog.ParseLeaf(leaf)
		if err == nil {
			err = cards.learn(e)
		}
		if err != nil {
			return nil, fmt.Errorf("leaf %d: %w", index, err)
		}
		fits, err := filter.Fits(e)
		if err == nil && fits {
			err = stats.Add(e, cards.of)
		}
		if err != nil {
			return nil, fmt.Errorf("leaf %d: %w", index, err)
		}
	}
	return stats, in.err()
}

// cardLabels remembers the labels of cards. Cards of one type, sector and set of certificates share theirs.
type cardLabels struct {
	shared map[string]*tlog.Labels
	byChip map[string]*tlog.Labels
}

func newCardLabels() *cardLabels {
	return &cardLabels{map[string]*tlog.Labels{}, map[string]*tlog.Labels{}}
}

// learn takes an issuance of a whole card.
func (c *cardLabels) learn(e tlog.Entry) error {
	if e.Kind != tlog.CardIssued {
		return nil
	}
	l, err := e.Labels()
	if err != nil {
		return err
	}
	key := l.CardType + "\x00" + l.Sector
	own := &tlog.Labels{CardType: l.CardType, Sector: l.Sector}
	for _, n := range l.Certificates {
		own.Certificates = append(own.Certificates, tlog.CertificateFacts{Slot: n.Slot, Profile: n.Profile, Issuer: n.Issuer})
		key += "\x00" + n.Slot + "\x00" + n.Profile + "\x00" + n.Issuer
	}
	if c.shared[key] == nil {
		c.shared[key] = own
	}
	if c.byChip[l.ICCSN] == nil { // renewals come later and are not the whole card
		c.byChip[l.ICCSN] = c.shared[key]
	}
	return nil
}

func (c *cardLabels) of(iccsn string) (*tlog.Labels, error) { return c.byChip[iccsn], nil }
