package pkix

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// QCStatement is one statement that the issuer of a qualified certificate makes: an object identifier and, with some, a statementInfo. Make
// it with one of the functions below; read its info with QCStatements.Type and its kin.
type QCStatement struct {
	ID   asn1.ObjectIdentifier
	Info []byte // DER of statementInfo; nil if absent
}

// QCStatements is the extension of that name (RFC 3739, Section 3.2.6; ETSI EN 319 412-5).
type QCStatements []QCStatement

// Extension encodes the statements in the order given; non critical. A statement that appears twice is an error.
//
//	QCStatements ::= SEQUENCE OF QCStatement
//	QCStatement  ::= SEQUENCE { statementId OBJECT IDENTIFIER, statementInfo ANY OPTIONAL }
func (q QCStatements) Extension() (Extension, error) {
	if len(q) == 0 {
		return Extension{}, errors.New("encoding qcStatements: no statement")
	}
	for i, s := range q {
		if err := checkStatement(s); err != nil {
			return Extension{}, fmt.Errorf("encoding qcStatements: %w", err)
		}
		if q[:i].has(s.ID) {
			return Extension{}, fmt.Errorf("encoding qcStatements: statement %s appears twice", s.ID)
		}
	}
	return encodeExtension(OIDQCStatements, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, s := range q {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(s.ID)
					b.AddBytes(s.Info)
				})
			}
		})
	})
}

// ParseQCStatements reads the content of extnValue. Statements outside ETSI EN 319 412-5, statements of another shape than the standard's and
// statements that appear twice are errors.
func ParseQCStatements(value []byte) (QCStatements, error) {
	var seq cryptobyte.String
	if !der.ReadOnly(value, &seq, cbasn1.SEQUENCE) || seq.Empty() {
		return nil, malformed(OIDQCStatements, "a SEQUENCE of statements")
	}
	var list QCStatements
	for !seq.Empty() {
		var one cryptobyte.String
		var s QCStatement
		if !seq.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&s.ID) {
			return nil, malformed(OIDQCStatements, "a SEQUENCE of statements")
		}
		if !one.Empty() {
			s.Info = one
		}
		if err := checkStatement(s); err != nil {
			return nil, fmt.Errorf("qcStatements: %w", err)
		}
		if list.has(s.ID) {
			return nil, fmt.Errorf("qcStatements: statement %s appears twice", s.ID)
		}
		list = append(list, s)
	}
	return list, nil
}

// statementInfos says of each known statement whether an info has its shape.
var statementInfos = []struct {
	id    asn1.ObjectIdentifier
	check func(info []byte) error
}{
	{OIDQCCompliance, absent},
	{OIDQCLimitValue, func(info []byte) error { _, err := parseLimit(info); return err }},
	{OIDQCRetentionPeriod, func(info []byte) error { _, err := parseYears(info); return err }},
	{OIDQCSSCD, absent},
	{OIDQCPDS, func(info []byte) error { _, err := parsePDS(info); return err }},
	{OIDQCType, func(info []byte) error { _, err := parseTypes(info); return err }},
	{OIDQCLegislation, func(info []byte) error { _, err := parseCountries(info); return err }},
}

func absent(info []byte) error {
	if info != nil {
		return errors.New("has a statementInfo, and must have none")
	}
	return nil
}

func checkStatement(s QCStatement) error {
	for _, known := range statementInfos {
		if !known.id.Equal(s.ID) {
			continue
		}
		if err := known.check(s.Info); err != nil {
			return fmt.Errorf("%s %w", OIDName(s.ID), err)
		}
		return nil
	}
	return fmt.Errorf("statement %s is none of ETSI EN 319 412-5", s.ID)
}

func (q QCStatements) has(id asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc(q, func(s QCStatement) bool { return s.ID.Equal(id) })
}

// info gives the info of a statement, and false if the statement is not there.
func (q QCStatements) info(id asn1.ObjectIdentifier) ([]byte, bool) {
	for _, s := range q {
		if s.ID.Equal(id) {
			return s.Info, true
		}
	}
	return nil, false
}

// QCCompliance says that the certificate is qualified (ETSI EN 319 412-5, Section 4.2.1).
func QCCompliance() QCStatement { return QCStatement{ID: OIDQCCompliance} }

// QCSSCD says that the private key is in a qualified device (ETSI EN 319 412-5, Section 4.2.2).
func QCSSCD() QCStatement { return QCStatement{ID: OIDQCSSCD} }

