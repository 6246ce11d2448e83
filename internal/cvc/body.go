package cvc

import (
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// ErrKind says that the parts of one certificate contradict each other about what its holder is: the length of the holder
// reference, the object identifier of the key and bits 0 and 1 of the flag list must all say CA, or all say card.
var ErrKind = errors.New("holder reference, key identifier and flag list do not fit together")

// ErrDateOrder says that a certificate expires before it takes effect (gemSpec_COS, (N095.900) b.9).
var ErrDateOrder = errors.New("effective date is after expiration date")

// profileIdentifier is the only value of object 5F29 in generation 2 (GS-A_4987).
const profileIdentifier = 0x70

// Body is the signed part of a certificate of generation 2, object 7F4E. What the key is for is not among the fields: it
// follows from the curve and the holder, see Body.KeyOID.
type Body struct {
	CAR       Reference            // the key that signs, or signed
	PublicKey *brainpool.PublicKey // the certified key
	CHR       CHR                  // its name: of a CA, or of a card
	FlagOID   FlagOID              // the hierarchy
	Flags     Flags                // role and rights
	CED       Date                 // first day of the term
	CXD       Date                 // last day of the term
}

// Role is the role of the holder: root, sub-CA or card.
func (b *Body) Role() Role { return b.Flags.Role() }

// KeyOID is the identifier that belongs to the key's curve and to the kind of its holder (Tab_PKI_901). An error wraps
// ErrKeyOID.
func (b *Body) KeyOID() (KeyOID, error) {
	if b.PublicKey == nil {
		return 0, fmt.Errorf("%w: there is no key", ErrKeyOID)
	}
	return keyOIDFor(b.PublicKey.Curve(), b.CHR.IsCard())
}

// Encode gives the complete object 7F4E, which is what the issuer signs (GS-A_5004, GS-A_5005): 149 octets for a CA and 151
// for a card on brainpoolP256r1, 181 and 183 on brainpoolP384r1, 215 and 217 on brainpoolP512r1. A body that Parse would
// refuse is an error: it wraps ErrReference, ErrKeyOID, ErrKind, ErrFlagOID, ErrDate or ErrDateOrder.
func (b *Body) Encode() ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	oid, err := b.KeyOID()
	if err != nil {
		return nil, err
	}
	return tlv(tagBody,
		tlv(tagCPI, []byte{profileIdentifier}),
		tlv(tagCAR, b.CAR[:]),
		tlv(tagPublicKey,
			tlv(tagOID, keyOIDs[oid].der),
			tlv(tagPoint, b.PublicKey.Bytes())),
		tlv(tagCHR, b.CHR.Bytes()),
		tlv(tagCHAT,
			tlv(tagOID, flagOIDs[b.FlagOID].der),
			tlv(tagFlags, b.Flags[:])),
		tlv(tagCED, b.CED.encode()),
		tlv(tagCXD, b.CXD.encode()),
	), nil
}

// readBody reads the value of object 7F4E, in the order in which Encode writes it.
func readBody(s *scanner) (Body, error) {
	var keyOID, point, flagOID, flags []byte
	cpi := s.sized(tagCPI, 1)
	car := s.sized(tagCAR, 8)
	s.inside(tagPublicKey, func(s *scanner) {
		keyOID = s.object(tagOID)
		point = s.object(tagPoint)
	})
	chr := s.sized(tagCHR, 8, 12)
	s.inside(tagCHAT, func(s *scanner) {
		flagOID = s.object(tagOID)
		flags = s.sized(tagFlags, 7)
	})
	ced := s.sized(tagCED, 6)
	cxd := s.sized(tagCXD, 6)
	s.end(tagBody.String())
	if s.err != nil {
		return Body{}, s.err
	}
	if cpi[0] != profileIdentifier {
		return Body{}, fmt.Errorf("%w: profile identifier %02X, want %02X", ErrSyntax, cpi[0], profileIdentifier)
	}
	b := Body{CAR: Reference(car), Flags: Flags(flags)}
	return b, b.decode(keyOID, point, chr, flagOID, ced, cxd)
}

// decode sets the fields whose octets need reading, and checks the whole.
func (b *Body) decode(keyOID, point, chr, flagOID, ced, cxd []byte) error {
	curve, ok := brainpool.ByPointLen(len(point))
	if !ok {
		return fmt.Errorf("%w: point of %d octets lies on no known curve", ErrSyntax, len(point))
	}
	var err error
	if b.PublicKey, err = curve.ParsePoint(point); err != nil {
		return fmt.Errorf("public key: %w", err)
	}
	if b.CHR, err = ParseCHR(chr); err != nil {
		return fmt.Errorf("CHR: %w", err)
	}
	if b.FlagOID, err = parseFlagOID(flagOID); err != nil {
		return err
	}
	if b.CED, err = decodeDate(ced); err != nil {
		return fmt.Errorf("CED: %w", err)
	}
	if b.CXD, err = decodeDate(cxd); err != nil {
		return fmt.Errorf("CXD: %w", err)
	}
	if err := b.checkKeyOID(keyOID); err != nil {
		return err
	}
	return b.check()
}

// checkKeyOID compares the identifier that stands in a certificate with the one that belongs there.
func (b *Body) checkKeyOID(der []byte) error {
	found, err := parseKeyOID(der)
	if err != nil {
		return err
	}
	if want, err := b.KeyOID(); err != nil || found != want {
		return fmt.Errorf("%w: %s on %s for %s, want %s", ErrKeyOID, found, b.PublicKey.Curve().Name(), b.CHR, want)
	}
	return nil
}

// check holds the rules that Encode and Parse share.
func (b *Body) check() error {
	if err := b.CAR.check(); err != nil {
		return fmt.Errorf("CAR: %w", err)
	}
	if b.CHR.IsZero() {
		return fmt.Errorf("CHR: %w: it is empty", ErrReference)
	}
	if err := b.checkKind(); err != nil {
		return err
	}
	if _, ok := flagOIDs[b.FlagOID]; !ok {
		return ErrFlagOID
	}
	if err := b.CED.check(); err != nil {
		return fmt.Errorf("CED: %w", err)
	}
	if err := b.CXD.check(); err != nil {
		return fmt.Errorf("CXD: %w", err)
	}
	if b.CED.After(b.CXD) {
		return fmt.Errorf("%w: %s to %s", ErrDateOrder, b.CED, b.CXD)
	}
	return nil
}

// checkKind compares the holder reference with the flag list (gemSpec_PKI, sections 6.4.5 and 6.4.6).
func (b *Body) checkKind() error {
	switch role := b.Role(); role {
	case RoleCard, RoleSubCA, RoleRoot:
		if (role == RoleCard) == b.CHR.IsCard() {
			return nil
		}
	}
	return fmt.Errorf("%w: %s has flag list %s of a %s", ErrKind, b.CHR, b.Flags, b.Role())
}

// SignatureScheme is the scheme with which a CA signs certificates of generation 2: the curve of the CA's own key decides
// (GS-A_5006, Tab_PKI_906).
func SignatureScheme(issuer *brainpool.PublicKey) (sigalg.Scheme, error) {
	t, err := sigalg.TypeOf(issuer)
	if err != nil {
		return 0, err
	}
	return sigalg.CVCScheme(t)
}
