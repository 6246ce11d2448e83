package main

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// A chain says that somebody signed a certificate, not that it belongs where it lies. This file holds the certificates of a folder
// against their slots and against each other.

// catalogue finds what the built-in catalogue says about slots.
type catalogue struct {
	slots map[string]profiles.Slot // by name; a slot is the same on every card type that has it
	x509  map[string]*profiles.X509Profile
	types map[string]*profiles.CardType
}

func newCatalogue(set *profiles.Set) *catalogue {
	c := &catalogue{map[string]profiles.Slot{}, map[string]*profiles.X509Profile{}, map[string]*profiles.CardType{}}
	for _, t := range set.CardTypes() {
		c.types[t.Name] = t
		for _, s := range t.Slots {
			c.slots[s.Name] = s
		}
	}
	for _, p := range set.X509Profiles() {
		c.x509[p.Name] = p
	}
	return c
}

// slot gives the slot that a file is named after. A server may have a catalogue of its own, so that a slot unknown here is no fault.
func (c *catalogue) slot(r *cardReport, f *finding) (profiles.Slot, bool) {
	slot, known := c.slots[f.Name]
	if !known {
		r.Notes = append(r.Notes, f.Name+" is a slot that this program does not know: the certificate was not held against it")
	}
	return slot, known
}

// checkX509 holds a certificate against the slot that its file is named after: profile, key, and in certificates of an institution
// the ICCSN in the serialNumber of the subject, where there is one (gemSpec_PKI, Annex A: TSP-ID.ICCSN).
func (c *catalogue) checkX509(r *cardReport, f *finding, cert *pkix.Certificate) {
	slot, known := c.slot(r, f)
	if !known {
		return
	}
	profile := c.x509[slot.Profile]
	if profile == nil {
		f.fault("slot %s is for a CV certificate, the file holds an X.509 certificate", f.Name)
		return
	}
	c.checkKey(f, slot, cert.PublicKey)
	policies, _, err := pkix.Find(cert.Extensions, pkix.OIDCertificatePolicies, pkix.ParseCertificatePolicies)
	if err != nil {
		f.fault("read the policies: %v", err)
	}
	wanted := profile.Policies.Value // of a qualified certificate, which has no type
	if kind := profile.CertificateType.Value; kind != nil {
		wanted = []asn1.ObjectIdentifier{kind}
	}
	for _, id := range wanted {
		if !slices.ContainsFunc(policies, func(p pkix.Policy) bool { return p.ID.Equal(id) }) {
			f.fault("it is no %s: its policies lack %s", profile.Name, oid(id))
		}
	}
	if number, has := cert.Subject.Get(pkix.OIDSerialNumber); has && profile.SubjectOf.Value == profiles.SubjectInstitution && !strings.HasSuffix(number, r.ICCSN) {
		f.fault("the serialNumber of its subject is %q, which does not end with the ICCSN of the card, %s", number, r.ICCSN)
	}
}

// checkCVC holds a CV certificate against the slot that its file is named after: format, key identifier (Tab_PKI_258), and the key,
// which is nil where it is not known.
func (c *catalogue) checkCVC(r *cardReport, f *finding, chr cvc.CHR, key crypto.PublicKey) {
	slot, known := c.slot(r, f)
	if !known {
		return
	}
	if c.x509[slot.Profile] != nil {
		f.fault("slot %s is for an X.509 certificate, the file holds a CV certificate", f.Name)
		return
	}
	if chr.KeyID() != slot.KeyID.Value {
		f.fault("its CHR names key %04X of the card, the key of slot %s is %04X", chr.KeyID(), f.Name, slot.KeyID.Value)
	}
	if key != nil {
		c.checkKey(f, slot, key)
	}
}

func (c *catalogue) checkKey(f *finding, slot profiles.Slot, key crypto.PublicKey) {
	if have, err := sigalg.TypeOf(key); err != nil {
		f.fault("its key: %v", err)
	} else if have != slot.Key {
		f.fault("its key is %s, slot %s has %s", have, f.Name, slot.Key)
	}
}