// Compliant tells whether the statements hold QcCompliance.
func (q QCStatements) Compliant() bool { return q.has(OIDQCCompliance) }

// OnDevice tells whether the statements hold QcSSCD.
func (q QCStatements) OnDevice() bool { return q.has(OIDQCSSCD) }

// infoStatement makes a statement with the info that write adds. The error, if any, comes out when the extension is encoded.
func infoStatement(id asn1.ObjectIdentifier, write cryptobyte.BuilderContinuation) QCStatement {
	b := cryptobyte.NewBuilder(nil)
	write(b)
	info, err := b.Bytes()
	if err != nil {
		info = []byte{} // no statement takes an empty info
	}
	return QCStatement{ID: id, Info: info}
}

// QCType says what the certificate is for: OIDQCTypeESign or OIDQCTypeESeal (ETSI EN 319 412-5, Section 4.2.3).
//
//	QcType ::= SEQUENCE OF OBJECT IDENTIFIER
func QCType(types ...asn1.ObjectIdentifier) QCStatement {
	return infoStatement(OIDQCType, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, t := range types {
				b.AddASN1ObjectIdentifier(t)
			}
		})
	})
}

// Types gives the types of QcType; nil if the statement is not there.
func (q QCStatements) Types() []asn1.ObjectIdentifier {
	info, _ := q.info(OIDQCType)
	types, _ := parseTypes(info) // the shape was checked when the statements were read
	return types
}

func parseTypes(info []byte) ([]asn1.ObjectIdentifier, error) {
	var seq cryptobyte.String
	if !der.ReadOnly(info, &seq, cbasn1.SEQUENCE) || seq.Empty() {
		return nil, errors.New("is not a SEQUENCE of types")
	}
	var types []asn1.ObjectIdentifier
	for !seq.Empty() {
		var t asn1.ObjectIdentifier
		if !seq.ReadASN1ObjectIdentifier(&t) {
			return nil, errors.New("is not a SEQUENCE of types")
		}
		types = append(types, t)
	}
	return types, nil
}

// maxRetentionYears bounds QcRetentionPeriod. A century is longer than any law asks for.
const maxRetentionYears = 100

// QCRetentionPeriod says for how many years after the end of the certificate's validity the provider keeps its records, 1 to 100 (ETSI EN
// 319 412-5, Section 4.3.3).
//
//	QcEuRetentionPeriod ::= INTEGER
func QCRetentionPeriod(years int) QCStatement {
	return infoStatement(OIDQCRetentionPeriod, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(years)) })
}

// RetentionYears gives the number in QcRetentionPeriod; 0 if the statement is not there.
func (q QCStatements) RetentionYears() int {
	info, _ := q.info(OIDQCRetentionPeriod)
	years, _ := parseYears(info)
	return years
}

func parseYears(info []byte) (int, error) {
	s := cryptobyte.String(info)
	var years int
	if !s.ReadASN1Integer(&years) || !s.Empty() || years < 1 || years > maxRetentionYears {
		return 0, fmt.Errorf("is not a number of years from 1 to %d", maxRetentionYears)
	}
	return years, nil
}

// PDSLocation is where a PKI disclosure statement is found.
type PDSLocation struct {
	URL      string // https
	Language string // two small letters (ISO 639-1)
}

// QCPDS says where the provider's PKI disclosure statements are found, one of them in English (ETSI EN 319 412-5, Section 4.3.4).
//
//	PdsLocations ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE { url IA5String, language PrintableString (SIZE (2)) }
func QCPDS(locations ...PDSLocation) QCStatement {
	return infoStatement(OIDQCPDS, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, l := range locations {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					der.AddString(b, der.IA5String, l.URL)
					der.AddString(b, der.PrintableString, l.Language)
				})
			}
		})
	})
}

// PDS gives the locations in QcPDS; nil if the statement is not there.
func (q QCStatements) PDS() []PDSLocation {
	info, _ := q.info(OIDQCPDS)
	locations, _ := parsePDS(info)
	return locations
}

