package audit

import (
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// item is a leaf of an export with the lines of other files that belong to it, and what was found out about it by itself. It belongs to one
// goroutine at a time.
type item struct {
	line  int // of entries.jsonl
	index int64
	leaf  []byte

	certificates     *certificatesLine // nil where there are none
	certificatesLine int
	personal         *personalLine // likewise
	personalLine     int

	// Set by inspect.
	entry    tlog.Entry
	readable bool // entry is set
	facts    tlog.Facts
	unknown  bool // kind
	hash     tlog.Hash
	did      tally
	findings []Finding
}

// tally counts what was checked.
type tally struct {
	schema, certificates, signatures, revealed, erased int64
}

func (t *tally) add(u tally) {
	t.schema += u.schema
	t.certificates += u.certificates
	t.signatures += u.signatures
	t.revealed += u.revealed
	t.erased += u.erased
}

// inspector checks leaves by themselves. It is safe for concurrent use.
type inspector struct {
	issuers      issuers
	content      Content
	filter       tlog.Filter
	signatures   bool
	certificates bool // are in the export
}

func (i *item) find(file string, line int, format string, args ...any) {
	index := i.index
	i.findings = append(i.findings, Finding{File: file, Line: line, Leaf: &index, Kind: string(i.entry.Kind), What: fmt.Sprintf(format, args...)})
}

// wrong is a finding about the leaf itself.
func (i *item) wrong(format string, args ...any) { i.find(EntriesFile, i.line, format, args...) }

// inspect checks what can be said of a leaf without the others.
func (c *inspector) inspect(i *item) {
	i.hash = tlog.LeafHash(i.leaf)
	var err error
	if i.entry, err = tlog.ParseLeaf(i.leaf); err != nil {
		i.wrong("it is no leaf of a log of this kind: %v", err)
		return
	}
	i.readable = true
	var unknown *tlog.UnknownKindError
	i.facts, err = i.entry.ReadFacts()
	switch {
	case errors.As(err, &unknown):
		i.unknown = true
	case err != nil:
		i.wrong("it is not as entries of its kind are: %v", err)
	default:
		i.did.schema++
	}
	if fits, err := c.filter.Fits(i.entry); err == nil && !fits {
		i.wrong("it does not fit the filter of the export")
	}
	c.checkPersonal(i)
	c.checkCertificates(i)
}

// checkPersonal holds personal data against their salted hash.
func (c *inspector) checkPersonal(i *item) {
	hash := i.entry.PersonalHash
	switch p := i.personal; {
	case p == nil && hash != nil && c.content.Personal:
		i.find(PersonalFile, 0, "the leaf stands for personal data, and the file has neither them nor the mark that they are erased")
	case p == nil:
	case hash == nil:
		i.find(PersonalFile, i.personalLine, "the leaf stands for no personal data")
	case p.Erased && p.data() == nil && p.Salt == nil:
		i.did.erased++
	default:
		if _, err := i.entry.Reveal(p.data(), p.Salt); err != nil {
			i.find(PersonalFile, i.personalLine, "personal data or salt were changed: their SHA-256 is not the one in the leaf")
			return
		}
		i.did.revealed++
	}
}

// checkCertificates holds the certificates of a card against what its leaf says of them.
func (c *inspector) checkCertificates(i *item) {
	card, isCard := i.facts.(*tlog.CardFacts)
	switch {
	case !isCard && i.certificates != nil && !i.unknown && i.facts != nil:
		i.find(CertificatesFile, i.certificatesLine, "the leaf records no card")
	case !isCard || !c.certificates:
	case i.certificates == nil:
		i.find(CertificatesFile, 0, "the certificates of the leaf are missing")
	case len(i.certificates.Certificates) != len(card.Certificates):
		i.find(CertificatesFile, i.certificatesLine, "there are %d certificates, the leaf has %d", len(i.certificates.Certificates), len(card.Certificates))
	default:
		for n := range card.Certificates {
			c.checkOne(i, card, n)
		}
	}
}

func (c *inspector) checkOne(i *item, card *tlog.CardFacts, n int) {
	f := &card.Certificates[n]
	above := c.issuers[f.Issuer]
	if err := checkCertificate(f, card.ICCSN, i.certificates.Certificates[n], above, c.signatures); err != nil {
		i.find(CertificatesFile, i.certificatesLine, "certificate %d, slot %s: %v", n, f.Slot, err)
		return
	}
	i.did.certificates++
	switch {
	case above == nil:
		i.find(CertificatesFile, i.certificatesLine, "certificate %d, slot %s: the export has no certificate of its issuer %s", n, f.Slot, f.Issuer)
	case c.signatures:
		i.did.signatures++
	}
}
