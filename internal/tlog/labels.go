package tlog

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Labels are what entries are found and counted by. They are read from the facts of any kind, known or not: a kind that names a card, a
// sector or certificates as the others do is found and counted like them.
type Labels struct {
	Order        string             `json:"order_id"`
	ICCSN        string             `json:"iccsn"`
	CardType     string             `json:"card_type"`
	Sector       string             `json:"sector"`
	Issuer       string             `json:"issuer"` // of entries that are about an issuer
	Certificates []CertificateFacts `json:"certificates"`
	Drafts       []CertificateFacts `json:"drafts"`      // in place of Certificates, where none is issued yet
	Certificate  *CertificateFacts  `json:"certificate"` // likewise, where the entry is about one alone
}

// Named lists the certificates or drafts that the entry names.
func (l *Labels) Named() []CertificateFacts {
	list := slices.Concat(l.Certificates, l.Drafts)
	if l.Certificate != nil {
		list = append(list, *l.Certificate)
	}
	return list
}

// Labels reads the labels of an entry. It does not look at the rest of the facts; see ReadFacts.
func (e Entry) Labels() (Labels, error) {
	var l Labels
	if err := json.Unmarshal(e.Facts, &l); err != nil {
		return Labels{}, fmt.Errorf("read the labels of a %s entry: %w", e.Kind, err)
	}
	return l, nil
}

// Filter chooses entries. Each list that is not empty, and each time that is set, must fit: a list by one of its members. A list of
// issuers or profiles fits an entry that names one of them, for itself or for a certificate or draft.
type Filter struct {
	From, Until time.Time // of Entry.At: From belongs to it, Until does not; zero for no bound
	Kinds       []Kind
	Issuers     []string
	Profiles    []string
	CardTypes   []string
	Sectors     []string
	ICCSNs      []string
}

// All tells whether the filter lets everything pass.
func (f *Filter) All() bool {
	return f.From.IsZero() && f.Until.IsZero() && len(f.Kinds) == 0 && !f.byLabels()
}

func (f *Filter) byLabels() bool {
	return len(f.Issuers)+len(f.Profiles)+len(f.CardTypes)+len(f.Sectors)+len(f.ICCSNs) > 0
}

// Fits tells whether an entry passes. Its facts are only read where the filter asks for them.
func (f *Filter) Fits(e Entry) (bool, error) {
	switch {
	case !f.From.IsZero() && e.At.Before(f.From), !f.Until.IsZero() && !e.At.Before(f.Until),
		len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind):
		return false, nil
	case !f.byLabels():
		return true, nil
	}
	l, err := e.Labels()
	if err != nil {
		return false, err
	}
	return fits(f.CardTypes, l.CardType) && fits(f.Sectors, l.Sector) && fits(f.ICCSNs, l.ICCSN) &&
		fits(f.Issuers, append(certificateNames(l, func(c CertificateFacts) string { return c.Issuer }), l.Issuer)...) &&
		fits(f.Profiles, certificateNames(l, func(c CertificateFacts) string { return c.Profile })...), nil
}

// fits tells whether a list is empty or has one of the values.
func fits(list []string, values ...string) bool {
	return len(list) == 0 || slices.ContainsFunc(values, func(v string) bool { return v != "" && slices.Contains(list, v) })
}

func certificateNames(l Labels, of func(CertificateFacts) string) (list []string) {
	for _, c := range l.Named() {
		list = append(list, of(c))
	}
	return list
}