func parsePDS(info []byte) ([]PDSLocation, error) {
	var seq cryptobyte.String
	if !der.ReadOnly(info, &seq, cbasn1.SEQUENCE) || seq.Empty() {
		return nil, errors.New("is not a SEQUENCE of locations")
	}
	var list []PDSLocation
	for !seq.Empty() {
		var one cryptobyte.String
		var l PDSLocation
		if !seq.ReadASN1(&one, cbasn1.SEQUENCE) {
			return nil, errors.New("is not a SEQUENCE of locations")
		}
		if err := errors.Join(
			der.ReadTaggedString(&one, cbasn1.Tag(der.IA5String), der.IA5String, &l.URL),
			der.ReadTaggedString(&one, cbasn1.Tag(der.PrintableString), der.PrintableString, &l.Language),
		); err != nil {
			return nil, fmt.Errorf("holds a malformed location: %w", err)
		}
		if err := l.Check(); err != nil || !one.Empty() {
			return nil, errors.Join(errors.New("holds a malformed location"), err)
		}
		list = append(list, l)
	}
	return list, nil
}

// Check says what is wrong with a location.
func (l PDSLocation) Check() error {
	switch {
	case !strings.HasPrefix(l.URL, "https://") || len(l.URL) == len("https://"):
		return errors.New("the URL of a disclosure statement begins with https://")
	case len(l.Language) != 2 || strings.ContainsFunc(l.Language, func(r rune) bool { return r < 'a' || r > 'z' }):
		return errors.New("the language of a disclosure statement is two small letters")
	}
	return nil
}

// QCLegislation names the countries under whose law the certificate is qualified, where that is not the law of the European Union, by two
// capital letters each (ETSI EN 319 412-5, Section 4.2.4).
//
//	QcCClegislation ::= SEQUENCE OF PrintableString (SIZE (2))
func QCLegislation(countries ...string) QCStatement {
	return infoStatement(OIDQCLegislation, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, c := range countries {
				der.AddString(b, der.PrintableString, c)
			}
		})
	})
}

// Legislation gives the countries in QcCClegislation; nil if the statement is not there.
func (q QCStatements) Legislation() []string {
	info, _ := q.info(OIDQCLegislation)
	countries, _ := parseCountries(info)
	return countries
}

func parseCountries(info []byte) ([]string, error) {
	var seq cryptobyte.String
	if !der.ReadOnly(info, &seq, cbasn1.SEQUENCE) || seq.Empty() {
		return nil, errors.New("is not a SEQUENCE of countries")
	}
	var list []string
	for !seq.Empty() {
		var c string
		if err := der.ReadTaggedString(&seq, cbasn1.Tag(der.PrintableString), der.PrintableString, &c); err != nil || !isAlpha2(c) {
			return nil, errors.New("holds a country that is not two capital letters")
		}
		list = append(list, c)
	}
	return list, nil
}

// Limit is the greatest value of a transaction that the certificate may be used for: Amount times ten to the power of Exponent.
type Limit struct {
	Currency string // three capital letters (ISO 4217)
	Amount   int64  // not negative
	Exponent int64
}

// QCLimitValue limits the value of transactions (ETSI EN 319 412-5, Section 4.3.2). The currency is written in its alphabetic form.
//
//	QcEuLimitValue ::= SEQUENCE { currency PrintableString (SIZE (3)), amount INTEGER, exponent INTEGER }
func QCLimitValue(l Limit) QCStatement {
	return infoStatement(OIDQCLimitValue, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			der.AddString(b, der.PrintableString, l.Currency)
			b.AddASN1Int64(l.Amount)
			b.AddASN1Int64(l.Exponent)
		})
	})
}

// LimitValue gives the limit in QcLimitValue, and false if the statement is not there.
func (q QCStatements) LimitValue() (Limit, bool) {
	info, ok := q.info(OIDQCLimitValue)
	l, err := parseLimit(info)
	return l, ok && err == nil
}

func parseLimit(info []byte) (Limit, error) {
	var seq cryptobyte.String
	var l Limit
	if !der.ReadOnly(info, &seq, cbasn1.SEQUENCE) ||
		der.ReadTaggedString(&seq, cbasn1.Tag(der.PrintableString), der.PrintableString, &l.Currency) != nil ||
		!seq.ReadASN1Integer(&l.Amount) || !seq.ReadASN1Integer(&l.Exponent) || !seq.Empty() {
		return Limit{}, errors.New("is not currency, amount and exponent")
	}
	if len(l.Currency) != 3 || strings.ContainsFunc(l.Currency, func(r rune) bool { return r < 'A' || r > 'Z' }) || l.Amount < 0 {
		return Limit{}, errors.New("has a currency that is not three capital letters, or a negative amount")
	}
	return l, nil
}