// checkTogether holds the X.509 certificates of a card against each other. Those that name the same holder have one subject; all that
// are not of a device have one admission (GS-A_4901). No two certificates are for one key or have one number.
func (c *catalogue) checkTogether(r *cardReport, card *certificates) {
	subjects := map[profiles.SubjectKind]named[*pkix.Certificate]{}
	var admission *named[*pkix.Certificate]
	keys, numbers := map[string]string{}, map[string]string{}
	for _, x := range card.x509 {
		once(r, keys, string(x.cert.RawSPKI), x.name, "are for the same key")
		once(r, numbers, string(x.cert.RawIssuer)+"\x00"+x.cert.Serial.String(), x.name, "have the same serial number")
		profile := c.x509[c.slots[x.name].Profile]
		if profile == nil || profile.Device != nil {
			continue // a device has a name and a role for each of its keys
		}
		kind := profile.SubjectOf.Value
		if first, seen := subjects[kind]; !seen {
			subjects[kind] = x
		} else if !bytes.Equal(first.cert.RawSubject, x.cert.RawSubject) {
			r.fault("%s and %s have different subjects: %s, and %s", first.name, x.name, first.cert.Subject, x.cert.Subject)
		}
		if admission == nil {
			admission = &x
		} else if !bytes.Equal(admissionOf(admission.cert), admissionOf(x.cert)) {
			r.fault("%s and %s have different admissions (gemSpec_PKI, GS-A_4901)", admission.name, x.name)
		}
	}
	for _, x := range card.cvc {
		if spki, err := pkix.MarshalPublicKey(x.cert.PublicKey); err == nil {
			once(r, keys, string(spki), x.name, "are for the same key")
		}
		once(r, numbers, x.cert.CHR.String(), x.name, "have the same CHR")
	}
	for _, x := range card.g1 {
		once(r, numbers, x.cert.CHR.String(), x.name, "have the same CHR")
	}
}

// once notes a value that must not occur twice on a card.
func once(r *cardReport, seen map[string]string, value, name, what string) {
	if first, twice := seen[value]; twice {
		r.fault("%s and %s %s", first, name, what)
		return
	}
	seen[value] = name
}

// admissionOf gives the octets of the admission, nil where there is none.
func admissionOf(c *pkix.Certificate) []byte {
	e, _ := c.Extension(pkix.OIDAdmission)
	return e.Value
}

// checkWhole looks for what is missing and for what is too much. Only card.json tells which slots were filled: an order may leave some
// out, so that nothing is missing for certain without it.
func (c *catalogue) checkWhole(r *cardReport, m *manifest) {
	if m == nil {
		r.Notes = append(r.Notes, fmt.Sprintf("without a %s it cannot be told whether a certificate is missing", manifestFile))
		return
	}
	r.CardType = m.CardType
	if m.ICCSN != r.ICCSN {
		r.fault("%s is of card %q", manifestFile, m.ICCSN)
	}
	r.Faults = append(r.Faults, m.check(r.Folder)...)
	files := map[string]bool{}
	for _, e := range m.entries() {
		files[e.File] = true
	}
	for _, f := range r.Certificates {
		if !files[f.File] {
			f.fault("%s does not name it", manifestFile)
		}
	}
	if card := c.types[m.CardType]; card != nil {
		checkSlots(r, m, card)
	} else {
		r.Notes = append(r.Notes, fmt.Sprintf("card type %q is not in the catalogue of this program", m.CardType))
	}
}

// checkSlots holds the slots that were filled against those of the card type. What the order left out is for a person to judge.
func checkSlots(r *cardReport, m *manifest, card *profiles.CardType) {
	filled := map[string]bool{}
	for _, s := range m.Slots {
		filled[s.Slot] = true
		if !slices.ContainsFunc(card.Slots, func(have profiles.Slot) bool { return have.Name == s.Slot }) {
			r.fault("%s is no slot of card type %s", s.Slot, card.Name)
		}
	}
	for _, a := range card.OneOf { // one of them fills the place of all
		if slices.ContainsFunc(a.Slots, func(s string) bool { return filled[s] }) {
			for _, s := range a.Slots {
				filled[s] = true
			}
		}
	}
	var empty []string
	for _, s := range card.Slots {
		if !filled[s.Name] {
			empty = append(empty, s.Name)
		}
	}
	if empty != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("the order left these slots of %s empty: %s", card.Name, strings.Join(empty, ", ")))
	}
}
