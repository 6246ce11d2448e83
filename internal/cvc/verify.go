package cvc

import (
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Reasons for which a certificate does not belong below an issuer. ErrSignature is sigalg.ErrSignature.
var (
	ErrSignature       = sigalg.ErrSignature
	ErrIssuerReference = errors.New("CAR is not the issuer's reference")
	ErrHierarchy       = errors.New("flag list belongs to another hierarchy than the issuer's")
	ErrIssuerRole      = errors.New("issuer may not certify this kind of holder")
	ErrOutlivesIssuer  = errors.New("certificate expires after its issuer's certificate")
	ErrExceedsIssuer   = errors.New("certificate has rights that its issuer has not")
)

// Anchor is a CA key that is trusted to sign, with what must be known to judge what it signed. Cards keep roots so, as bare
// keys (gemSpec_PKI, section 6.1).
type Anchor struct {
	Reference Reference
	PublicKey *brainpool.PublicKey
	FlagOID   FlagOID
	Flags     Flags
	CXD       Date // zero: the key's term is not known, and limits nothing
}

// Anchor makes the certified key an anchor, which is a decision to trust it. A card's certificate is an error that wraps
// ErrIssuerRole.
func (c *Certificate) Anchor() (*Anchor, error) {
	ref, ok := c.CHR.Reference()
	if !ok {
		return nil, fmt.Errorf("%w: %s is the key of a card", ErrIssuerRole, c.CHR)
	}
	return &Anchor{ref, c.PublicKey, c.FlagOID, c.Flags, c.CXD}, nil
}

// IsLink tells whether the certificate names another key than the one that signed it and is still a root's: a link
// certificate, with which one root vouches for another.
func (c *Certificate) IsLink() bool {
	ref, ok := c.CHR.Reference()
	return ok && c.Role() == RoleRoot && ref != c.CAR
}

// CheckSignature checks the signature with the issuer's key and nothing else: the hash follows from the curve of that key
// (GS-A_5006). ErrSignature says that another key signed, or that the octets were changed.
func (c *Certificate) CheckSignature(issuer *brainpool.PublicKey) error {
	scheme, err := SignatureScheme(issuer)
	if err != nil {
		return err
	}
	return sigalg.Verify(issuer, scheme, c.RawBody, c.Signature)
}

// CheckSignatureFrom checks that the issuer signed the certificate and may sign such certificates: CAR and hierarchy are the
// issuer's, the signature is good, roots certify CAs and sub-CAs certify cards, and the service indicators say so too. It
// does not compare terms and rights. Errors wrap ErrIssuerReference, ErrHierarchy, ErrSignature or ErrIssuerRole.
func (c *Certificate) CheckSignatureFrom(issuer *Certificate) error {
	a, err := issuer.Anchor()
	if err != nil {
		return err
	}
	return c.checkSignatureFrom(a)
}

// CheckIssuedBy is CheckSignatureFrom and what a card and the issuing software demand on top (gemSpec_COS, (N095.900);
// GS-A_5009 to GS-A_5012): the certificate does not expire after its issuer's, unless it is a root's own or a link
// certificate, and has no right that the issuer has not. Errors wrap also ErrOutlivesIssuer or ErrExceedsIssuer.
//
// A card would import a certificate with too many rights and drop them silently; here it is an error, because a card that
// lacks rights is found out only in the field.
func (c *Certificate) CheckIssuedBy(issuer *Certificate) error {
	a, err := issuer.Anchor()
	if err != nil {
		return err
	}
	return c.checkIssuedBy(a)
}

func (c *Certificate) checkSignatureFrom(a *Anchor) error {
	if c.CAR != a.Reference {
		return fmt.Errorf("%w: %s, want %s", ErrIssuerReference, c.CAR, a.Reference)
	}
	if c.FlagOID != a.FlagOID {
		return fmt.Errorf("%w: %s below %s", ErrHierarchy, c.FlagOID, a.FlagOID)
	}
	if err := c.CheckSignature(a.PublicKey); err != nil {
		return fmt.Errorf("certificate of %s from %s: %w", c.CHR, c.CAR, err)
	}
	return c.checkRoles(a)
}

// checkRoles is the two-level hierarchy of gemSpec_PKI, section 6.4.5, with the service indicators of Tab_PKI_266.
func (c *Certificate) checkRoles(a *Anchor) error {
	wantRole, wantService := RoleRoot, ServiceRoot
	if c.Role() == RoleCard {
		wantRole, wantService = RoleSubCA, ServiceSubCA
	}
	if a.Flags.Role() != wantRole || a.Reference.ServiceIndicator() != wantService {
		return fmt.Errorf("%w: %s %s certifies %s %s", ErrIssuerRole, a.Flags.Role(), a.Reference, c.Role(), c.CHR)
	}
	ref, isCA := c.CHR.Reference()
	if isCA && (ref.ServiceIndicator() == ServiceRoot) != (c.Role() == RoleRoot) {
		return fmt.Errorf("%w: a %s is named %s", ErrIssuerRole, c.Role(), ref)
	}
	return nil
}

func (c *Certificate) checkIssuedBy(a *Anchor) error {
	if err := c.checkSignatureFrom(a); err != nil {
		return err
	}
	if c.Role() != RoleRoot && !a.CXD.IsZero() && c.CXD.After(a.CXD) {
		return fmt.Errorf("%w: %s of %s, %s of %s", ErrOutlivesIssuer, c.CXD, c.CHR, a.CXD, a.Reference)
	}
	if !c.Flags.Within(a.Flags) {
		return fmt.Errorf("%w: %s of %s, %s of %s", ErrExceedsIssuer, c.Flags, c.CHR, a.Flags, a.Reference)
	}
	return nil
}
