package clone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// pattern is the card after which others are made.
type pattern struct {
	attempt, card    int64
	recorded, issued []byte // facts of its two entries, with marks in place of what differs
	certificates     int
	serialFrom, step int64 // the first four octets of serial numbers: of card 0, and more with each card
	serialOctets     int   // of the longest
}

// What is drawn for a card, one string of octets: 16 for the attempt, 32 each for the hashes of order and personal data, and then for each
// certificate 32 for the hash of its key, 32 for the key's identity and 16 for its serial number.
const (
	drawnOfCard        = 16 + 32 + 32
	drawnOfCertificate = 32 + 32 + 16
)

// The time through which serial numbers rise, in seconds: five years. smallestPrefix has no leading zero octet.
const (
	serialSpan     = 5 * 365 * 24 * 60 * 60
	smallestPrefix = 1 << 24
	prefixOctets   = 4
)

// read reads the pattern.
func (c *Cloner) read(ctx context.Context, order string, total int64) (*pattern, error) {
	p := &pattern{}
	var recorded, issued []byte
	err := c.conn.QueryRowContext(ctx, `
SELECT a.number, c.number, r.facts, i.facts FROM attempts a JOIN cards c ON c.attempt = a.number
JOIN entries r ON r.id = a.entry_id JOIN entries i ON i.id = a.end_entry_id WHERE a.order_id = `+quote(order)).Scan(&p.attempt, &p.card, &recorded, &issued)
	if err != nil {
		return nil, fmt.Errorf("read the card of order %s: %w", order, err)
	}
	var before tlog.OrderFacts
	var after tlog.CardFacts
	if err := errors.Join(json.Unmarshal(recorded, &before), json.Unmarshal(issued, &after)); err != nil {
		return nil, fmt.Errorf("read the facts of order %s: %w", order, err)
	}
	if strings.ContainsRune(string(recorded)+string(issued), mark) {
		return nil, fmt.Errorf("the facts of order %s hold %c", order, mark)
	}
	if err := p.serials(after.Certificates, total); err != nil {
		return nil, err
	}
	before.Order, before.Attempt, before.ICCSN = marked("order"), marked("attempt"), marked("iccsn")
	after.Order, after.Attempt, after.ICCSN = before.Order, before.Attempt, before.ICCSN
	markCertificates(before.Drafts)
	markCertificates(after.Certificates)
	p.certificates = len(after.Certificates)
	p.recorded, err = json.Marshal(&before)
	if err == nil {
		p.issued, err = json.Marshal(&after)
	}
	return p, err
}

// serials finds how the serial numbers of the clones begin.
func (p *pattern) serials(list []tlog.CertificateFacts, total int64) error {
	for _, f := range list {
		if f.Serial == "" {
			continue
		}
		if len(f.Serial) < 2*prefixOctets+2 || len(f.Serial) > 2*(prefixOctets+16) {
			return fmt.Errorf("the serial number in %s has %d octets", f.Slot, len(f.Serial)/2)
		}
		top, err := strconv.ParseInt(f.Serial[:2*prefixOctets], 16, 64)
		if err != nil {
			return fmt.Errorf("read the serial number in %s: %w", f.Slot, err)
		}
		p.serialOctets = max(p.serialOctets, len(f.Serial)/2)
		p.serialFrom, p.step = max(top-serialSpan, smallestPrefix), max(serialSpan/max(total, 1), 1)
	}
	return nil
}

// mark stands before and behind the name of what differs in the facts of a clone.
const mark = '@'

func marked(name string) string { return string(mark) + name + string(mark) }

func markCertificates(list []tlog.CertificateFacts) {
	for i := range list {
		if list[i].Serial != "" {
			list[i].Serial = marked("serial" + strconv.Itoa(i))
		} else {
			list[i].CHR = list[i].CHR[:4] + marked("iccsn") // RFU and discretionary octets stay, the ICCSN follows
		}
		list[i].KeySHA256 = marked("key" + strconv.Itoa(i))
	}
}

// iccsnPrefix is what the ICCSNs of clones begin with.
const iccsnPrefix = "8027600198"

// ICCSN is that of a clone by its number, from 1.
func ICCSN(n int64) string { return fmt.Sprintf("%s%010d", iccsnPrefix, n) }

// names gives what the statements call by name and is the same in each.
func (c *Cloner) names() map[string]string {
	p, hex := c.pattern, c.dialect.hex
	names := map[string]string{
		"attempt":    strconv.FormatInt(p.attempt, 10),
		"card":       strconv.FormatInt(p.card, 10),
		"drawn":      c.dialect.drawn(c.seed, drawnOfCard+drawnOfCertificate*p.certificates),
		"orderid":    `('copy-' || m.digits)`,
		"iccsn":      `('` + iccsnPrefix + `' || m.digits)`,
		"attemptid":  hex(octets("1", 16)),
		"orderhash":  octets("17", 32),
		"personal":   octets("49", 32),
		"keyhash":    octets(ofCertificate(0, "p.position"), 32),
		"keyid":      octets(ofCertificate(32, "p.position"), 32),
		"serialhex":  `m.prefix || ` + hex(octets(ofCertificate(64, "p.position"), p.serialOctets-prefixOctets)),
		"serialfrom": strconv.FormatInt(p.serialFrom, 10),
		"step":       strconv.FormatInt(p.step, 10),
	}
	values := map[string]string{"order": names["orderid"], "attempt": names["attemptid"], "iccsn": names["iccsn"]}
	for i := range p.certificates {
		n := strconv.Itoa(i)
		values["serial"+n] = `m.prefix || ` + hex(octets(ofCertificate(64, n), p.serialOctets-prefixOctets))
		values["key"+n] = hex(octets(ofCertificate(0, n), 32))
	}
	names["recorded"], names["issued"] = concat(p.recorded, values), concat(p.issued, values)
	return names
}

// octets is the expression for a part of what is drawn.
func octets(from string, n int) string { return fmt.Sprintf("substr(m.drawn, %s, %d)", from, n) }

// ofCertificate is the expression for where a part of what is drawn for a certificate begins, from 1.
func ofCertificate(offset int, position string) string {
	return fmt.Sprintf("%d + %d * %s", drawnOfCard+1+offset, drawnOfCertificate, position)
}

// concat is the expression for facts.
func concat(facts []byte, values map[string]string) string {
	var terms []string
	for i, part := range strings.Split(string(facts), string(mark)) {
		if i%2 == 0 {
			part = quote(part)
		} else {
			part = values[part]
		}
		terms = append(terms, part)
	}
	return "concat(" + strings.Join(terms, ", ") + ")"
}

// quote gives a literal.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
