package pkix

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// maxAdmissionText is the longest professionItem and registrationNumber, in characters (Common PKI 2.0, Part 1, Table 29b).
const maxAdmissionText = 128

// Admission says what an institution, person or component is, as gemSpec_PKI narrows the extension of Common PKI: one
// profession with one text and one object identifier (GS-A_4717-02, Tab_PKI_226).
type Admission struct {
	Authority          Name                  // directoryName of the body that confirms it; nil if absent
	Item               string                // professionItem: the text that gemSpec_OID pairs with OID
	OID                asn1.ObjectIdentifier // professionOID
	RegistrationNumber string                // Telematik-ID, PrintableString; "" if absent
}

// Extension encodes the admission in the one shape that is used; non critical:
//
//	AdmissionSyntax ::= SEQUENCE {
//	    admissionAuthority   [4] EXPLICIT Name OPTIONAL,   -- directoryName
//	    contentsOfAdmissions SEQUENCE { Admissions } }
//	Admissions      ::= SEQUENCE { professionInfos SEQUENCE { ProfessionInfo } }
//	ProfessionInfo  ::= SEQUENCE {
//	    professionItems      SEQUENCE { UTF8String (SIZE (1..128)) },
//	    professionOIDs       SEQUENCE { OBJECT IDENTIFIER },
//	    registrationNumber   PrintableString (SIZE (1..128)) OPTIONAL }
func (a Admission) Extension() (Extension, error) {
	if err := a.Authority.Check(); err != nil {
		return Extension{}, fmt.Errorf("encoding admission: admissionAuthority: %w", err)
	}
	if err := a.checkTexts(); err != nil {
		return Extension{}, fmt.Errorf("encoding admission: %w", err)
	}
	return encodeExtension(OIDAdmission, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			if a.Authority != nil {
				b.AddASN1(der.Explicit(4), a.Authority.add)
			}
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // contentsOfAdmissions
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // Admissions
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // professionInfos
						b.AddASN1(cbasn1.SEQUENCE, a.addProfessionInfo)
					})
				})
			})
		})
	})
}

func (a Admission) addProfessionInfo(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { der.AddString(b, der.UTF8String, a.Item) })
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(a.OID) })
	if a.RegistrationNumber != "" {
		der.AddString(b, der.PrintableString, a.RegistrationNumber)
	}
}

func (a Admission) checkTexts() error {
	if n := utf8.RuneCountInString(a.Item); n < 1 || n > maxAdmissionText {
		return fmt.Errorf("professionItem has %d characters, 1 to %d are allowed", n, maxAdmissionText)
	}
	if n := len(a.RegistrationNumber); n > maxAdmissionText {
		return fmt.Errorf("registrationNumber has %d characters, at most %d are allowed", n, maxAdmissionText)
	}
	return nil
}

// ParseAdmission reads the content of extnValue. It takes exactly the shape that Extension writes; anything else that Common
// PKI would allow (several professions, naming authorities, addProfessionInfo) is an error.
func ParseAdmission(value []byte) (Admission, error) {
	var a Admission
	var seq, contents, admissions, infos, info cryptobyte.String
	if !der.ReadOnly(value, &seq, cbasn1.SEQUENCE) {
		return Admission{}, malformed(OIDAdmission, "one AdmissionSyntax")
	}
	if seq.PeekASN1Tag(der.Explicit(4)) {
		var name cryptobyte.String
		var err error
		if !seq.ReadASN1(&name, der.Explicit(4)) {
			return Admission{}, malformed(OIDAdmission, "one AdmissionSyntax")
		}
		if a.Authority, err = ParseName(name); err != nil {
			return Admission{}, fmt.Errorf("admissionAuthority: %w", err)
		}
	}
	if !seq.ReadASN1(&contents, cbasn1.SEQUENCE) || !seq.Empty() ||
		!contents.ReadASN1(&admissions, cbasn1.SEQUENCE) || !contents.Empty() ||
		!admissions.ReadASN1(&infos, cbasn1.SEQUENCE) || !admissions.Empty() ||
		!infos.ReadASN1(&info, cbasn1.SEQUENCE) || !infos.Empty() {
		return Admission{}, malformed(OIDAdmission, "one ProfessionInfo in one Admissions")
	}
	if err := a.readProfessionInfo(info); err != nil {
		return Admission{}, fmt.Errorf("admission: %w", err)
	}
	return a, nil
}

func (a *Admission) readProfessionInfo(info cryptobyte.String) error {
	var items, oids cryptobyte.String
	if !info.ReadASN1(&items, cbasn1.SEQUENCE) || !info.ReadASN1(&oids, cbasn1.SEQUENCE) {
		return errors.New("no professionItems and professionOIDs")
	}
	if err := der.ReadTaggedString(&items, cbasn1.UTF8String, der.UTF8String, &a.Item); err != nil {
		return fmt.Errorf("professionItem: %w", err)
	}
	if !items.Empty() || !oids.ReadASN1ObjectIdentifier(&a.OID) || !oids.Empty() {
		return errors.New("not exactly one professionItem and one professionOID")
	}
	if !info.Empty() {
		err := der.ReadTaggedString(&info, cbasn1.PrintableString, der.PrintableString, &a.RegistrationNumber)
		if err != nil {
			return fmt.Errorf("registrationNumber: %w", err)
		}
		if a.RegistrationNumber == "" || !info.Empty() {
			return errors.New("not one registrationNumber at the end of ProfessionInfo")
		}
	}
	return a.checkTexts()
}
